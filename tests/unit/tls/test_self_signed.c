/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include <time.h>

#include "certificates.h"
#include "tls/self_signed.h"

#define TEN_YEARS_DAYS 3650

static X509 *
make(const char *hostname, struct buffer *key)
{
	struct buffer certificate;
	X509 *x509;

	buffer_init(&certificate, PEM_MAXIMUM_OCTETS);
	buffer_init(key, PEM_MAXIMUM_OCTETS);
	assert_int_equal(self_signed_make(hostname, &certificate, key), OK);
	x509 = certificate_of_pem(buffer_bytes(&certificate));
	buffer_release(&certificate);
	return x509;
}

static const struct {
	const char *hostname;
	bool is_named; /* else only localhost */
} names[] = {
	{"mail.example.org", true},
	{"mail", true},
	{"MAIL.example.org", true},
	{"a-1.example.org", true},
	{"localhost", false},
	{"", false},
	/* An address is no name of a host. */
	{"192.0.2.1", false},
	{"2001:db8::1", false},
	{"...", false},
	/* Nor must it slip another name into the list. */
	{"a,DNS:bank.example", false},
	{"a\nDNS:bank.example", false},
	{"*.example.org", false},
};

static int
count_names(X509 *x509)
{
	GENERAL_NAMES *found =
		X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	int count = sk_GENERAL_NAME_num(found);

	GENERAL_NAMES_free(found);
	return count;
}

static bool
is_for(X509 *x509, const char *hostname)
{
	return X509_check_host(x509, hostname, 0, 0, NULL) == 1;
}

static void
is_for_its_names(void **state)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		struct buffer key;
		X509 *x509 = make(names[i].hostname, &key);

		assert_true(is_for(x509, "localhost"));
		assert_true(X509_check_ip_asc(x509, "127.0.0.1", 0));
		assert_true(X509_check_ip_asc(x509, "::1", 0));
		assert_true(
			!names[i].is_named || is_for(x509, names[i].hostname));
		assert_int_equal(count_names(x509), 3 + names[i].is_named);
		assert_false(is_for(x509, "bank.example"));
		X509_free(x509);
		buffer_wipe(&key);
	}
}

static void
has_its_key(void **state)
{
	struct buffer key, another;
	X509 *x509 = make("mail.example.org", &key), *second;
	EVP_PKEY *pair = key_of_pem(buffer_bytes(&key));

	assert_int_equal(X509_check_private_key(x509, pair), 1);
	assert_int_equal(X509_verify(x509, pair), 1);
	assert_int_equal(EVP_PKEY_get_bits(pair), 256);
	/* Never the same twice. */
	second = make("mail.example.org", &another);
	assert_int_equal(X509_check_private_key(second, pair), 0);
	assert_int_not_equal(X509_cmp(x509, second), 0);
	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(x509),
				     X509_get0_serialNumber(second)),
		0);
	X509_free(x509);
	X509_free(second);
	EVP_PKEY_free(pair);
	buffer_wipe(&key);
	buffer_wipe(&another);
}

/* An hour back, for clocks that are slow; ten years on. */
static void
lasts_ten_years(void **state)
{
	struct buffer key;
	X509 *x509 = make("mail.example.org", &key);
	time_t soon = time(NULL) + (TEN_YEARS_DAYS - 1) * 86400L,
	       late = soon + 2 * 86400L, before = time(NULL) - 3000;

	assert_true(X509_cmp_time(X509_get0_notBefore(x509), &before) < 0);
	assert_true(X509_cmp_time(X509_get0_notAfter(x509), &soon) > 0);
	assert_true(X509_cmp_time(X509_get0_notAfter(x509), &late) < 0);
	X509_free(x509);
	buffer_wipe(&key);
}

static void
may_be_trusted_itself(void **state)
{
	struct buffer key;
	X509 *x509 = make("mail.example.org", &key);

	assert_true(X509_check_ca(x509) > 0);
	assert_int_equal(
		X509_check_purpose(x509, X509_PURPOSE_SSL_SERVER, 0), 1);
	assert_int_equal(X509_check_issued(x509, x509), X509_V_OK);
	X509_free(x509);
	buffer_wipe(&key);
}

static void
needs_room(void **state)
{
	struct buffer small, key;

	buffer_init(&small, 100);
	buffer_init(&key, PEM_MAXIMUM_OCTETS);
	assert_int_equal(
		self_signed_make("localhost", &small, &key), ERR_TRY_LATER);
	buffer_release(&small);
	buffer_wipe(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_for_its_names),
		cmocka_unit_test(has_its_key),
		cmocka_unit_test(lasts_ten_years),
		cmocka_unit_test(may_be_trusted_itself),
		cmocka_unit_test(needs_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
