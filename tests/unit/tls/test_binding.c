/* SPDX-License-Identifier: ISC */
/* What a SASL login is bound to: the same at both ends, and at no other. */
#include "odd.h"
#include "peers.h"

#include <unistd.h>

static void
both_ends_have_the_same(void **state)
{
	unsigned char ours[TLS_EXPORTER_OCTETS], theirs[TLS_EXPORTER_OCTETS];
	unsigned char unique[TLS_UNIQUE_MAXIMUM_OCTETS];
	unsigned char before[TLS_EXPORTER_OCTETS] = {0};

	for (int i = 0; i < 2; i++) {
		struct peers peers;

		peers_meet(&peers);
		assert_true(tls_can_bind(peers.server));
		assert_true(tls_exporter(peers.server, ours));
		assert_true(tls_exporter(peers.client, theirs));
		assert_memory_equal(ours, theirs, sizeof(ours));
		assert_memory_not_equal(ours, before, sizeof(ours));
		/* RFC 9266: there is no tls-unique any more. */
		assert_int_equal(tls_unique(peers.server, unique), 0);
		memcpy(before, ours, sizeof(before));
		peers_close(&peers);
	}
}

/* A client of TLS 1.2, as OpenSSL has it; may bring a session along. */
static SSL_SESSION *
meet(SSL_SESSION *session, bool has_ems)
{
	static const struct offer offer = {.version = TLS1_2_VERSION};
	unsigned char ours[TLS_UNIQUE_MAXIMUM_OCTETS], exporter[32];
	unsigned char theirs[TLS_UNIQUE_MAXIMUM_OCTETS];
	size_t octets;
	struct tls *server;
	struct odd odd;
	int fd;

	open_sockets(&fd, &odd.fd);
	odd_open(&odd, TLS_client_method(), &offer);
	SSL_set_connect_state(odd.ssl);
	if (!has_ems)
		SSL_set_options(odd.ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	if (session)
		assert_int_equal(SSL_set_session(odd.ssl, session), 1);
	server = tls_accept(trust.server, fd);
	assert_int_equal(odd_meet(server, &odd), TLS_DONE);
	assert_int_equal(SSL_session_reused(odd.ssl), session != NULL);
	SSL_SESSION_free(session);
	assert_false(tls_exporter(server, exporter));
	assert_int_equal(tls_can_bind(server), has_ems);
	octets = tls_unique(server, ours);
	if (has_ems) {
		/* RFC 5929 section 3.1: the first Finished message. */
		assert_int_equal(octets,
			SSL_session_reused(odd.ssl)
				? SSL_get_peer_finished(
					  odd.ssl, theirs, sizeof(theirs))
				: SSL_get_finished(
					  odd.ssl, theirs, sizeof(theirs)));
		assert_int_equal(octets, 12);
		assert_memory_equal(ours, theirs, octets);
	} else {
		assert_int_equal(octets, 0);
	}
	session = SSL_get1_session(odd.ssl);
	/* Or the session would be marked as not to be used again. */
	SSL_shutdown(odd.ssl);
	tls_free(&server);
	close(fd);
	odd_close(&odd);
	return session;
}

static void
before_tls_13_it_is_the_first_finished(void **state)
{
	static const unsigned char keys[1][TLS_TICKET_KEY_OCTETS] = {{1}};
	SSL_SESSION *session;

	tls_context_set_ticket_keys(trust.server, keys, 1);
	session = meet(NULL, true);
	SSL_SESSION_free(meet(session, true));
	/* RFC 7627 section 1: not to be trusted without. */
	SSL_SESSION_free(meet(NULL, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_have_the_same),
		cmocka_unit_test(before_tls_13_it_is_the_first_finished),
	};

	return cmocka_run_group_tests(tests, trust_open, trust_close);
}
