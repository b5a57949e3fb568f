/* SPDX-License-Identifier: ISC */
#include "oauth/jwt.h"

#include <stdio.h>
#include <string.h>

struct parts {
	struct bytes header, claims, signature;
	struct bytes text; /* what is signed: header, dot, claims */
};

static bool
split(struct bytes token, struct parts *out)
{
	struct bytes rest = token;

	if (token.octets > OAUTH_TOKEN_MAXIMUM_OCTETS)
		return false;
	out->header = bytes_cut(&rest, '.');
	out->claims = bytes_cut(&rest, '.');
	out->text =
		bytes_of(token.at, out->header.octets + 1 + out->claims.octets);
	out->signature = rest;
	return out->header.octets > 0 && out->claims.octets > 0 &&
	       rest.octets > 0 && !bytes_has(rest, '.');
}

static json_t *
decode_object(struct bytes part)
{
	struct buffer text;
	json_t *object = NULL;

	buffer_init(&text, OAUTH_TOKEN_MAXIMUM_OCTETS);
	if (oauth_decode(part, &text))
		object = oauth_object(buffer_bytes(&text));
	buffer_wipe(&text);
	return object;
}

bool
oauth_jwt_is(struct bytes token)
{
	struct parts parts;
	json_t *header = NULL;
	bool is_jwt;

	if (split(token, &parts))
		header = decode_object(parts.header);
	is_jwt = oauth_text(header, "alg") != NULL;
	json_decref(header);
	return is_jwt;
}

/* ---- the header ---- */

static bool
find_algorithm(const char *name, unsigned allowed, enum oauth_algorithm *out)
{
	static const char *const names[OAUTH_ALGORITHMS] = {
		[OAUTH_RS256] = "RS256", [OAUTH_ES256] = "ES256"};

	for (int i = 0; name && i < OAUTH_ALGORITHMS; i++)
		if (strcmp(names[i], name) == 0 && allowed & 1u << i) {
			*out = (enum oauth_algorithm)i;
			return true;
		}
	return false;
}

/* RFC 7519 section 5.1, RFC 9068 section 2.1: what is signed for another purpose
   says so. */
static bool
is_access_token(const json_t *header)
{
	static const char *const types[] = {
		"JWT", "at+jwt", "application/at+jwt"};
	const char *type = oauth_text(header, "typ");

	if (!json_object_get(header, "typ"))
		return true;
	for (size_t i = 0; type && i < sizeof(types) / sizeof(*types); i++)
		if (bytes_equal_ignoring_case(
			    bytes_of_string(type), bytes_of_string(types[i])))
			return true;
	return false;
}

/* NULL when the header is good; else what is wrong. */
static const char *
read_header(const json_t *header, unsigned allowed,
	enum oauth_algorithm *out_algorithm, const char **out_key_id)
{
	if (!header)
		return "the header is no JSON object";
	if (!find_algorithm(oauth_text(header, "alg"), allowed, out_algorithm))
		return "its algorithm is not allowed";
	if (json_object_get(header, "crit"))
		return "it must be understood and is not";
	if (!is_access_token(header))
		return "it is for something else";
	*out_key_id = "";
	if (json_object_get(header, "kid"))
		*out_key_id = oauth_text(header, "kid");
	return *out_key_id ? NULL : "the key's name is no text";
}

/* ---- the whole ---- */

static const char *
verify(const struct oauth_keys *keys, unsigned allowed,
	const struct parts *parts, bool *out_no_key)
{
	enum oauth_signature verdict = OAUTH_SIGNATURE_BAD;
	json_t *header = decode_object(parts->header);
	enum oauth_algorithm algorithm;
	const char *key_id, *wrong;
	struct buffer signature;

	buffer_init(&signature, OAUTH_TOKEN_MAXIMUM_OCTETS);
	wrong = read_header(header, allowed, &algorithm, &key_id);
	if (!wrong && oauth_decode(parts->signature, &signature))
		verdict = oauth_keys_verify(keys, algorithm, key_id,
			parts->text, buffer_bytes(&signature));
	buffer_release(&signature);
	json_decref(header);
	*out_no_key = verdict == OAUTH_SIGNATURE_NO_KEY;
	if (wrong)
		return wrong;
	if (verdict == OAUTH_SIGNATURE_GOOD)
		return NULL;
	return *out_no_key ? "no key here has its name"
			   : "the signature is wrong";
}

enum outcome
oauth_jwt_check(const struct oauth_keys *keys, unsigned algorithms,
	const struct oauth_rules *rules, struct bytes token,
	uint64_t now_seconds, struct oauth_answer *out, bool *out_no_key,
	char error[OAUTH_ERROR_SIZE])
{
	struct oauth_answer answer;
	enum outcome outcome;
	struct parts parts;
	const char *wrong;
	json_t *claims;

	*out_no_key = false;
	wrong = split(token, &parts)
			? verify(keys, algorithms, &parts, out_no_key)
			: "not of three parts";
	if (wrong) {
		snprintf(error, OAUTH_ERROR_SIZE, "%s", wrong);
		return ERR_DENIED;
	}
	claims = decode_object(parts.claims);
	outcome = oauth_rules_check(rules, claims, now_seconds, &answer, error);
	/* RFC 9068 section 2.2: one that does not end is no access token. */
	if (outcome == OK && answer.expires_seconds == 0) {
		snprintf(error, OAUTH_ERROR_SIZE, "it never expires");
		outcome = ERR_DENIED;
	}
	if (outcome == OK)
		*out = answer;
	json_decref(claims);
	return outcome;
}
