/* SPDX-License-Identifier: ISC */
/*
 * SCRAM on the server's side: the examples of RFC 5802 and RFC 7677 octet by
 * octet, and what must not get through.
 */
#include "../check.h"

#include "base/base64.h"
#include "sasl/scram_keys.h"
#include "sasl/scram_message.h"
#include "sasl/server.h"

#include <stdlib.h>

#define EXPORTER "0123456789abcdef0123456789abcdef"

struct example {
	const char *mechanism;
	enum scram_digest digest;
	const char *salt; /* base64 */
	const char *nonce;
	const char *client_first, *server_first, *client_final, *server_final;
};

/* User "user", password "pencil", 4,096 iterations. */
static const struct example examples[] = {
	/* RFC 5802 section 5 */
	{"SCRAM-SHA-1", SCRAM_SHA_1, "QSXCR+Q6sek8bf92", "3rfcNHYJY1ZVvWVs7j",
		"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"s=QSXCR+Q6sek8bf92,i=4096",
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
	/* RFC 7677 section 3 */
	{"SCRAM-SHA-256", SCRAM_SHA_256,
		"W22ZaJ0SNY7soEsUEjb6gQ==", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
		"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static struct scram_keys
keys_of(enum scram_digest digest, const char *salt_base64, const char *password)
{
	struct scram_keys keys;
	struct buffer salt;

	buffer_init(&salt, SCRAM_SALT_MAXIMUM_OCTETS);
	assert_true(base64_decode(bytes_of_string(salt_base64), &salt));
	assert_true(scram_keys_derive(digest, bytes_of_string(password),
		buffer_bytes(&salt), 4096, &keys));
	buffer_release(&salt);
	return keys;
}

static struct sasl_server *
begin(const char *mechanism, const char *nonce, bool has_exporter)
{
	const struct sasl_server_setup setup = {
		.tls_exporter = has_exporter ? BYTES(EXPORTER) : BYTES_NONE,
		.offers_binding = has_exporter,
		.nonce = bytes_of_string(nonce)};
	struct sasl_server *server =
		sasl_server_new(bytes_of_string(mechanism), &setup);

	assert_non_null(server);
	return server;
}

static void
expect_challenge(const struct buffer *challenge, const char *wanted)
{
	assert_bytes(
		buffer_bytes(challenge), bytes_of_string(wanted), BYTES_NONE);
}

/* ---- as it should be ---- */

static void
play(const struct example *x, bool asks_first)
{
	struct sasl_server *server = begin(x->mechanism, x->nonce, false);
	struct scram_keys keys = keys_of(x->digest, x->salt, "pencil");
	struct buffer challenge;

	buffer_init(&challenge, 512);
	if (asks_first) {
		assert_int_equal(
			sasl_server_step(server, false, BYTES_NONE, &challenge),
			SASL_CHALLENGE);
		expect_challenge(&challenge, "");
	}
	assert_int_equal(sasl_server_step(server, true,
				 bytes_of_string(x->client_first), &challenge),
		SASL_KEYS);
	assert_bytes(sasl_server_authcid(server), BYTES("user"), BYTES_NONE);
	assert_bytes(sasl_server_authzid(server), BYTES_NONE, BYTES_NONE);
	assert_int_equal(sasl_server_digest(server), x->digest);
	assert_int_equal(sasl_server_set_keys(server, &keys, &challenge),
		SASL_CHALLENGE);
	expect_challenge(&challenge, x->server_first);
	assert_int_equal(sasl_server_step(server, true,
				 bytes_of_string(x->client_final), &challenge),
		SASL_PROOF);
	assert_int_equal(sasl_server_prove(server, &challenge), SASL_CHALLENGE);
	expect_challenge(&challenge, x->server_final);
	/* RFC 5034 section 4: an empty line, then +OK. */
	assert_int_equal(sasl_server_step(server, true, BYTES_NONE, &challenge),
		SASL_PROVEN);
	assert_int_equal(sasl_server_step(server, true, BYTES_NONE, &challenge),
		SASL_FAILED);
	buffer_release(&challenge);
	sasl_server_free(&server);
}

static void
goes_as_in_the_examples(void **state)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		play(&examples[i], false);
		play(&examples[i], true);
	}
}

/* ---- wrong ---- */

static void
a_wrong_password_is_wrong(void **state)
{
	for (size_t i = 0; i < COUNT(examples); i++) {
		const struct example *x = &examples[i];
		struct sasl_server *server =
			begin(x->mechanism, x->nonce, false);
		struct scram_keys keys = keys_of(x->digest, x->salt, "pencils");
		struct buffer challenge;

		buffer_init(&challenge, 512);
		sasl_server_step(server, true, bytes_of_string(x->client_first),
			&challenge);
		sasl_server_set_keys(server, &keys, &challenge);
		expect_challenge(&challenge, x->server_first);
		assert_int_equal(
			sasl_server_step(server, true,
				bytes_of_string(x->client_final), &challenge),
			SASL_PROOF);
		assert_int_equal(
			sasl_server_prove(server, &challenge), SASL_FAILED);
		assert_string_equal(sasl_server_fault(server), "wrong proof");
		assert_int_equal(challenge.octets, 0);
		buffer_release(&challenge);
		sasl_server_free(&server);
	}
}

/* Each octet of the proof, changed. */
static void
no_other_proof_is_right(void **state)
{
	const struct example *x = &examples[1];
	struct scram_keys keys = keys_of(x->digest, x->salt, "pencil");
	struct bytes message = BYTES(
		"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%"
		"hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
		"i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)"
		"hNlF$k0");
	unsigned char proof[SCRAM_KEY_MAXIMUM_OCTETS];
	struct buffer decoded;

	buffer_init(&decoded, sizeof(proof));
	assert_true(base64_decode(
		BYTES("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
		&decoded));
	memcpy(proof, buffer_bytes(&decoded).at, sizeof(proof));
	buffer_release(&decoded);
	assert_true(scram_proof_is_right(x->digest, &keys, message, proof));
	for (size_t i = 0; i < sizeof(proof); i++) {
		proof[i] ^= 1;
		assert_false(
			scram_proof_is_right(x->digest, &keys, message, proof));
		proof[i] ^= 1;
	}
	message.octets--;
	assert_false(scram_proof_is_right(x->digest, &keys, message, proof));
}

/* What a client may say first, and whether it is taken. */
static const struct {
	const char *mechanism;
	const char *client_first;
	bool has_exporter;
	enum sasl_step step;
	const char *user; /* with SASL_KEYS */
	const char *authzid;
} firsts[] = {
	{"SCRAM-SHA-1", "n,,n=user,r=x", false, SASL_KEYS, "user", ""},
	{"SCRAM-SHA-1", "n,a=other,n=user,r=x", false, SASL_KEYS, "user",
		"other"},
	{"SCRAM-SHA-1", "n,,n=a=2Cb=3Dc,r=x", false, SASL_KEYS, "a,b=c", ""},
	{"SCRAM-SHA-1", "n,,n=j\xC3\xBCrgen,r=x", false, SASL_KEYS,
		"j\xC3\xBCrgen", ""},
	{"SCRAM-SHA-1", "n,,n=user,r=x,x=an,y=extension", false, SASL_KEYS,
		"user", ""},
	/* RFC 5802 section 6: it can bind, and so can we, but it was not told. */
	{"SCRAM-SHA-1", "y,,n=user,r=x", false, SASL_KEYS, "user", ""},
	{"SCRAM-SHA-1", "y,,n=user,r=x", true, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user,r=x", true, SASL_KEYS, "user", ""},
	{"SCRAM-SHA-1", "p=tls-exporter,,n=user,r=x", true, SASL_FAILED, NULL,
		NULL},
	{"SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=x", true, SASL_KEYS,
		"user", ""},
	{"SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=x", false, SASL_FAILED,
		NULL, NULL},
	{"SCRAM-SHA-256-PLUS", "p=tls-unique,,n=user,r=x", true, SASL_FAILED,
		NULL, NULL},
	{"SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=user,r=x", true,
		SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-256-PLUS", "p=,,n=user,r=x", true, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-256-PLUS", "y,,n=user,r=x", true, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-256-PLUS", "n,,n=user,r=x", true, SASL_FAILED, NULL, NULL},
	/* malformed */
	{"SCRAM-SHA-1", "", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", ",,n=user,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "x,,n=user,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "nn,,n=user,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,n=user,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,a=,n=user,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user,r=", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user,r=x y", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,r=x,n=user", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,m=new,n=user,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user,r=x,m=new", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user,r=x,", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user,r=x,1=y", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=us=er,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user=2,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=user=2c,r=x", false, SASL_FAILED, NULL, NULL},
	{"SCRAM-SHA-1", "n,,n=us\xFF,r=x", false, SASL_FAILED, NULL, NULL},
};

static void
takes_what_is_well_formed(void **state)
{
	for (size_t i = 0; i < COUNT(firsts); i++) {
		struct sasl_server *server = begin(
			firsts[i].mechanism, "nonce", firsts[i].has_exporter);
		struct bytes first = bytes_of_string(firsts[i].client_first);
		struct buffer challenge;
		enum sasl_step step;

		buffer_init(&challenge, 512);
		step = sasl_server_step(server, true, first, &challenge);
		if (step != firsts[i].step)
			show_octets(firsts[i].mechanism, first);
		assert_int_equal(step, firsts[i].step);
		assert_int_equal(challenge.octets, 0);
		if (step == SASL_KEYS) {
			assert_bytes(sasl_server_authcid(server),
				bytes_of_string(firsts[i].user), first);
			assert_bytes(sasl_server_authzid(server),
				bytes_of_string(firsts[i].authzid), first);
		}
		buffer_release(&challenge);
		sasl_server_free(&server);
	}
}

static void
a_nul_or_too_much_is_malformed(void **state)
{
	unsigned char *long_one = malloc(SCRAM_MESSAGE_MAXIMUM_OCTETS + 1);
	struct scram_client_first first;

	assert_non_null(long_one);
	assert_false(
		scram_parse_client_first(BYTES("n,,n=us\0er,r=x"), &first));
	memset(long_one, 'x', SCRAM_MESSAGE_MAXIMUM_OCTETS + 1);
	memcpy(long_one, "n,,n=user,r=", 12);
	assert_true(scram_parse_client_first(
		bytes_of(long_one, SCRAM_MESSAGE_MAXIMUM_OCTETS), &first));
	assert_false(scram_parse_client_first(
		bytes_of(long_one, SCRAM_MESSAGE_MAXIMUM_OCTETS + 1), &first));
	free(long_one);
}

/* After the server's first of RFC 5802's example. */
static const struct {
	const char *client_final;
	enum sasl_step step;
} finals[] = {
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	 "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		SASL_PROOF},
	/* An extension is part of what is signed. */
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,x=y,"
	 "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		SASL_PROOF},
	/* another nonce, ours alone, theirs alone, one octet more */
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawX3rfcNHYJY1ZVvWVs7j,"
	 "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		SASL_FAILED},
	{"c=biws,r=3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		SASL_FAILED},
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		SASL_FAILED},
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7jx,"
	 "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		SASL_FAILED},
	/* a proof of another length, none, no base64 */
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz",
		SASL_FAILED},
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=", SASL_FAILED},
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j", SASL_FAILED},
	{"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	 "p=v0X8v3Bz2T0CJGbJQyF0X+HI4T*=",
		SASL_FAILED},
	{"c=*,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	 "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		SASL_FAILED},
	{"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	 "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		SASL_FAILED},
	{"", SASL_FAILED},
};

static void
a_final_fits_the_exchange(void **state)
{
	const struct example *x = &examples[0];
	struct scram_keys keys = keys_of(x->digest, x->salt, "pencil");

	for (size_t i = 0; i < COUNT(finals); i++) {
		struct sasl_server *server =
			begin(x->mechanism, x->nonce, false);
		struct buffer challenge;

		buffer_init(&challenge, 512);
		sasl_server_step(server, true, bytes_of_string(x->client_first),
			&challenge);
		sasl_server_set_keys(server, &keys, &challenge);
		assert_int_equal(
			sasl_server_step(server, true,
				bytes_of_string(finals[i].client_final),
				&challenge),
			finals[i].step);
		/* All but the very first was not signed. */
		assert_int_equal(sasl_server_prove(server, &challenge),
			i == 0 ? SASL_CHALLENGE : SASL_FAILED);
		buffer_release(&challenge);
		sasl_server_free(&server);
	}
}

static void
nothing_goes_out_of_turn(void **state)
{
	struct sasl_server *server = begin("SCRAM-SHA-1", "nonce", false);
	struct scram_keys keys = keys_of(SCRAM_SHA_1, "QSXCR+Q6", "pencil");
	struct buffer challenge;

	buffer_init(&challenge, 512);
	assert_int_equal(sasl_server_prove(server, &challenge), SASL_FAILED);
	assert_int_equal(
		sasl_server_set_keys(server, &keys, &challenge), SASL_FAILED);
	buffer_release(&challenge);
	sasl_server_free(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_as_in_the_examples),
		cmocka_unit_test(a_wrong_password_is_wrong),
		cmocka_unit_test(no_other_proof_is_right),
		cmocka_unit_test(takes_what_is_well_formed),
		cmocka_unit_test(a_nul_or_too_much_is_malformed),
		cmocka_unit_test(a_final_fits_the_exchange),
		cmocka_unit_test(nothing_goes_out_of_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
