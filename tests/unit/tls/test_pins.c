/* SPDX-License-Identifier: ISC */
/* Pinned keys, and whose a certificate is. */
#include "certificates.h"
#include "peers.h"

#include "tls/peer.h"

#define PIN_A "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PIN_B "sha256//AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
reads_pins(void **state)
{
	static const unsigned char zero[TLS_PIN_OCTETS];
	char text[TLS_PIN_TEXT_SIZE];
	struct tls_pins pins;

	assert_true(tls_pins_parse("", &pins));
	assert_int_equal(pins.count, 0);
	assert_true(tls_pins_parse("  ", &pins));
	assert_int_equal(pins.count, 0);
	assert_true(tls_pins_parse(PIN_A, &pins));
	assert_int_equal(pins.count, 1);
	assert_true(tls_pins_have(&pins, zero));
	assert_string_equal(tls_pin_text(zero, text), PIN_A);
	assert_true(tls_pins_parse(PIN_B " ,\t" PIN_A, &pins));
	assert_int_equal(pins.count, 2);
	assert_true(tls_pins_have(&pins, zero));
	assert_string_equal(tls_pin_text(pins.digests[0], text), PIN_B);
	assert_true(tls_pins_parse(PIN_B, &pins));
	assert_false(tls_pins_have(&pins, zero));
}

static void
refuses_what_is_no_pin(void **state)
{
	static const char *const wrong[] = {"sha256//", "sha1//AAAA", PIN_A "x",
		"sha256//AAAA", "sha256//" PIN_A, PIN_A " " PIN_B, PIN_A ",,",
		PIN_A "," PIN_A "," PIN_A "," PIN_A "," PIN_A "," PIN_A
		      "," PIN_A "," PIN_A "," PIN_A,
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
	struct tls_pins pins = {.count = 77};

	for (size_t i = 0; i < COUNT(wrong); i++)
		if (tls_pins_parse(wrong[i], &pins))
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(pins.count, 77);
}

/* ---- on a connection ---- */

static void
pin_of(X509 *certificate, char out[TLS_PIN_TEXT_SIZE])
{
	unsigned char digest[TLS_PIN_OCTETS];

	assert_true(peer_pin(certificate, digest));
	tls_pin_text(digest, out);
}

/* A server whose certificate a CA signed, and a client with these pins. */
static void
meet(struct peers *peers, const struct certificate *ca,
	const struct certificate *leaf, const char *pins)
{
	struct tls_context *server, *client;
	struct tls_pins parsed;

	server = server_context(
		buffer_bytes(&leaf->pem), buffer_bytes(&leaf->key_pem));
	client = client_context(buffer_bytes(&ca->pem));
	assert_true(tls_pins_parse(pins, &parsed));
	tls_context_set_pins(client, &parsed);
	peers_open(peers, server, client, HOSTNAME);
	tls_context_free(&server);
	tls_context_free(&client);
}

static void
one_key_of_the_chain_must_be_pinned(void **state)
{
	struct certificate ca, leaf;
	struct certificate_wish wish = {.hostname = "ca",
		.is_ca = true,
		.from_days = -1,
		.to_days = 10};
	char of_ca[TLS_PIN_TEXT_SIZE], of_leaf[TLS_PIN_TEXT_SIZE], two[200];
	struct peers peers;

	certificate_make(&ca, &wish);
	wish = (struct certificate_wish){.issuer = &ca,
		.hostname = HOSTNAME,
		.from_days = -1,
		.to_days = 10};
	certificate_make(&leaf, &wish);
	pin_of(ca.x509, of_ca);
	pin_of(leaf.x509, of_leaf);

	meet(&peers, &ca, &leaf, of_leaf);
	assert_int_equal(peers.client_result, TLS_DONE);
	peers_close(&peers);
	meet(&peers, &ca, &leaf, of_ca);
	assert_int_equal(peers.client_result, TLS_DONE);
	peers_close(&peers);
	/* The second one is the spare. */
	snprintf(two, sizeof(two), PIN_A ", %s", of_leaf);
	meet(&peers, &ca, &leaf, two);
	assert_int_equal(peers.client_result, TLS_DONE);
	peers_close(&peers);

	/* What was expected, what came, what to do. */
	meet(&peers, &ca, &leaf, PIN_A ", " PIN_B);
	assert_int_equal(peers.client_result, TLS_FAILED);
	snprintf(two, sizeof(two),
		"tls-pin expects the key " PIN_A
		" or 1 more, and the server has %s; if your provider",
		of_leaf);
	assert_non_null(strstr(tls_error(peers.client), two));
	peers_close(&peers);
	certificate_release(&leaf);
	certificate_release(&ca);
}

/* A pin is no trust: the chain is verified all the same. */
static void
a_pinned_stranger_is_refused(void **state)
{
	struct certificate other;
	struct certificate_wish wish = {
		.hostname = HOSTNAME, .from_days = -1, .to_days = 10};
	char pin[TLS_PIN_TEXT_SIZE];
	struct tls_peer seen;
	struct peers peers;

	certificate_make(&other, &wish);
	pin_of(other.x509, pin);
	meet(&peers, &(struct certificate){.pem = trust.certificate}, &other,
		pin);
	assert_int_equal(peers.client_result, TLS_FAILED);
	assert_non_null(strstr(tls_error(peers.client), "not trusted"));
	/* What it was is known all the same. */
	assert_true(tls_peer_certificate(peers.client, &seen));
	assert_string_equal(seen.names, HOSTNAME);
	assert_string_equal(seen.pin, pin);
	peers_close(&peers);
	certificate_release(&other);
}

/* ---- for whom it is ---- */

static void
knows_for_whom_it_is(void **state)
{
#define SERVICE ",otherName:1.3.6.1.5.5.7.8.7;IA5STRING:"
	static const struct {
		const char *names, *domain;
		bool is_for;
	} rows[] = {
		{"example.org", "example.org", true},
		{"example.org", "EXAMPLE.org", true},
		{"pop.example.org", "example.org", false},
		{"pop.example.net,DNS:example.org", "example.org", true},
		{"*.example.org", "pop.example.org", true},
		{"*.example.org", "example.org", false},
		{"pop.example.net" SERVICE "_pop3s.example.org", "example.org",
			true},
		{"pop.example.net" SERVICE "_pop3.example.org", "example.org",
			true},
		{"pop.example.net" SERVICE "_POP3S.Example.ORG", "example.org",
			true},
		{"pop.example.net" SERVICE "_imaps.example.org", "example.org",
			false},
		{"pop.example.net" SERVICE "_pop3s.example.org.evil.example",
			"example.org", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct certificate_wish wish = {.hostname = rows[i].names,
			.from_days = -1,
			.to_days = 10};
		struct certificate made;

		certificate_make(&made, &wish);
		if (peer_is_for(made.x509, rows[i].domain) != rows[i].is_for)
			fail_msg("%s: %s", rows[i].names, rows[i].domain);
		certificate_release(&made);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_pins),
		cmocka_unit_test(refuses_what_is_no_pin),
		cmocka_unit_test(one_key_of_the_chain_must_be_pinned),
		cmocka_unit_test(a_pinned_stranger_is_refused),
		cmocka_unit_test(knows_for_whom_it_is),
	};

	return cmocka_run_group_tests(tests, trust_open, trust_close);
}
