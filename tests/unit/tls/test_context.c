/* SPDX-License-Identifier: ISC */
/* What a context is made of: certificates, keys, chains, trust. */
#include "peers.h"

#include <stdlib.h>
#include <unistd.h>

#include "certificates.h"

static const struct certificate_wish for_host = {
	.hostname = HOSTNAME, .from_days = -1, .to_days = 10};

/* Neither made nor touched, and said why. */
static void
assert_refused(struct bytes certificate, struct bytes key, const char *why)
{
	struct tls_context *context = (struct tls_context *)&trust;
	char error[TLS_ERROR_SIZE] = "";
	const struct tls_pair pair = {
		.name = "", .certificate = certificate, .key = key};

	assert_int_equal(
		tls_server_context_new(&pair, &context, error), ERR_BROKEN);
	assert_ptr_equal(context, &trust);
	if (!strstr(error, why))
		fail_msg("no \"%s\" in: %s", why, error);
}

static void
refuses_what_does_not_belong(void **state)
{
	struct bytes certificate = buffer_bytes(&trust.certificate);
	struct bytes key = buffer_bytes(&trust.key);
	struct certificate other;

	certificate_make(&other, &for_host);
	assert_refused(BYTES_NONE, key, "no PEM certificate");
	assert_refused(BYTES("nonsense"), key, "no PEM certificate");
	assert_refused(key, key, "no PEM certificate");
	assert_refused(certificate, BYTES_NONE, "no PEM private key");
	assert_refused(certificate, certificate, "no PEM private key");
	assert_refused(bytes_of(certificate.at, certificate.octets / 2), key,
		"no PEM certificate");
	assert_refused(certificate, bytes_of(key.at, key.octets / 2),
		"no PEM private key");
	assert_refused(certificate, buffer_bytes(&other.key_pem),
		"does not belong to the certificate");
	certificate_release(&other);
}

/* Never asked for on a terminal nobody watches. */
static void
refuses_a_pass_phrase(void **state)
{
	struct certificate_wish wish = for_host;
	struct certificate made;

	wish.pass_phrase = "correct horse";
	certificate_make(&made, &wish);
	assert_refused(buffer_bytes(&made.pem), buffer_bytes(&made.key_pem),
		"without pass phrase");
	certificate_release(&made);
}

static void
says_what_trust_cannot_be_read(void **state)
{
	struct tls_context *context = (struct tls_context *)&trust;
	char error[TLS_ERROR_SIZE] = "", path[64];

	assert_int_equal(
		tls_client_context_new("/no/such/ca.pem", &context, error),
		ERR_BROKEN);
	assert_non_null(strstr(error, "/no/such/ca.pem"));
	write_temporary(BYTES("nonsense\n"), path);
	assert_int_equal(
		tls_client_context_new(path, &context, error), ERR_BROKEN);
	assert_non_null(strstr(error, path));
	assert_ptr_equal(context, &trust);
	unlink(path);
}

static void
freeing_nothing(void **state)
{
	struct tls_context *context = NULL;
	struct tls *tls = NULL;

	tls_context_free(&context);
	tls_free(&tls);
}

/* ---- who is trusted ---- */

static void
assert_met(struct tls_context *server, struct tls_context *client)
{
	struct peers p;

	peers_open(&p, server, client, NULL);
	if (p.client_result != TLS_DONE)
		fail_msg("%s", tls_error(p.client));
	assert_int_equal(p.server_result, TLS_DONE);
	peers_close(&p);
}

/* The client says why; the server learns that it was refused. */
static void
assert_not_met(struct tls_context *server, struct tls_context *client,
	const char *hostname, const char *why)
{
	struct peers p;

	peers_open(&p, server, client, hostname);
	assert_int_equal(p.client_result, TLS_FAILED);
	if (!strstr(tls_error(p.client), why))
		fail_msg("no \"%s\" in: %s", why, tls_error(p.client));
	/* In TLS 1.3 a server may be through before the client has looked. */
	if (p.server_result == TLS_DONE) {
		unsigned char octet;
		size_t octets;

		p.server_result = tls_read(p.server, &octet, 1, &octets);
	}
	assert_int_equal(p.server_result, TLS_FAILED);
	assert_non_null(strstr(tls_error(p.server), "alert"));
	peers_close(&p);
}

