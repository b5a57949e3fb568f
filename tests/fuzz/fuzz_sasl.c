/* SPDX-License-Identifier: ISC */
/*
 * Responses of a client, each on a line in base64 as on the wire. What decodes
 * encodes to the same; what is to be checked is there, whole and without NUL,
 * and PLAIN's is its response.
 */
#include "fuzz.h"

#include "base/base64.h"
#include "sasl/server.h"

#define TEXT_MAXIMUM_OCTETS 65536
#define STEPS_MAXIMUM	    20

enum { FLAG_LOGIN = 1, FLAG_NO_INITIAL = 2, FLAG_OAUTH = 4, FLAG_EXTERNAL = 8 };

static bool
decode(struct bytes line, struct buffer *out)
{
	struct buffer again;
	bool is_base64;

	buffer_clear(out);
	is_base64 = base64_decode(line, out);
	if (!is_base64) {
		assert_int_equal(out->octets, 0);
		return false;
	}
	buffer_init(&again, 2 * TEXT_MAXIMUM_OCTETS);
	assert_true(base64_encode(buffer_bytes(out), &again));
	assert_bytes(buffer_bytes(&again), line, buffer_bytes(out));
	buffer_release(&again);
	return true;
}

static void
check_plain(const struct sasl_server *server, struct bytes response)
{
	struct bytes authzid = bytes_cut(&response, 0);
	struct bytes authcid = bytes_cut(&response, 0);

	assert_bytes(sasl_server_authzid(server), authzid, response);
	assert_bytes(sasl_server_authcid(server), authcid, response);
	assert_bytes(sasl_server_password(server), response, response);
}

static void
check_claim(const struct sasl_server *server)
{
	assert_true(sasl_server_authcid(server).octets > 0);
	assert_true(sasl_server_password(server).octets > 0);
	assert_false(bytes_has(sasl_server_authzid(server), 0));
	assert_false(bytes_has(sasl_server_authcid(server), 0));
	assert_false(bytes_has(sasl_server_password(server), 0));
}

/* Refused, the exchange cannot be saved. */
static void
check_token(struct sasl_server *server, struct buffer *challenge)
{
	struct bytes token = sasl_server_password(server);

	for (size_t i = 0; i < token.octets; i++)
		assert_true(token.at[i] > ' ' && token.at[i] <= '~');
	assert_false(bytes_has(sasl_server_authcid(server), 0));
	assert_int_equal(sasl_server_refuse_token(server, "a b", challenge),
		SASL_CHALLENGE);
	assert_int_equal(sasl_server_step(server, true,
				 BYTES("user=n\1auth=Bearer t\1\1"), challenge),
		SASL_FAILED);
}

static void
exchange(struct sasl_server *server, struct bytes text, unsigned flags)
{
	struct buffer response, challenge;
	enum sasl_step step = SASL_CHALLENGE;

	buffer_init(&response, TEXT_MAXIMUM_OCTETS);
	buffer_init(&challenge, 512);
	if (flags & FLAG_NO_INITIAL)
		step = sasl_server_step(server, false, BYTES_NONE, &challenge);
	for (int i = 0; i < STEPS_MAXIMUM && step == SASL_CHALLENGE; i++)
		if (decode(bytes_cut(&text, '\n'), &response))
			step = sasl_server_step(server, true,
				buffer_bytes(&response), &challenge);
	if (step == SASL_CHECK)
		check_claim(server);
	if (step == SASL_TOKEN)
		check_token(server, &challenge);
	if (step == SASL_EXTERNAL)
		assert_bytes(sasl_server_authzid(server),
			buffer_bytes(&response), buffer_bytes(&response));
	if (step == SASL_CHECK && !(flags & FLAG_LOGIN))
		check_plain(server, buffer_bytes(&response));
	buffer_release(&response);
	buffer_release(&challenge);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes text = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&text);
	const struct sasl_server_setup setup = {.nonce = BYTES("nonce")};
	static const struct bytes names[] = {TEXT("plain"), TEXT("LOGIN"),
		TEXT("OAUTHBEARER"), TEXT("XOAUTH2")};
	unsigned which =
		(head.flags & FLAG_LOGIN) + (head.flags & FLAG_OAUTH ? 2 : 0);
	struct sasl_server *server = sasl_server_new(
		head.flags & FLAG_EXTERNAL ? BYTES("EXTERNAL") : names[which],
		&setup);

	assert_non_null(server);
	if (text.octets < TEXT_MAXIMUM_OCTETS)
		exchange(server, text, head.flags);
	sasl_server_free(&server);
	return 0;
}
