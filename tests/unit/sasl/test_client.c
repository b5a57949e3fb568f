/* SPDX-License-Identifier: ISC */
/*
 * The client's side of SASL: against the examples of the RFCs, against our own
 * server, and against servers that lie.
 */
#include "../check.h"

#include "sasl/client.h"
#include "sasl/server.h"

#define EXPORTER "0123456789abcdef0123456789abcdef"
#define UNIQUE	 "0123456789ab"
#define ALL_PLUS                                                               \
	"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 "       \
	"EXTERNAL PLAIN LOGIN"
#define NO_PLUS "SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL PLAIN LOGIN"

/* With a password, over TLS 1.3. */
static const struct sasl_client_setup usual = {
	.authcid = TEXT("user"),
	.password = TEXT("pencil"),
	.is_private = true,
	.tls_exporter = TEXT(EXPORTER),
	.nonce = TEXT("rOprNGfwEbeRWgbNEkqO"),
};

/* ---- what is chosen ---- */

enum { PASSWORD = 1, TOKEN = 2, PRIVATE = 4, BINDING = 8, CERTIFICATE = 16 };

static const struct {
	const char *offered;
	unsigned has;
	const char *chosen;
} choices[] = {
	{ALL_PLUS, PASSWORD | PRIVATE | BINDING, "SCRAM-SHA-256-PLUS"},
	{ALL_PLUS, PASSWORD | PRIVATE, "SCRAM-SHA-256"},
	{NO_PLUS, PASSWORD | PRIVATE | BINDING, "SCRAM-SHA-256"},
	/* What binds is better than a better digest. */
	{"SCRAM-SHA-256 SCRAM-SHA-1-PLUS", PASSWORD | PRIVATE | BINDING,
		"SCRAM-SHA-1-PLUS"},
	{"LOGIN PLAIN", PASSWORD | PRIVATE, "PLAIN"},
	{"login", PASSWORD | PRIVATE, "LOGIN"},
	/* Nothing that others could read. */
	{"LOGIN PLAIN XOAUTH2 OAUTHBEARER", PASSWORD, NULL},
	{"LOGIN PLAIN XOAUTH2 OAUTHBEARER", TOKEN, NULL},
	{"PLAIN SCRAM-SHA-1", PASSWORD, "SCRAM-SHA-1"},
	{"PLAIN XOAUTH2", TOKEN | PRIVATE, "XOAUTH2"},
	{"PLAIN XOAUTH2 OAUTHBEARER", TOKEN | PRIVATE, "OAUTHBEARER"},
	{"PLAIN SCRAM-SHA-256", TOKEN | PRIVATE | PASSWORD, NULL},
	{ALL_PLUS, CERTIFICATE | PRIVATE, "EXTERNAL"},
	{ALL_PLUS, CERTIFICATE | PRIVATE | PASSWORD, "SCRAM-SHA-256"},
	{"EXTERNAL", CERTIFICATE | PRIVATE | PASSWORD, NULL},
	{"EXTERNAL", PASSWORD | PRIVATE, NULL},
	{"NTLM DIGEST-MD5 CRAM-MD5", PASSWORD | PRIVATE, NULL},
	{"", PASSWORD | PRIVATE, NULL},
};

static void
the_strongest_is_chosen(void **state)
{
	for (size_t i = 0; i < COUNT(choices); i++) {
		unsigned has = choices[i].has;
		struct sasl_client_setup setup = {
			.password = has & PASSWORD ? BYTES("x") : BYTES_NONE,
			.token = has & TOKEN ? BYTES("x") : BYTES_NONE,
			.tls_exporter =
				has & BINDING ? BYTES(EXPORTER) : BYTES_NONE,
			.is_private = has & PRIVATE,
			.has_certificate = has & CERTIFICATE,
		};
		const char *chosen = sasl_client_choose(
			bytes_of_string(choices[i].offered), &setup);

		if (choices[i].chosen)
			assert_string_equal(chosen, choices[i].chosen);
		else
			assert_null(chosen);
	}
}

