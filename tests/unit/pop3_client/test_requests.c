/* SPDX-License-Identifier: ISC */
/* What may be asked, and how much of it at once. */
#include "driver.h"

#include "base/secret.h"

#include <stdlib.h>

static struct driver d;

static int
open_greeted(void **state)
{
	driver_open(&d, 0, WHOLE);
	driver_feed(&d, bytes_of_string("+OK\r\n"));
	return 0;
}

static int
close_driver(void **state)
{
	driver_close(&d);
	return 0;
}

/* Refused, and as if it had never been asked. */
static void
expect_untouched(enum outcome is, enum outcome expected)
{
	assert_int_equal(is, expected);
	assert_int_equal(pop3_client_pending(d.client), 0);
	driver_expect_sent(&d, "");
}

/* ---- arguments ---- */

static void
an_argument_cannot_end_the_line(void **state)
{
	static const struct bytes evil[] = {
		TEXT("\r"),
		TEXT("\n"),
		TEXT("\0"),
		TEXT("alice\r\nDELE 1"),
		TEXT("alice\nDELE 1"),
		TEXT("alice\r"),
		TEXT("\nalice"),
		TEXT("ali\0ce"),
		TEXT("alice\0"),
		TEXT(""),
	};
	const struct bytes good = bytes_of_string("alice");

	for (size_t i = 0; i < COUNT(evil); i++) {
		for (int pipelines = 0; pipelines < 2; pipelines++) {
			expect_untouched(pop3_client_user_pass(d.client,
						 evil[i], good, pipelines),
				ERR_PEER);
			expect_untouched(pop3_client_user_pass(d.client, good,
						 evil[i], pipelines),
				ERR_PEER);
		}
	}
}

static void
a_mechanism_is_a_word(void **state)
{
	static const char *const evil[] = {"", "PLAIN\r\nDELE 1", "PLAIN x",
		"PLAIN\n", "plain", "PLAIN*", "ABCDEFGHIJKLMNOPQRSTU"};

	for (size_t i = 0; i < COUNT(evil); i++)
		for (int has_initial = 0; has_initial < 2; has_initial++)
			expect_untouched(
				pop3_client_auth(d.client, evil[i], has_initial,
					bytes_of_string("initial")),
				ERR_PEER);
	assert_int_equal(pop3_client_auth(d.client, "ABCDEFGHIJKLMNOPQR-_",
				 false, BYTES_NONE),
		OK);
	driver_expect_sent(&d, "AUTH ABCDEFGHIJKLMNOPQR-_\r\n");
}

/* RFC 2449 section 4: 255 octets with CRLF. */
static void
a_name_fits_the_line(void **state)
{
	static char name[249], line[256];

	memset(name, 'a', sizeof(name));
	expect_untouched(
		pop3_client_user_pass(d.client, bytes_of(name, sizeof(name)),
			bytes_of_string("x"), false),
		ERR_PEER);
	assert_int_equal(pop3_client_user_pass(d.client,
				 bytes_of(name, sizeof(name) - 1),
				 bytes_of_string("x"), false),
		OK);
	snprintf(line, sizeof(line), "USER %.248s\r\n", name);
	assert_int_equal(strlen(line), 255);
	driver_expect_sent(&d, line);
}

static void
a_password_has_its_maximum(void **state)
{
	struct bytes user = bytes_of_string("alice");
	char *password = malloc(SECRET_MAXIMUM_OCTETS + 1);

	assert_non_null(password);
	memset(password, 'x', SECRET_MAXIMUM_OCTETS + 1);
	for (int pipelines = 0; pipelines < 2; pipelines++)
		expect_untouched(
			pop3_client_user_pass(d.client, user,
				bytes_of(password, SECRET_MAXIMUM_OCTETS + 1),
				pipelines),
			ERR_PEER);
	assert_int_equal(
		pop3_client_user_pass(d.client, user,
			bytes_of(password, SECRET_MAXIMUM_OCTETS), true),
		OK);
	free(password);
}

