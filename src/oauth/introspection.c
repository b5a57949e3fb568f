/* SPDX-License-Identifier: ISC */
#include "oauth/introspection.h"
#include "base/buffer.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENT_FILE_MAXIMUM_OCTETS 4096
/* %XX for each octet. */
#define FORM_MAXIMUM_OCTETS (3 * OAUTH_TOKEN_MAXIMUM_OCTETS + 256)

/* ---- what is configured ---- */

bool
introspection_start(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static bool
read_file(const char *file, struct buffer *out)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	unsigned char *to = buffer_reserve(out, CLIENT_FILE_MAXIMUM_OCTETS);
	ssize_t got =
		fd >= 0 && to ? read(fd, to, CLIENT_FILE_MAXIMUM_OCTETS) : -1;
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (got > 0)
		buffer_grow(out, (size_t)got);
	errno = error;
	return got >= 0;
}

bool
introspection_read_client(struct introspection *introspection, const char *file,
	char error[OAUTH_ERROR_SIZE])
{
	struct buffer text;
	struct bytes rest, name, secret;
	bool is_good = false;

	buffer_init(&text, CLIENT_FILE_MAXIMUM_OCTETS);
	if (!read_file(file, &text)) {
		snprintf(error, OAUTH_ERROR_SIZE, "cannot read %.150s: %s",
			file, strerror(errno));
		buffer_release(&text);
		return false;
	}
	rest = buffer_bytes(&text);
	name = bytes_trim(bytes_cut(&rest, '\n'));
	secret = bytes_trim(bytes_cut(&rest, '\n'));
	if (name.octets > 0 && secret.octets > 0 &&
		bytes_to_string(name, introspection->client,
			sizeof(introspection->client)))
		is_good = secret_set(&introspection->secret, secret);
	if (!is_good)
		snprintf(error, OAUTH_ERROR_SIZE,
			"%.150s must have two lines: the client's name, its "
			"secret",
			file);
	buffer_wipe(&text);
	return is_good;
}

/* ---- the answer ---- */

enum outcome
introspection_judge(struct bytes answer, const struct oauth_rules *rules,
	uint64_t now_seconds, struct oauth_answer *out,
	char error[OAUTH_ERROR_SIZE])
{
	json_t *object = oauth_object(answer);
	const json_t *active = json_object_get(object, "active");
	const char *type = oauth_text(object, "token_type");
	enum outcome outcome;

	if (!json_is_boolean(active)) {
		snprintf(error, OAUTH_ERROR_SIZE,
			"its answer is no JSON object with \"active\"");
		outcome = ERR_TRY_LATER;
	} else if (json_is_false(active)) {
		snprintf(error, OAUTH_ERROR_SIZE, "not active");
		outcome = ERR_DENIED;
	} else if (type && strcasecmp(type, "Bearer") != 0 &&
		   strcasecmp(type, "access_token") != 0) {
		snprintf(error, OAUTH_ERROR_SIZE, "no bearer token");
		outcome = ERR_DENIED;
	} else {
		outcome = oauth_rules_check(
			rules, object, now_seconds, out, error);
	}
	json_decref(object);
	return outcome;
}

/* ---- the question ---- */

/* application/x-www-form-urlencoded */
static bool
put_encoded(struct buffer *out, struct bytes text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				    "opqrstuvwxyz0123456789-._~";
	bool is_good = true;

	for (size_t i = 0; i < text.octets && is_good; i++) {
		unsigned char octet = text.at[i];

		is_good = octet && strchr(plain, octet)
				  ? buffer_append(out, &octet, 1)
				  : buffer_printf(out, "%%%02X", octet);
	}
	return is_good;
}

static bool
put_string(struct buffer *out, struct bytes text)
{
	return put_encoded(out, text) && buffer_append(out, "", 1);
}

static size_t
on_answer(char *at, size_t size, size_t count, void *context)
{
	return buffer_append(context, at, size * count) ? size * count : 0;
}

/* RFC 6749 section 2.3.1: encoded, then as HTTP has it. */
static bool
set_client(CURL *curl, const struct introspection *i, struct buffer *name,
	struct buffer *secret)
{
	if (!i->client[0])
		return true;
	return put_string(name, bytes_of_string(i->client)) &&
	       put_string(secret, secret_bytes(&i->secret)) &&
	       curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) ==
		       CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_USERNAME,
		       (const char *)buffer_bytes(name).at) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PASSWORD,
		       (const char *)buffer_bytes(secret).at) == CURLE_OK;
}