static void
what_cannot_be_used_is_not_begun(void **state)
{
	struct sasl_client_setup setup = usual;

	setup.is_private = false;
	assert_null(sasl_client_new(BYTES("PLAIN"), BYTES("PLAIN"), &setup));
	assert_null(sasl_client_new(BYTES("LOGIN"), BYTES("LOGIN"), &setup));
	assert_null(
		sasl_client_new(BYTES("XOAUTH2"), BYTES("XOAUTH2"), &setup));
	assert_null(sasl_client_new(BYTES("NTLM"), BYTES("NTLM"), &setup));
	setup.tls_exporter = BYTES_NONE;
	assert_null(sasl_client_new(
		BYTES("SCRAM-SHA-1-PLUS"), BYTES(ALL_PLUS), &setup));
}

/* ---- exchanges as tables ---- */

struct turn {
	const char *challenge; /* NULL: none yet */
	enum sasl_client_step step;
	struct bytes response;
};

#define TURNS_MAXIMUM 4

struct exchange {
	const char *mechanism;
	const char *offered;
	struct sasl_client_setup setup;
	struct turn turns[TURNS_MAXIMUM];
	size_t turn_count;
	bool may_trust;
	const char *error;
};

#define SENDS(text) SASL_CLIENT_SEND, TEXT(text)
#define FAILS	    SASL_CLIENT_FAILED, TEXT("")
#define SETUP(...)                                                             \
	{                                                                      \
		.is_private = true, __VA_ARGS__                                \
	}
#define PENCIL                                                                 \
	.authcid = TEXT("user"), .password = TEXT("pencil"),                   \
	.nonce = TEXT("rOprNGfwEbeRWgbNEkqO")
#define NONCE "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FINAL                                                                  \
	"c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define FIRST "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"

