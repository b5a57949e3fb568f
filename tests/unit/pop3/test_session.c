/* SPDX-License-Identifier: ISC */
/* What the owner is promised, beside what the client sees. */
#include "../base/freed.h"
#include "owner.h"

#define HIGH_WATER_OCTETS 4096

static const struct pop3_settings settings = {
	.hostname = "host",
	.mechanisms = "PLAIN LOGIN",
	.may_plaintext_without_tls = true,
	.maximum_bad_commands_before_login = 3,
	.maximum_bad_commands_after_login = 20,
	.maximum_failed_logins = 3,
};

static struct test_maildrop maildrop;
static struct owner o;

static int
set_up(void **state)
{
	test_maildrop_init(&maildrop);
	test_maildrop_add(&maildrop, BYTES("A: 1\r\n\r\none\r\n"));
	test_maildrop_add(&maildrop, BYTES("A: 2\n\n.two\n"));
	owner_open(&o, &settings, &maildrop, DECISIONS_GOOD, HIGH_WATER_OCTETS);
	owner_bring(&o, BYTES("USER alice\r\nPASS secret\r\n"));
	assert_int_equal(o.logins, 1);
	owner_read_all(&o);
	buffer_clear(&o.got);
	return 0;
}

static int
tear_down(void **state)
{
	owner_close(&o);
	return 0;
}

static enum pop3_next
step(const char *line)
{
	struct bytes in = bytes_of_string(line);
	enum pop3_next next = pop3_session_step(o.session, &in, &o.out);

	assert_int_equal(in.octets, 0);
	return next;
}

static void
expect_output(const char *expected)
{
	assert_bytes(
		buffer_bytes(&o.out), bytes_of_string(expected), BYTES_NONE);
	buffer_clear(&o.out);
}

/* ---- messages ---- */

static enum pop3_feed
feed(const char *text, bool is_last)
{
	struct bytes chunk = bytes_of_string(text);
	enum pop3_feed result =
		pop3_session_feed(o.session, &chunk, is_last, &o.out);

	if (result == POP3_FEED_MORE)
		assert_int_equal(chunk.octets, 0);
	return result;
}

static void
only_clean_messages_go_out_raw(void **state)
{
	assert_int_equal(step("RETR 1\r\n"), POP3_READ_MESSAGE);
	assert_true(pop3_session_reading(o.session)->may_send_raw);
	assert_int_equal(pop3_session_reading(o.session)->index, 0);
	assert_int_equal(pop3_session_reading(o.session)->stored_octets, 13);
	pop3_session_read_failed(o.session, ERR_TRY_LATER);
	assert_int_equal(step("TOP 1 9\r\n"), POP3_READ_MESSAGE);
	assert_false(pop3_session_reading(o.session)->may_send_raw);
	pop3_session_read_failed(o.session, ERR_TRY_LATER);
	assert_int_equal(step("RETR 2\r\n"), POP3_READ_MESSAGE);
	assert_false(pop3_session_reading(o.session)->may_send_raw);
	assert_int_equal(pop3_session_reading(o.session)->index, 1);
	assert_int_equal(pop3_session_reading(o.session)->stored_octets, 11);
}

static void
a_message_comes_in_pieces(void **state)
{
	assert_int_equal(step("RETR 2\r\n"), POP3_READ_MESSAGE);
	assert_int_equal(feed("A: 2\n", false), POP3_FEED_MORE);
	assert_int_equal(feed("", false), POP3_FEED_MORE);
	assert_int_equal(feed("\n.t", false), POP3_FEED_MORE);
	assert_int_equal(feed("wo\n", false), POP3_FEED_MORE);
	assert_int_equal(feed("", true), POP3_FEED_DONE);
	expect_output("+OK 14 octets\r\nA: 2\r\n\r\n..two\r\n.\r\n");
	assert_int_equal(step("NOOP\r\n"), POP3_READ);
	expect_output("+OK still here\r\n");
}

static void
more_than_was_announced_is_a_failure(void **state)
{
	assert_int_equal(step("RETR 2\r\n"), POP3_READ_MESSAGE);
	assert_int_equal(feed("A: 2\n\n.two\nx", false), POP3_FEED_FAILED);
}

