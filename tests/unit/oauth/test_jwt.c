/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "oauth/jwt.h"
#include "signer.h"

#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define NOW 1000000

static EVP_PKEY *rsa, *ec, *other_ec;
static struct oauth_keys *keys;

static const struct oauth_rules rules = {.issuer = "https://issuer.example",
	.audience = "pop3",
	.scope = "",
	.user_claim = "email"};

#define MINE "\"iss\":\"https://issuer.example\",\"aud\":\"pop3\""
#define WHO  "\"email\":\"anna@example.org\""
#define GOOD "{" MINE "," WHO ",\"exp\":1000100}"

static struct oauth_keys *
parse(struct buffer *jwks)
{
	char error[OAUTH_ERROR_SIZE] = "";
	struct oauth_keys *parsed;

	buffer_append_string(jwks, "]}");
	parsed = oauth_keys_parse(buffer_bytes(jwks), error, sizeof(error));
	assert_true((parsed == NULL) == (error[0] != '\0'));
	buffer_release(jwks);
	return parsed;
}

static void
begin(struct buffer *jwks)
{
	buffer_init(jwks, OAUTH_JWKS_MAXIMUM_OCTETS);
	buffer_append_string(jwks, "{\"keys\":[");
}

static int
set_up(void **state)
{
	struct buffer jwks;

	rsa = signer_rsa(2048);
	ec = signer_ec("P-256");
	other_ec = signer_ec("P-256");
	begin(&jwks);
	signer_jwk(rsa, "r", ",\"use\":\"sig\",\"alg\":\"RS256\"", &jwks);
	buffer_append_string(&jwks, ",");
	signer_jwk(ec, "e", "", &jwks);
	buffer_append_string(&jwks, ",");
	signer_jwk(other_ec, "o", "", &jwks);
	keys = parse(&jwks);
	return keys ? 0 : -1;
}

static int
tear_down(void **state)
{
	oauth_keys_free(&keys);
	oauth_keys_free(&keys);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(other_ec);
	return 0;
}

/* NULL: it is good; else why not. */
static const char *
judge_with(const struct oauth_rules *with, unsigned algorithms,
	struct bytes token, struct oauth_answer *out)
{
	static char error[OAUTH_ERROR_SIZE];
	bool no_key;
	enum outcome outcome;

	error[0] = '\0';
	outcome = oauth_jwt_check(
		keys, algorithms, with, token, NOW, out, &no_key, error);
	if (outcome == OK)
		return NULL;
	assert_int_equal(outcome, ERR_DENIED);
	assert_true(error[0] != '\0');
	assert_int_equal(
		no_key, strcmp(error, "no key here has its name") == 0);
	return error;
}

static const char *
judge(struct bytes token)
{
	struct oauth_answer answer = {0};

	return judge_with(&rules, OAUTH_ALL_ALGORITHMS, token, &answer);
}

static void
expect(const char *wanted, const char *got, const char *what)
{
	if (wanted == got || (wanted && got && strcmp(wanted, got) == 0))
		return;
	fail_msg("%s: wanted %s, got %s", what, wanted ? wanted : "good",
		got ? got : "good");
}

/* ---- headers ---- */

#define ALGORITHM "its algorithm is not allowed"
#define NO_KEY	  "no key here has its name"

static const struct {
	const char *header;
	bool is_ec; /* who signs it */
	const char *wrong;
} headers[] = {
	{"{\"alg\":\"RS256\",\"kid\":\"r\"}", false, NULL},
	{"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"r\"}", false, NULL},
	{"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", false, NULL},
	{"{\"alg\":\"RS256\",\"typ\":\"application/AT+JWT\"}", false, NULL},
	/* One key alone for it: no name is needed. */
	{"{\"alg\":\"RS256\"}", false, NULL},
	{"{\"alg\":\"ES256\",\"kid\":\"e\"}", true, NULL},
	/* Two keys: which? */
	{"{\"alg\":\"ES256\"}", true, NO_KEY},
	{"{\"alg\":\"ES256\",\"kid\":\"\"}", true, NO_KEY},
	{"{\"alg\":\"ES256\",\"kid\":\"o\"}", true, "the signature is wrong"},
	{"{\"alg\":\"ES256\",\"kid\":\"r\"}", true, NO_KEY},
	{"{\"alg\":\"RS256\",\"kid\":\"x\"}", false, NO_KEY},
	{"{\"alg\":\"RS256\",\"kid\":1}", false, "the key's name is no text"},
	/* By the wrong kind of key. */
	{"{\"alg\":\"RS256\",\"kid\":\"r\"}", true, "the signature is wrong"},
	{"{\"alg\":\"ES256\",\"kid\":\"e\"}", false, "the signature is wrong"},
	{"{\"alg\":\"none\",\"kid\":\"r\"}", false, ALGORITHM},
	{"{\"alg\":\"None\"}", false, ALGORITHM},
	{"{\"alg\":\"HS256\",\"kid\":\"r\"}", false, ALGORITHM},
	{"{\"alg\":\"RS512\",\"kid\":\"r\"}", false, ALGORITHM},
	{"{\"alg\":\"PS256\",\"kid\":\"r\"}", false, ALGORITHM},
	{"{\"alg\":\"rs256\",\"kid\":\"r\"}", false, ALGORITHM},
	{"{\"alg\":[\"RS256\"]}", false, ALGORITHM},
	{"{\"kid\":\"r\"}", false, ALGORITHM},
	{"{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}", false,
		"it must be understood and is not"},
	{"{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}", false,
		"it is for something else"},
	{"{\"alg\":\"RS256\",\"typ\":1}", false, "it is for something else"},
	{"{\"alg\":\"none\",\"alg\":\"RS256\"}", false,
		"the header is no JSON object"},
	{"[\"RS256\"]", false, "the header is no JSON object"},
	{"{\"alg\":\"RS256\"} ,", false, "the header is no JSON object"},
	{"", false, "not of three parts"},
};