static const struct exchange exchanges[] = {
	/* RFC 7677 section 3 */
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{FIRST, SENDS(FINAL)},
			{"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
				SENDS("")},
			{"", FAILS}},
		4, true, "the server wants more than SCRAM has: "},
	/* RFC 5802 section 5 */
	{"SCRAM-SHA-1", NO_PLUS,
		SETUP(.authcid = TEXT("user"), .password = TEXT("pencil"),
			.nonce = TEXT("fyko+d2lbbFgONRv9qkxdawL")),
		{{NULL, SENDS("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")},
			{"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
			 "s=QSXCR+Q6sek8bf92,i=4096",
				SENDS("c=biws,"
				      "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1Z"
				      "VvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts"
				      "=")},
			{"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", SENDS("")}},
		3, true, ""},
	/* A server that does not know the password. */
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{FIRST, SENDS(FINAL)},
			{"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
				FAILS}},
		3, false,
		"the server does not know the password: it is not the one it "
		"claims to be"},
	/* One that says +OK without having shown anything. */
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{FIRST, SENDS(FINAL)}},
		2, false, ""},
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{FIRST, SENDS(FINAL)}, {"e=invalid-proof", FAILS}},
		3, false, "the server refuses: invalid-proof"},
	/* Last words that SCRAM does not know. */
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{FIRST, SENDS(FINAL)}, {"x=1", FAILS}},
		3, false, "that is not how SCRAM goes: the server says x=1"},
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{FIRST, SENDS(FINAL)}, {"e=x,y", FAILS}},
		3, false, "that is not how SCRAM goes: the server says e=x,y"},
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{FIRST, SENDS(FINAL)}, {"\n", FAILS}},
		3, false, "that is not how SCRAM goes: the server says ?"},
	/* Nonces: another's, ours with nothing added. */
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{"r=xOprNGfwEbeRWgbNEkqOyy,s=W22ZaJ0S,i=4096", FAILS}},
		2, false, "the server answers another login than ours"},
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0S,i=4096", FAILS}},
		2, false, "the server answers another login than ours"},
	/* Iterations: to guess the password cheaply, to keep us busy. */
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{"r=" NONCE ",s=W22ZaJ0S,i=4095", FAILS}},
		2, false,
		"the server asks for a proof that is easy to break (less than "
		"4096 iterations)"},
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{"r=" NONCE ",s=W22ZaJ0S,i=4294967295", FAILS}},
		2, false,
		"the server asks for too much computing (more than 1000000 "
		"iterations)"},
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{"r=" NONCE ",s=*,i=4096", FAILS}},
		2, false, "the server's salt is none"},
	{"SCRAM-SHA-256", NO_PLUS, SETUP(PENCIL),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")},
			{"no\n", FAILS}},
		2, false, "that is not how SCRAM goes: the server says no?"},
	/* Names are escaped; an authzid goes into the header. */
	{"SCRAM-SHA-256", NO_PLUS,
		SETUP(.authcid = TEXT("a,b=c"), .authzid = TEXT("x,y"),
			.password = TEXT("p"), .nonce = TEXT("N")),
		{{NULL, SENDS("n,a=x=2Cy,n=a=2Cb=3Dc,r=N")}}, 1, false, ""},
	/* RFC 5802 section 6: it could bind, and was not told that the server
	   can. */
	{"SCRAM-SHA-256", NO_PLUS,
		SETUP(PENCIL, .tls_exporter = TEXT(EXPORTER)),
		{{NULL, SENDS("y,,n=user,r=rOprNGfwEbeRWgbNEkqO")}}, 1, false,
		""},
	{"SCRAM-SHA-256", ALL_PLUS,
		SETUP(PENCIL, .tls_exporter = TEXT(EXPORTER)),
		{{NULL, SENDS("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")}}, 1, false,
		""},
	{"SCRAM-SHA-256-PLUS", ALL_PLUS,
		SETUP(PENCIL, .tls_exporter = TEXT(EXPORTER)),
		{{NULL, SENDS("p=tls-exporter,,n=user,r="
			      "rOprNGfwEbeRWgbNEkqO")}},
		1, false, ""},
	{"SCRAM-SHA-256-PLUS", ALL_PLUS,
		SETUP(PENCIL, .tls_unique = TEXT(UNIQUE)),
		{{NULL, SENDS("p=tls-unique,,n=user,r=rOprNGfwEbeRWgbNEkqO")}},
		1, false, ""},
	/* SASLprep forbids it. */
	{"SCRAM-SHA-256", NO_PLUS,
		SETUP(.authcid = TEXT("us\x07"
				      "er"),
			.password = TEXT("p"), .nonce = TEXT("N")),
		{{NULL, FAILS}}, 1, false,
		"the user name has characters that are not allowed"},

	/* RFC 4616 section 2 */
	{"PLAIN", "PLAIN",
		SETUP(.authcid = TEXT("user"), .password = TEXT("pencil")),
		{{NULL, SENDS("\0user\0pencil")}, {"more", FAILS}}, 2, true,
		"the server wants more than PLAIN has: more"},
	{"PLAIN", "PLAIN",
		SETUP(.authcid = TEXT("user"), .authzid = TEXT("other"),
			.password = TEXT("pencil")),
		{{NULL, SENDS("other\0user\0pencil")}}, 1, true, ""},
	{"PLAIN", "PLAIN",
		SETUP(.authcid = TEXT("us\0er"), .password = TEXT("pencil")),
		{{NULL, FAILS}}, 1, true, "a NUL in name or password"},
	{"LOGIN", "LOGIN",
		SETUP(.authcid = TEXT("user"), .password = TEXT("pencil")),
		{{NULL, SASL_CLIENT_WAIT, TEXT("")},
			{"User Name", SENDS("user")},
			{"Password:", SENDS("pencil")}, {"Token:", FAILS}},
		4, true, "the server wants more than LOGIN has: Token:"},
	{"EXTERNAL", "EXTERNAL", SETUP(.has_certificate = true),
		{{NULL, SENDS("")}, {"", FAILS}}, 2, true,
		"the server wants more than EXTERNAL has: "},
	{"EXTERNAL", "EXTERNAL",
		SETUP(.has_certificate = true, .authzid = TEXT("other")),
		{{NULL, SENDS("other")}}, 1, true, ""},

	/* RFC 7628 section 4.1, with its token */
	{"OAUTHBEARER", "OAUTHBEARER",
		SETUP(.authcid = TEXT("user@example.com"),
			.token = TEXT("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg"
				      "=="),
			.host = TEXT("server.example.com"), .port = 143),
		{{NULL, SENDS("n,a=user@example.com,\1host=server.example.com"
			      "\1port=143\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbH"
			      "RhdmlzdGEuY29tCg==\1\1")}},
		1, true, ""},
	/* section 4.3: refused */
	{"OAUTHBEARER", "OAUTHBEARER",
		SETUP(.authcid = TEXT("user"), .token = TEXT("tok")),
		{{NULL, SENDS("n,a=user,\1auth=Bearer tok\1\1")},
			{"{\"status\":\"invalid_token\"}", SENDS("\1")},
			{"again", FAILS}},
		3, true, "the server goes on after it has refused the token"},
	{"XOAUTH2", "XOAUTH2",
		SETUP(.authcid = TEXT("user"), .token = TEXT("tok")),
		{{NULL, SENDS("user=user\1auth=Bearer tok\1\1")},
			{"{\"status\":\"400\"}", SENDS("")}},
		2, true, "the token is refused: {\"status\":\"400\"}"},
	{"XOAUTH2", "XOAUTH2",
		SETUP(.authcid = TEXT("user"), .token = TEXT("tok\1auth=x")),
		{{NULL, FAILS}}, 1, true,
		"the token has characters that no token has"},
	{"XOAUTH2", "XOAUTH2",
		SETUP(.authcid = TEXT("us\1er"), .token = TEXT("tok")),
		{{NULL, FAILS}}, 1, true, "a control character in the name"},
};

