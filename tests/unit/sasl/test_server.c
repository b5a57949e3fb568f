/* SPDX-License-Identifier: ISC */
/* Exchanges as tables: what the client says, what becomes of it. */
#include "../check.h"

#include "base/secret.h"
#include "sasl/server.h"

#include <stdlib.h>

#define TURNS_MAXIMUM	 4
#define CHALLENGE_OCTETS 64

struct turn {
	bool has_response;
	struct bytes response;
	enum sasl_step step;
	const char *challenge; /* with SASL_CHALLENGE */
};

#define SAYS(octets) true, TEXT(octets)
#define SAYS_NOTHING                                                           \
	false,                                                                 \
	{                                                                      \
		NULL, 0                                                        \
	}
#define ASKED(text)   SASL_CHALLENGE, text
#define CHECKED	      SASL_CHECK, NULL
#define KNOWN_OUTSIDE SASL_EXTERNAL, NULL
#define REFUSED	      SASL_FAILED, NULL

struct exchange {
	const char *mechanism;
	struct turn turns[TURNS_MAXIMUM]; /* up to SASL_CHECK or _FAILED */
	const char *authzid, *authcid, *password;
};

static const struct exchange exchanges[] = {
	/* PLAIN: RFC 4616 section 2 */
	{"PLAIN", {{SAYS("\0alice\0secret"), CHECKED}}, "", "alice", "secret"},
	{"plain", {{SAYS("\0alice\0secret"), CHECKED}}, "", "alice", "secret"},
	{"PLAIN",
		{{SAYS_NOTHING, ASKED("")}, {SAYS("\0alice\0secret"), CHECKED}},
		"", "alice", "secret"},
	{"PLAIN", {{SAYS("bob\0alice\0secret"), CHECKED}}, "bob", "alice",
		"secret"},
	{"PLAIN", {{SAYS("alice\0alice\0secret"), CHECKED}}, "alice", "alice",
		"secret"},
	{"PLAIN", {{SAYS("\0alice@example.org\0 two  words "), CHECKED}}, "",
		"alice@example.org", " two  words "},
	{"PLAIN", {{SAYS("\0\xc3\xa9\0\xff\r\n"), CHECKED}}, "", "\xc3\xa9",
		"\xff\r\n"},
	{"PLAIN", {{SAYS("\0a\0b"), CHECKED}}, "", "a", "b"},
	/* The number of NULs is two. */
	{"PLAIN", {{SAYS(""), REFUSED}}},
	{"PLAIN", {{SAYS("alice"), REFUSED}}},
	{"PLAIN", {{SAYS("alice secret"), REFUSED}}},
	{"PLAIN", {{SAYS("\0"), REFUSED}}},
	{"PLAIN", {{SAYS("alice\0secret"), REFUSED}}},
	{"PLAIN", {{SAYS("\0alice"), REFUSED}}},
	{"PLAIN", {{SAYS("\0\0"), REFUSED}}},
	{"PLAIN", {{SAYS("\0\0\0"), REFUSED}}},
	{"PLAIN", {{SAYS("\0alice\0secret\0"), REFUSED}}},
	{"PLAIN", {{SAYS("\0alice\0\0secret"), REFUSED}}},
	{"PLAIN", {{SAYS("\0alice\0sec\0ret"), REFUSED}}},
	{"PLAIN", {{SAYS("bob\0alice\0secret\0more"), REFUSED}}},
	/* Neither name nor password is empty. */
	{"PLAIN", {{SAYS("\0\0secret"), REFUSED}}},
	{"PLAIN", {{SAYS("\0alice\0"), REFUSED}}},
	{"PLAIN", {{SAYS("bob\0\0secret"), REFUSED}}},
	/* Asked once, it has to answer. */
	{"PLAIN", {{SAYS_NOTHING, ASKED("")}, {SAYS(""), REFUSED}}},
	{"PLAIN", {{SAYS_NOTHING, ASKED("")}, {SAYS_NOTHING, REFUSED}}},
	/* LOGIN */
	{"LOGIN",
		{{SAYS_NOTHING, ASKED("Username:")},
			{SAYS("alice"), ASKED("Password:")},
			{SAYS("two words"), CHECKED}},
		"", "alice", "two words"},
	{"login",
		{{SAYS("alice"), ASKED("Password:")},
			{SAYS("secret"), CHECKED}},
		"", "alice", "secret"},
	{"LOGIN", {{SAYS_NOTHING, ASKED("Username:")}, {SAYS(""), REFUSED}}},
	{"LOGIN",
		{{SAYS_NOTHING, ASKED("Username:")}, {SAYS_NOTHING, REFUSED}}},
	{"LOGIN", {{SAYS_NOTHING, ASKED("Username:")},
			  {SAYS("ali\0ce"), REFUSED}}},
	{"LOGIN", {{SAYS_NOTHING, ASKED("Username:")},
			  {SAYS("alice"), ASKED("Password:")},
			  {SAYS(""), REFUSED}}},
	{"LOGIN", {{SAYS_NOTHING, ASKED("Username:")},
			  {SAYS("alice"), ASKED("Password:")},
			  {SAYS("sec\0ret"), REFUSED}}},
	{"LOGIN", {{SAYS(""), REFUSED}}},
	{"LOGIN", {{SAYS("\0alice\0secret"), REFUSED}}},
	/* EXTERNAL: RFC 4422 appendix A */
	{"EXTERNAL", {{SAYS(""), KNOWN_OUTSIDE}}, "", "", ""},
	{"external", {{SAYS_NOTHING, ASKED("")}, {SAYS(""), KNOWN_OUTSIDE}}, "",
		"", ""},
	{"EXTERNAL", {{SAYS("alice@example.org"), KNOWN_OUTSIDE}},
		"alice@example.org", "", ""},
	{"EXTERNAL", {{SAYS("ali\0ce"), REFUSED}}},
	{"EXTERNAL", {{SAYS("ali\xff"), REFUSED}}},
};

