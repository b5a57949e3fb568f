/* SPDX-License-Identifier: ISC */
/* Certificates of clients: which are believed, and what they say. */
#include "odd.h"
#include "peers.h"

#include <unistd.h>

#include "certificates.h"
#include "tls/client_certificate.h"

static struct certificate authority, mine, expired, forged;

static int
open_all(void **state)
{
	certificate_make(&authority,
		&(struct certificate_wish){
			.hostname = "authority", .is_ca = true, .to_days = 2});
	certificate_make(&mine, &(struct certificate_wish){.issuer = &authority,
					.hostname = "mine",
					.to_days = 1});
	certificate_make(
		&expired, &(struct certificate_wish){.issuer = &authority,
				  .hostname = "mine",
				  .from_days = -2,
				  .to_days = -1});
	certificate_make(&forged,
		&(struct certificate_wish){.hostname = "mine", .to_days = 1});
	return trust_open(state);
}

static int
close_all(void **state)
{
	certificate_release(&authority);
	certificate_release(&mine);
	certificate_release(&expired);
	certificate_release(&forged);
	return trust_close(state);
}

static struct tls_context *
asking(bool is_required)
{
	struct tls_context *context = server_context(
		buffer_bytes(&trust.certificate), buffer_bytes(&trust.key));
	char error[TLS_ERROR_SIZE];

	assert_int_equal(
		tls_context_ask_clients(context, buffer_bytes(&authority.pem),
			is_required, error),
		OK);
	return context;
}

/* What the server knows of it in the end: NULL, when it is to be believed. */
static const char *
show(const struct certificate *shown, int version, bool is_required,
	enum tls_result wanted)
{
	const struct offer offer = {.version = version};
	struct tls_context *context = asking(is_required);
	struct client_certificate read;
	struct tls *server;
	struct odd odd;
	const char *why;
	int fd;

	open_sockets(&fd, &odd.fd);
	odd_open(&odd, TLS_client_method(), &offer);
	SSL_set_connect_state(odd.ssl);
	if (shown) {
		assert_int_equal(SSL_use_certificate(odd.ssl, shown->x509), 1);
		assert_int_equal(SSL_use_PrivateKey(odd.ssl, shown->key), 1);
	}
	server = tls_accept(context, fd);
	assert_int_equal(odd_meet(server, &odd), wanted);
	if (wanted != TLS_DONE)
		why = "refused";
	else if (!tls_client_certificate(server, &read, &why) && !why)
		why = "none";
	tls_free(&server);
	tls_context_free(&context);
	close(fd);
	odd_close(&odd);
	return why;
}

static void
only_what_was_issued_is_believed(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	for (size_t i = 0; i < COUNT(versions); i++) {
		int v = versions[i];

		assert_null(show(&mine, v, false, TLS_DONE));
		assert_string_equal(show(NULL, v, false, TLS_DONE), "none");
		assert_string_equal(show(&expired, v, false, TLS_DONE),
			"certificate has expired");
		assert_non_null(show(&forged, v, false, TLS_DONE));
		assert_null(show(&mine, v, true, TLS_DONE));
		show(NULL, v, true, TLS_FAILED);
		show(&expired, v, true, TLS_FAILED);
		show(&forged, v, true, TLS_FAILED);
	}
}

static void
what_is_no_certificate_is_told(void **state)
{
	static const struct {
		const char *pem, *error;
	} rows[] = {
		{"", "there is no PEM certificate in it"},
		{"nothing\n", "there is no PEM certificate in it"},
		{"-----BEGIN CERTIFICATE-----\nMIIB\n"
		 "-----END CERTIFICATE-----\n",
			"a certificate in it is damaged"},
	};
	char error[TLS_ERROR_SIZE];

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(tls_client_trust_check(
					 bytes_of_string(rows[i].pem), error),
			ERR_BROKEN);
		assert_string_equal(error, rows[i].error);
	}
	assert_int_equal(
		tls_client_trust_check(buffer_bytes(&authority.pem), error),
		OK);
}

/* ---- what they say ---- */

struct names {
	const char *common_names[2];
	int octets; /* of the first; -1: as it stands */
	const char *email;
	int email_octets;
	const char *subject, *common_name, *read_email;
};

static const struct names rows[] = {
	{{"Alice"}, -1, "alice@example.org", -1, "CN=Alice", "Alice",
		"alice@example.org"},
	{{NULL}, -1, NULL, 0, "", "", ""},
	/* Two names are none. */
	{{"Alice", "Bob"}, -1, NULL, 0, "CN=Bob,CN=Alice", "", ""},
	/* What stands behind a NUL is not overlooked. */
	{{"alice\0.example.com"}, 18, "alice\0@b", 8,
		"CN=alice\\00.example.com", "", ""},
	/* What sets attributes apart is escaped: it names nobody else. */
	{{"Eve,CN=Alice"}, -1, NULL, 0, "CN=Eve\\,CN=Alice", "Eve,CN=Alice",
		""},
};

static X509 *
make(const struct names *names)
{
	X509 *x509 = X509_new();
	X509_NAME *subject = X509_get_subject_name(x509);

	assert_int_equal(X509_set_pubkey(x509, mine.key), 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 60);
	for (int i = 0; i < 2 && names->common_names[i]; i++)
		assert_int_equal(
			X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
				(const unsigned char *)names->common_names[i],
				i == 0 ? names->octets : -1, -1, 0),
			1);
	if (names->email) {
		GENERAL_NAMES *all = GENERAL_NAMES_new();
		GENERAL_NAME *one = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		ASN1_STRING_set(text, names->email, names->email_octets);
		GENERAL_NAME_set0_value(one, GEN_EMAIL, text);
		sk_GENERAL_NAME_push(all, one);
		X509_add1_ext_i2d(x509, NID_subject_alt_name, all, 0, 0);
		GENERAL_NAMES_free(all);
	}
	assert_true(X509_sign(x509, mine.key, EVP_sha256()) > 0);
	return x509;
}

static void
names_are_read_whole_or_not(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client_certificate read;
		X509 *x509 = make(&rows[i]);

		assert_true(client_certificate_read(x509, &read));
		assert_true(client_certificate_is_current(x509));
		assert_string_equal(read.subject, rows[i].subject);
		assert_string_equal(read.common_name, rows[i].common_name);
		assert_string_equal(read.email, rows[i].read_email);
		X509_free(x509);
	}
	assert_false(client_certificate_is_current(expired.x509));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_issued_is_believed),
		cmocka_unit_test(what_is_no_certificate_is_told),
		cmocka_unit_test(names_are_read_whole_or_not),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
