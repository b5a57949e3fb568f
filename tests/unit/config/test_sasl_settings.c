/* SPDX-License-Identifier: ISC */
/* What settings say of SASL and of certificates of clients. */
#include "../check.h"

#include "config/server_settings.h"
#include "sasl/server.h"

#define LISTENER "[listener pop3s]\naddress = [::]:995\n"

static struct server_settings settings;
static char error[INI_ERROR_SIZE];

/* OK, or what server_settings_check says. */
static const char *
check(const char *text)
{
	error[0] = '\0';
	server_settings_release(&settings);
	server_settings_init(&settings);
	assert_int_equal(server_settings_parse(&settings, "test.conf",
				 bytes_of_string(text), error),
		OK);
	return server_settings_check(&settings, error) == OK ? "OK" : error;
}

static void
mistakes_are_told(void **state)
{
	assert_string_equal(check(LISTENER), "OK");
	assert_string_equal(
		check(LISTENER "[auth]\nmechanisms = login, Plain\n"), "OK");
	assert_string_equal(
		check(LISTENER "[auth]\nmechanisms = PLAIN, CRAM-MD5\n"),
		"[auth] mechanisms: there is no \"CRAM-MD5\"; there "
		"are " SASL_SERVER_ALL ", LOGIN");
	assert_string_equal(check(LISTENER "[tls]\nclient-certificate = ask\n"),
		"[tls] client-certificate: client-ca is missing, the PEM file "
		"of who may issue such certificates");
	assert_string_equal(check(LISTENER "[tls]\nclient-ca = /ca.pem\n"),
		"[tls] client-ca: nobody is asked for a certificate; set "
		"client-certificate to ask or require");
	assert_string_equal(check(LISTENER "[tls]\nclient-ca = /ca.pem\n"
					   "client-certificate = require\n"),
		"OK");
}

static const struct {
	const char *text;
	unsigned has;
	const char *offered;
	bool binds;
} offers[] = {
	{"", 0, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN", false},
	{"", SASL_NEEDS_BINDING | SASL_NEEDS_CERTIFICATE,
		"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
		"SCRAM-SHA-1 EXTERNAL PLAIN",
		true},
	{"[auth]\nlogin = yes\n", 0, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN",
		false},
	{"[auth]\nmechanisms = PLAIN\n", SASL_NEEDS_BINDING, "PLAIN", false},
	{"[auth]\nmechanisms = PLAIN\nlogin = yes\n", 0, "PLAIN LOGIN", false},
	{"[auth]\nmechanisms =\n", SASL_NEEDS_BINDING, "", false},
	{"[auth]\nscram-iterations = 0\n", SASL_NEEDS_BINDING, "PLAIN", false},
	/* PAM has no keys: whoever chose SCRAM would never get in. */
	{"[auth]\nbackends = pam\n", SASL_NEEDS_BINDING, "PLAIN", false},
	{"[auth]\nbackends = pam, sqlite\n", SASL_NEEDS_BINDING,
		"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
		"SCRAM-SHA-1 PLAIN",
		true},
};

static void
offers_what_is_allowed(void **state)
{
	for (size_t i = 0; i < COUNT(offers); i++) {
		struct buffer out;

		buffer_init(&out, 256);
		check(offers[i].text);
		assert_true(
			server_settings_offer(&settings, offers[i].has, &out));
		assert_bytes(buffer_bytes(&out),
			bytes_of_string(offers[i].offered),
			bytes_of_string(offers[i].text));
		assert_int_equal(server_settings_offers_binding(
					 &settings, offers[i].has),
			offers[i].binds);
		buffer_release(&out);
	}
}

static int
release(void **state)
{
	server_settings_release(&settings);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_told),
		cmocka_unit_test(offers_what_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