#define SET(option, value)                                                     \
	(curl_easy_setopt(curl, CURLOPT_##option, value) == CURLE_OK)

static bool
set_up(CURL *curl, const struct introspection *i, const struct buffer *form,
	struct buffer *answer)
{
	struct bytes text = buffer_bytes(form);

	return SET(URL, i->url) && SET(PROTOCOLS_STR, "http,https") &&
	       SET(FOLLOWLOCATION, 0L) && SET(NOSIGNAL, 1L) &&
	       SET(NETRC, (long)CURL_NETRC_IGNORED) && SET(PROXY, "") &&
	       SET(TIMEOUT_MS, (long)i->timeout_ms) &&
	       SET(CONNECTTIMEOUT_MS, (long)i->timeout_ms) &&
	       SET(SSL_VERIFYPEER, 1L) && SET(SSL_VERIFYHOST, 2L) &&
	       SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       (!i->ca_file[0] ||
		       (SET(CAINFO, i->ca_file) && SET(CAPATH, NULL))) &&
	       SET(POSTFIELDSIZE_LARGE, (curl_off_t)text.octets) &&
	       SET(POSTFIELDS, (const char *)text.at) &&
	       SET(WRITEFUNCTION, on_answer) && SET(WRITEDATA, answer);
}

/* One for each thread, so that its connection is used again. */
static CURL *
own_handle(void)
{
	static _Thread_local CURL *curl;

	if (!curl)
		curl = curl_easy_init();
	else
		curl_easy_reset(curl);
	return curl;
}

static enum outcome
perform(CURL *curl, char error[OAUTH_ERROR_SIZE])
{
	struct curl_slist *headers =
		curl_slist_append(NULL, "Accept: application/json");
	long status = 0;
	CURLcode code;

	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK)
		snprintf(error, OAUTH_ERROR_SIZE, "%s",
			curl_easy_strerror(code));
	else if (status != 200)
		snprintf(error, OAUTH_ERROR_SIZE, "it says HTTP %ld", status);
	/* The handle stays, and what is freed below must not be its. */
	curl_easy_reset(curl);
	curl_slist_free_all(headers);
	return code == CURLE_OK && status == 200 ? OK : ERR_TRY_LATER;
}

static enum outcome
ask(const struct introspection *introspection, const struct buffer *form,
	struct buffer *answer, char error[OAUTH_ERROR_SIZE])
{
	enum outcome outcome = ERR_TRY_LATER;
	struct buffer name, secret;
	CURL *curl = own_handle();

	buffer_init(&name, CLIENT_FILE_MAXIMUM_OCTETS);
	buffer_init(&secret, 3 * CLIENT_FILE_MAXIMUM_OCTETS);
	if (curl && set_up(curl, introspection, form, answer) &&
		set_client(curl, introspection, &name, &secret))
		outcome = perform(curl, error);
	else
		snprintf(error, OAUTH_ERROR_SIZE, "libcurl refuses its set-up");
	buffer_wipe(&secret);
	buffer_release(&name);
	return outcome;
}

enum outcome
introspection_ask(const struct introspection *introspection,
	const struct oauth_rules *rules, struct bytes token,
	uint64_t now_seconds, struct oauth_answer *out,
	char error[OAUTH_ERROR_SIZE])
{
	enum outcome outcome = ERR_TRY_LATER;
	struct buffer form, answer;

	buffer_init(&form, FORM_MAXIMUM_OCTETS);
	buffer_init(&answer, INTROSPECTION_ANSWER_MAXIMUM_OCTETS);
	if (buffer_append_string(
		    &form, "token_type_hint=access_token&token=") &&
		put_encoded(&form, token))
		outcome = ask(introspection, &form, &answer, error);
	else
		snprintf(error, OAUTH_ERROR_SIZE, "the token is too long");
	if (outcome == OK)
		outcome = introspection_judge(
			buffer_bytes(&answer), rules, now_seconds, out, error);
	buffer_wipe(&form);
	buffer_wipe(&answer);
	return outcome;
}