/* No end line: a torso must not look whole. */
static void
less_than_was_announced_is_a_failure(void **state)
{
	assert_int_equal(step("RETR 2\r\n"), POP3_READ_MESSAGE);
	assert_int_equal(feed("A: 2\n\n.two", true), POP3_FEED_FAILED);
	expect_output("+OK 14 octets\r\nA: 2\r\n\r\n..two");
}

static void
unreadable_before_the_first_octet_is_an_error(void **state)
{
	assert_int_equal(step("RETR 1\r\n"), POP3_READ_MESSAGE);
	pop3_session_read_failed(o.session, ERR_TRY_LATER);
	assert_int_equal(step("RETR 1\r\n"), POP3_READ_MESSAGE);
	expect_output("-ERR [SYS/TEMP] the message cannot be read\r\n");
	pop3_session_read_failed(o.session, ERR_BROKEN);
	assert_int_equal(step("NOOP\r\n"), POP3_READ);
	expect_output("-ERR [SYS/PERM] the message cannot be read\r\n"
		      "+OK still here\r\n");
}

static void
unreadable_in_the_middle_is_the_end(void **state)
{
	assert_int_equal(step("DELE 1\r\nRETR 2\r\n"), POP3_READ_MESSAGE);
	buffer_clear(&o.out);
	assert_int_equal(feed("A: 2\n", false), POP3_FEED_MORE);
	pop3_session_read_failed(o.session, ERR_TRY_LATER);
	assert_int_equal(step(""), POP3_CLOSE);
	expect_output("+OK 14 octets\r\nA: 2\r\n");
	assert_false(pop3_session_summary(o.session)->is_committed);
}

static void
a_full_output_is_waited_for(void **state)
{
	struct bytes chunk = BYTES("A: 2\n\n.two\n");
	enum pop3_feed result;

	assert_int_equal(step("RETR 2\r\n"), POP3_READ_MESSAGE);
	assert_non_null(buffer_reserve(&o.out, HIGH_WATER_OCTETS - 100));
	buffer_grow(&o.out, HIGH_WATER_OCTETS - 100);
	/* Not even +OK has room. */
	result = pop3_session_feed(o.session, &chunk, true, &o.out);
	assert_int_equal(result, POP3_FEED_ROOM);
	assert_int_equal(chunk.octets, 11);
	assert_int_equal(o.out.octets, HIGH_WATER_OCTETS - 100);
	assert_false(pop3_session_raw_begin(o.session, &o.out));
	buffer_clear(&o.out);
	assert_int_equal(pop3_session_feed(o.session, &chunk, true, &o.out),
		POP3_FEED_DONE);
	expect_output("+OK 14 octets\r\nA: 2\r\n\r\n..two\r\n.\r\n");
}

/* Lines count once, though a chunk goes in again with what had no room. */
static void
top_counts_lines_whatever_fits(void **state)
{
	static char text[4096];
	struct bytes chunk, got;
	size_t octets = (size_t)snprintf(text, sizeof(text), "A: b\n\n");

	for (int i = 0; i < 400; i++)
		octets += (size_t)snprintf(
			text + octets, sizeof(text) - octets, "%03d\n", i);
	test_maildrop_add(&maildrop, bytes_of(text, octets));
	assert_int_equal(step("TOP 3 300\r\n"), POP3_READ_MESSAGE);
	o.out.maximum = POP3_OUTPUT_MINIMUM_OCTETS;
	chunk = bytes_of(text, octets);
	while (pop3_session_feed(o.session, &chunk, true, &o.out) ==
		POP3_FEED_ROOM)
		owner_read_all(&o);
	owner_read_all(&o);
	got = buffer_bytes(&o.got);
	assert_int_equal(got.octets, 23 + 8 + 300 * 5 + 3);
	assert_bytes(bytes_after(got, got.octets - 8), BYTES("299\r\n.\r\n"),
		BYTES_NONE);
}

static void
raw_octets_are_the_owners(void **state)
{
	assert_int_equal(step("RETR 1\r\n"), POP3_READ_MESSAGE);
	assert_true(pop3_session_raw_begin(o.session, &o.out));
	expect_output("+OK 13 octets\r\n");
	pop3_session_raw_end(o.session);
	assert_int_equal(step("NOOP\r\n"), POP3_READ);
	expect_output(".\r\n+OK still here\r\n");
}

