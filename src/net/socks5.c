/* SPDX-License-Identifier: ISC */
#include "net/socks5.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "socks5://"

enum { VERSION = 5, LOGIN_VERSION = 1 };
enum { METHOD_NONE = 0, METHOD_LOGIN = 2 };
enum { CONNECT = 1 };
enum { ADDRESS_V4 = 1, ADDRESS_NAME = 3, ADDRESS_V6 = 4 };
enum { REPLY_HEAD_OCTETS = 5, PORT_OCTETS = 2 };
enum { AWAITS_METHOD, AWAITS_LOGIN, AWAITS_REPLY, AWAITS_ADDRESS, IS_OVER };

/* ---- its URL ---- */

static int
hex(unsigned char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* RFC 3986 section 2.1 */
static bool
decode(struct bytes text, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < text.octets; i++) {
		unsigned char octet = text.at[i];

		if (octet == '%') {
			int high, low;

			if (i + 2 >= text.octets)
				return false;
			high = hex(text.at[i + 1]);
			low = hex(text.at[i + 2]);
			if (high < 0 || low < 0)
				return false;
			octet = (unsigned char)(high << 4 | low);
			i += 2;
		}
		if (octet == 0 || used + 1 >= size)
			return false;
		out[used++] = (char)octet;
	}
	out[used] = '\0';
	return true;
}

/* "user:password" */
static bool
parse_login(struct bytes login, struct socks5_proxy *out)
{
	struct bytes user = bytes_cut(&login, ':');

	return decode(user, out->user, sizeof(out->user)) &&
	       decode(login, out->password, sizeof(out->password)) &&
	       out->user[0] && out->password[0];
}

/* "host", "host:port", "[::1]:port" */
static bool
parse_host(struct bytes text, struct socks5_proxy *out)
{
	bool is_bracketed = text.octets > 0 && text.at[0] == '[';
	struct bytes host;
	uint64_t port = SOCKS5_DEFAULT_PORT;

	if (is_bracketed && !bytes_has(text, ']'))
		return false;
	if (is_bracketed)
		text = bytes_after(text, 1);
	host = bytes_cut(&text, is_bracketed ? ']' : ':');
	if (is_bracketed && text.octets > 0 && text.at[0] == ':')
		text = bytes_after(text, 1);
	if (text.octets > 0 && (!bytes_to_number(text, 65535, &port) || !port))
		return false;
	out->port = (uint16_t)port;
	return host.octets > 0 && !bytes_has(host, '/') &&
	       bytes_to_string(host, out->host, sizeof(out->host));
}

bool
socks5_parse(const char *url, struct socks5_proxy *out)
{
	struct bytes rest = bytes_of_string(url), login = BYTES_NONE;
	struct socks5_proxy proxy = {.port = SOCKS5_DEFAULT_PORT};
	const char *at = strrchr(url, '@');

	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0)
		return false;
	rest = bytes_after(rest, strlen(SCHEME));
	if (at) {
		login = bytes_of(rest.at, (size_t)(at - url) - strlen(SCHEME));
		rest = bytes_after(rest, login.octets + 1);
	}
	if (rest.octets > 0 && rest.at[rest.octets - 1] == '/')
		rest.octets--;
	if ((at && !parse_login(login, &proxy)) || !parse_host(rest, &proxy))
		return false;
	*out = proxy;
	return true;
}

/* ---- the dialog ---- */

static enum socks5_result
fail(struct socks5 *s, const char *what)
{
	snprintf(s->error, sizeof(s->error), "%s", what);
	s->state = IS_OVER;
	s->wanted = s->held = 0;
	return SOCKS5_FAILED;
}

static enum socks5_result
await(struct socks5 *s, int state, size_t octets)
{
	s->state = state;
	s->wanted = octets;
	s->held = 0;
	return SOCKS5_MORE;
}

enum socks5_result
socks5_begin(struct socks5 *s, const struct socks5_proxy *proxy,
	const char *host, uint16_t port, struct buffer *out)
{
	bool has_login = proxy->user[0] != '\0';
	unsigned char hello[4] = {
		VERSION, has_login ? 2 : 1, METHOD_NONE, METHOD_LOGIN};

	*s = (struct socks5){.proxy = proxy, .host = host, .port = port};
	if (strlen(host) > SOCKS5_FIELD_MAXIMUM_OCTETS || !host[0])
		return fail(s, "no proxy can be told such a name");
	if (!buffer_append(out, hello, has_login ? 4 : 3))
		return fail(s, "no memory");
	return await(s, AWAITS_METHOD, 2);
}

static bool
append_field(struct buffer *out, struct bytes field)
{
	unsigned char octets = (unsigned char)field.octets;

	return buffer_append(out, &octets, 1) &&
	       buffer_append_bytes(out, field);
}

