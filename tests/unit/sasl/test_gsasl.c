/* SPDX-License-Identifier: ISC */
/*
 * SCRAM with GNU SASL at the other end: an implementation that is not ours,
 * against our server and against our client.
 */
#include "../check.h"

#include "base/base64.h"
#include "sasl/client.h"
#include "sasl/server.h"

#include <gsasl.h>

#define EXPORTER      "0123456789abcdef0123456789abcdef"
#define UNIQUE	      "0123456789ab"
#define OFFERED	      "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1"
#define TURNS_MAXIMUM 6

struct row {
	const char *mechanism;
	Gsasl_property binding; /* 0: none */
	const char *user, *password;
	bool is_right;
};

static const struct row rows[] = {
	{"SCRAM-SHA-1", 0, "user", "pencil", true},
	{"SCRAM-SHA-1", 0, "user", "pencils", false},
	{"SCRAM-SHA-256", 0, "user", "pencil", true},
	{"SCRAM-SHA-256", 0, "user", "pencils", false},
	{"SCRAM-SHA-256", 0, "a,b=c", "pencil", true},
	{"SCRAM-SHA-1-PLUS", GSASL_CB_TLS_EXPORTER, "user", "pencil", true},
	{"SCRAM-SHA-1-PLUS", GSASL_CB_TLS_EXPORTER, "user", "", false},
	{"SCRAM-SHA-256-PLUS", GSASL_CB_TLS_EXPORTER, "user", "pencil", true},
	{"SCRAM-SHA-256-PLUS", GSASL_CB_TLS_UNIQUE, "user", "pencil", true},
	{"SCRAM-SHA-256-PLUS", GSASL_CB_TLS_UNIQUE, "user", "x", false},
};

static void
set_binding(Gsasl_session *session, const struct row *row)
{
	const char *binding =
		row->binding == GSASL_CB_TLS_UNIQUE ? UNIQUE : EXPORTER;
	struct buffer base64;

	if (!row->binding)
		return;
	buffer_init(&base64, 128);
	assert_true(base64_encode(bytes_of_string(binding), &base64));
	assert_true(buffer_append(&base64, "", 1));
	assert_int_equal(gsasl_property_set(session, row->binding,
				 (const char *)buffer_bytes(&base64).at),
		GSASL_OK);
	buffer_release(&base64);
}

static struct bytes
binding_of(const struct row *row, Gsasl_property which)
{
	if (row->binding != which)
		return BYTES_NONE;
	return which == GSASL_CB_TLS_UNIQUE ? BYTES(UNIQUE) : BYTES(EXPORTER);
}

/* Feeds GNU SASL; what it says replaces *said. */
static int
feed(Gsasl_session *session, struct buffer *said)
{
	struct bytes in = buffer_bytes(said);
	char *out = NULL;
	size_t octets = 0;
	int code = gsasl_step(
		session, (const char *)in.at, in.octets, &out, &octets);

	buffer_clear(said);
	if (out)
		assert_true(buffer_append(said, out, octets));
	gsasl_free(out);
	return code;
}

/* ---- their client, our server ---- */

static enum sasl_step
ask_our_server(struct sasl_server *server, struct buffer *said)
{
	struct buffer challenge;
	struct scram_keys keys;
	enum sasl_step step;

	buffer_init(&challenge, 4096);
	step = sasl_server_step(server, true, buffer_bytes(said), &challenge);
	if (step == SASL_KEYS) {
		assert_true(scram_keys_derive(sasl_server_digest(server),
			BYTES("pencil"), BYTES("saltsalt"), 5000, &keys));
		step = sasl_server_set_keys(server, &keys, &challenge);
	}
	if (step == SASL_PROOF)
		step = sasl_server_prove(server, &challenge);
	buffer_clear(said);
	assert_true(buffer_append_bytes(said, buffer_bytes(&challenge)));
	buffer_release(&challenge);
	return step;
}