static void
untrusted_is_refused(void **state)
{
	struct tls_context *other, *system;
	struct certificate made;
	char error[TLS_ERROR_SIZE];

	certificate_make(&made, &for_host);
	other = client_context(buffer_bytes(&made.pem));
	assert_not_met(NULL, other, NULL, "not trusted: self-signed");
	assert_int_equal(tls_client_context_new(NULL, &system, error), OK);
	assert_not_met(NULL, system, NULL, "not trusted: self-signed");
	tls_context_free(&other);
	tls_context_free(&system);
	certificate_release(&made);
}

static const char *const right_names[] = {
	HOSTNAME, "MAIL.Example.ORG", "localhost", "127.0.0.1", "::1"};

static void
right_names_are_taken(void **state)
{
	for (size_t i = 0; i < COUNT(right_names); i++) {
		struct peers p;

		peers_open(&p, NULL, NULL, right_names[i]);
		if (p.client_result != TLS_DONE)
			fail_msg("%s: %s", right_names[i], tls_error(p.client));
		peers_close(&p);
	}
}

static const char *const wrong_names[] = {"mail.example.com", "example.org",
	"a.mail.example.org", "ail.example.org", "mail.example.or", "192.0.2.1",
	"127.0.0.2", "::2", "*.example.org"};

static void
wrong_names_are_refused(void **state)
{
	for (size_t i = 0; i < COUNT(wrong_names); i++) {
		char why[128];

		snprintf(why, sizeof(why),
			"certificate is for %s, localhost, not for %s",
			HOSTNAME, wrong_names[i]);
		assert_not_met(NULL, NULL, wrong_names[i], why);
	}
}

/* No name would mean no check of the name. */
static void
no_name_is_refused(void **state)
{
	int one, other;

	open_sockets(&one, &other);
	assert_null(tls_connect(trust.client, one, ""));
	close(one);
	close(other);
}

/* Names that the other side chose are shown to people. */
static void
names_move_no_terminal(void **state)
{
	struct certificate_wish wish = for_host;
	struct tls_context *server, *client;
	struct certificate made;

	wish.hostname = "a\x1b[2J\r\x80";
	certificate_make(&made, &wish);
	server = server_context(
		buffer_bytes(&made.pem), buffer_bytes(&made.key_pem));
	client = client_context(buffer_bytes(&made.pem));
	assert_not_met(server, client, NULL,
		"certificate is for a?[2J??, not for " HOSTNAME);
	tls_context_free(&server);
	tls_context_free(&client);
	certificate_release(&made);
}

static void
many_names_are_cut(void **state)
{
	char names[1200] = "x";
	struct certificate_wish wish = for_host;
	struct tls_context *server, *client;
	struct certificate made;

	for (int i = 0; i < 20; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names),
			",DNS:%040d.test", i);
	wish.hostname = names;
	certificate_make(&made, &wish);
	server = server_context(
		buffer_bytes(&made.pem), buffer_bytes(&made.key_pem));
	client = client_context(buffer_bytes(&made.pem));
	assert_not_met(server, client, NULL, ", not for " HOSTNAME);
	tls_context_free(&server);
	tls_context_free(&client);
	certificate_release(&made);
}

/* ---- chains ---- */

struct chain {
	struct certificate root, middle, leaf;
	struct tls_context *client; /* trusts the root */
};

static void
chain_make(struct chain *c, bool may_middle_issue, const char *hostname)
{
	struct certificate_wish wish = {.hostname = "root.test",
		.is_ca = true,
		.from_days = -1,
		.to_days = 10};

	certificate_make(&c->root, &wish);
	wish.issuer = &c->root;
	wish.hostname = "middle.test";
	wish.is_ca = may_middle_issue;
	certificate_make(&c->middle, &wish);
	wish = for_host;
	wish.issuer = &c->middle;
	wish.hostname = hostname;
	certificate_make(&c->leaf, &wish);
	c->client = client_context(buffer_bytes(&c->root.pem));
}

static void
chain_release(struct chain *c)
{
	tls_context_free(&c->client);
	certificate_release(&c->root);
	certificate_release(&c->middle);
	certificate_release(&c->leaf);
}

/* Of the leaf, with what leads to the root behind it when `is_whole`. */
static struct tls_context *
chain_server(const struct chain *c, bool is_whole)
{
	struct tls_context *context;
	struct buffer pem;

	buffer_init(&pem, 2 * PEM_MAXIMUM_OCTETS);
	assert_true(buffer_append_bytes(&pem, buffer_bytes(&c->leaf.pem)));
	if (is_whole)
		assert_true(buffer_append_bytes(
			&pem, buffer_bytes(&c->middle.pem)));
	context = server_context(
		buffer_bytes(&pem), buffer_bytes(&c->leaf.key_pem));
	buffer_release(&pem);
	return context;
}