static enum socks5_result
send_login(struct socks5 *s, struct buffer *out)
{
	unsigned char version = LOGIN_VERSION;

	if (!buffer_append(out, &version, 1) ||
		!append_field(out, bytes_of_string(s->proxy->user)) ||
		!append_field(out, bytes_of_string(s->proxy->password)))
		return fail(s, "no memory");
	return await(s, AWAITS_LOGIN, 2);
}

/* A name goes as it is: the proxy looks it up, and nobody here learns of it. */
static bool
append_target(const struct socks5 *s, struct buffer *out)
{
	unsigned char address[17];
	unsigned char port[PORT_OCTETS] = {
		(unsigned char)(s->port >> 8), (unsigned char)s->port};
	bool is_good;

	if (inet_pton(AF_INET, s->host, address + 1) == 1) {
		address[0] = ADDRESS_V4;
		is_good = buffer_append(out, address, 5);
	} else if (inet_pton(AF_INET6, s->host, address + 1) == 1) {
		address[0] = ADDRESS_V6;
		is_good = buffer_append(out, address, 17);
	} else {
		address[0] = ADDRESS_NAME;
		is_good = buffer_append(out, address, 1) &&
			  append_field(out, bytes_of_string(s->host));
	}
	return is_good && buffer_append(out, port, sizeof(port));
}

static enum socks5_result
send_request(struct socks5 *s, struct buffer *out)
{
	static const unsigned char request[3] = {VERSION, CONNECT, 0};

	if (!buffer_append(out, request, sizeof(request)) ||
		!append_target(s, out))
		return fail(s, "no memory");
	return await(s, AWAITS_REPLY, REPLY_HEAD_OCTETS);
}

static enum socks5_result
on_method(struct socks5 *s, struct buffer *out)
{
	if (s->input[0] != VERSION)
		return fail(s, "it does not speak SOCKS5");
	if (s->input[1] == METHOD_NONE)
		return send_request(s, out);
	if (s->input[1] == METHOD_LOGIN && s->proxy->user[0])
		return send_login(s, out);
	return fail(s, s->proxy->user[0]
			       ? "it wants another kind of login than a name "
				 "and a password"
			       : "it wants a login: "
				 "socks5://user:password@host:port");
}

static enum socks5_result
on_login(struct socks5 *s, struct buffer *out)
{
	/* RFC 1929: any other value is a failure. */
	if (s->input[1] != 0)
		return fail(s, "it refuses the login");
	return send_request(s, out);
}

/* RFC 1928 section 6 */
static const char *
reason(unsigned char code)
{
	static const char *const reasons[] = {
		[1] = "it has failed",
		[2] = "its rules do not allow this connection",
		[3] = "the network cannot be reached from there",
		[4] = "it cannot find or reach the server",
		[5] = "the server refuses the connection",
		[6] = "the connection took too long",
		[7] = "it makes no such connections",
		[8] = "it knows no such kind of address",
	};

	return code < sizeof(reasons) / sizeof(reasons[0]) ? reasons[code]
							   : reasons[1];
}

static enum socks5_result
on_reply(struct socks5 *s)
{
	if (s->input[0] != VERSION)
		return fail(s, "its reply is not SOCKS5");
	if (s->input[1] != 0)
		return fail(s, reason(s->input[1]));
	/* The address it connects from, of no interest, has one octet here. */
	switch (s->input[3]) {
	case ADDRESS_V4:
		return await(s, AWAITS_ADDRESS, 3 + PORT_OCTETS);
	case ADDRESS_V6:
		return await(s, AWAITS_ADDRESS, 15 + PORT_OCTETS);
	case ADDRESS_NAME:
		return await(s, AWAITS_ADDRESS, s->input[4] + PORT_OCTETS);
	default:
		return fail(s, "its reply is not SOCKS5");
	}
}

size_t
socks5_wanted(const struct socks5 *s)
{
	return s->wanted - s->held;
}

enum socks5_result
socks5_take(struct socks5 *s, struct bytes octets, struct buffer *out)
{
	if (octets.octets > socks5_wanted(s) || s->state == IS_OVER)
		return fail(s, "more was read than asked for");
	memcpy(s->input + s->held, octets.at, octets.octets);
	s->held += octets.octets;
	if (s->held < s->wanted)
		return SOCKS5_MORE;
	switch (s->state) {
	case AWAITS_METHOD:
		return on_method(s, out);
	case AWAITS_LOGIN:
		return on_login(s, out);
	case AWAITS_REPLY:
		return on_reply(s);
	default:
		s->state = IS_OVER;
		s->wanted = s->held = 0;
		return SOCKS5_DONE;
	}
}

const char *
socks5_error(const struct socks5 *s)
{
	return s->error;
}
