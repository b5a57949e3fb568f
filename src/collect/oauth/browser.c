/* SPDX-License-Identifier: ISC */
#include "collect/oauth/browser.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define RANDOM_OCTETS	32
#define REQUEST_SECONDS 5 /* then the next one has its turn */
#define WAITING		8

/* ---- opening ---- */

/* RFC 7636 appendix A */
static bool
base64url(struct bytes octets, char out[OAUTH_RANDOM_SIZE])
{
	struct buffer text;
	bool is_good;

	buffer_init(&text, OAUTH_RANDOM_SIZE - 1);
	is_good = base64_encode(octets, &text) &&
		  bytes_to_string(buffer_bytes(&text), out, OAUTH_RANDOM_SIZE);
	buffer_wipe(&text);
	if (!is_good)
		return false;
	for (char *at = out; *at; at++) {
		*at = (char)(*at == '+' ? '-' : *at == '/' ? '_' : *at);
		if (*at == '=')
			*at-- = '\0';
	}
	return true;
}

static bool
make_random(char out[OAUTH_RANDOM_SIZE])
{
	unsigned char octets[RANDOM_OCTETS];

	return getrandom(octets, sizeof(octets), 0) == sizeof(octets) &&
	       base64url(bytes_of(octets, sizeof(octets)), out);
}

static bool
make_challenge(struct oauth_browser *browser)
{
	unsigned char digest[RANDOM_OCTETS];

	return EVP_Digest(browser->verifier, strlen(browser->verifier), digest,
		       NULL, EVP_sha256(), NULL) == 1 &&
	       base64url(bytes_of(digest, sizeof(digest)), browser->challenge);
}

enum outcome
oauth_browser_open(struct oauth_browser *browser, char error[INI_ERROR_SIZE])
{
	struct sockaddr_in here = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(here);

	browser->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (browser->fd < 0 ||
		bind(browser->fd, (struct sockaddr *)&here, size) < 0 ||
		listen(browser->fd, WAITING) < 0 ||
		getsockname(browser->fd, (struct sockaddr *)&here, &size) < 0) {
		snprintf(error, INI_ERROR_SIZE,
			"no port for the browser to come back to: %s",
			strerror(errno));
		return ERR_TRY_LATER;
	}
	snprintf(browser->redirect, sizeof(browser->redirect),
		"http://127.0.0.1:%u/", ntohs(here.sin_port));
	if (make_random(browser->state) && make_random(browser->verifier) &&
		make_challenge(browser))
		return OK;
	snprintf(error, INI_ERROR_SIZE, "no random numbers");
	return ERR_TRY_LATER;
}

void
oauth_browser_close(struct oauth_browser *browser)
{
	if (browser->fd >= 0)
		close(browser->fd);
	explicit_bzero(browser, sizeof(*browser));
	browser->fd = -1;
}

/* ---- what it brings ---- */

static int
digit(unsigned char octet)
{
	if (octet >= '0' && octet <= '9')
		return octet - '0';
	octet |= 0x20;
	return octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 : -1;
}

static bool
unquote(struct bytes text, struct buffer *out)
{
	for (size_t i = 0; i < text.octets; i++) {
		unsigned char octet = text.at[i];

		if (octet == '%') {
			if (i + 2 >= text.octets || digit(text.at[i + 1]) < 0 ||
				digit(text.at[i + 2]) < 0)
				return false;
			octet = (unsigned char)(digit(text.at[i + 1]) * 16 +
						digit(text.at[i + 2]));
			i += 2;
		} else if (octet == '+') {
			octet = ' ';
		}
		if (!buffer_append(out, &octet, 1))
			return false;
	}
	return true;
}

/* The value of `name` in a query. False: it is not there, or is none. */
static bool
find(struct bytes query, const char *name, struct buffer *out)
{
	while (query.octets > 0) {
		struct bytes value = bytes_cut(&query, '&');
		struct bytes key = bytes_cut(&value, '=');

		buffer_clear(out);
		if (bytes_equal(key, bytes_of_string(name)))
			return unquote(value, out) && out->octets > 0;
	}
	return false;
}

