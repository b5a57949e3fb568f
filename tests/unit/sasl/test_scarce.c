/* SPDX-License-Identifier: ISC */
/*
 * A login when something fails on either side: memory, a digest, a buffer that
 * is too small. It then fails as a whole, and nobody is let in or believed for
 * it.
 */
#include "../base/scarce.h"
#include "../check.h"

#include "sasl/client.h"
#include "sasl/server.h"

#define BINDING	      "0123456789abcdef0123456789abcdef"
#define BUFFER_OCTETS 1024
#define CALLS_MAXIMUM 1000
#define TURNS_MAXIMUM 8
#define REFUSED	      "the token is refused: "

struct login {
	const char *mechanism;
	struct sasl_client_setup client;
	enum sasl_step last;
};

static const struct sasl_server_setup at_server = {
	.tls_exporter = TEXT(BINDING),
	.nonce = TEXT("N"),
	.offers_binding = true,
};

#define USER                                                                   \
	.is_private = true, .authcid = TEXT("a,user"), .nonce = TEXT("C"),     \
	.tls_exporter = TEXT(BINDING)
static const struct login logins[] = {
	{"SCRAM-SHA-256-PLUS",
		{USER, .password = TEXT("pencil"), .authzid = TEXT("x,y")},
		SASL_PROVEN},
	{"SCRAM-SHA-1-PLUS", {USER, .password = TEXT("pencil")}, SASL_PROVEN},
	{"PLAIN",
		{USER, .password = TEXT("pencil"), .authzid = TEXT("another")},
		SASL_CHECK},
	{"LOGIN", {USER, .password = TEXT("pencil")}, SASL_CHECK},
	{"EXTERNAL",
		{USER, .has_certificate = true, .authzid = TEXT("another")},
		SASL_EXTERNAL},
	{"OAUTHBEARER",
		{USER, .token = TEXT("token"), .host = TEXT("h"), .port = 110},
		SASL_TOKEN},
	{"XOAUTH2", {USER, .token = TEXT("token")}, SASL_TOKEN},
};

/* Made once: they cost milliseconds. */
static struct scram_keys keys_of[SCRAM_DIGESTS];

/* How much of its buffers a login used. */
static size_t most_response, most_challenge;

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static enum sasl_step
server_step(struct sasl_server *server, bool has_response,
	const struct buffer *response, struct buffer *challenge)
{
	enum sasl_step step = sasl_server_step(
		server, has_response, buffer_bytes(response), challenge);

	most_response = larger(most_response, response->octets);
	if (step == SASL_KEYS)
		step = sasl_server_set_keys(server,
			&keys_of[sasl_server_digest(server)], challenge);
	if (step == SASL_PROOF)
		step = sasl_server_prove(server, challenge);
	most_challenge = larger(most_challenge, challenge->octets);
	return step;
}

/* True when the client was told why, and the server knows that it was. */
static bool
refuse(struct sasl_server *server, struct sasl_client *client,
	struct buffer *challenge, struct buffer *response)
{
	if (sasl_server_refuse_token(server, "a scope", challenge) !=
		SASL_CHALLENGE)
		return false;
	most_challenge = larger(most_challenge, challenge->octets);
	if (sasl_client_step(client, true, buffer_bytes(challenge), response) !=
		SASL_CLIENT_SEND)
		return false;
	assert_int_equal(
		server_step(server, true, response, challenge), SASL_FAILED);
	return strncmp(sasl_client_error(client), REFUSED, strlen(REFUSED)) ==
	       0;
}

/* The last step of the server; SASL_FAILED when the client gives up. */
static enum sasl_step
talk(struct sasl_server *server, struct sasl_client *client,
	struct buffer *challenge, struct buffer *response)
{
	enum sasl_step step = SASL_CHALLENGE;

	for (unsigned turn = 0; step == SASL_CHALLENGE; turn++) {
		enum sasl_client_step said = sasl_client_step(
			client, turn > 0, buffer_bytes(challenge), response);

		assert_true(turn < TURNS_MAXIMUM);
		if (said == SASL_CLIENT_FAILED)
			return SASL_FAILED;
		step = server_step(
			server, said == SASL_CLIENT_SEND, response, challenge);
	}
	return step;
}