/* A line that fits to the last octet goes at once, one longer in two. */
static void
an_initial_response_fits_the_line(void **state)
{
	/* "AUTH PLAIN " and CRLF leave 242 octets: 60 groups of four. */
	static const unsigned char zeros[181];
	struct bytes output;

	assert_int_equal(
		pop3_client_auth(d.client, "PLAIN", true, bytes_of(zeros, 180)),
		OK);
	output = buffer_bytes(pop3_client_output(d.client));
	assert_int_equal(output.octets, 11 + 240 + 2);
	driver_feed(&d, bytes_of_string("-ERR\r\n"));
	buffer_clear(pop3_client_output(d.client));
	assert_int_equal(
		pop3_client_auth(d.client, "PLAIN", true, bytes_of(zeros, 181)),
		OK);
	driver_expect_sent(&d, "AUTH PLAIN\r\n");
}

/* ---- how many ---- */

static void
so_many_may_be_under_way(void **state)
{
	for (uint32_t i = 1; i <= POP3_CLIENT_PENDING_MAXIMUM; i++)
		assert_int_equal(pop3_client_dele(d.client, i), OK);
	buffer_clear(pop3_client_output(d.client));
	assert_int_equal(pop3_client_dele(d.client, 1), ERR_TRY_LATER);
	assert_int_equal(pop3_client_auth(d.client, "PLAIN", true, BYTES_NONE),
		ERR_TRY_LATER);
	driver_expect_sent(&d, "");
	assert_int_equal(
		pop3_client_pending(d.client), POP3_CLIENT_PENDING_MAXIMUM);
	/* One answered makes room for one. */
	buffer_clear(&d.log);
	driver_feed(&d, bytes_of_string("+OK\r\n"));
	assert_string_equal(driver_log(&d), "deleted 1\n");
	assert_int_equal(pop3_client_user_pass(d.client, bytes_of_string("a"),
				 bytes_of_string("b"), true),
		ERR_TRY_LATER);
	driver_expect_sent(&d, "");
	assert_int_equal(pop3_client_dele(d.client, 7), OK);
	driver_expect_sent(&d, "DELE 7\r\n");
}

/* Answers come in order, however the queue grows and wraps. */
static void
answers_keep_their_order(void **state)
{
	uint32_t asked = 0, answered = 0;
	char expected[32];

	for (unsigned turn = 1; turn < 200; turn++) {
		for (unsigned i = 0; i < turn % 23; i++)
			assert_int_equal(
				pop3_client_dele(d.client, ++asked), OK);
		buffer_clear(pop3_client_output(d.client));
		for (unsigned i = 0; i < turn % 19 && answered < asked; i++) {
			buffer_clear(&d.log);
			driver_feed(&d, bytes_of_string("+OK\r\n"));
			snprintf(expected, sizeof(expected), "deleted %u\n",
				++answered);
			assert_string_equal(driver_log(&d), expected);
		}
		assert_int_equal(
			pop3_client_pending(d.client), asked - answered);
	}
	assert_true(asked > answered + 64);
}

/* Output that nobody takes: what does not fit is not half asked. */
static void
output_has_its_maximum(void **state)
{
	struct bytes user = bytes_of_string("alice");
	static char password[60000], initial[150];
	size_t octets, pending;
	enum outcome outcome;

	memset(password, 'x', sizeof(password));
	do {
		octets = pop3_client_output(d.client)->octets;
		pending = pop3_client_pending(d.client);
		outcome = pop3_client_user_pass(d.client, user,
			bytes_of(password, sizeof(password)), true);
	} while (outcome == OK);
	assert_int_equal(outcome, ERR_TRY_LATER);
	assert_int_equal(pop3_client_output(d.client)->octets, octets);
	assert_int_equal(pop3_client_pending(d.client), pending);
	while (pop3_client_user_pass(
		       d.client, user, bytes_of(password, 100), true) == OK)
		;
	pending = pop3_client_pending(d.client);
	octets = pop3_client_output(d.client)->octets;
	assert_int_equal(pop3_client_auth(d.client, "PLAIN", true,
				 bytes_of(initial, sizeof(initial))),
		ERR_TRY_LATER);
	assert_int_equal(pop3_client_pending(d.client), pending);
	assert_int_equal(pop3_client_output(d.client)->octets, octets);
}

