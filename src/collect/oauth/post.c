/* SPDX-License-Identifier: ISC */
#include "collect/oauth/post.h"

#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#define AGENT		"restante/" RESTANTE_VERSION
#define CONNECT_SECONDS 10L
#define PROXY_SIZE	2048

/* ---- forms ---- */

static bool
is_plain(unsigned char octet)
{
	return (octet >= 'a' && octet <= 'z') ||
	       (octet >= 'A' && octet <= 'Z') ||
	       (octet >= '0' && octet <= '9') || octet == '-' || octet == '.' ||
	       octet == '_' || octet == '~';
}

bool
oauth_form_put(struct buffer *form, const char *name, struct bytes value)
{
	bool is_good = (form->octets == 0 || buffer_append_string(form, "&")) &&
		       buffer_append_string(form, name) &&
		       buffer_append_string(form, "=");

	for (size_t i = 0; i < value.octets && is_good; i++)
		is_good = is_plain(value.at[i])
				  ? buffer_append(form, value.at + i, 1)
				  : buffer_printf(form, "%%%02X", value.at[i]);
	return is_good;
}

/* ---- where to ---- */

static bool
is_loopback_http(const char *url)
{
	static const char *const fronts[] = {
		"http://127.0.0.1:", "http://localhost:", "http://[::1]:"};

	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++)
		/* A digit: no name or password before an @. */
		if (strncmp(url, fronts[i], strlen(fronts[i])) == 0 &&
			strspn(url + strlen(fronts[i]), "0123456789") > 0 &&
			strchr("/", url[strlen(fronts[i]) +
					    strspn(url + strlen(fronts[i]),
						    "0123456789")]))
			return true;
	return false;
}

bool
oauth_url_is_safe(const struct collect_account *account, const char *url,
	char error[INI_ERROR_SIZE])
{
	if (strncasecmp(url, "https://", 8) == 0 ||
		(account->oauth_loopback_http && is_loopback_http(url)))
		return true;
	if (!url[0])
		snprintf(error, INI_ERROR_SIZE,
			"oauth = custom needs oauth-token-url, and "
			"oauth-device-url or oauth-authorize-url");
	else
		snprintf(error, INI_ERROR_SIZE,
			"%.200s is no https URL: a token is not sent in clear",
			url);
	return false;
}

/* ---- one request ---- */

struct post {
	struct buffer *out;
	bool is_too_large;
	const atomic_bool *is_cancelled;
};

static size_t
on_octets(char *at, size_t size, size_t count, void *context)
{
	struct post *post = context;

	post->is_too_large = !buffer_append(post->out, at, size * count);
	return post->is_too_large ? 0 : size * count;
}

static int
on_progress(void *context, curl_off_t down_total, curl_off_t down,
	curl_off_t up_total, curl_off_t up)
{
	const struct post *post = context;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return post->is_cancelled && atomic_load(post->is_cancelled);
}

static void
load_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void
set_trust(CURL *curl, const struct collect_account *account)
{
	char path[PATH_MAX] = "", proxy[PROXY_SIZE] = "";

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
		account->oauth_loopback_http ? "https,http" : "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(
		curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (account->oauth_ca_file[0] &&
		account_expand(account->oauth_ca_file, path, sizeof(path)))
		curl_easy_setopt(curl, CURLOPT_CAINFO, path);
	/* socks5h: the proxy looks names up. */
	if (account->proxy[0])
		snprintf(proxy, sizeof(proxy), "socks5h%s",
			account->proxy + strlen("socks5"));
	curl_easy_setopt(curl, CURLOPT_PROXY, proxy);
	explicit_bzero(proxy, sizeof(proxy));
}

static void
set_request(CURL *curl, const char *url, const struct buffer *form,
	struct post *post)
{
	struct bytes octets = buffer_bytes(form);

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)octets.octets);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, octets.at);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)OAUTH_POST_SECONDS);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, AGENT);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_octets);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, post);
}

enum outcome
oauth_post(const struct collect_account *account, const char *url,
	const struct buffer *form, struct buffer *out, long *out_status,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	static uv_once_t once = UV_ONCE_INIT;
	struct post post = {.out = out, .is_cancelled = is_cancelled};
	char why[CURL_ERROR_SIZE] = "";
	CURLcode code;
	CURL *curl;

	if (!oauth_url_is_safe(account, url, error))
		return ERR_PEER;
	uv_once(&once, load_library);
	curl = curl_easy_init();
	snprintf(error, INI_ERROR_SIZE, "no memory");
	if (!curl)
		return ERR_TRY_LATER;
	set_trust(curl, account);
	set_request(curl, url, form, &post);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, out_status);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK && *out_status < 500 && *out_status != 429)
		return OK;
	if (post.is_too_large)
		snprintf(why, sizeof(why), "it sends too much");
	else if (code == CURLE_OK)
		snprintf(why, sizeof(why), "it answers %ld", *out_status);
	snprintf(error, INI_ERROR_SIZE, "the OAuth server %.150s: %.200s", url,
		why[0] ? why : curl_easy_strerror(code));
	return ERR_TRY_LATER;
}
