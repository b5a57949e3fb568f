/* SPDX-License-Identifier: ISC */
#include "../check.h"
#include "freed.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/secret.h"

#define PASSWORD "correct horse"

/* Without this the tests below could not fail. */
static void
notices_what_is_not_wiped(void **state)
{
	char *memory = strdup(PASSWORD);

	assert_non_null(memory);
	freed_watch(PASSWORD);
	free(memory);
	assert_int_equal(freed_count(), 1);
}

static void
secret_is_wiped(void **state)
{
	struct secret secret = {0};

	freed_watch(PASSWORD);
	assert_true(secret_set(&secret, BYTES(PASSWORD)));
	assert_bytes(secret_bytes(&secret), BYTES(PASSWORD), BYTES_NONE);
	/* For C interfaces. */
	assert_string_equal((const char *)secret.at, PASSWORD);
	assert_true(secret_set(&secret, BYTES("another")));
	assert_bytes(secret_bytes(&secret), BYTES("another"), BYTES_NONE);
	assert_true(secret_set(&secret, BYTES(PASSWORD)));
	secret_release(&secret);
	assert_null(secret.at);
	assert_int_equal(secret.octets, 0);
	secret_release(&secret);
	assert_int_equal(freed_count(), 0);
}

static void
secret_from_itself(void **state)
{
	struct secret secret = {0};

	assert_true(secret_set(&secret, BYTES("prefix and " PASSWORD)));
	assert_true(
		secret_set(&secret, bytes_after(secret_bytes(&secret), 11)));
	assert_bytes(secret_bytes(&secret), BYTES(PASSWORD), BYTES_NONE);
	assert_true(secret_set(&secret, BYTES_NONE));
	assert_int_equal(secret.octets, 0);
	assert_non_null(secret.at);
	secret_release(&secret);
}

static void
secret_has_a_maximum(void **state)
{
	static unsigned char octets[SECRET_MAXIMUM_OCTETS + 1];
	struct secret secret = {0};

	assert_true(secret_set(&secret, bytes_of(octets, sizeof(octets) - 1)));
	assert_false(secret_set(&secret, bytes_of(octets, sizeof(octets))));
	assert_int_equal(secret.octets, SECRET_MAXIMUM_OCTETS);
	secret_release(&secret);
}

static void
secret_compares(void **state)
{
	assert_true(secret_equal(BYTES("a\0b"), BYTES("a\0b")));
	assert_true(secret_equal(BYTES_NONE, BYTES("")));
	assert_false(secret_equal(BYTES("a\0b"), BYTES("a\0c")));
	assert_false(secret_equal(BYTES("xab"), BYTES("yab")));
	assert_false(secret_equal(BYTES("a"), BYTES("ab")));
	assert_false(secret_equal(BYTES("ab"), BYTES("a")));
	assert_false(secret_equal(BYTES("\x80"), BYTES("\0")));
}

static void
buffer_is_wiped(void **state)
{
	struct buffer buffer;

	freed_watch(PASSWORD);
	buffer_init(&buffer, 1 << 16);
	assert_true(buffer_append_string(&buffer, PASSWORD));
	buffer_consume(&buffer, sizeof(PASSWORD));
	buffer_wipe(&buffer);
	assert_null(buffer.memory);
	assert_int_equal(freed_count(), 0);
	buffer_wipe(&buffer);
	assert_true(buffer_append_string(&buffer, PASSWORD));
	buffer_release(&buffer);
	assert_int_equal(freed_count(), 1);
}

/* A password that came in before the buffer grew out of its memory. */
static void
growing_buffer_is_wiped(void **state)
{
	static const unsigned char more[20000];
	struct buffer buffer;

	freed_watch(PASSWORD);
	buffer_init(&buffer, 1 << 16);
	assert_true(buffer_append_string(&buffer, "AUTH "));
	assert_true(buffer_append_string(&buffer, PASSWORD));
	buffer_consume(&buffer, 5);
	for (int i = 0; i < 3; i++)
		assert_true(buffer_append(&buffer, more, sizeof(more)));
	assert_memory_equal(
		buffer_bytes(&buffer).at, PASSWORD, strlen(PASSWORD));
	buffer_wipe(&buffer);
	assert_int_equal(freed_count(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notices_what_is_not_wiped),
		cmocka_unit_test(secret_is_wiped),
		cmocka_unit_test(secret_from_itself),
		cmocka_unit_test(secret_has_a_maximum),
		cmocka_unit_test(secret_compares),
		cmocka_unit_test(buffer_is_wiped),
		cmocka_unit_test(growing_buffer_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