static void
test_headers(void **state)
{
	for (size_t i = 0; i < COUNT(headers); i++) {
		struct buffer token;

		buffer_init(&token, OAUTH_TOKEN_MAXIMUM_OCTETS);
		signer_sign(headers[i].is_ec ? ec : rsa, headers[i].header,
			GOOD, false, &token);
		expect(headers[i].wrong, judge(buffer_bytes(&token)),
			headers[i].header);
		buffer_release(&token);
	}
}

/* ---- claims ---- */

static const struct {
	const char *claims, *wrong;
} claims[] = {
	{GOOD, NULL},
	{"{" MINE "," WHO ",\"exp\":1000100.5,\"nbf\":999999,\"x\":{}}", NULL},
	/* A minute either way. */
	{"{" MINE "," WHO ",\"exp\":999941}", NULL},
	{"{" MINE "," WHO ",\"exp\":999940}", "expired"},
	{"{" MINE "," WHO ",\"exp\":1000100,\"nbf\":1000060}", NULL},
	{"{" MINE "," WHO ",\"exp\":1000100,\"nbf\":1000061}", "not valid yet"},
	{"{" MINE "," WHO "}", "it never expires"},
	{"{" MINE "," WHO ",\"exp\":\"1000100\"}", "exp or nbf is no time"},
	{"{" MINE "," WHO ",\"exp\":-1}", "exp or nbf is no time"},
	{"{" MINE "," WHO ",\"exp\":1e300}", "exp or nbf is no time"},
	{"{" MINE "," WHO ",\"exp\":null}", "exp or nbf is no time"},
	{"{" MINE "," WHO ",\"exp\":1000100,\"nbf\":{}}",
		"exp or nbf is no time"},
	{"{\"aud\":\"pop3\"," WHO ",\"exp\":1000100}", "of another issuer"},
	{"{\"iss\":\"https://issuer.example/\",\"aud\":\"pop3\"," WHO
	 ",\"exp\":1000100}",
		"of another issuer"},
	{"{\"iss\":[\"https://issuer.example\"],\"aud\":\"pop3\"," WHO
	 ",\"exp\":1000100}",
		"of another issuer"},
	{"{\"iss\":\"https://issuer.example\",\"aud\":[\"imap\",\"pop3\"]," WHO
	 ",\"exp\":1000100}",
		NULL},
	{"{\"iss\":\"https://issuer.example\",\"aud\":[\"imap\"]," WHO
	 ",\"exp\":1000100}",
		"for another audience"},
	{"{\"iss\":\"https://issuer.example\",\"aud\":[[\"pop3\"]]," WHO
	 ",\"exp\":1000100}",
		"for another audience"},
	{"{\"iss\":\"https://issuer.example\"," WHO ",\"exp\":1000100}",
		"for another audience"},
	{"{" MINE ",\"exp\":1000100}", "no user: it has no \"email\""},
	{"{" MINE ",\"email\":\"\",\"exp\":1000100}",
		"no user: it has no \"email\""},
	{"{" MINE ",\"email\":[\"a\"],\"exp\":1000100}",
		"no user: it has no \"email\""},
	{"{" MINE "," WHO ",\"email_verified\":true,\"exp\":1000100}", NULL},
	{"{" MINE "," WHO ",\"email_verified\":false,\"exp\":1000100}",
		"its address is not verified"},
	{"{" MINE "," WHO "," WHO ",\"exp\":1000100}", "of another issuer"},
	{"{" MINE "," WHO ",\"exp\":1000100", "of another issuer"},
	{"[]", "of another issuer"},
};