static void
sends_its_chain(void **state)
{
	struct tls_context *server;
	struct chain c;

	chain_make(&c, true, HOSTNAME);
	server = chain_server(&c, true);
	assert_met(server, c.client);
	tls_context_free(&server);
	server = chain_server(&c, false);
	assert_not_met(server, c.client, NULL, "certificate not trusted");
	tls_context_free(&server);
	chain_release(&c);
}

/* A certificate for a host is none to sign others with. */
static void
refuses_a_chain_over_a_leaf(void **state)
{
	struct tls_context *server;
	struct chain c;

	chain_make(&c, false, HOSTNAME);
	server = chain_server(&c, true);
	assert_not_met(server, c.client, NULL, "certificate not trusted");
	tls_context_free(&server);
	chain_release(&c);
}

static const struct {
	const char *hostname, *client_wants;
	bool is_right;
} wildcards[] = {
	{"*.example.org", "mail.example.org", true},
	{"*.example.org", "a.mail.example.org", false},
	{"*.example.org", "example.org", false},
	{"m*.example.org", "mail.example.org", false},
	{"*.org", "example.org", false},
};

static void
wildcards_stand_for_one_label(void **state)
{
	for (size_t i = 0; i < COUNT(wildcards); i++) {
		struct tls_context *server;
		struct peers p;
		struct chain c;

		chain_make(&c, true, wildcards[i].hostname);
		server = chain_server(&c, true);
		peers_open(&p, server, c.client, wildcards[i].client_wants);
		if ((p.client_result == TLS_DONE) != wildcards[i].is_right)
			fail_msg("%s for %s", wildcards[i].hostname,
				wildcards[i].client_wants);
		peers_close(&p);
		tls_context_free(&server);
		chain_release(&c);
	}
}

static const struct {
	long from_days, to_days;
	const char *why; /* NULL: it is taken */
} terms[] = {
	{-10, 10, NULL},
	{-10, -1, "certificate has expired"},
	{1, 10, "certificate is not yet valid"},
};

static void
refuses_out_of_term(void **state)
{
	for (size_t i = 0; i < COUNT(terms); i++) {
		struct certificate_wish wish = for_host;
		struct tls_context *server, *client;
		struct certificate made;

		wish.from_days = terms[i].from_days;
		wish.to_days = terms[i].to_days;
		certificate_make(&made, &wish);
		server = server_context(
			buffer_bytes(&made.pem), buffer_bytes(&made.key_pem));
		client = client_context(buffer_bytes(&made.pem));
		if (terms[i].why)
			assert_not_met(server, client, NULL, terms[i].why);
		else
			assert_met(server, client);
		tls_context_free(&server);
		tls_context_free(&client);
		certificate_release(&made);
	}
}

/* A reload frees the old context under the sessions that use it. */
static void
context_may_go_first(void **state)
{
	struct tls_context *server = server_context(
		buffer_bytes(&trust.certificate), buffer_bytes(&trust.key));
	struct peers p;
	int i;

	open_sockets(&p.server_fd, &p.client_fd);
	p.server = tls_accept(server, p.server_fd);
	p.client = tls_connect(trust.client, p.client_fd, HOSTNAME);
	tls_context_free(&server);
	assert_null(server);
	for (i = 0; i < 10; i++) {
		p.client_result = tls_handshake(p.client);
		p.server_result = tls_handshake(p.server);
	}
	assert_int_equal(p.client_result, TLS_DONE);
	assert_int_equal(p.server_result, TLS_DONE);
	peers_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_does_not_belong),
		cmocka_unit_test(refuses_a_pass_phrase),
		cmocka_unit_test(says_what_trust_cannot_be_read),
		cmocka_unit_test(freeing_nothing),
		cmocka_unit_test(untrusted_is_refused),
		cmocka_unit_test(right_names_are_taken),
		cmocka_unit_test(wrong_names_are_refused),
		cmocka_unit_test(no_name_is_refused),
		cmocka_unit_test(names_move_no_terminal),
		cmocka_unit_test(many_names_are_cut),
		cmocka_unit_test(sends_its_chain),
		cmocka_unit_test(refuses_a_chain_over_a_leaf),
		cmocka_unit_test(wildcards_stand_for_one_label),
		cmocka_unit_test(refuses_out_of_term),
		cmocka_unit_test(context_may_go_first),
	};

	return cmocka_run_group_tests(tests, trust_open, trust_close);
}