/* ---- a damaged index ---- */

static void
a_damaged_record_is_an_error(void **state)
{
	maildrop.messages[0].flags = MESSAGE_DAMAGED;
	assert_int_equal(step("RETR 1\r\nLIST 1\r\nUIDL 1\r\nDELE 1\r\n"
			      "TOP 1 0\r\nLIST 2\r\n"),
		POP3_READ);
	expect_output("-ERR [SYS/PERM] the message cannot be read\r\n"
		      "-ERR [SYS/PERM] the message cannot be listed\r\n"
		      "-ERR [SYS/PERM] the message cannot be listed\r\n"
		      "-ERR [SYS/PERM] the message cannot be deleted\r\n"
		      "-ERR [SYS/PERM] the message cannot be read\r\n"
		      "+OK 2 14\r\n");
}

/* A list that looks whole would make clients forget what is not in it. */
static void
a_list_with_a_damaged_record_does_not_end(void **state)
{
	maildrop.messages[1].flags = MESSAGE_DAMAGED;
	assert_int_equal(step("LIST\r\n"), POP3_CLOSE);
	expect_output("+OK octets follow\r\n1 13\r\n");
}

/* ---- the end ---- */

static void
expiry_finishes_the_reply_in_hand(void **state)
{
	static struct test_maildrop many;
	struct bytes in = BYTES("DELE 1\r\nLIST\r\nDELE 2\r\n");
	struct bytes got;

	tear_down(state);
	test_maildrop_init(&many);
	test_maildrop_fill(&many, MESSAGES_MAXIMUM);
	owner_open(&o, &settings, &many, DECISIONS_GOOD,
		POP3_OUTPUT_MINIMUM_OCTETS);
	owner_bring(&o, BYTES("USER alice\r\nPASS secret\r\n"));
	owner_read_all(&o);
	buffer_clear(&o.got);
	assert_int_equal(pop3_session_step(o.session, &in, &o.out), POP3_WRITE);
	pop3_session_expire(o.session, "stopping");
	while (pop3_session_step(o.session, &in, &o.out) == POP3_WRITE)
		owner_read_all(&o);
	owner_read_all(&o);
	/* DELE 2 was not taken any more, and nothing is committed. */
	assert_int_equal(in.octets, 8);
	got = buffer_bytes(&o.got);
	assert_bytes(bytes_after(got, got.octets - 25),
		BYTES(" 5002\r\n.\r\n-ERR stopping\r\n"), BYTES_NONE);
	assert_int_equal(step(""), POP3_CLOSE);
	assert_false(pop3_session_summary(o.session)->is_committed);
}

static void
the_summary_counts(void **state)
{
	const struct pop3_summary *summary = pop3_session_summary(o.session);

	assert_true(summary->is_logged_in);
	assert_false(summary->is_committed);
	owner_bring(&o, BYTES("DELE 1\r\nRSET\r\nRETR 1\r\nRETR 2\r\nRETR 9\r\n"
			      "TOP 1 0\r\nDELE 1\r\nDELE 1\r\nQUIT\r\n"));
	assert_true(o.is_closed);
	assert_int_equal(summary->retr_count, 2);
	assert_int_equal(summary->top_count, 1);
	assert_int_equal(summary->dele_count, 1);
	assert_int_equal(summary->sent_octets, 13 + 14);
	assert_true(summary->is_committed);
	assert_int_equal(o.commits, 1);
}

static void
quit_without_deletions_asks_for_no_commit(void **state)
{
	assert_int_equal(step("DELE 1\r\nRSET\r\nQUIT\r\n"), POP3_CLOSE);
	assert_true(pop3_session_summary(o.session)->is_committed);
}

/* ---- limits ---- */

