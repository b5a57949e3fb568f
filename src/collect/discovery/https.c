/* SPDX-License-Identifier: ISC */
#include "collect/discovery/https.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AGENT	   "restante/" RESTANTE_VERSION
#define HTTPS_PORT 443
#define SCHEME	   "https://"
#define ENTRY_OCTETS                                                           \
	(HOST_SIZE + 16 +                                                      \
		RESOLVER_ADDRESSES_MAXIMUM * (RESOLVER_ADDRESS_SIZE + 3))

struct request {
	const struct network *network;
	CURL *curl;
	char url[HTTPS_URL_MAXIMUM_OCTETS];
	char host[HOST_SIZE];
	uint16_t port;
	struct curl_slist *addresses, *detour;
	struct buffer *out;
	bool is_too_large, was_sent;
	uint64_t until_ms;
	char curl_error[CURL_ERROR_SIZE];
	char *error; /* HTTPS_ERROR_SIZE */
};

__attribute__((format(printf, 3, 4))) static enum https_answer
say(struct request *r, enum https_answer answer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(r->error, HTTPS_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return answer;
}

/* ---- where to ---- */

static bool
is_https(const char *url)
{
	return strncasecmp(url, SCHEME, strlen(SCHEME)) == 0;
}

/* False: it is no URL of a web server. */
static bool
split_url(struct request *r)
{
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL;
	uint64_t number = HTTPS_PORT;
	bool is_good = parts &&
		       curl_url_set(parts, CURLUPART_URL, r->url, 0) == 0 &&
		       curl_url_get(parts, CURLUPART_HOST, &host, 0) == 0 &&
		       host_name_normalize(host, r->host);

	if (is_good &&
		curl_url_get(parts, CURLUPART_PORT, &port, 0) == CURLUE_OK)
		is_good =
			bytes_to_number(bytes_of_string(port), 65535, &number);
	r->port = (uint16_t)number;
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return is_good;
}

static bool
set_list(struct curl_slist **list, const char *entry)
{
	*list = curl_slist_append(NULL, entry);
	return *list != NULL;
}

/* libcurl is told the addresses that our resolver found. */
static enum https_answer
find_host(struct request *r, const char *host, uint16_t port)
{
	struct resolver_addresses addresses;
	char entry[ENTRY_OCTETS];
	size_t used;

	if (!r->network->resolver)
		return HTTPS_FOUND;
	switch (resolver_find_addresses(
		r->network->resolver, host, &addresses)) {
	case RESOLVER_NONE:
		return say(r, HTTPS_NONE, "there is no such name");
	case RESOLVER_FAILED:
		return say(r, HTTPS_FAILED, "%s",
			resolver_error(r->network->resolver));
	case RESOLVER_FOUND:
	default:
		break;
	}
	used = (size_t)snprintf(entry, sizeof(entry), "%s:%u:", host, port);
	for (size_t i = 0; i < addresses.count; i++)
		used += (size_t)snprintf(entry + used, sizeof(entry) - used,
			strchr(addresses.texts[i], ':') ? "%s[%s]" : "%s%s",
			i ? "," : "", addresses.texts[i]);
	return set_list(&r->addresses, entry)
		       ? HTTPS_FOUND
		       : say(r, HTTPS_FAILED, "no memory");
}

static enum https_answer
set_route(struct request *r)
{
	const char *host = r->host;
	uint16_t port = r->port;
	char entry[2 * HOST_SIZE + 32];

	detours_apply(&r->network->detours, &host, &port);
	snprintf(entry, sizeof(entry), "%s:%u:%s:%u", r->host, r->port, host,
		port);
	if ((host != r->host || port != r->port) &&
		!set_list(&r->detour, entry))
		return say(r, HTTPS_FAILED, "no memory");
	return find_host(r, host, port);
}

/* ---- one request ---- */

static size_t
on_octets(char *at, size_t size, size_t count, void *context)
{
	struct request *r = context;

	r->is_too_large = !buffer_append(r->out, at, size * count);
	return r->is_too_large ? 0 : size * count;
}

static void
set_options(struct request *r)
{
	uint64_t now_ms = clock_monotonic_ms();
	long left_ms = r->until_ms > now_ms ? (long)(r->until_ms - now_ms) : 1;
	const struct network *network = r->network;
	char proxy[HTTPS_URL_MAXIMUM_OCTETS] = "";

	/* socks5h: the proxy looks names up. */
	if (network->proxy_url)
		snprintf(proxy, sizeof(proxy), "socks5h%s",
			network->proxy_url + strlen("socks5"));
	curl_easy_setopt(r->curl, CURLOPT_URL, r->url);
	curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(r->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(r->curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(r->curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(
		r->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (network->ca_file)
		curl_easy_setopt(r->curl, CURLOPT_CAINFO, network->ca_file);
	curl_easy_setopt(r->curl, CURLOPT_PROXY, proxy);
	curl_easy_setopt(r->curl, CURLOPT_RESOLVE, r->addresses);
	curl_easy_setopt(r->curl, CURLOPT_CONNECT_TO, r->detour);
	curl_easy_setopt(r->curl, CURLOPT_TIMEOUT_MS, left_ms);
	curl_easy_setopt(
		r->curl, CURLOPT_CONNECTTIMEOUT, (long)HTTPS_CONNECT_SECONDS);
	curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->curl, CURLOPT_USERAGENT, AGENT);
	curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, on_octets);
	curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, r->curl_error);
	explicit_bzero(proxy, sizeof(proxy));
}

static enum https_answer
judge(struct request *r, CURLcode code)
{
	long status = 0;

	if (r->is_too_large)
		return say(r, HTTPS_FAILED, "it sends more than %zu octets",
			r->out->maximum);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return say(r, HTTPS_FAILED, "it does not answer in time");
	if (code != CURLE_OK)
		return say(r, HTTPS_FAILED, "%.250s",
			r->curl_error[0] ? r->curl_error
					 : curl_easy_strerror(code));
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return HTTPS_FOUND;
	return say(r,
		status == 404 || status == 410 ? HTTPS_NONE : HTTPS_FAILED,
		"it answers %ld", status);
}

static enum https_answer
ask_once(struct request *r)
{
	enum https_answer answer = HTTPS_FAILED;

	curl_slist_free_all(r->addresses);
	curl_slist_free_all(r->detour);
	r->addresses = r->detour = NULL;
	r->was_sent = false;
	buffer_clear(r->out);
	if (!split_url(r))
		return say(r, HTTPS_FAILED, "it is no URL of a web server");
	answer = set_route(r);
	if (answer != HTTPS_FOUND)
		return answer;
	curl_easy_reset(r->curl);
	set_options(r);
	r->was_sent = true;
	return judge(r, curl_easy_perform(r->curl));
}

/* ---- redirections ---- */

/* False: it sends us nowhere; or where we do not go, and *answer says so. */
static bool
is_sent_on(struct request *r, enum https_answer *answer)
{
	char *to = NULL;
	long status = 0;

	if (!r->was_sent)
		return false;
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(r->curl, CURLINFO_REDIRECT_URL, &to);
	if (status < 300 || status > 399 || !to)
		return false;
	/* In clear everybody on the way reads the address, and writes the
	   answer (CVE-2026-113866). */
	if (!is_https(to))
		*answer = say(r, HTTPS_FAILED,
			"it sends us on to a server without TLS, which is not "
			"asked");
	else if (strlen(to) >= sizeof(r->url))
		*answer = say(r, HTTPS_FAILED,
			"it sends us on to a URL that is too long");
	else {
		snprintf(r->url, sizeof(r->url), "%s", to);
		return true;
	}
	return false;
}

static enum https_answer
ask(struct request *r)
{
	enum https_answer answer;

	for (int i = 0; i <= HTTPS_REDIRECTIONS; i++) {
		answer = ask_once(r);
		if (answer == HTTPS_FOUND || !is_sent_on(r, &answer))
			return answer;
	}
	return say(r, HTTPS_FAILED, "it sends us on and on");
}

static bool
load_library(void)
{
	static bool is_loaded;

	if (!is_loaded)
		is_loaded = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	return is_loaded;
}

enum https_answer
https_get(const struct network *network, const char *url, struct buffer *out,
	char error[HTTPS_ERROR_SIZE])
{
	struct request r = {.network = network,
		.out = out,
		.error = error,
		.until_ms =
			clock_monotonic_ms() + HTTPS_SECONDS * UINT64_C(1000)};
	enum https_answer answer;

	if (!is_https(url) || strlen(url) >= sizeof(r.url))
		return say(&r, HTTPS_FAILED, "it is no https URL");
	snprintf(r.url, sizeof(r.url), "%s", url);
	r.curl = load_library() ? curl_easy_init() : NULL;
	if (!r.curl)
		return say(&r, HTTPS_FAILED, "no memory");
	answer = ask(&r);
	curl_easy_cleanup(r.curl);
	curl_slist_free_all(r.addresses);
	curl_slist_free_all(r.detour);
	return answer;
}
