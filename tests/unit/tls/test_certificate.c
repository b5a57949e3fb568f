/* SPDX-License-Identifier: ISC */
/* What a certificate says of itself. */
#include "../check.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "certificates.h"

static void
make(struct certificate *out, const char *hostname, unsigned rsa_bits,
	long to_days)
{
	struct certificate_wish wish = {.hostname = hostname,
		.rsa_bits = rsa_bits,
		.from_days = -20,
		.to_days = to_days};

	certificate_make(out, &wish);
}

static struct certificate_info
describe(const struct certificate *c)
{
	struct certificate_info info;
	char error[CERTIFICATE_ERROR_SIZE];

	if (certificate_describe(buffer_bytes(&c->pem), &info, error) != OK)
		fail_msg("%s", error);
	return info;
}

static void
says_what_it_is(void **state)
{
	struct certificate ec, rsa;
	struct certificate_info info;
	uint64_t now = (uint64_t)time(NULL);

	make(&ec, "mail.example.org,DNS:*.example.com,IP:192.0.2.1", 0, 10);
	make(&rsa, "a\x1b[2J", 2048, -1);
	info = describe(&ec);
	assert_string_equal(info.names, "mail.example.org, *.example.com");
	assert_string_equal(info.kind, "EC P-256");
	assert_int_equal(info.certificates, 1);
	assert_int_equal(certificate_days_left(&info, now - 60), 10);
	assert_int_equal(certificate_days_left(&info, now + 60), 9);
	assert_in_range(info.from_seconds, now - 20 * 86400 - 100,
		now - 20 * 86400 + 100);
	info = describe(&rsa);
	assert_string_equal(info.names, "a?[2J");
	assert_string_equal(info.kind, "RSA 2048");
	assert_int_equal(certificate_days_left(&info, now + 60), -2);
	certificate_release(&ec);
	certificate_release(&rsa);
}

/* Two seconds, in the last day and right after it. */
static void
rounds_days_down(void **state)
{
	struct certificate_info info = {.until_seconds = 1000000};

	assert_int_equal(certificate_days_left(&info, 1000000 - 86400), 1);
	assert_int_equal(certificate_days_left(&info, 1000000 - 86399), 0);
	assert_int_equal(certificate_days_left(&info, 1000000), 0);
	assert_int_equal(certificate_days_left(&info, 1000001), -1);
	assert_int_equal(certificate_days_left(&info, 1000000 + 86400), -1);
	assert_int_equal(certificate_days_left(&info, 1000000 + 86401), -2);
}

static void
cuts_many_names(void **state)
{
	char names[1200] = "x";
	struct certificate c;
	struct certificate_info info;

	for (int i = 0; i < 20; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names),
			",DNS:%040d.test", i);
	make(&c, names, 0, 10);
	info = describe(&c);
	assert_true(strlen(info.names) < sizeof(info.names));
	assert_string_equal(info.names + strlen(info.names) - 10, ".test, ...");
	certificate_release(&c);
}

static const struct {
	const char *host;
	bool is_covered;
} hosts[] = {
	{"mail.example.org", true},
	{"MAIL.example.org", true},
	{"example.org", false},
	{"a.example.com", true},
	{"example.com", false},
	{"a.b.example.com", false},
	{"192.0.2.1", true},
	{"192.0.2.2", false},
	/* The common name is no name (RFC 9525 section 2). */
	{"test 2", false},
	{"", false},
};

static void
covers_its_names(void **state)
{
	struct certificate c;

	make(&c, "mail.example.org,DNS:*.example.com,IP:192.0.2.1", 0, 10);
	for (size_t i = 0; i < COUNT(hosts); i++)
		if (certificate_covers(buffer_bytes(&c.pem), hosts[i].host) !=
			hosts[i].is_covered)
			fail_msg("%s", hosts[i].host);
	assert_false(certificate_covers(BYTES("nonsense"), "example.org"));
	certificate_release(&c);
}

