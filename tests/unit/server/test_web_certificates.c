/* SPDX-License-Identifier: ISC */
/* What the parent tells of certificates, and what it may not tell. */
#include "../check.h"

#include <stdlib.h>

#include "server/protocol.h"
#include "server/web_certificates.h"

static bool
take(struct web_certificates *all, uint32_t number, uint32_t count,
	const char *file, uint64_t until)
{
	struct message message;
	bool is_taken;

	message_init(&message, MESSAGE_CERTIFICATE_TOLD, 0);
	message_put_u32(&message, number);
	message_put_u32(&message, count);
	message_put_string(&message, "example.org");
	message_put_string(&message, file);
	message_put_string(&message, "mail.example.org");
	message_put_string(&message, "EC P-256");
	message_put_u64(&message, until);
	is_taken = web_certificates_take(all, &message);
	message_release(&message);
	return is_taken;
}

static void
those_that_end_first_stand_in_front(void **state)
{
	static const uint64_t until[] = {50, 10, 40, 20, 30};
	const struct web_certificate *soonest[3];
	struct web_certificates all = {0};

	assert_int_equal(web_certificates_soonest(&all, soonest, 3), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_true(take(&all, i, 5, "/c.pem", until[i]));
	assert_int_equal(web_certificates_soonest(&all, soonest, 3), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(soonest[i]->until_seconds, 10 * (i + 1));
	/* A reload with fewer of them. */
	assert_true(take(&all, 0, 1, "/d.pem", 7));
	assert_int_equal(web_certificates_soonest(&all, soonest, 3), 1);
	assert_string_equal(soonest[0]->file, "/d.pem");
	assert_string_equal(soonest[0]->name, "example.org");
	free(all.all);
}

static void
a_long_path_is_cut(void **state)
{
	struct web_certificates all = {0};
	char path[4000];

	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_true(take(&all, 0, 1, path, 7));
	assert_int_equal(strlen(all.all[0].file), sizeof(all.all[0].file) - 1);
	free(all.all);
}

static void
odd_numbers_are_malformed(void **state)
{
	struct web_certificates all = {0};

	assert_false(take(&all, 0, 0, "/c.pem", 1));
	assert_false(take(&all, 5, 5, "/c.pem", 1));
	assert_false(take(&all, 0, WEB_CERTIFICATES_MAXIMUM + 1, "/c.pem", 1));
	assert_int_equal(all.count, 0);
	assert_true(take(&all, 0, WEB_CERTIFICATES_MAXIMUM, "/c.pem", 1));
	free(all.all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_end_first_stand_in_front),
		cmocka_unit_test(a_long_path_is_cut),
		cmocka_unit_test(odd_numbers_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
