/* SPDX-License-Identifier: ISC */
#include "oauth/rules.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

json_t *
oauth_object(struct bytes text)
{
	json_t *object = json_loadb(text.octets ? (const char *)text.at : "",
		text.octets, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

const char *
oauth_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

__attribute__((format(printf, 2, 3))) static enum outcome
deny(char error[OAUTH_ERROR_SIZE], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, OAUTH_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return ERR_DENIED;
}

/* ---- time ---- */

/* NumericDate of RFC 7519 section 2: it may have a fraction. False: there, and no
   time. */
static bool
get_time(const json_t *claims, const char *name, bool *out_is_there,
	uint64_t *out)
{
	const json_t *value = json_object_get(claims, name);
	double seconds = json_number_value(value);

	*out_is_there = value != NULL;
	if (!value)
		return true;
	if (!json_is_number(value) || !isfinite(seconds) || seconds < 0 ||
		seconds > 1e15)
		return false;
	*out = (uint64_t)seconds;
	return true;
}

static enum outcome
check_time(const json_t *claims, uint64_t now_seconds, uint64_t *out_expires,
	char error[OAUTH_ERROR_SIZE])
{
	bool has_expiry, has_start;
	uint64_t expiry = 0, start = 0;

	if (!get_time(claims, "exp", &has_expiry, &expiry) ||
		!get_time(claims, "nbf", &has_start, &start))
		return deny(error, "exp or nbf is no time");
	if (has_expiry && expiry + OAUTH_LEEWAY_SECONDS <= now_seconds)
		return deny(error, "expired");
	if (has_start && start > now_seconds + OAUTH_LEEWAY_SECONDS)
		return deny(error, "not valid yet");
	*out_expires = has_expiry ? expiry + OAUTH_LEEWAY_SECONDS : 0;
	return OK;
}

/* ---- whom it is of and for ---- */

/* RFC 7519 section 4.1.3: text, or a list of texts. */
static bool
is_among(const json_t *value, const char *wanted)
{
	const char *text = json_string_value(value);

	if (text)
		return strlen(text) == json_string_length(value) &&
		       strcmp(text, wanted) == 0;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *one = json_array_get(value, i);

		if (json_is_string(one) && is_among(one, wanted))
			return true;
	}
	return false;
}

/* RFC 6749 section 3.3: words; some servers have "scp" as a list. */
static bool
has_scope(const json_t *claims, const char *wanted)
{
	const char *text = oauth_text(claims, "scope");
	struct bytes rest = text ? bytes_of_string(text) : BYTES_NONE;

	while (rest.octets > 0)
		if (bytes_equal(bytes_cut(&rest, ' '), bytes_of_string(wanted)))
			return true;
	text = oauth_text(claims, "scp");
	rest = text ? bytes_of_string(text) : BYTES_NONE;
	while (rest.octets > 0)
		if (bytes_equal(bytes_cut(&rest, ' '), bytes_of_string(wanted)))
			return true;
	return is_among(json_object_get(claims, "scope"), wanted) ||
	       is_among(json_object_get(claims, "scp"), wanted);
}

static enum outcome
check_parties(const struct oauth_rules *rules, const json_t *claims,
	char error[OAUTH_ERROR_SIZE])
{
	const char *issuer = oauth_text(claims, "iss");

	if (rules->issuer[0] && (!issuer || strcmp(issuer, rules->issuer) != 0))
		return deny(error, "of another issuer");
	if (rules->audience[0] &&
		!is_among(json_object_get(claims, "aud"), rules->audience))
		return deny(error, "for another audience");
	if (rules->scope[0] && !has_scope(claims, rules->scope))
		return deny(error, "its scope is too small");
	return OK;
}

static enum outcome
take_user(const struct oauth_rules *rules, const json_t *claims,
	struct oauth_answer *out, char error[OAUTH_ERROR_SIZE])
{
	const char *user = oauth_text(claims, rules->user_claim);

	if (!user || !user[0] ||
		!bytes_to_string(
			bytes_of_string(user), out->user, sizeof(out->user)))
		return deny(error, "no user: it has no \"%.60s\"",
			rules->user_claim);
	/* OpenID Connect Core section 5.1: an address that anybody may claim. */
	if (strcmp(rules->user_claim, "email") == 0 &&
		json_is_false(json_object_get(claims, "email_verified")))
		return deny(error, "its address is not verified");
	return OK;
}

enum outcome
oauth_rules_check(const struct oauth_rules *rules, const json_t *claims,
	uint64_t now_seconds, struct oauth_answer *out,
	char error[OAUTH_ERROR_SIZE])
{
	struct oauth_answer answer = {0};
	enum outcome outcome;

	outcome =
		check_time(claims, now_seconds, &answer.expires_seconds, error);
	if (outcome == OK)
		outcome = check_parties(rules, claims, error);
	if (outcome == OK)
		outcome = take_user(rules, claims, &answer, error);
	if (outcome == OK)
		*out = answer;
	return outcome;
}