static void
meet_their_client(Gsasl *gsasl, const struct row *row)
{
	const struct sasl_server_setup setup = {.nonce = BYTES("nonce"),
		.tls_exporter = binding_of(row, GSASL_CB_TLS_EXPORTER),
		.tls_unique = binding_of(row, GSASL_CB_TLS_UNIQUE),
		.offers_binding = row->binding != 0};
	struct sasl_server *server =
		sasl_server_new(bytes_of_string(row->mechanism), &setup);
	enum sasl_step step = SASL_CHALLENGE;
	Gsasl_session *session;
	struct buffer said;
	int code = GSASL_NEEDS_MORE;

	assert_non_null(server);
	assert_int_equal(
		gsasl_client_start(gsasl, row->mechanism, &session), GSASL_OK);
	gsasl_property_set(session, GSASL_AUTHID, row->user);
	gsasl_property_set(session, GSASL_PASSWORD, row->password);
	set_binding(session, row);
	buffer_init(&said, 4096);
	for (int i = 0; i < TURNS_MAXIMUM && step == SASL_CHALLENGE; i++) {
		/* GNU SASL is done with the verifier; POP3 has an empty line
		   behind it. */
		if (code == GSASL_OK)
			buffer_clear(&said);
		else
			code = feed(session, &said);
		assert_true(code == GSASL_OK || code == GSASL_NEEDS_MORE);
		step = ask_our_server(server, &said);
	}
	assert_int_equal(step, row->is_right ? SASL_PROVEN : SASL_FAILED);
	assert_int_equal(code, row->is_right ? GSASL_OK : GSASL_NEEDS_MORE);
	assert_bytes(sasl_server_authcid(server), bytes_of_string(row->user),
		BYTES_NONE);
	buffer_release(&said);
	gsasl_finish(session);
	sasl_server_free(&server);
}

static void
gnu_sasl_logs_in_here(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		meet_their_client(*state, &rows[i]);
}

/* ---- their server, our client ---- */

static int
answer_their_server(Gsasl *gsasl, Gsasl_session *session, Gsasl_property asked)
{
	if (asked == GSASL_PASSWORD)
		return gsasl_property_set(session, asked, "pencil");
	return GSASL_NO_CALLBACK;
}

static void
meet_their_server(Gsasl *gsasl, const struct row *row)
{
	const struct sasl_client_setup setup = {
		.authcid = bytes_of_string(row->user),
		.password = bytes_of_string(row->password),
		.tls_exporter = binding_of(row, GSASL_CB_TLS_EXPORTER),
		.tls_unique = binding_of(row, GSASL_CB_TLS_UNIQUE),
		.nonce = BYTES("nonce")};
	struct sasl_client *client = sasl_client_new(
		bytes_of_string(row->mechanism), BYTES(OFFERED), &setup);
	enum sasl_client_step step;
	struct buffer said, response;
	Gsasl_session *session;
	int code = GSASL_NEEDS_MORE;

	assert_non_null(client);
	buffer_init(&said, 4096);
	buffer_init(&response, 4096);
	assert_int_equal(
		gsasl_server_start(gsasl, row->mechanism, &session), GSASL_OK);
	set_binding(session, row);
	step = sasl_client_step(client, false, BYTES_NONE, &response);
	for (int i = 0; i < TURNS_MAXIMUM && code == GSASL_NEEDS_MORE; i++) {
		assert_int_equal(step, SASL_CLIENT_SEND);
		buffer_clear(&said);
		buffer_append_bytes(&said, buffer_bytes(&response));
		code = feed(session, &said);
		if (code == GSASL_OK || code == GSASL_NEEDS_MORE)
			step = sasl_client_step(
				client, true, buffer_bytes(&said), &response);
	}
	assert_int_equal(
		code, row->is_right ? GSASL_OK : GSASL_AUTHENTICATION_ERROR);
	assert_int_equal(sasl_client_may_trust(client), row->is_right);
	if (row->is_right)
		assert_int_equal(response.octets, 0);
	buffer_release(&said);
	buffer_release(&response);
	gsasl_finish(session);
	sasl_client_free(&client);
}

static void
we_log_in_at_gnu_sasl(void **state)
{
	gsasl_callback_set(*state, answer_their_server);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].password[0])
			meet_their_server(*state, &rows[i]);
}

static int
open_gsasl(void **state)
{
	return gsasl_init((Gsasl **)state);
}

static int
close_gsasl(void **state)
{
	gsasl_done(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gnu_sasl_logs_in_here),
		cmocka_unit_test(we_log_in_at_gnu_sasl),
	};

	return cmocka_run_group_tests(tests, open_gsasl, close_gsasl);
}
