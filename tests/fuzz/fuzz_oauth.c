/* SPDX-License-Identifier: ISC */
/*
 * What comes with a token: a token, a set of keys, an answer of an introspection
 * server. Nobody signs a token with a key that he has not; an answer that is
 * taken has a user and is not over; base64url that decodes encodes to the same.
 */
#include "fuzz.h"

#include "base/base64.h"
#include "oauth/introspection.h"
#include "oauth/jwt.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1000000

enum { FLAG_KEYS = 1, FLAG_ANSWER = 2, FLAG_SIGNED = 4 };

static const char jwks[] =
	"{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\","
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static const struct oauth_rules rules = {
	.issuer = "", .audience = "", .scope = "", .user_claim = "email"};

static void
check_answer(const struct oauth_answer *answer)
{
	assert_true(answer->user[0] != '\0');
	assert_non_null(memchr(answer->user, 0, sizeof(answer->user)));
	assert_true(
		answer->expires_seconds == 0 || answer->expires_seconds > NOW);
}

/* The same letters come out of what they decode to. */
static void
check_decoding(struct bytes text)
{
	struct buffer plain, again;

	buffer_init(&plain, OAUTH_TOKEN_MAXIMUM_OCTETS);
	buffer_init(&again, 2 * OAUTH_TOKEN_MAXIMUM_OCTETS);
	if (oauth_decode(text, &plain)) {
		assert_true(base64_encode(buffer_bytes(&plain), &again));
		assert_true(again.octets >= text.octets);
		for (size_t i = 0; i < text.octets; i++) {
			unsigned char letter = buffer_bytes(&again).at[i];

			letter = letter == '+' ? '-' : letter;
			letter = letter == '/' ? '_' : letter;
			assert_int_equal(letter, text.at[i]);
		}
	} else {
		assert_int_equal(plain.octets, 0);
	}
	buffer_release(&plain);
	buffer_release(&again);
}

static void
check_token(struct bytes token)
{
	struct oauth_answer answer = {.user = "untouched"};
	char error[OAUTH_ERROR_SIZE] = "";
	struct oauth_keys *keys;
	bool no_key;

	keys = oauth_keys_parse(bytes_of_string(jwks), error, OAUTH_ERROR_SIZE);
	assert_non_null(keys);
	oauth_jwt_is(token);
	assert_int_equal(oauth_jwt_check(keys, OAUTH_ALL_ALGORITHMS, &rules,
				 token, NOW, &answer, &no_key, error),
		ERR_DENIED);
	assert_string_equal(answer.user, "untouched");
	assert_true(error[0] != '\0');
	oauth_keys_free(&keys);
}

/* Header and claims as they come, in the shape of a token: it is not for want of
   the shape that none is good. */
static void
check_shaped(struct bytes text)
{
	struct bytes parts[2] = {bytes_cut(&text, '\n'), text};
	struct buffer token, standard;

	buffer_init(&token, OAUTH_TOKEN_MAXIMUM_OCTETS);
	for (size_t i = 0; i < 2; i++) {
		struct bytes letters;

		buffer_init(&standard, OAUTH_TOKEN_MAXIMUM_OCTETS);
		base64_encode(parts[i], &standard);
		letters = buffer_bytes(&standard);
		for (size_t j = 0; j < letters.octets; j++)
			if (letters.at[j] != '=')
				buffer_append(&token,
					letters.at[j] == '+' ? "-"
					: letters.at[j] == '/'
						? "_"
						: (const char *)&letters.at[j],
					1);
		buffer_append_string(&token, ".");
		buffer_release(&standard);
	}
	/* 64 octets */
	for (int i = 0; i < 43; i++)
		buffer_append_string(&token, "MM");
	check_token(buffer_bytes(&token));
	buffer_release(&token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes text = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&text);
	struct oauth_answer answer = {0};
	char error[OAUTH_ERROR_SIZE] = "";
	struct oauth_keys *keys;

	check_decoding(text);
	if (head.flags & FLAG_KEYS) {
		keys = oauth_keys_parse(text, error, sizeof(error));
		assert_true((keys == NULL) == (error[0] != '\0'));
		oauth_keys_free(&keys);
	} else if (head.flags & FLAG_ANSWER) {
		if (introspection_judge(text, &rules, NOW, &answer, error) ==
			OK)
			check_answer(&answer);
	} else if (head.flags & FLAG_SIGNED) {
		check_shaped(text);
	} else {
		check_token(text);
	}
	return 0;
}
