/* SPDX-License-Identifier: ISC */
/*
 * What the other side of SCRAM says, a message on each line. Names come out as
 * they went in; a client that has the password gets in whatever its names and
 * nonce; nobody else does, and no server is believed that does not have it.
 */
#include "fuzz.h"

#include "base/base64.h"
#include "sasl/client.h"
#include "sasl/scram_message.h"
#include "sasl/server.h"

#define EXPORTER      "0123456789abcdef0123456789abcdef"
#define PASSWORD      "pencil"
#define STEPS_MAXIMUM 4
/* Of what a server asks for: an input must not take seconds. */
#define ITERATIONS_MAXIMUM 5000

enum {
	FLAG_PLUS = 1,
	FLAG_SHA_1 = 2,
	FLAG_CLIENT = 4,
	FLAG_HONEST = 8,
	FLAG_CAN_BIND = 16,
};

static const struct bytes names[] = {TEXT("SCRAM-SHA-256"),
	TEXT("SCRAM-SHA-256-PLUS"), TEXT("SCRAM-SHA-1"),
	TEXT("SCRAM-SHA-1-PLUS")};

static struct bytes
mechanism_of(unsigned flags)
{
	return names[flags & (FLAG_PLUS | FLAG_SHA_1)];
}

/* ---- the server's side ---- */

static void
check_name(struct bytes escaped, struct bytes plain)
{
	struct buffer again;

	buffer_init(&again, SCRAM_MESSAGE_MAXIMUM_OCTETS);
	assert_true(scram_escape(plain, &again));
	assert_bytes(buffer_bytes(&again), escaped, plain);
	buffer_release(&again);
}

static void
check_first(const struct sasl_server *server, struct bytes line)
{
	struct scram_client_first first;

	assert_true(scram_parse_client_first(line, &first));
	assert_int_equal(first.header.octets + first.bare.octets, line.octets);
	check_name(first.user, sasl_server_authcid(server));
	check_name(first.authzid, sasl_server_authzid(server));
	assert_true(sasl_server_authcid(server).octets > 0);
}

/* What a client with the password answers. */
static void
put_final(enum scram_digest digest, struct bytes line, bool binds,
	struct bytes server_first, struct buffer *out)
{
	unsigned char proof[SCRAM_KEY_MAXIMUM_OCTETS];
	struct scram_client_keys keys;
	struct scram_client_first first;
	struct scram_server_first theirs;
	struct buffer bound, message;

	buffer_init(&bound, 2 * SCRAM_MESSAGE_MAXIMUM_OCTETS);
	buffer_init(&message, 4 * SCRAM_MESSAGE_MAXIMUM_OCTETS);
	assert_true(scram_parse_client_first(line, &first));
	assert_true(scram_parse_server_first(server_first, &theirs));
	assert_true(scram_client_keys_derive(
		digest, BYTES(PASSWORD), BYTES("salt"), 1, &keys));
	buffer_append_bytes(&bound, first.header);
	if (binds)
		buffer_append_string(&bound, EXPORTER);
	buffer_append_string(out, "c=");
	assert_true(base64_encode(buffer_bytes(&bound), out));
	buffer_append_string(out, ",r=");
	buffer_append_bytes(out, theirs.nonce);
	buffer_append_bytes(&message, first.bare);
	buffer_append_string(&message, ",");
	buffer_append_bytes(&message, server_first);
	buffer_append_string(&message, ",");
	buffer_append_bytes(&message, buffer_bytes(out));
	assert_true(scram_prove(digest, keys.stored_key, buffer_bytes(&message),
		keys.client_key, proof));
	buffer_append_string(out, ",p=");
	assert_true(
		base64_encode(bytes_of(proof, scram_key_octets(digest)), out));
	buffer_release(&bound);
	buffer_release(&message);
}

static void
be_honest(struct sasl_server *server, struct bytes line, unsigned flags,
	struct buffer *challenge)
{
	struct buffer final;

