/* SPDX-License-Identifier: ISC */
#include "../check.h"
#include "descriptors.h"

#include <errno.h>

#include "../base/freed.h"
#include "process/message.h"

#define PAYLOAD_MOST (MESSAGE_MAXIMUM_OCTETS - MESSAGE_HEADER_OCTETS)
#define PASSWORD     "correct horse"

static void
put_one_of_each(struct message *message)
{
	message_put_u8(message, 0xfe);
	message_put_u32(message, 0xfedcba98);
	message_put_u64(message, 0xfedcba9876543210);
	message_put_bytes(message, BYTES("a\0b"));
	message_put_bytes(message, BYTES_NONE);
	message_put_string(message, "alice");
}

static bool
get_one_of_each(struct message_reader *reader)
{
	char name[6] = "?????";
	bool is_right = message_get_u8(reader) == 0xfe;

	is_right &= message_get_u32(reader) == 0xfedcba98;
	is_right &= message_get_u64(reader) == 0xfedcba9876543210;
	is_right &= bytes_equal(message_get_bytes(reader), BYTES("a\0b"));
	is_right &= message_get_bytes(reader).octets == 0;
	message_get_string(reader, name, sizeof(name));
	return is_right && !strcmp(name, "alice");
}

static void
fields_come_back(void **state)
{
	struct message_reader reader;
	struct message message;

	message_init(&message, 7, 9);
	put_one_of_each(&message);
	assert_false(message.is_bad);
	message_reader_init(&reader, &message);
	assert_true(get_one_of_each(&reader));
	assert_true(message_reader_finish(&reader));
	message_release(&message);
}

/* However it is cut short, the reader says so and reads nothing beyond. */
static void
shortened_is_malformed(void **state)
{
	struct message whole, cut;
	struct message_reader reader;

	message_init(&whole, 1, 0);
	put_one_of_each(&whole);
	for (size_t octets = 0; octets < whole.payload.octets; octets++) {
		message_init(&cut, 1, 0);
		assert_true(buffer_append(
			&cut.payload, buffer_bytes(&whole.payload).at, octets));
		message_reader_init(&reader, &cut);
		assert_false(get_one_of_each(&reader));
		assert_true(reader.is_malformed);
		assert_false(message_reader_finish(&reader));
		/* And stays so: nothing is left to read. */
		assert_int_equal(message_get_u8(&reader), 0);
		assert_int_equal(message_get_u64(&reader), 0);
		message_release(&cut);
	}
	message_put_u8(&whole, 0);
	message_reader_init(&reader, &whole);
	assert_true(get_one_of_each(&reader));
	assert_false(message_reader_finish(&reader));
	message_release(&whole);
}

static const uint32_t lengths[] = {
	4, 5, 100, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};

static void
lengths_are_not_trusted(void **state)
{
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct message_reader reader;
		struct message message;
		char out[200] = "?";

		message_init(&message, 1, 0);
		message_put_u32(&message, lengths[i]);
		message_put_u8(&message, 'x');
		message_put_u8(&message, 'y');
		message_put_u8(&message, 'z');
		message_reader_init(&reader, &message);
		assert_int_equal(message_get_bytes(&reader).octets, 0);
		assert_true(reader.is_malformed);
		message_reader_init(&reader, &message);
		message_get_string(&reader, out, sizeof(out));
		assert_true(reader.is_malformed);
		assert_string_equal(out, "");
		message_release(&message);
	}
}

static const struct {
	struct bytes text;
	size_t size;
	bool fits;
} strings[] = {
	{TEXT(""), 1, true},
	{TEXT("abc"), 4, true},
	{TEXT("abc"), 3, false},
	{TEXT("abc"), 1, false},
	{TEXT("a\0c"), 8, false},
	{TEXT("\0"), 8, false},
};

static void
strings_fit_or_are_malformed(void **state)
{
	for (size_t i = 0; i < COUNT(strings); i++) {
		struct message_reader reader;
		struct message message;
		char out[8] = "???????";

		message_init(&message, 1, 0);
		message_put_bytes(&message, strings[i].text);
		message_reader_init(&reader, &message);
		message_get_string(&reader, out, strings[i].size);
		assert_int_equal(
			message_reader_finish(&reader), strings[i].fits);
		assert_string_equal(
			out, strings[i].fits ? (const char *)strings[i].text.at
					     : "");
		message_release(&message);
	}
}

