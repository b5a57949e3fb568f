/* SPDX-License-Identifier: ISC */
/* OAUTHBEARER and XOAUTH2, the server's side. */
#include "../check.h"

#include "base/secret.h"
#include "sasl/server.h"

#include <stdlib.h>
#include <string.h>

static const struct sasl_server_setup setup = {.nonce = TEXT("nonce")};

/* A token is "t", a name "n"; NULL: malformed. */
static const struct {
	const char *mechanism;
	struct bytes response;
	const char *name, *token;
} rows[] = {
	/* RFC 7628 section 4.1 */
	{"OAUTHBEARER",
		TEXT("n,a=user@example.com,\1host=server.example.com\1port=143"
		     "\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
		     "\1\1"),
		"user@example.com",
		"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer t\1\1"), "", "t"},
	{"OAUTHBEARER", TEXT("y,,\1auth=bearer  t\1\1"), "", "t"},
	{"OAUTHBEARER", TEXT("n,a=a=2Cb=3D,\1auth=BEARER t\1\1"), "a,b=", "t"},
	{"OAUTHBEARER", TEXT("n,,\1x=1\1auth=Bearer t\1y=\1\1"), "", "t"},
	/* Which token is wanted? */
	{"OAUTHBEARER", TEXT("n,,\1auth=\1\1"), "", ""},
	/* Channel binding there is none. */
	{"OAUTHBEARER", TEXT("p=tls-exporter,,\1auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT(""), NULL, 0},
	{"OAUTHBEARER", TEXT("n"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer t\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer t"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer t\1\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer t\1\1x=1\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer \1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Basic t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer a b\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer t\x7f\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1auth=Bearer t\1auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1a1=1\1auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1=1\1auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,,\1x=\0\1auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,a=,\1auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,a=a=b,\1auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,b=a,\1auth=Bearer t\1\1"), NULL, 0},
	{"OAUTHBEARER", TEXT("n,a=a\0,\1auth=Bearer t\1\1"), NULL, 0},
	{"XOAUTH2",
		TEXT("user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2N"
		     "vb3RlckBhdHRhdmlzdGEuY29tCg\1\1"),
		"someuser@example.com",
		"ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"},
	{"XOAUTH2", TEXT("auth=Bearer t\1user=n\1\1"), "n", "t"},
	{"XOAUTH2", TEXT("user=a=b\1auth=Bearer t\1\1"), "a=b", "t"},
	{"XOAUTH2", TEXT("user=\1auth=Bearer t\1\1"), NULL, 0},
	{"XOAUTH2", TEXT("auth=Bearer t\1\1"), NULL, 0},
	{"XOAUTH2", TEXT("user=n\1\1"), NULL, 0},
	{"XOAUTH2", TEXT("user=n\1user=n\1auth=Bearer t\1\1"), NULL, 0},
	{"XOAUTH2", TEXT("user=n\0\1auth=Bearer t\1\1"), NULL, 0},
	{"XOAUTH2", TEXT("n,,\1auth=Bearer t\1\1"), NULL, 0},
	{"XOAUTH2", TEXT(""), NULL, 0},
	{"XOAUTH2", TEXT("\1"), NULL, 0},
	{"XOAUTH2", TEXT("\1\1"), NULL, 0},
};

static struct sasl_server *
start(const char *mechanism)
{
	struct sasl_server *server =
		sasl_server_new(bytes_of_string(mechanism), &setup);

	assert_non_null(server);
	return server;
}

static void
try_row(size_t i, bool asks_first)
{
	struct sasl_server *server = start(rows[i].mechanism);
	struct buffer challenge;
	enum sasl_step step;

	buffer_init(&challenge, 512);
	if (asks_first) {
		assert_int_equal(
			sasl_server_step(server, false, BYTES_NONE, &challenge),
			SASL_CHALLENGE);
		assert_int_equal(challenge.octets, 0);
	}
	step = sasl_server_step(server, true, rows[i].response, &challenge);
	if (rows[i].name) {
		assert_int_equal(step, SASL_TOKEN);
		assert_bytes(sasl_server_authcid(server),
			bytes_of_string(rows[i].name), rows[i].response);
		assert_bytes(sasl_server_password(server),
			bytes_of_string(rows[i].token), rows[i].response);
	} else if (step != SASL_FAILED) {
		fail_msg("row %zu: step %d", i, (int)step);
	}
	sasl_server_free(&server);
	buffer_release(&challenge);
}

static void
tokens_and_names(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		try_row(i, false);
		try_row(i, true);
	}
}

static const struct {
	const char *mechanism, *first, *scope, *error, *last;
} refusals[] = {
	{"OAUTHBEARER", "n,,\1auth=Bearer t\1\1", "",
		"{\"status\":\"invalid_token\"}", "\1"},
	{"OAUTHBEARER", "n,,\1auth=Bearer t\1\1", "mail pop",
		"{\"status\":\"invalid_token\",\"scope\":\"mail pop\"}", "\1"},
	/* What it answers does not matter, not even a good token. */
	{"OAUTHBEARER", "n,,\1auth=Bearer t\1\1", "",
		"{\"status\":\"invalid_token\"}", "n,,\1auth=Bearer u\1\1"},
	{"XOAUTH2", "user=n\1auth=Bearer t\1\1", "https://mail.example/",
		"{\"status\":\"400\",\"schemes\":\"Bearer\","
		"\"scope\":\"https://mail.example/\"}",
		""},
	{"XOAUTH2", "user=n\1auth=Bearer t\1\1", "",
		"{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"\"}",
		"user=n\1auth=Bearer u\1\1"},
};

static void
a_refusal_says_why_and_ends(void **state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct sasl_server *server = start(refusals[i].mechanism);
		struct buffer challenge;

		buffer_init(&challenge, 512);
		assert_int_equal(
			sasl_server_step(server, true,
				bytes_of_string(refusals[i].first), &challenge),
			SASL_TOKEN);
		assert_int_equal(sasl_server_refuse_token(
					 server, refusals[i].scope, &challenge),
			SASL_CHALLENGE);
		assert_bytes(buffer_bytes(&challenge),
			bytes_of_string(refusals[i].error), BYTES_NONE);
		assert_int_equal(sasl_server_password(server).octets, 0);
		assert_int_equal(
			sasl_server_step(server, true,
				bytes_of_string(refusals[i].last), &challenge),
			SASL_FAILED);
		assert_int_equal(sasl_server_password(server).octets, 0);
		sasl_server_free(&server);
		buffer_release(&challenge);
	}
}

/* 64 KiB fit, with what is around them. */
static void
long_tokens(void **state)
{
	static const char front[] = "user=n\1auth=Bearer ", end[] = "\1\1";
	size_t octets = SECRET_MAXIMUM_OCTETS;
	char *text = malloc(octets + 1);

	memset(text, 'x', octets);
	memcpy(text, front, sizeof(front) - 1);
	memcpy(text + octets - 2, end, 2);
	for (int i = 0; i < 2; i++) {
		struct sasl_server *server = start("XOAUTH2");
		struct buffer challenge;

		buffer_init(&challenge, 512);
		/* One octet less has no end. */
		assert_int_equal(
			sasl_server_step(server, true,
				bytes_of(text, octets - (size_t)i), &challenge),
			i == 0 ? SASL_TOKEN : SASL_FAILED);
		sasl_server_free(&server);
		buffer_release(&challenge);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_and_names),
		cmocka_unit_test(a_refusal_says_why_and_ends),
		cmocka_unit_test(long_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
