/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "message/stamp.h"

#define HELO_OCTETS	 255 /* what LMTP takes at most */
#define ADDRESS_OCTETS	 320
#define LINE_MOST_OCTETS 998 /* RFC 5322 section 2.1.1, without CRLF */

static const struct stamp usual = {
	.reverse_path = TEXT("bob@example.net"),
	.recipient = TEXT("alice@example.org"),
	.helo = TEXT("mx.example.net"),
	.peer = TEXT("[192.0.2.1]"),
	.hostname = TEXT("mail.example.org"),
	.id = TEXT("4f2a"),
	.protocol = "LMTP",
	.now_seconds = 1763947800,
};

static void
assert_stamp(const struct stamp *stamp, const char *wanted)
{
	struct buffer out;

	buffer_init(&out, STAMP_MAXIMUM_OCTETS);
	assert_true(stamp_write(stamp, &out));
	assert_bytes(buffer_bytes(&out), bytes_of_string(wanted), BYTES_NONE);
	buffer_release(&out);
}

static void
writes_three_fields(void **state)
{
	struct stamp bounce = usual;

	assert_stamp(&usual, "Return-Path: <bob@example.net>\r\n"
			     "Delivered-To: alice@example.org\r\n"
			     "Received: from mx.example.net ([192.0.2.1])\r\n"
			     "\tby mail.example.org with LMTP id 4f2a\r\n"
			     "\tfor <alice@example.org>; "
			     "Mon, 24 Nov 2025 01:30:00 +0000\r\n");
	bounce.reverse_path = BYTES_NONE;
	bounce.recipient = BYTES("\xc3\xa4@example.org");
	bounce.peer = BYTES("unix");
	bounce.protocol = "LMTPS";
	assert_stamp(&bounce, "Return-Path: <>\r\n"
			      "Delivered-To: \xc3\xa4@example.org\r\n"
			      "Received: from mx.example.net (unix)\r\n"
			      "\tby mail.example.org with LMTPS id 4f2a\r\n"
			      "\tfor <\xc3\xa4@example.org>; "
			      "Mon, 24 Nov 2025 01:30:00 +0000\r\n");
}

static const struct {
	uint64_t seconds;
	const char *date;
} dates[] = {
	{0, "Thu, 1 Jan 1970 00:00:00 +0000"},
	{951782399, "Mon, 28 Feb 2000 23:59:59 +0000"},
	{951782400, "Tue, 29 Feb 2000 00:00:00 +0000"},
	{1735689599, "Tue, 31 Dec 2024 23:59:59 +0000"},
	{2147483648, "Tue, 19 Jan 2038 03:14:08 +0000"},
	{4107542400, "Mon, 1 Mar 2100 00:00:00 +0000"},
	{253402300799, "Fri, 31 Dec 9999 23:59:59 +0000"},
};

/* RFC 5322 section 3.3, in UTC whatever the machine's zone and language. */
static void
writes_the_date(void **state)
{
	for (size_t i = 0; i < COUNT(dates); i++) {
		struct stamp stamp = usual;
		struct buffer out;
		struct bytes date;

		stamp.now_seconds = dates[i].seconds;
		buffer_init(&out, STAMP_MAXIMUM_OCTETS);
		assert_true(stamp_write(&stamp, &out));
		date = buffer_bytes(&out);
		bytes_cut(&date, ';');
		assert_memory_equal(
			date.at + 1, dates[i].date, strlen(dates[i].date));
		assert_int_equal(date.octets, strlen(dates[i].date) + 3);
		buffer_release(&out);
	}
}

/* What a client calls itself must not end the comment or forge a clause. */
static void
keeps_helo_one_word(void **state)
{
	struct stamp stamp = usual;
	struct buffer out;

	stamp.helo = BYTES("a (b) by c");
	buffer_init(&out, STAMP_MAXIMUM_OCTETS);
	assert_true(stamp_write(&stamp, &out));
	assert_non_null(memmem(buffer_bytes(&out).at, out.octets,
		"from a??b??by?c ([192.0.2.1])\r\n", 31));
	buffer_release(&out);
}

static struct bytes *
field(struct stamp *stamp, size_t number)
{
	struct bytes *const fields[] = {&stamp->reverse_path, &stamp->recipient,
		&stamp->helo, &stamp->peer, &stamp->hostname, &stamp->id};

	return number < COUNT(fields) ? fields[number] : NULL;
}

static void
refuses_control_characters(void **state)
{
	struct stamp stamp = usual;

	for (size_t i = 0; field(&stamp, i); i++) {
		for (unsigned octet = 0; octet <= 0x7f; octet++) {
			const unsigned char text[3] = {
				'a', (unsigned char)octet, 'b'};
			bool is_control = octet < ' ' || octet == 0x7f;
			struct buffer out;

			stamp = usual;
			*field(&stamp, i) = bytes_of(text, sizeof(text));
			buffer_init(&out, STAMP_MAXIMUM_OCTETS);
			assert_true(buffer_append_string(&out, "kept"));
			assert_int_equal(
				stamp_write(&stamp, &out), !is_control);
			if (is_control)
				assert_bytes(buffer_bytes(&out), BYTES("kept"),
					bytes_of(text, sizeof(text)));
			buffer_release(&out);
		}
	}
}

/* At every maximum: as it was, until it fits whole. */
static void
needs_room(void **state)
{
	size_t needed = 0;

	for (size_t room = 4; needed == 0; room++) {
		struct buffer out;

		assert_true(room < STAMP_MAXIMUM_OCTETS);
		buffer_init(&out, room);
		assert_true(buffer_append_string(&out, "kept"));
		if (stamp_write(&usual, &out))
			needed = room;
		else
			assert_bytes(
				buffer_bytes(&out), BYTES("kept"), BYTES_NONE);
		assert_true(needed == 0 || out.octets == needed);
		buffer_release(&out);
	}
	assert_true(needed > 200);
}

static void
longest_inputs(void **state)
{
	struct stamp stamp = usual;
	struct buffer out;
	struct bytes rest, line;
	char text[ADDRESS_OCTETS];

	memset(text, 'x', sizeof(text));
	stamp.reverse_path = stamp.recipient = bytes_of(text, ADDRESS_OCTETS);
	stamp.helo = stamp.hostname = bytes_of(text, HELO_OCTETS);
	buffer_init(&out, STAMP_MAXIMUM_OCTETS);
	assert_true(stamp_write(&stamp, &out));
	for (rest = buffer_bytes(&out); rest.octets > 0;) {
		line = bytes_cut(&rest, '\n');
		assert_true(line.octets - 1 <= LINE_MOST_OCTETS);
		assert_int_equal(line.at[line.octets - 1], '\r');
	}
	buffer_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_three_fields),
		cmocka_unit_test(writes_the_date),
		cmocka_unit_test(keeps_helo_one_word),
		cmocka_unit_test(refuses_control_characters),
		cmocka_unit_test(needs_room),
		cmocka_unit_test(longest_inputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