static void
test_claims(void **state)
{
	for (size_t i = 0; i < COUNT(claims); i++) {
		struct oauth_answer answer = {.user = "before"};
		struct buffer token;
		const char *wrong;

		buffer_init(&token, OAUTH_TOKEN_MAXIMUM_OCTETS);
		signer_sign(ec, "{\"alg\":\"ES256\",\"kid\":\"e\"}",
			claims[i].claims, false, &token);
		wrong = judge_with(&rules, OAUTH_ALL_ALGORITHMS,
			buffer_bytes(&token), &answer);
		expect(claims[i].wrong, wrong, claims[i].claims);
		assert_string_equal(
			answer.user, wrong ? "before" : "anna@example.org");
		buffer_release(&token);
	}
}

static const struct {
	const char *scope, *claim, *wrong;
} scopes[] = {
	{"mail", "\"scope\":\"mail\"", NULL},
	{"mail", "\"scope\":\"openid mail profile\"", NULL},
	{"mail", "\"scp\":[\"openid\",\"mail\"]", NULL},
	{"mail", "\"scp\":\"mail\"", NULL},
	{"mail", "\"scope\":\"mails\"", "its scope is too small"},
	{"mail", "\"scope\":\"xmail\"", "its scope is too small"},
	{"mail", "\"scope\":7", "its scope is too small"},
	{"mail", "\"x\":\"mail\"", "its scope is too small"},
	{"", "\"x\":\"mail\"", NULL},
};

static void
test_scopes(void **state)
{
	for (size_t i = 0; i < COUNT(scopes); i++) {
		struct oauth_rules with = rules;
		struct oauth_answer answer;
		struct buffer token;
		char text[512];

		with.scope = scopes[i].scope;
		snprintf(text, sizeof(text),
			"{" MINE "," WHO ",\"exp\":1000100,%s}",
			scopes[i].claim);
		buffer_init(&token, OAUTH_TOKEN_MAXIMUM_OCTETS);
		signer_sign(rsa, "{\"alg\":\"RS256\"}", text, false, &token);
		expect(scopes[i].wrong,
			judge_with(&with, OAUTH_ALL_ALGORITHMS,
				buffer_bytes(&token), &answer),
			scopes[i].claim);
		buffer_release(&token);
	}
}

/* ---- signatures ---- */

static struct buffer
good_token(EVP_PKEY *key)
{
	struct buffer token;

	buffer_init(&token, OAUTH_TOKEN_MAXIMUM_OCTETS);
	signer_sign(key,
		key == rsa ? "{\"alg\":\"RS256\",\"kid\":\"r\"}"
			   : "{\"alg\":\"ES256\",\"kid\":\"e\"}",
		GOOD, false, &token);
	return token;
}

/* Each octet of it counts: another letter there is refused. Not the last one of
   a part: bits that mean nothing have their own refusal. */
static void
test_every_octet_counts(void **state)
{
	struct buffer token = good_token(ec);
	struct bytes text = buffer_bytes(&token);
	unsigned char *copy = malloc(text.octets);

	expect(NULL, judge(text), "as it is");
	for (size_t i = 0; i < text.octets; i++) {
		memcpy(copy, text.at, text.octets);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		assert_non_null(judge(bytes_of(copy, text.octets)));
		/* Cut, and put together again without it. */
		assert_non_null(judge(bytes_of(text.at, i)));
		memmove(copy + i, text.at + i + 1, text.octets - i - 1);
		memcpy(copy, text.at, i);
		assert_non_null(judge(bytes_of(copy, text.octets - 1)));
	}
	free(copy);
	buffer_release(&token);
}

static void
test_wrong_signatures(void **state)
{
	struct buffer token = good_token(rsa);
	struct oauth_answer answer;

	expect("its algorithm is not allowed",
		judge_with(&rules, 1u << OAUTH_ES256, buffer_bytes(&token),
			&answer),
		"an algorithm that is not wanted");
	buffer_append_string(&token, "=");
	assert_non_null(judge(buffer_bytes(&token)));
	buffer_append_string(&token, ".x");
	expect("not of three parts", judge(buffer_bytes(&token)), "four parts");
	buffer_clear(&token);
	signer_sign(
		ec, "{\"alg\":\"ES256\",\"kid\":\"e\"}", GOOD, true, &token);
	expect("the signature is wrong", judge(buffer_bytes(&token)), "in DER");
	buffer_release(&token);
}