static void
play(const struct exchange *x)
{
	struct sasl_client *client =
		sasl_client_new(bytes_of_string(x->mechanism),
			bytes_of_string(x->offered), &x->setup);
	struct buffer response;

	assert_non_null(client);
	buffer_init(&response, SASL_CLIENT_RESPONSE_MAXIMUM_OCTETS);
	for (size_t i = 0; i < x->turn_count; i++) {
		const struct turn *turn = &x->turns[i];
		struct bytes challenge =
			bytes_of_string(turn->challenge ? turn->challenge : "");
		enum sasl_client_step step = sasl_client_step(
			client, turn->challenge, challenge, &response);

		if (step != turn->step)
			show_octets(x->mechanism, challenge);
		assert_int_equal(step, turn->step);
		if (step == SASL_CLIENT_SEND)
			assert_bytes(buffer_bytes(&response), turn->response,
				challenge);
	}
	assert_int_equal(sasl_client_may_trust(client), x->may_trust);
	assert_string_equal(sasl_client_error(client), x->error);
	buffer_release(&response);
	sasl_client_free(&client);
	assert_null(client);
}

static void
goes_as_the_mechanism_says(void **state)
{
	for (size_t i = 0; i < COUNT(exchanges); i++)
		play(&exchanges[i]);
}

/* ---- with our server ---- */

struct meeting {
	const char *mechanism;
	struct sasl_client_setup client;
	struct sasl_server_setup server;
	const char *server_password; /* of SCRAM's keys */
	const char *offered;	     /* as the client was told */
	enum sasl_step last;
};

#define AT_EXPORTER .tls_exporter = TEXT(EXPORTER)
#define AT_UNIQUE   .tls_unique = TEXT(UNIQUE)

static const struct meeting meetings[] = {
	{"SCRAM-SHA-1", SETUP(PENCIL), {.nonce = TEXT("N")}, "pencil", NO_PLUS,
		SASL_PROVEN},
	{"SCRAM-SHA-256", SETUP(PENCIL), {.nonce = TEXT("N")}, "pencil",
		NO_PLUS, SASL_PROVEN},
	{"SCRAM-SHA-256", SETUP(PENCIL), {.nonce = TEXT("N")}, "pencils",
		NO_PLUS, SASL_FAILED},
	{"SCRAM-SHA-1-PLUS", SETUP(PENCIL, AT_EXPORTER),
		{.nonce = TEXT("N"), .offers_binding = true, AT_EXPORTER},
		"pencil", ALL_PLUS, SASL_PROVEN},
	{"SCRAM-SHA-256-PLUS", SETUP(PENCIL, AT_EXPORTER),
		{.nonce = TEXT("N"), .offers_binding = true, AT_EXPORTER},
		"pencil", ALL_PLUS, SASL_PROVEN},
	{"SCRAM-SHA-256-PLUS", SETUP(PENCIL, AT_UNIQUE),
		{.nonce = TEXT("N"), .offers_binding = true, AT_UNIQUE},
		"pencil", ALL_PLUS, SASL_PROVEN},
	/* Another connection: somebody stands between. */
	{"SCRAM-SHA-256-PLUS",
		SETUP(PENCIL, .tls_exporter =
				      TEXT("0123456789abcdef0123456789abcdeF")),
		{.nonce = TEXT("N"), .offers_binding = true, AT_EXPORTER},
		"pencil", ALL_PLUS, SASL_FAILED},
	/* The list was changed on the way. */
	{"SCRAM-SHA-256", SETUP(PENCIL, AT_EXPORTER),
		{.nonce = TEXT("N"), .offers_binding = true, AT_EXPORTER},
		"pencil", NO_PLUS, SASL_FAILED},
	/* It was not, the client just does not bind. */
	{"SCRAM-SHA-256", SETUP(PENCIL),
		{.nonce = TEXT("N"), .offers_binding = true, AT_EXPORTER},
		"pencil", ALL_PLUS, SASL_PROVEN},
	/* SASLprep makes both the same (RFC 4013 section 3). */
	{"SCRAM-SHA-256",
		SETUP(.authcid = TEXT("I\xC2\xADX"),
			.password = TEXT("\xE2\x85\xA8"), .nonce = TEXT("C")),
		{.nonce = TEXT("N")}, "IX", NO_PLUS, SASL_PROVEN},
	{"PLAIN", SETUP(PENCIL), {.nonce = TEXT("N")}, "", "PLAIN", SASL_CHECK},
	{"LOGIN", SETUP(PENCIL), {.nonce = TEXT("N")}, "", "LOGIN", SASL_CHECK},
	{"EXTERNAL", SETUP(.has_certificate = true), {.nonce = TEXT("N")}, "",
		"EXTERNAL", SASL_EXTERNAL},
};

