/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "server/parent_state.h"

/* Whoever says it of whom: the same one goes, and never a better one. */
static void
the_less_trusted_goes(void **state)
{
	static const enum role order[] = {ROLE_SESSION, ROLE_LOOKUP, ROLE_WEB,
		ROLE_KEY, ROLE_AUTH, ROLE_STORE};

	for (size_t i = 0; i < COUNT(order); i++)
		for (size_t j = i + 1; j < COUNT(order); j++) {
			assert_int_equal(
				parent_less_trusted(order[i], order[j]),
				order[i]);
			assert_int_equal(
				parent_less_trusted(order[j], order[i]),
				order[i]);
		}
	/* The parent is nobody's peer. */
	assert_int_equal(
		parent_less_trusted(ROLE_SESSION, ROLE_PARENT), ROLE_SESSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_less_trusted_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
