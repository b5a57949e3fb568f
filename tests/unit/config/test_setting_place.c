/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "config/setting_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] = "[server]\n"				/* 1 */
			   "state = /var/lib/restante\n"	/* 2 */
			   "[tls]\n"				/* 3 */
			   "certificate = /a/c.pem, /a/d.pem\n" /* 4 */
			   "key = /a/c, /a/d\n"			/* 5 */
			   "[tls example.org]\n"		/* 6 */
			   "certificate = /a/e.pem\n"		/* 7 */
			   "[listener pop3]\n"			/* 8 */
			   "address = 127.0.0.1:1\n"		/* 9 */
			   "[listener pop3 second]\n"		/* 10 */
			   "address = 127.0.0.1:2, [::1]:2\n";	/* 11 */

static const struct {
	const char *error, *expected; /* behind the file's name */
} rows[] = {
	{"[server] state = /var/lib/restante: no",
		":2: [server] state = /var/lib/restante: no"},
	{"[server] state: no", ":2: [server] state: no"},
	/* Another key, a key that is not there: the section. */
	{"[server] state-of-it: no", ":1: [server] state-of-it: no"},
	{"[tls] client-ca: no", ":3: [tls] client-ca: no"},
	{"[tls example.org] certificate: no",
		":7: [tls example.org] certificate: no"},
	/* A path alone: whose value it is, whole. */
	{"cannot read /a/c.pem: no", ":4: [tls] certificate: cannot read "
				     "/a/c.pem: no"},
	{"cannot read /a/d: no", ":5: [tls] key: cannot read /a/d: no"},
	{"cannot read /a/e.pem: no", ":7: [tls example.org] certificate: "
				     "cannot read /a/e.pem: no"},
	/* Of two places that of the value. */
	{"[listener pop3] address: 127.0.0.1:1 no",
		":9: [listener pop3] address: 127.0.0.1:1 no"},
	{"[listener pop3] address: [::1]:2 no",
		":11: [listener pop3] address: [::1]:2 no"},
	{"[listener pop3]: no", ":10: [listener pop3]: no"},
	/* Nowhere. */
	{"[auth] backends: no", ": [auth] backends: no"},
	{"no listener", ": no listener"},
};

static char file[] = "/tmp/restante-place-XXXXXX";

static void
test_place(void **state)
{
	char error[INI_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(error, sizeof(error), "%s", rows[i].error);
		setting_place_name(file, error);
		assert_memory_equal(error, file, strlen(file));
		assert_string_equal(error + strlen(file), rows[i].expected);
	}
}

/* What does not fit is cut, and a file that went away is named all the same. */
static void
test_long(void **state)
{
	char error[INI_ERROR_SIZE];

	(void)state;
	memset(error, 'x', sizeof(error));
	memcpy(error, "[server] state ", 15);
	error[sizeof(error) - 1] = '\0';
	setting_place_name(file, error);
	assert_int_equal(strlen(error), INI_ERROR_SIZE - 1);
	strcpy(error, "[server] state: no");
	setting_place_name("/nonexistent", error);
	assert_string_equal(error, "/nonexistent: [server] state: no");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_long),
	};
	int fd = mkstemp(file), failed;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	return failed;
}