static const struct sasl_server_setup setup = {.nonce = TEXT("nonce")};

/* In memory of exactly its size. */
static enum sasl_step
take_turn(struct sasl_server *server, const struct turn *turn,
	struct buffer *challenge)
{
	size_t octets = turn->response.octets;
	unsigned char *copy = malloc(octets ? octets : 1);
	enum sasl_step step;

	assert_non_null(copy);
	if (octets > 0)
		memcpy(copy, turn->response.at, octets);
	step = sasl_server_step(
		server, turn->has_response, bytes_of(copy, octets), challenge);
	free(copy);
	return step;
}

static void
expect_claims(const struct sasl_server *server, const struct exchange *x)
{
	assert_bytes(sasl_server_authzid(server), bytes_of_string(x->authzid),
		BYTES_NONE);
	assert_bytes(sasl_server_authcid(server), bytes_of_string(x->authcid),
		BYTES_NONE);
	assert_bytes(sasl_server_password(server), bytes_of_string(x->password),
		BYTES_NONE);
}

static void
play(const struct exchange *x)
{
	struct sasl_server *server =
		sasl_server_new(bytes_of_string(x->mechanism), &setup);
	struct buffer challenge;
	enum sasl_step step;

	assert_non_null(server);
	buffer_init(&challenge, CHALLENGE_OCTETS);
	assert_true(buffer_append_string(&challenge, "left from before"));
	for (const struct turn *turn = x->turns;; turn++) {
		step = take_turn(server, turn, &challenge);
		if (step != turn->step)
			show_octets("response", turn->response);
		assert_int_equal(step, turn->step);
		if (step != SASL_CHALLENGE)
			break;
		assert_bytes(buffer_bytes(&challenge),
			bytes_of_string(turn->challenge), turn->response);
	}
	assert_int_equal(challenge.octets, 0);
	if (step != SASL_FAILED)
		expect_claims(server, x);
	buffer_release(&challenge);
	sasl_server_free(&server);
	assert_null(server);
}

static void
goes_as_the_mechanism_says(void **state)
{
	for (size_t i = 0; i < COUNT(exchanges); i++)
		play(&exchanges[i]);
}

/* ---- as long as it may be ---- */

static enum sasl_step
say_long(const char *mechanism, size_t octets, const char *front)
{
	struct sasl_server *server =
		sasl_server_new(bytes_of_string(mechanism), &setup);
	size_t front_octets = front ? 3 : 0;
	unsigned char *response = malloc(front_octets + octets);
	struct buffer challenge;
	enum sasl_step step;

	assert_non_null(server);
	assert_non_null(response);
	buffer_init(&challenge, CHALLENGE_OCTETS);
	memset(response, 'x', front_octets + octets);
	if (front)
		memcpy(response, front, 3);
	step = sasl_server_step(server, true,
		bytes_of(response, front_octets + octets), &challenge);
	buffer_release(&challenge);
	free(response);
	sasl_server_free(&server);
	return step;
}