static bool
finishes(const struct login *login, struct sasl_server *server,
	struct sasl_client *client, struct buffer *challenge,
	struct buffer *response)
{
	enum sasl_step step = talk(server, client, challenge, response);

	if (step != login->last) {
		assert_int_equal(step, SASL_FAILED);
		return false;
	}
	if (step == SASL_TOKEN)
		return refuse(server, client, challenge, response);
	return sasl_client_may_trust(client);
}

/* Does it come to what it should? */
static bool
log_in(const struct login *login, size_t challenge_octets,
	size_t response_octets)
{
	struct bytes name = bytes_of_string(login->mechanism);
	struct sasl_client *client =
		sasl_client_new(name, name, &login->client);
	struct sasl_server *server = sasl_server_new(name, &at_server);
	struct buffer challenge, response;
	bool is_done = false;

	buffer_init(&challenge, challenge_octets);
	buffer_init(&response, response_octets);
	most_challenge = most_response = 0;
	if (client && server)
		is_done =
			finishes(login, server, client, &challenge, &response);
	buffer_release(&challenge);
	buffer_release(&response);
	sasl_client_free(&client);
	sasl_server_free(&server);
	return is_done;
}

static void
nobody_gets_in_when_a_call_fails(void **state)
{
	for (size_t i = 0; i < COUNT(logins); i++) {
		bool has_failed = true;
		unsigned n = 0;

		while (has_failed) {
			bool is_done;

			scarce_from(++n);
			is_done = log_in(
				&logins[i], BUFFER_OCTETS, BUFFER_OCTETS);
			has_failed = scarce_has_failed();
			/* Done when nothing failed, and only then. */
			assert_int_equal(is_done, !has_failed);
			assert_true(n < CALLS_MAXIMUM);
		}
		assert_true(n > 2);
	}
}

static void
nothing_is_sent_in_part(void **state)
{
	for (size_t i = 0; i < COUNT(logins); i++) {
		size_t response, challenge;

		assert_true(log_in(&logins[i], BUFFER_OCTETS, BUFFER_OCTETS));
		response = most_response;
		challenge = most_challenge;
		assert_true(response > 0);
		for (size_t n = 0; n <= response; n++)
			assert_int_equal(log_in(&logins[i], BUFFER_OCTETS, n),
				n == response);
		for (size_t n = 0; n <= challenge; n++)
			assert_int_equal(log_in(&logins[i], n, BUFFER_OCTETS),
				n == challenge);
	}
}

#define OFFERED "SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN"

static void
offers_all_or_says_that_it_cannot(void **state)
{
	struct bytes allowed = BYTES("plain, scram-sha-1, scram-sha-1-plus");
	unsigned has = SASL_NEEDS_KEYS | SASL_NEEDS_BINDING;
	struct buffer offered;

	for (size_t n = 0; n <= strlen(OFFERED); n++) {
		bool is_whole = n == strlen(OFFERED);

		buffer_init(&offered, n);
		assert_int_equal(
			sasl_server_offer(allowed, has, &offered), is_whole);
		if (is_whole)
			assert_bytes(buffer_bytes(&offered), BYTES(OFFERED),
				allowed);
		buffer_release(&offered);
	}
	assert_true(sasl_server_offers_binding(allowed, has));
	assert_false(sasl_server_offers_binding(allowed, SASL_NEEDS_KEYS));
	assert_false(sasl_server_offers_binding(BYTES("scram-sha-1"), has));
	assert_false(sasl_server_offers_binding(BYTES_NONE, has));
}

static int
make_keys(void **state)
{
	for (unsigned i = 0; i < SCRAM_DIGESTS; i++)
		if (!scram_keys_derive((enum scram_digest)i, BYTES("pencil"),
			    BYTES("salt"), SCRAM_ITERATIONS_LEAST, &keys_of[i]))
			return 1;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_gets_in_when_a_call_fails),
		cmocka_unit_test(nothing_is_sent_in_part),
		cmocka_unit_test(offers_all_or_says_that_it_cannot),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
