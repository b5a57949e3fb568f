/* SPDX-License-Identifier: ISC */
/*
 * No memory is given back with a password in it. The linker puts these in the
 * place of free and realloc.
 */
#include "driver.h"

#include <malloc.h>
#include <stdlib.h>

void __real_free(void *memory);
void *__real_realloc(void *memory, size_t octets);
void __wrap_free(void *memory);
void *__wrap_realloc(void *memory, size_t octets);

#define PASSWORD "correct horse"
/* NUL alice NUL and the above. */
#define INITIAL	       "\0alice\0" PASSWORD
#define INITIAL_OCTETS (sizeof(INITIAL) - 1)
#define INITIAL_BASE64 "AGFsaWNlAGNvcnJlY3QgaG9yc2U="

static unsigned leaks, seen;

static void
look_for_secrets(void *memory)
{
	size_t octets = memory ? malloc_usable_size(memory) : 0;

	seen++;
	if (octets > 0 && (memmem(memory, octets, PASSWORD, 8) ||
				  memmem(memory, octets, INITIAL_BASE64, 16)))
		leaks++;
}

void
__wrap_free(void *memory)
{
	look_for_secrets(memory);
	__real_free(memory);
}

/* What it may leave behind is what was there. */
void *
__wrap_realloc(void *memory, size_t octets)
{
	look_for_secrets(memory);
	return __real_realloc(memory, octets);
}

/* ---- a session ---- */

static struct driver d;

static int
open_greeted(void **state)
{
	driver_open(&d, 0, WHOLE);
	driver_feed(&d, bytes_of_string("+OK\r\n"));
	leaks = seen = 0;
	return 0;
}

static int
close_driver(void **state)
{
	driver_close(&d);
	return leaks == 0 && seen > 0 ? 0 : -1;
}

static void
ask_log_in(bool pipelines)
{
	assert_int_equal(
		pop3_client_user_pass(d.client, bytes_of_string("alice"),
			bytes_of_string(PASSWORD), pipelines),
		OK);
}

static void
ask_auth(bool has_initial)
{
	assert_int_equal(pop3_client_auth(d.client, "PLAIN", has_initial,
				 bytes_of(INITIAL, INITIAL_OCTETS)),
		OK);
}

static void
say(const char *line)
{
	driver_feed(&d, bytes_of_string(line));
}

static void
password_is_wiped(void **state)
{
	ask_log_in(false);
	driver_expect_sent(&d, "USER alice\r\n");
	say("+OK\r\n");
	driver_expect_sent(&d, "PASS " PASSWORD "\r\n");
	assert_null(pop3_client_output(d.client)->memory);
	say("+OK\r\n");
	assert_int_equal(leaks, 0);
}

static void
password_is_wiped_when_user_is_refused(void **state)
{
	ask_log_in(false);
	driver_expect_sent(&d, "USER alice\r\n");
	say("-ERR\r\n");
	driver_expect_sent(&d, "");
	assert_int_equal(leaks, 0);
}

/* Nobody answers, or nobody sends: the end wipes as well. */
static void
password_is_wiped_at_the_end(void **state)
{
	ask_log_in(false);
}

static void
password_is_wiped_unsent(void **state)
{
	ask_log_in(true);
}

static void
initial_response_is_wiped(void **state)
{
	ask_auth(true);
	driver_expect_sent(&d, "AUTH PLAIN " INITIAL_BASE64 "\r\n");
	say("+OK\r\n");
	assert_int_equal(leaks, 0);
}

static void
response_is_wiped(void **state)
{
	ask_auth(false);
	driver_expect_sent(&d, "AUTH PLAIN\r\n");
	say("+ \r\n");
	assert_int_equal(pop3_client_respond(
				 d.client, bytes_of(INITIAL, INITIAL_OCTETS)),
		OK);
	driver_expect_sent(&d, INITIAL_BASE64 "\r\n");
	assert_int_equal(leaks, 0);
}

/* The output grows and moves while a password is in it. */
static void
password_is_wiped_where_output_was(void **state)
{
	ask_log_in(true);
	for (uint32_t msgno = 1; msgno < 2000; msgno++)
		assert_int_equal(pop3_client_retr(d.client, msgno), OK);
	buffer_wipe(pop3_client_output(d.client));
	assert_int_equal(leaks, 0);
}

/* Without the wiping a password is found: this file can fail. */
static void
a_leak_is_noticed(void **state)
{
	ask_log_in(true);
	buffer_release(pop3_client_output(d.client));
	assert_int_equal(leaks, 1);
	leaks = 0;
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_greeted, close_driver)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(password_is_wiped),
		TEST(password_is_wiped_when_user_is_refused),
		TEST(password_is_wiped_at_the_end),
		TEST(password_is_wiped_unsent),
		TEST(initial_response_is_wiped),
		TEST(response_is_wiped),
		TEST(password_is_wiped_where_output_was),
		TEST(a_leak_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