static enum sasl_step
answer(struct sasl_server *server, const struct meeting *m, bool has_response,
	struct bytes response, struct buffer *challenge)
{
	enum sasl_step step =
		sasl_server_step(server, has_response, response, challenge);
	struct scram_keys keys;

	if (step == SASL_KEYS) {
		assert_true(scram_keys_derive(sasl_server_digest(server),
			bytes_of_string(m->server_password), BYTES("salt"),
			4096, &keys));
		step = sasl_server_set_keys(server, &keys, challenge);
	}
	if (step == SASL_PROOF)
		step = sasl_server_prove(server, challenge);
	return step;
}

static void
meet(const struct meeting *m, bool has_initial)
{
	struct sasl_client *client =
		sasl_client_new(bytes_of_string(m->mechanism),
			bytes_of_string(m->offered), &m->client);
	struct sasl_server *server =
		sasl_server_new(bytes_of_string(m->mechanism), &m->server);
	struct buffer response, challenge;
	enum sasl_client_step said;
	enum sasl_step step;

	assert_non_null(client);
	assert_non_null(server);
	buffer_init(&response, SASL_CLIENT_RESPONSE_MAXIMUM_OCTETS);
	buffer_init(&challenge, 4096);
	said = sasl_client_step(client, false, BYTES_NONE, &response);
	has_initial = has_initial && said == SASL_CLIENT_SEND;
	step = answer(
		server, m, has_initial, buffer_bytes(&response), &challenge);
	if (!has_initial && said == SASL_CLIENT_SEND)
		step = answer(
			server, m, true, buffer_bytes(&response), &challenge);
	while (step == SASL_CHALLENGE) {
		said = sasl_client_step(
			client, true, buffer_bytes(&challenge), &response);
		assert_int_equal(said, SASL_CLIENT_SEND);
		step = answer(
			server, m, true, buffer_bytes(&response), &challenge);
	}
	assert_int_equal(step, m->last);
	/* A wrong password is nobody's attack, another connection is. */
	assert_int_equal(sasl_server_is_attacked(server),
		step == SASL_FAILED &&
			strcmp(m->server_password, "pencil") == 0);
	if (step == SASL_PROVEN || step == SASL_CHECK)
		assert_true(sasl_client_may_trust(client));
	buffer_release(&response);
	buffer_release(&challenge);
	sasl_client_free(&client);
	sasl_server_free(&server);
}

static void
both_sides_understand_each_other(void **state)
{
	for (size_t i = 0; i < COUNT(meetings); i++) {
		meet(&meetings[i], true);
		meet(&meetings[i], false);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strongest_is_chosen),
		cmocka_unit_test(what_cannot_be_used_is_not_begun),
		cmocka_unit_test(goes_as_the_mechanism_says),
		cmocka_unit_test(both_sides_understand_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
