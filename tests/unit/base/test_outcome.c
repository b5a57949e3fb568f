/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include <errno.h>

#include "base/outcome.h"

static const struct {
	int error;
	enum outcome outcome;
} errors[] = {
	{0, OK},
	{ENOSPC, ERR_NO_SPACE},
	{EDQUOT, ERR_NO_SPACE},
	{EPIPE, ERR_GONE},
	{ECONNRESET, ERR_GONE},
	{ENOTCONN, ERR_GONE},
	/* What an administrator must mend is no [SYS/TEMP] (RFC 3206). */
	{EACCES, ERR_BROKEN},
	{EPERM, ERR_BROKEN},
	{EROFS, ERR_BROKEN},
	{ENOTDIR, ERR_BROKEN},
	{ENAMETOOLONG, ERR_BROKEN},
	{EIO, ERR_TRY_LATER},
	{ENOMEM, ERR_TRY_LATER},
	{EMFILE, ERR_TRY_LATER},
	{ENFILE, ERR_TRY_LATER},
	{EAGAIN, ERR_TRY_LATER},
	{EINTR, ERR_TRY_LATER},
	{-1, ERR_TRY_LATER},
	{9999, ERR_TRY_LATER},
};

static void
of_errno(void **state)
{
	for (size_t i = 0; i < COUNT(errors); i++)
		assert_int_equal(
			outcome_of_errno(errors[i].error), errors[i].outcome);
}

static const struct {
	enum outcome outcome;
	const char *name;
} names[] = {
	{OK, "ok"},
	{ERR_PEER, "peer"},
	{ERR_DENIED, "denied"},
	{ERR_BUSY, "busy"},
	{ERR_TRY_LATER, "try-later"},
	{ERR_NO_SPACE, "no-space"},
	{ERR_OVER_QUOTA, "over-quota"},
	{ERR_SOFT_QUOTA, "soft-quota"},
	{ERR_BROKEN, "broken"},
	{ERR_GONE, "gone"},
	{(enum outcome)(ERR_GONE + 1), "unknown"},
	{(enum outcome) - 1, "unknown"},
};

static void
has_a_name(void **state)
{
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(
			outcome_name(names[i].outcome), names[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_errno),
		cmocka_unit_test(has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