	buffer_init(&final, 4 * SCRAM_MESSAGE_MAXIMUM_OCTETS);
	put_final(sasl_server_digest(server), line, flags & FLAG_PLUS,
		buffer_bytes(challenge), &final);
	/* Its own answer may be longer than what is read. */
	if (final.octets <= SCRAM_MESSAGE_MAXIMUM_OCTETS / 2) {
		assert_int_equal(sasl_server_step(server, true,
					 buffer_bytes(&final), challenge),
			SASL_PROOF);
		assert_int_equal(
			sasl_server_prove(server, challenge), SASL_CHALLENGE);
		assert_int_equal(
			sasl_server_step(server, true, BYTES_NONE, challenge),
			SASL_PROVEN);
	}
	buffer_release(&final);
}

static void
serve(struct bytes text, unsigned flags)
{
	const struct sasl_server_setup setup = {.nonce = BYTES("server"),
		.tls_exporter = BYTES(EXPORTER),
		.offers_binding = flags & FLAG_CAN_BIND};
	struct sasl_server *server =
		sasl_server_new(mechanism_of(flags), &setup);
	struct bytes line = bytes_cut(&text, '\n');
	struct scram_keys keys;
	struct buffer challenge;
	enum sasl_step step;

	assert_non_null(server);
	buffer_init(&challenge, 3 * SCRAM_MESSAGE_MAXIMUM_OCTETS);
	step = sasl_server_step(server, true, line, &challenge);
	if (step == SASL_KEYS) {
		check_first(server, line);
		assert_true(scram_keys_derive(sasl_server_digest(server),
			BYTES(PASSWORD), BYTES("salt"), 1, &keys));
		step = sasl_server_set_keys(server, &keys, &challenge);
		assert_int_equal(step, SASL_CHALLENGE);
		if (flags & FLAG_HONEST) {
			be_honest(server, line, flags, &challenge);
			text = BYTES_NONE;
		} else {
			step = sasl_server_step(server, true,
				bytes_cut(&text, '\n'), &challenge);
		}
	}
	if (step == SASL_PROOF)
		assert_int_equal(
			sasl_server_prove(server, &challenge), SASL_FAILED);
	assert_true(step != SASL_PROVEN);
	buffer_release(&challenge);
	sasl_server_free(&server);
}

/* ---- the client's side ---- */

static bool
takes_long(struct bytes line)
{
	struct scram_server_first first;

	return scram_parse_server_first(line, &first) &&
	       first.iterations > ITERATIONS_MAXIMUM;
}

static bool
has_password(struct bytes text)
{
	return text.octets > 0 &&
	       memmem(text.at, text.octets, PASSWORD, strlen(PASSWORD)) != NULL;
}

static void
call(struct bytes text, unsigned flags)
{
	const struct sasl_client_setup setup = {.authcid = BYTES("user"),
		.password = BYTES(PASSWORD),
		.is_private = true,
		.nonce = BYTES("client"),
		.tls_exporter = BYTES(EXPORTER)};
	struct sasl_client *client = sasl_client_new(mechanism_of(flags),
		flags & FLAG_CAN_BIND ? BYTES("SCRAM-SHA-1-PLUS") : BYTES(""),
		&setup);
	enum sasl_client_step step;
	struct buffer response;

	assert_non_null(client);
	buffer_init(&response, SASL_CLIENT_RESPONSE_MAXIMUM_OCTETS);
	step = sasl_client_step(client, false, BYTES_NONE, &response);
	for (int i = 0; i < STEPS_MAXIMUM && step == SASL_CLIENT_SEND; i++) {
		struct bytes line = bytes_cut(&text, '\n');

		assert_false(has_password(buffer_bytes(&response)));
		if (takes_long(line))
			break;
		step = sasl_client_step(client, true, line, &response);
	}
	assert_false(sasl_client_may_trust(client));
	for (const char *at = sasl_client_error(client); *at; at++)
		assert_true(*at >= ' ' && *at <= '~');
	buffer_release(&response);
	sasl_client_free(&client);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes text = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&text);

	/* A nonce comes back: one with the password in it says nothing. */
	if (head.flags & FLAG_CLIENT && !has_password(text))
		call(text, head.flags);
	else if (!(head.flags & FLAG_CLIENT))
		serve(text, head.flags);
	return 0;
}