static enum outcome
retr_1(struct pop3_client *client)
{
	return pop3_client_retr(client, 1);
}

/* A reply is owed until its last octet. */
static void
owes_a_reply_to_its_end(void **state)
{
	static const struct {
		enum outcome (*ask)(struct pop3_client *client);
		const char *reply;
	} rows[] = {
		{pop3_client_capa, "+OK\r\nUIDL\r\n.\r\n"},
		{pop3_client_uidl, "+OK\r\n1 a\r\n.\r\n"},
		{pop3_client_list, "+OK\r\n1 2\r\n.\r\n"},
		{retr_1, "+OK\r\nx\r\n.\r\n"},
		{pop3_client_noop, "+OK\r\n"},
		{pop3_client_stat, "-ERR no\r\n"},
		{pop3_client_uidl, "-ERR no\r\n"},
	};

	assert_false(pop3_client_is_owed(d.client));
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t answers = pop3_client_answers(d.client);

		assert_int_equal(rows[i].ask(d.client), OK);
		for (const char *at = rows[i].reply; *at; at++) {
			assert_true(pop3_client_is_owed(d.client));
			driver_feed(&d, bytes_of(at, 1));
		}
		assert_false(pop3_client_is_owed(d.client));
		assert_true(pop3_client_answers(d.client) > answers);
	}
}

/* ---- life ---- */

/* ---- what the server can do ---- */

static void
what_was_known_before_is_assumed(void **state)
{
	assert_string_equal(pop3_client_mechanisms(d.client), "");
	assert_true(pop3_client_assume(d.client, POP3_CAN_UIDL, "PLAIN"));
	assert_true(pop3_client_assume(d.client, POP3_CAN_UTF8, "LOGIN X"));
	assert_int_equal(pop3_client_capabilities(d.client), POP3_CAN_UTF8);
	assert_string_equal(pop3_client_mechanisms(d.client), "LOGIN X");
	/* What it says itself counts more. */
	assert_int_equal(pop3_client_capa(d.client), OK);
	driver_expect_sent(&d, "CAPA\r\n");
	driver_feed(&d, bytes_of_string("+OK\r\nUIDL\r\nLOGIN-DELAY 9\r\n"
					"EXPIRE 30\r\nSASL PLAIN\r\n.\r\n"));
	assert_int_equal(pop3_client_capabilities(d.client) & POP3_CAN_UTF8, 0);
	assert_string_equal(pop3_client_mechanisms(d.client), "PLAIN");
	assert_int_equal(pop3_client_login_delay_seconds(d.client), 9);
	assert_int_equal(pop3_client_expire_days(d.client), 30);
}

static void
utf8_is_asked_and_answered(void **state)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pop3_client_utf8(d.client), OK);
		driver_expect_sent(&d, "UTF8\r\n");
		driver_feed(&d, bytes_of_string(i ? "+OK\r\n" : "-ERR\r\n"));
		assert_int_equal(pop3_client_pending(d.client), 0);
		assert_false(d.is_broken);
	}
}

static void
freeing_nothing_is_nothing(void **state)
{
	struct pop3_client *none = NULL;

	pop3_client_free(&none);
	assert_null(none);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_greeted, close_driver)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_argument_cannot_end_the_line),
		TEST(a_mechanism_is_a_word),
		TEST(a_name_fits_the_line),
		TEST(a_password_has_its_maximum),
		TEST(an_initial_response_fits_the_line),
		TEST(so_many_may_be_under_way),
		TEST(answers_keep_their_order),
		TEST(owes_a_reply_to_its_end),
		TEST(output_has_its_maximum),
		TEST(what_was_known_before_is_assumed),
		TEST(utf8_is_asked_and_answered),
		cmocka_unit_test(freeing_nothing_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
