/* SPDX-License-Identifier: ISC */
/* What an observer sees of a session, and what it never does. */
#include "owner.h"

#include <stdio.h>

#define HIGH_WATER_OCTETS 4096
#define SECRET		  "hunter2 and more"
/* NUL a NUL and the above */
#define RESPONSE "AGEAaHVudGVyMiBhbmQgbW9yZQ=="

static const struct pop3_settings settings = {
	.hostname = "host",
	.mechanisms = "PLAIN LOGIN",
	.may_plaintext_without_tls = true,
	.maximum_bad_commands_before_login = 10,
	.maximum_bad_commands_after_login = 20,
	.maximum_failed_logins = 3,
};

static struct test_maildrop maildrop;
static char seen[8192];

/* "C PASS +17": the client's line, and how much of it is hidden. */
static void
see(void *context, bool is_clients, struct bytes shown, size_t hidden_octets)
{
	size_t used = strlen(seen);

	snprintf(seen + used, sizeof(seen) - used, "%s %.*s +%zu\n",
		is_clients ? "C" : "S", (int)shown.octets,
		(const char *)shown.at, hidden_octets);
}

static const struct pop3_observer observer = {.seen = see};

static int
set_up(void **state)
{
	test_maildrop_init(&maildrop);
	test_maildrop_add(&maildrop, BYTES("A: 1\r\n\r\nhidden\r\n"));
	return 0;
}

/* Brings the lines in pieces; watched from the octet `from` on. */
static void
bring(const char *lines, size_t piece, size_t from)
{
	struct bytes rest = bytes_of_string(lines);
	size_t brought = 0;
	struct owner o;

	seen[0] = '\0';
	owner_open(&o, &settings, &maildrop, DECISIONS_GOOD, HIGH_WATER_OCTETS);
	while (rest.octets > 0 && !o.is_closed) {
		size_t octets = rest.octets < piece ? rest.octets : piece;

		if (brought >= from)
			pop3_session_observe(o.session, &observer);
		owner_bring(&o, bytes_of(rest.at, octets));
		owner_read_all(&o);
		rest = bytes_after(rest, octets);
		brought += octets;
	}
	owner_close(&o);
}

static void
expect(const char *lines, const char *expected)
{
	for (size_t piece = 1; piece < 64; piece++) {
		bring(lines, piece, 0);
		if (strcmp(seen, expected) != 0)
			fail_msg("in pieces of %zu:\n%s\ninstead of\n%s", piece,
				seen, expected);
	}
}

static void
sees_commands_and_status_lines(void **state)
{
	expect("CAPA\r\nUSER a\r\nPASS " SECRET
	       "\r\nSTAT\r\nLIST 1\r\nLANG en\r\nNOOP 20261129\r\nRETR 1\r\n"
	       "RETR 9\r\nQUIT\r\n",
		"C CAPA +0\nS +OK capabilities follow +0\nC USER a +0\n"
		"S +OK now the password +0\nC PASS +17\n"
		"S +OK maildrop has 1 messages (16 octets) +0\n"
		"C STAT +0\nS +OK 1 16 +0\nC LIST 1 +0\nS +OK 1 16 +0\nC LANG "
		"en +0\nS +OK en English it is +0\nC NOOP +9\nS -ERR too many "
		"arguments +0\nC RETR 1 +0\nS +OK 16 "
		"octets +0\n"
		"C RETR 9 +0\nS -ERR no such message +0\n"
		"C QUIT +0\nS +OK bye +0\n");
}

static void
sees_nothing_of_an_exchange(void **state)
{
	expect("AUTH PLAIN\r\n" RESPONSE "\r\nNOOP\r\n",
		"C AUTH +6\nS + +11\nC  +28\n"
		"S +OK maildrop has 1 messages (16 octets) +0\n"
		"C NOOP +0\nS +OK still here +0\n");
}

/* Whatever is sent, and from wherever it is watched. */
static void
sees_no_secret(void **state)
{
	static const char *const lines[] = {
		"USER a\r\nPASS " SECRET "\r\nNOOP\r\n",
		"AUTH PLAIN " RESPONSE "\r\nNOOP\r\n",
		"AUTH PLAIN\r\n" RESPONSE "\r\nNOOP\r\n",
		/* refused, and the client goes on as if it were not */
		"AUTH SECRET\r\n" RESPONSE "\r\n",
		SECRET "\r\n",
		"PASSWORD " SECRET "\r\n",
		"CAPA " SECRET "\r\nSTLS " SECRET "\r\n",
		"USER a\r\nPASS x\r\nRETR " SECRET "\r\nTOP 1 " SECRET "\r\n",
		"AUTH PLAIN\r\nUSER " SECRET "\r\n",
		"AUTH PLAIN\r\n*\r\nAPOP a " SECRET "\r\n",
	};

	for (size_t i = 0; i < COUNT(lines); i++)
		for (size_t from = 0; from < strlen(lines[i]); from++)
			for (size_t piece = 1; piece < 20; piece++) {
				bring(lines[i], piece, from);
				assert_null(strstr(seen, "hunter2"));
				assert_null(strstr(seen, "aHVudGVy"));
				assert_null(strstr(seen, "A: 1"));
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sees_commands_and_status_lines, set_up),
		cmocka_unit_test_setup(sees_nothing_of_an_exchange, set_up),
		cmocka_unit_test_setup(sees_no_secret, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