/* ---- maximum ---- */

static void
payload_has_a_maximum(void **state)
{
	static const unsigned char octets[PAYLOAD_MOST];
	struct message message;

	message_init(&message, 1, 0);
	message_put_bytes(&message, bytes_of(octets, PAYLOAD_MOST - 4));
	assert_false(message.is_bad);
	assert_int_equal(message.payload.octets, PAYLOAD_MOST);
	message_put_u8(&message, 1);
	assert_true(message.is_bad);
	message_reset(&message, 1, 0);
	assert_false(message.is_bad);
	message_put_bytes(&message, bytes_of(octets, PAYLOAD_MOST - 3));
	assert_true(message.is_bad);
	message_reset(&message, 1, 0);
	/* A length that does not even fit its field. */
	message_put_bytes(&message, bytes_of(octets, (size_t)1 << 32 | 1));
	assert_true(message.is_bad);
	message_release(&message);
}

/* ---- descriptors ---- */

static void
descriptors_move(void **state)
{
	struct message_reader reader;
	struct message message;
	int writing, reading = open_pipe(&writing), first = reading,
		     second = writing;

	message_init(&message, 1, 0);
	message_put_descriptor(&message, &first);
	message_put_descriptor(&message, &second);
	assert_int_equal(first, -1);
	assert_int_equal(second, -1);
	assert_false(message.is_bad);
	message_reader_init(&reader, &message);
	assert_int_equal(message_get_descriptor(&reader), reading);
	/* One is forgotten. */
	assert_false(message_reader_finish(&reader));
	assert_int_equal(message_get_descriptor(&reader), writing);
	assert_true(message_reader_finish(&reader));
	assert_int_equal(message_get_descriptor(&reader), -1);
	assert_true(reader.is_malformed);
	message_release(&message);
	/* They were taken. */
	assert_true(is_open(reading) && is_open(writing));
	close(reading);
	close(writing);
}

static void
descriptors_left_are_closed(void **state)
{
	struct message message;
	int writing, reading = open_pipe(&writing);

	message_init(&message, 1, 0);
	message_put_descriptor(&message, &writing);
	message_reset(&message, 2, 0);
	assert_true(is_at_end(reading));
	assert_int_equal(message.descriptor_count, 0);
	message_put_descriptor(&message, &reading);
	reading = message.descriptors[0];
	message_release(&message);
	assert_false(is_open(reading));
	message_release(&message);
}

static void
descriptors_have_a_maximum(void **state)
{
	unsigned before = count_descriptors();
	struct message message;
	int fd, none = -1;

	message_init(&message, 1, 0);
	for (int i = 0; i < MESSAGE_MAXIMUM_DESCRIPTORS; i++) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		message_put_descriptor(&message, &fd);
		assert_false(message.is_bad);
	}
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	message_put_descriptor(&message, &fd);
	assert_true(message.is_bad);
	/* It is still the caller's. */
	assert_true(is_open(fd));
	close(fd);
	message_reset(&message, 1, 0);
	message_put_descriptor(&message, &none);
	assert_true(message.is_bad);
	message_release(&message);
	assert_int_equal(count_descriptors(), before);
}

/* ---- secrets ---- */

static void
payload_is_wiped(void **state)
{
	struct message message;

	freed_watch(PASSWORD);
	message_init(&message, 1, 0);
	message_put_string(&message, PASSWORD);
	message_release(&message);
	message_put_string(&message, PASSWORD);
	message_reset(&message, 2, 0);
	assert_non_null(message.payload.memory);
	assert_null(memmem(message.payload.memory, message.payload.capacity,
		PASSWORD, strlen(PASSWORD)));
	message_release(&message);
	assert_int_equal(freed_count(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_come_back),
		cmocka_unit_test(shortened_is_malformed),
		cmocka_unit_test(lengths_are_not_trusted),
		cmocka_unit_test(strings_fit_or_are_malformed),
		cmocka_unit_test(payload_has_a_maximum),
		cmocka_unit_test(descriptors_move),
		cmocka_unit_test(descriptors_left_are_closed),
		cmocka_unit_test(descriptors_have_a_maximum),
		cmocka_unit_test(payload_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
