/* SPDX-License-Identifier: ISC */
#include "collect/oauth/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define EXPIRES_DEFAULT	 3600 /* RFC 6749: it may be left out */
#define INTERVAL_DEFAULT 5    /* RFC 8628 section 3.2 */
#define DEVICE_EXPIRES	 1800

static json_t *
parse(struct bytes json)
{
	json_t *root;

	if (json.octets > OAUTH_ANSWER_MAXIMUM_OCTETS)
		return NULL;
	root = json_loadb((const char *)json.at, json.octets,
		JSON_REJECT_DUPLICATES, NULL);
	if (root && !json_is_object(root)) {
		json_decref(root);
		root = NULL;
	}
	return root;
}

/* Of printable ASCII without what JSON quotes, and not too long; NULL else. */
static const char *
word(const json_t *root, const char *name, size_t maximum)
{
	const json_t *value = json_object_get(root, name);
	const char *text = json_string_value(value);
	size_t octets = text ? json_string_length(value) : 0;

	if (octets == 0 || octets > maximum)
		return NULL;
	for (size_t i = 0; i < octets; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' ||
			text[i] == '\\')
			return NULL;
	return text;
}

/* Some send numbers as strings. */
static int64_t
number(const json_t *root, const char *name, int64_t usual, int64_t maximum)
{
	const json_t *value = json_object_get(root, name);
	uint64_t parsed;
	int64_t found = usual;

	if (json_is_integer(value))
		found = json_integer_value(value);
	else if (json_is_string(value) &&
		 bytes_to_number(bytes_of(json_string_value(value),
					 json_string_length(value)),
			 (uint64_t)maximum, &parsed))
		found = (int64_t)parsed;
	if (found < 0)
		return usual;
	return found < maximum ? found : maximum;
}

static bool
take(struct secret *to, const char *text)
{
	return !text || secret_set(to, bytes_of_string(text));
}

/* ---- tokens ---- */

static bool
read_both(const json_t *root, struct oauth_tokens *out, int64_t expires_at)
{
	const char *access =
		word(root, "access_token", OAUTH_TOKEN_MAXIMUM_OCTETS);
	const char *refresh =
		word(root, "refresh_token", OAUTH_TOKEN_MAXIMUM_OCTETS);

	if ((!access && !refresh) || !take(&out->access, access) ||
		!take(&out->refresh, refresh))
		return false;
	out->expires_at = access ? expires_at : 0;
	return true;
}

bool
oauth_read_tokens(struct bytes json, int64_t now, struct oauth_tokens *out)
{
	json_t *root = parse(json);
	bool is_good = root &&
		       word(root, "access_token", OAUTH_TOKEN_MAXIMUM_OCTETS) &&
		       read_both(root, out,
			       now + number(root, "expires_in", EXPIRES_DEFAULT,
					     OAUTH_EXPIRES_MAXIMUM));

	json_decref(root);
	return is_good;
}

bool
oauth_read_saved(struct bytes json, struct oauth_tokens *out)
{
	json_t *root = parse(json);
	bool is_good =
		root &&
		read_both(root, out, number(root, "expires_at", 0, INT64_MAX));

	json_decref(root);
	return is_good;
}

/* They are words: nothing in them is to be quoted. */
static bool
put(struct buffer *out, const char *name, const struct secret *value)
{
	return value->octets == 0 ||
	       (buffer_append_string(out, "\"") &&
		       buffer_append_string(out, name) &&
		       buffer_append_string(out, "\": \"") &&
		       buffer_append_bytes(out, secret_bytes(value)) &&
		       buffer_append_string(out, "\", "));
}

bool
oauth_write_tokens(const struct oauth_tokens *tokens, struct buffer *out)
{
	return buffer_append_string(out, "{") &&
	       put(out, "refresh_token", &tokens->refresh) &&
	       put(out, "access_token", &tokens->access) &&
	       buffer_printf(out, "\"expires_at\": %lld}\n",
		       (long long)tokens->expires_at);
}

void
oauth_tokens_release(struct oauth_tokens *tokens)
{
	secret_release(&tokens->access);
	secret_release(&tokens->refresh);
}

/* ---- devices ---- */

bool
oauth_read_device(struct bytes json, struct oauth_device *out)
{
	json_t *root = parse(json);
	const char *code = NULL, *user = NULL, *url = NULL;
	bool is_good;

	if (root) {
		code = word(root, "device_code", OAUTH_TOKEN_MAXIMUM_OCTETS);
		user = word(root, "user_code", sizeof(out->user_code) - 1);
		url = word(root, "verification_uri", OAUTH_URL_SIZE - 1);
		/* Google's, before the RFC. */
		if (!url)
			url = word(
				root, "verification_url", OAUTH_URL_SIZE - 1);
	}
	is_good = code && user && url &&
		  secret_set(&out->code, bytes_of_string(code));
	if (is_good) {
		snprintf(out->user_code, sizeof(out->user_code), "%s", user);
		snprintf(out->url, sizeof(out->url), "%s", url);
		out->interval = (unsigned)number(root, "interval",
			INTERVAL_DEFAULT, OAUTH_INTERVAL_MAXIMUM);
		out->expires_in = (unsigned)number(
			root, "expires_in", DEVICE_EXPIRES, DEVICE_EXPIRES);
	}
	json_decref(root);
	return is_good;
}

/* ---- errors ---- */

static void
say(const json_t *root, const char *name, const char *lead,
	char text[OAUTH_TEXT_SIZE])
{
	const json_t *value = json_object_get(root, name);
	const char *from = json_string_value(value);
	size_t used = strlen(text);

	if (!from || !from[0])
		return;
	for (; used && *lead; lead++)
		if (used < OAUTH_TEXT_SIZE - 1)
			text[used++] = *lead;
	for (; *from && used < OAUTH_TEXT_SIZE - 1; from++)
		text[used++] =
			(char)(*from >= ' ' && *from <= '~' ? *from : '?');
	text[used] = '\0';
}

enum oauth_fault
oauth_read_error(struct bytes json, char text[OAUTH_TEXT_SIZE])
{
	static const struct {
		const char *error;
		enum oauth_fault fault;
	} known[] = {
		{"authorization_pending", OAUTH_PENDING},
		{"slow_down", OAUTH_SLOW_DOWN},
		{"access_denied", OAUTH_REFUSED},
		{"expired_token", OAUTH_REFUSED},
		{"invalid_grant", OAUTH_REFUSED},
	};
	json_t *root = parse(json);
	enum oauth_fault fault = OAUTH_FAULTY;
	const char *error;

	text[0] = '\0';
	if (!root)
		return OAUTH_FAULTY;
	error = word(root, "error", OAUTH_TEXT_SIZE);
	for (size_t i = 0; error && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(error, known[i].error) == 0)
			fault = known[i].fault;
	say(root, "error", "", text);
	say(root, "error_description", ": ", text);
	/* Of POP3 servers. */
	say(root, "status", ": ", text);
	say(root, "scope", OAUTH_WANTS_SCOPE, text);
	json_decref(root);
	return fault;
}