static void
fits_its_key_alone(void **state)
{
	struct certificate one, other;

	make(&one, "a.test", 0, 10);
	make(&other, "a.test", 0, 10);
	assert_true(certificate_fits_key(
		buffer_bytes(&one.pem), buffer_bytes(&one.key_pem)));
	assert_false(certificate_fits_key(
		buffer_bytes(&one.pem), buffer_bytes(&other.key_pem)));
	assert_false(certificate_fits_key(buffer_bytes(&one.pem), BYTES_NONE));
	certificate_release(&one);
	certificate_release(&other);
}

static void
refuses_what_is_none(void **state)
{
	struct certificate_info info;
	char error[CERTIFICATE_ERROR_SIZE];
	struct certificate c;

	make(&c, "a.test", 0, 10);
	assert_int_equal(
		certificate_describe(BYTES_NONE, &info, error), ERR_BROKEN);
	assert_int_equal(
		certificate_describe(buffer_bytes(&c.key_pem), &info, error),
		ERR_BROKEN);
	certificate_release(&c);
}

/* ---- chains ---- */

static enum certificate_chain
chain_of(const struct certificate *leaf, const struct certificate *middle,
	const struct certificate *root)
{
	const struct certificate *const all[] = {leaf, middle, root};
	char why[CERTIFICATE_ERROR_SIZE];
	enum certificate_chain chain;
	struct buffer pem;

	buffer_init(&pem, 3 * PEM_MAXIMUM_OCTETS);
	for (size_t i = 0; i < COUNT(all); i++)
		if (all[i])
			assert_true(buffer_append_bytes(
				&pem, buffer_bytes(&all[i]->pem)));
	chain = certificate_chain(buffer_bytes(&pem), why);
	buffer_release(&pem);
	return chain;
}

static void
trust(const struct certificate *root, char path[64])
{
	struct bytes pem = buffer_bytes(&root->pem);
	int fd;

	strcpy(path, "/tmp/restante-trust-XXXXXX");
	fd = mkstemp(path);
	assert_int_equal(write(fd, pem.at, pem.octets), pem.octets);
	close(fd);
	assert_int_equal(setenv("SSL_CERT_FILE", path, 1), 0);
}

static void
knows_whole_chains(void **state)
{
	struct certificate root, middle, leaf, alone;
	struct certificate_wish wish = {.hostname = "root.test",
		.is_ca = true,
		.from_days = -1,
		.to_days = 10};
	char path[64];

	certificate_make(&root, &wish);
	wish.issuer = &root;
	certificate_make(&middle, &wish);
	wish.issuer = &middle;
	wish.is_ca = false;
	/* Its time is told elsewhere. */
	wish.from_days = -3;
	wish.to_days = -1;
	certificate_make(&leaf, &wish);
	make(&alone, "alone.test", 0, 10);
	assert_int_equal(chain_of(&alone, NULL, NULL), CHAIN_SELF_SIGNED);
	assert_int_equal(chain_of(&leaf, &middle, NULL), CHAIN_INCOMPLETE);
	assert_int_equal(chain_of(&leaf, &middle, &root), CHAIN_UNKNOWN_ROOT);
	trust(&root, path);
	assert_int_equal(chain_of(&leaf, NULL, NULL), CHAIN_INCOMPLETE);
	assert_int_equal(chain_of(&leaf, &middle, NULL), CHAIN_TRUSTED);
	assert_int_equal(chain_of(&leaf, &middle, &root), CHAIN_TRUSTED);
	assert_int_equal(chain_of(&alone, NULL, NULL), CHAIN_SELF_SIGNED);
	unsetenv("SSL_CERT_FILE");
	unlink(path);
	certificate_release(&root);
	certificate_release(&middle);
	certificate_release(&leaf);
	certificate_release(&alone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_it_is),
		cmocka_unit_test(rounds_days_down),
		cmocka_unit_test(cuts_many_names),
		cmocka_unit_test(covers_its_names),
		cmocka_unit_test(fits_its_key_alone),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(knows_whole_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