static void
what_is_too_long_is_refused(void **state)
{
	const size_t most = SECRET_MAXIMUM_OCTETS;

	assert_int_equal(say_long("PLAIN", most, "\0a"), SASL_CHECK);
	assert_int_equal(say_long("PLAIN", most + 1, "\0a"), SASL_FAILED);
	assert_int_equal(say_long("PLAIN", 3 * most, "\0a"), SASL_FAILED);
	assert_int_equal(say_long("LOGIN", most, NULL), SASL_CHALLENGE);
	assert_int_equal(say_long("LOGIN", most + 1, NULL), SASL_FAILED);
}

/* ---- names ---- */

static void
other_mechanisms_are_unknown(void **state)
{
	static const struct bytes names[] = {TEXT(""), TEXT("PLAI"),
		TEXT("PLAINX"), TEXT("PLAIN "), TEXT("PLAIN\0"),
		TEXT("PLAIN LOGIN"), TEXT("CRAM-MD5"), TEXT("DIGEST-MD5"),
		TEXT("NTLM"), TEXT("ANONYMOUS"), TEXT("SCRAM-SHA-512")};

	for (size_t i = 0; i < COUNT(names); i++)
		assert_null(sasl_server_new(names[i], &setup));
}

/* ---- what is offered ---- */

enum {
	KEYS = SASL_NEEDS_KEYS,
	BINDING = SASL_NEEDS_BINDING,
	CERTIFICATE = SASL_NEEDS_CERTIFICATE,
	TOKENS = SASL_NEEDS_TOKENS,
};

static const struct {
	const char *allowed;
	unsigned has;
	const char *offered;
} offers[] = {
	{SASL_SERVER_ALL, 0, "PLAIN"},
	{SASL_SERVER_ALL, KEYS, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"},
	{SASL_SERVER_ALL, BINDING, "PLAIN"},
	{SASL_SERVER_ALL, CERTIFICATE, "EXTERNAL PLAIN"},
	{SASL_SERVER_ALL, KEYS | BINDING | CERTIFICATE,
		"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
		"SCRAM-SHA-1 EXTERNAL PLAIN"},
	{SASL_SERVER_ALL, TOKENS, "OAUTHBEARER XOAUTH2 PLAIN"},
	/* In whatever order and case they are allowed, the strongest first. */
	{"plain, Login  EXTERNAL,scram-sha-256", KEYS | CERTIFICATE,
		"SCRAM-SHA-256 EXTERNAL PLAIN LOGIN"},
	{"SCRAM-SHA-256-PLUS", KEYS, ""},
	{"SCRAM-SHA-256-PLUS", KEYS | BINDING, "SCRAM-SHA-256-PLUS"},
	{"PLAINX, PLAI", 0, ""},
	{"", KEYS | BINDING | CERTIFICATE, ""},
};

static void
offers_what_is_of_use(void **state)
{
	for (size_t i = 0; i < COUNT(offers); i++) {
		struct buffer out;

		buffer_init(&out, 512);
		assert_true(
			sasl_server_offer(bytes_of_string(offers[i].allowed),
				offers[i].has, &out));
		assert_bytes(buffer_bytes(&out),
			bytes_of_string(offers[i].offered),
			bytes_of_string(offers[i].allowed));
		buffer_release(&out);
	}
}

static void
unknown_names_are_found(void **state)
{
	assert_int_equal(
		sasl_server_unknown(BYTES(SASL_SERVER_ALL ", login")).octets,
		0);
	assert_bytes(sasl_server_unknown(BYTES("PLAIN, PLAN, NTLM")),
		BYTES("PLAN"), BYTES_NONE);
}

static void
what_is_offered_is_there(void **state)
{
	struct bytes rest = BYTES("SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS "
				  "SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL "
				  "OAUTHBEARER XOAUTH2 PLAIN LOGIN");

	while (rest.octets > 0) {
		struct sasl_server *server =
			sasl_server_new(bytes_cut(&rest, ' '), &setup);

		assert_non_null(server);
		sasl_server_free(&server);
		sasl_server_free(&server);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_as_the_mechanism_says),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(other_mechanisms_are_unknown),
		cmocka_unit_test(offers_what_is_of_use),
		cmocka_unit_test(unknown_names_are_found),
		cmocka_unit_test(what_is_offered_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
