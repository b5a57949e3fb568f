/* SPDX-License-Identifier: ISC */
/*
 * What is agreed on: against an OpenSSL client and server that ask for
 * anything, as others' do (RFC 8996, RFC 9325).
 */
#include "peers.h"

#include <unistd.h>

#include "certificates.h"
#include "odd.h"

/* ---- our server ---- */

static const struct {
	struct offer offer;
	const char *agreed; /* NULL: refused... */
	const char *why;
} clients[] = {
	{{0}, "TLSv1.3/TLS_AES_128_GCM_SHA256"},
	{{TLS1_3_VERSION}, "TLSv1.3/TLS_AES_128_GCM_SHA256"},
	{{TLS1_2_VERSION}, "TLSv1.2/ECDHE-ECDSA-AES128-GCM-SHA256"},
	{{TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"},
		"TLSv1.2/ECDHE-ECDSA-CHACHA20-POLY1305"},
	{{TLS1_1_VERSION}, NULL, "unsupported protocol"},
	{{TLS1_VERSION}, NULL, "unsupported protocol"},
	/* No AEAD, no forward secrecy, no authentication, no encryption. */
	{{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"}, NULL,
		"no shared cipher"},
	{{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"}, NULL, "no shared cipher"},
	{{TLS1_2_VERSION, "AES128-GCM-SHA256"}, NULL, "no shared cipher"},
	{{TLS1_2_VERSION, "AECDH-AES128-SHA"}, NULL, "no shared cipher"},
	{{TLS1_2_VERSION, "ECDHE-ECDSA-NULL-SHA"}, NULL, "no shared cipher"},
};

static void
server_agrees(void **state)
{
	for (size_t i = 0; i < COUNT(clients); i++) {
		struct tls *ours;
		struct odd odd;
		int fd;

		open_sockets(&fd, &odd.fd);
		odd_open(&odd, TLS_client_method(), &clients[i].offer);
		SSL_set_connect_state(odd.ssl);
		ours = tls_accept(trust.server, fd);
		if (clients[i].agreed) {
			assert_int_equal(odd_meet(ours, &odd), TLS_DONE);
			assert_int_equal(odd.returned, 1);
			assert_string_equal(
				tls_description(ours), clients[i].agreed);
		} else {
			assert_int_equal(odd_meet(ours, &odd), TLS_FAILED);
			assert_int_not_equal(odd.returned, 1);
			if (!strstr(tls_error(ours), clients[i].why))
				fail_msg("%s", tls_error(ours));
		}
		tls_free(&ours);
		close(fd);
		odd_close(&odd);
	}
}

static const struct {
	const char *offered, *chosen; /* NULL: refused */
} protocols[] = {
	{NULL, ""},
	{"\4pop3", "pop3"},
	{"\10http/1.1\4pop3", "pop3"},
	{"\10http/1.1", NULL},
	{"\4POP3\4imap\2h2", NULL},
};

/* RFC 7301 section 3.2: who offers others only is sent away. */
static void
server_chooses_pop3(void **state)
{
	for (size_t i = 0; i < COUNT(protocols); i++) {
		struct offer offer = {.alpn = protocols[i].offered};
		const unsigned char *chosen;
		unsigned octets;
		struct tls *ours;
		struct odd odd;
		int fd;

		open_sockets(&fd, &odd.fd);
		odd_open(&odd, TLS_client_method(), &offer);
		SSL_set_connect_state(odd.ssl);
		ours = tls_accept(trust.server, fd);
		assert_int_equal(odd_meet(ours, &odd),
			protocols[i].chosen ? TLS_DONE : TLS_FAILED);
		SSL_get0_alpn_selected(odd.ssl, &chosen, &octets);
		if (protocols[i].chosen)
			assert_bytes(bytes_of(chosen, octets),
				bytes_of_string(protocols[i].chosen),
				BYTES_NONE);
		else
			assert_non_null(strstr(
				tls_error(ours), "no application protocol"));
		tls_free(&ours);
		close(fd);
		odd_close(&odd);
	}
}

/* ---- our client ---- */

static const struct {
	struct offer offer;
	bool is_right;
} servers[] = {
	{{0}, true},
	{{TLS1_3_VERSION}, true},
	{{TLS1_2_VERSION}, true},
	{{TLS1_1_VERSION}, false},
	{{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"}, false},
	{{TLS1_2_VERSION, "AES128-GCM-SHA256"}, false},
};

static void
client_agrees(void **state)
{
	X509 *x509 = certificate_of_pem(buffer_bytes(&trust.certificate));
	EVP_PKEY *key = key_of_pem(buffer_bytes(&trust.key));

	for (size_t i = 0; i < COUNT(servers); i++) {
		struct tls *ours;
		struct odd odd;
		int fd;

		open_sockets(&fd, &odd.fd);
		odd_open(&odd, TLS_server_method(), &servers[i].offer);
		SSL_use_certificate(odd.ssl, x509);
		SSL_use_PrivateKey(odd.ssl, key);
		SSL_set_accept_state(odd.ssl);
		ours = tls_connect(trust.client, fd, HOSTNAME);
		assert_int_equal(odd_meet(ours, &odd),
			servers[i].is_right ? TLS_DONE : TLS_FAILED);
		if (servers[i].is_right)
			assert_string_equal(SSL_get_servername(odd.ssl,
						    TLSEXT_NAMETYPE_host_name),
				HOSTNAME);
		tls_free(&ours);
		close(fd);
		odd_close(&odd);
	}
	X509_free(x509);
	EVP_PKEY_free(key);
}

/* ---- channel binding, RFC 9266 ---- */

static void
exporter_is_the_same_at_both_sides(void **state)
{
	static const unsigned char nothing[32];
	unsigned char first[32], at_server[32], at_client[32];

	for (int i = 0; i < 2; i++) {
		struct peers p;

		memset(at_server, 0, sizeof(at_server));
		memset(at_client, 1, sizeof(at_client));
		peers_meet(&p);
		assert_true(tls_exporter(p.server, at_server));
		assert_true(tls_exporter(p.client, at_client));
		assert_memory_equal(at_server, at_client, 32);
		assert_memory_not_equal(at_server, nothing, 32);
		/* Another connection, another binding. */
		if (i > 0)
			assert_memory_not_equal(at_server, first, 32);
		memcpy(first, at_server, 32);
		peers_close(&p);
	}
}

/* As OpenSSL makes it with the label and no context, spelt out here. */
static void
exporter_is_the_registered_one(void **state)
{
	unsigned char at_server[32], at_client[32];
	struct offer offer = {TLS1_3_VERSION};
	struct tls *ours;
	struct odd odd;
	int fd;

	open_sockets(&fd, &odd.fd);
	odd_open(&odd, TLS_client_method(), &offer);
	SSL_set_connect_state(odd.ssl);
	ours = tls_accept(trust.server, fd);
	assert_int_equal(odd_meet(ours, &odd), TLS_DONE);
	assert_true(tls_exporter(ours, at_server));
	assert_int_equal(SSL_export_keying_material(odd.ssl, at_client, 32,
				 "EXPORTER-Channel-Binding", 24, NULL, 0, 0),
		1);
	assert_memory_equal(at_server, at_client, 32);
	tls_free(&ours);
	close(fd);
	odd_close(&odd);
}

/* Below TLS 1.3 it needs more than we promise (RFC 9266 section 4.2). */
static void
exporter_needs_tls_1_3(void **state)
{
	struct offer offer = {TLS1_2_VERSION};
	unsigned char out[32];
	struct tls *ours;
	struct odd odd;
	int fd;

	open_sockets(&fd, &odd.fd);
	odd_open(&odd, TLS_client_method(), &offer);
	SSL_set_connect_state(odd.ssl);
	ours = tls_accept(trust.server, fd);
	assert_int_equal(odd_meet(ours, &odd), TLS_DONE);
	assert_false(tls_exporter(ours, out));
	tls_free(&ours);
	close(fd);
	odd_close(&odd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_agrees),
		cmocka_unit_test(server_chooses_pop3),
		cmocka_unit_test(client_agrees),
		cmocka_unit_test(exporter_is_the_same_at_both_sides),
		cmocka_unit_test(exporter_is_the_registered_one),
		cmocka_unit_test(exporter_needs_tls_1_3),
	};

	return cmocka_run_group_tests(tests, trust_open, trust_close);
}