static void
bad_commands_in_a_row_are_the_end(void **state)
{
	for (int i = 0; i < 19; i++)
		assert_int_equal(step("XYZZY\r\n"), POP3_READ);
	assert_int_equal(step("NOOP\r\n"), POP3_READ);
	for (int i = 0; i < 19; i++)
		assert_int_equal(step("XYZZY\r\n"), POP3_READ);
	buffer_clear(&o.out);
	assert_int_equal(step("XYZZY\r\n"), POP3_CLOSE);
	expect_output("-ERR too many bad commands, closing\r\n");
}

/* Before the login they are counted in all. */
static void
bad_commands_before_login_are_the_end(void **state)
{
	tear_down(state);
	owner_open(&o, &settings, &maildrop, DECISIONS_GOOD, HIGH_WATER_OCTETS);
	owner_bring(&o, BYTES("XYZZY\r\nCAPA\r\nXYZZY\r\nCAPA\r\n"));
	assert_false(o.is_closed);
	owner_read_all(&o);
	assert_string_equal(owner_ask(&o, "XYZZY"),
		"-ERR too many bad commands, closing\r\n");
	assert_true(o.is_closed);
}

/* ---- secrets ---- */

#define PASSWORD "correct horse"
/* NUL a NUL and the above */
#define RESPONSE "AGEAY29ycmVjdCBob3JzZQ=="

static void
log_in_by(const char *lines, size_t piece, enum outcome outcome)
{
	struct bytes in;
	struct owner one;

	owner_open(
		&one, &settings, &maildrop, DECISIONS_GOOD, HIGH_WATER_OCTETS);
	for (struct bytes rest = bytes_of_string(lines); rest.octets > 0;
		rest = bytes_after(rest, piece)) {
		enum pop3_next next;

		in = rest;
		if (in.octets > piece)
			in.octets = piece;
		next = pop3_session_step(one.session, &in, &one.out);
		if (next == POP3_READ)
			continue;
		assert_int_equal(next, POP3_AUTHENTICATE);
		if (outcome == OK)
			pop3_session_opened(one.session, &maildrop.base);
		else
			pop3_session_refused(one.session, outcome);
		/* It is gone before anything else is said. */
		assert_null(
			pop3_session_authentication(one.session)->response.at);
		in = BYTES_NONE;
		assert_int_equal(pop3_session_step(one.session, &in, &one.out),
			POP3_READ);
		break;
	}
	owner_close(&one);
}

static void
expect_wiped(const char *lines, size_t piece, const char *word)
{
	freed_watch(word);
	log_in_by(lines, piece, OK);
	log_in_by(lines, piece, ERR_DENIED);
	log_in_by(lines, piece, ERR_TRY_LATER);
	if (freed_count() > 0)
		fail_msg("\"%s\" of %s in pieces of %zu", word, lines, piece);
}

/* Also of a line that came in pieces, and lay in the reader. */
static void
a_password_is_wiped(void **state)
{
	static const char *const lines[] = {
		"USER a\r\nPASS " PASSWORD "\r\n",
		"AUTH PLAIN " RESPONSE "\r\n",
		"USER " PASSWORD "\r\nPASS " PASSWORD "\r\n",
		/* without an end */
		"USER a\r\nPASS " PASSWORD,
		"AUTH PLAIN " RESPONSE,
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		for (size_t piece = 1; piece < 40; piece++) {
			expect_wiped(lines[i], piece, "correct h");
			expect_wiped(lines[i], piece, "Y29ycmVjdCBo");
		}
	}
	freed_watch(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_clean_messages_go_out_raw),
		TEST(a_message_comes_in_pieces),
		TEST(more_than_was_announced_is_a_failure),
		TEST(less_than_was_announced_is_a_failure),
		TEST(unreadable_before_the_first_octet_is_an_error),
		TEST(unreadable_in_the_middle_is_the_end),
		TEST(a_full_output_is_waited_for),
		TEST(top_counts_lines_whatever_fits),
		TEST(raw_octets_are_the_owners),
		TEST(a_damaged_record_is_an_error),
		TEST(a_list_with_a_damaged_record_does_not_end),
		TEST(expiry_finishes_the_reply_in_hand),
		TEST(the_summary_counts),
		TEST(quit_without_deletions_asks_for_no_commit),
		TEST(bad_commands_in_a_row_are_the_end),
		TEST(bad_commands_before_login_are_the_end),
		TEST(a_password_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