/* What everybody knows, the public key, is no secret to sign with. */
static void
test_public_key_as_secret(void **state)
{
	unsigned char *der = NULL, mac[32];
	int octets = i2d_PUBKEY(rsa, &der);
	struct buffer token;
	struct bytes text;

	buffer_init(&token, OAUTH_TOKEN_MAXIMUM_OCTETS);
	signer_encode(BYTES("{\"alg\":\"HS256\",\"kid\":\"r\"}"), &token);
	buffer_append_string(&token, ".");
	signer_encode(BYTES(GOOD), &token);
	text = buffer_bytes(&token);
	HMAC(EVP_sha256(), der, octets, text.at, text.octets, mac, NULL);
	buffer_append_string(&token, ".");
	signer_encode(bytes_of(mac, sizeof(mac)), &token);
	expect("its algorithm is not allowed", judge(buffer_bytes(&token)),
		"HS256");
	OPENSSL_free(der);
	buffer_release(&token);
}

static void
test_unsigned(void **state)
{
	struct buffer token;

	buffer_init(&token, OAUTH_TOKEN_MAXIMUM_OCTETS);
	signer_encode(BYTES("{\"alg\":\"none\"}"), &token);
	buffer_append_string(&token, ".");
	signer_encode(BYTES(GOOD), &token);
	buffer_append_string(&token, ".");
	assert_non_null(judge(buffer_bytes(&token)));
	assert_false(oauth_jwt_is(buffer_bytes(&token)));
	buffer_release(&token);
}

static void
test_what_is_a_jwt(void **state)
{
	struct buffer token = good_token(ec);

	assert_true(oauth_jwt_is(buffer_bytes(&token)));
	assert_false(oauth_jwt_is(BYTES("opaque")));
	assert_false(oauth_jwt_is(BYTES("a.b.c")));
	assert_false(oauth_jwt_is(BYTES_NONE));
	buffer_release(&token);
}

/* ---- keys ---- */

static void
refused_key(EVP_PKEY *key, const char *more)
{
	struct buffer jwks;

	begin(&jwks);
	signer_jwk(key, "k", more, &jwks);
	assert_null(parse(&jwks));
}

static void
test_keys_that_are_not_taken(void **state)
{
	EVP_PKEY *small = signer_rsa(1024), *large = signer_ec("P-384");
	struct oauth_keys *some;
	struct buffer jwks;

	refused_key(small, "");
	refused_key(large, "");
	refused_key(rsa, ",\"use\":\"enc\"");
	refused_key(rsa, ",\"alg\":\"RS512\"");
	refused_key(ec, ",\"alg\":\"RS256\"");
	/* Beside a good one they are left out. */
	begin(&jwks);
	signer_jwk(small, "r", "", &jwks);
	buffer_append_string(&jwks, ",7,{},{\"kty\":\"oct\",\"k\":\"AA\"},");
	signer_jwk(rsa, "r", "", &jwks);
	some = parse(&jwks);
	assert_non_null(some);
	oauth_keys_free(&some);
	EVP_PKEY_free(small);
	EVP_PKEY_free(large);
}

static const char *const no_sets[] = {"", "{}", "[]", "{\"keys\":{}}",
	"{\"keys\":[]}", "{\"keys\":[{}]}", "{\"keys\":[],\"keys\":[]}",
	"not JSON",
	"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
	"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}]}",
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":"
	"\"AA\"}]}",
	/* Of the right length, and not on the curve. */
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\",\"y\":"
	"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}"};

static void
test_what_is_no_set(void **state)
{
	for (size_t i = 0; i < COUNT(no_sets); i++) {
		char error[OAUTH_ERROR_SIZE] = "";

		if (oauth_keys_parse(
			    bytes_of_string(no_sets[i]), error, sizeof(error)))
			fail_msg("taken: %s", no_sets[i]);
		assert_true(error[0] != '\0');
	}
}

/* Beyond the maximum they are left out, not written over. */
static void
test_many_keys(void **state)
{
	struct oauth_keys *many;
	struct buffer jwks;

	begin(&jwks);
	for (int i = 0; i < OAUTH_KEYS_MAXIMUM + 8; i++) {
		char id[16];

		snprintf(id, sizeof(id), "k%d", i);
		buffer_append_string(&jwks, i ? "," : "");
		signer_jwk(ec, id, "", &jwks);
	}
	many = parse(&jwks);
	assert_non_null(many);
	oauth_keys_free(&many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_every_octet_counts),
		cmocka_unit_test(test_wrong_signatures),
		cmocka_unit_test(test_public_key_as_secret),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_what_is_a_jwt),
		cmocka_unit_test(test_keys_that_are_not_taken),
		cmocka_unit_test(test_what_is_no_set),
		cmocka_unit_test(test_many_keys),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