enum oauth_return
oauth_browser_read(struct bytes line, const char *state,
	struct secret *out_code, char error[INI_ERROR_SIZE])
{
	enum oauth_return result = OAUTH_RETURN_OTHER;
	struct bytes verb = bytes_cut(&line, ' ');
	struct bytes query = bytes_cut(&line, ' ');
	struct bytes path = bytes_cut(&query, '?');
	char said[LOG_QUOTED_OCTETS];
	struct buffer value;

	buffer_init(&value, OAUTH_CODE_MAXIMUM_OCTETS);
	if (bytes_equal(verb, bytes_of_string("GET")) &&
		bytes_equal(path, bytes_of_string("/")) &&
		find(query, "state", &value) &&
		secret_equal(buffer_bytes(&value), bytes_of_string(state))) {
		if (find(query, "error", &value)) {
			snprintf(error, INI_ERROR_SIZE,
				"the provider refuses: %.200s",
				log_quote(said, buffer_bytes(&value)));
			result = OAUTH_RETURN_REFUSED;
		} else if (find(query, "code", &value) &&
			   secret_set(out_code, buffer_bytes(&value))) {
			result = OAUTH_RETURN_CODE;
		}
	}
	buffer_wipe(&value);
	return result;
}

/* ---- waiting ---- */

static bool
is_ready(int fd, uint64_t until_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	uint64_t now_ms = clock_monotonic_ms();

	return now_ms < until_ms &&
	       poll(&poll_fd, 1, (int)(until_ms - now_ms)) > 0;
}

/* The first line, once the whole header is here: a browser that is closed
 * before would not show the page. */
static bool
read_request(int fd, struct buffer *request, struct bytes *out_line)
{
	uint64_t until_ms =
		clock_monotonic_ms() + REQUEST_SECONDS * UINT64_C(1000);
	struct bytes all = BYTES_NONE;
	unsigned char *room;
	ssize_t got;

	while (is_ready(fd, until_ms)) {
		room = buffer_reserve(request, 1024);
		got = room ? read(fd, room, 1024) : 0;
		if (got <= 0)
			return false;
		buffer_grow(request, (size_t)got);
		all = buffer_bytes(request);
		if (!memmem(all.at, all.octets, "\r\n\r\n", 4))
			continue;
		*out_line = bytes_cut(&all, '\r');
		return true;
	}
	return false;
}

static void
answer(int fd, enum oauth_return result)
{
	const char *text = result == OAUTH_RETURN_CODE
				   ? "Restante may read the mail now. You can "
				     "close this page."
			   : result == OAUTH_RETURN_REFUSED
				   ? "The permission was not given."
				   : "This is not the page you look for.";
	char page[512];
	int octets = snprintf(page, sizeof(page),
		"HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
		"Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		result == OAUTH_RETURN_OTHER ? "404 Not Found" : "200 OK",
		strlen(text), text);

	send(fd, page, (size_t)octets, MSG_NOSIGNAL);
}

static enum oauth_return
take_visitor(struct oauth_browser *browser, struct secret *out_code,
	char error[INI_ERROR_SIZE])
{
	enum oauth_return result = OAUTH_RETURN_OTHER;
	int fd = accept4(browser->fd, NULL, NULL, SOCK_CLOEXEC);
	struct buffer request;
	struct bytes line;

	if (fd < 0)
		return OAUTH_RETURN_OTHER;
	buffer_init(&request, OAUTH_REQUEST_MAXIMUM_OCTETS);
	if (read_request(fd, &request, &line)) {
		result = oauth_browser_read(
			line, browser->state, out_code, error);
		answer(fd, result);
	}
	buffer_wipe(&request);
	close(fd);
	return result;
}

enum outcome
oauth_browser_wait(struct oauth_browser *browser, unsigned seconds,
	struct secret *out_code, char error[INI_ERROR_SIZE])
{
	uint64_t until_ms = clock_monotonic_ms() + seconds * UINT64_C(1000);

	while (is_ready(browser->fd, until_ms))
		switch (take_visitor(browser, out_code, error)) {
		case OAUTH_RETURN_CODE:
			return OK;
		case OAUTH_RETURN_REFUSED:
			return ERR_DENIED;
		case OAUTH_RETURN_OTHER:
		default:
			break;
		}
	snprintf(error, INI_ERROR_SIZE,
		"no browser came back within %u minutes", seconds / 60);
	return ERR_DENIED;
}
