/* SPDX-License-Identifier: ISC */
/* The contract of store/store.h; every store passes all of it. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/index_format.h"

static const char *const bodies[] = {
	"Subject: one\r\n\r\nfirst\r\n",
	"Subject: two\r\n\r\n.dot\r\nsecond\r\n",
	"Subject: three\r\n\r\nth\xEFrd\r\n",
	"no header at all",
	"",
};
#define BODIES 5

static void
fill(struct fixture *f, const char *mailbox, char uidls[BODIES][71])
{
	for (int i = 0; i < BODIES; i++)
		assert_int_equal(
			append_text(f, mailbox, bodies[i], uidls[i]), OK);
}

static void
append_and_read_back(struct fixture *f)
{
	char uidls[BODIES][71], uidl[71];
	struct opened o;

	fill(f, "alice", uidls);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.outcome, OK);
	assert_int_equal(o.maildrop->count, BODIES);
	for (uint32_t i = 0; i < BODIES; i++) {
		assert_message(f, &o, i, bodies[i]);
		uidl_of(&o, i, uidl);
		assert_string_equal(uidl, uidls[i]);
		assert_true(uidl_is_valid(bytes_of_string(uidl)));
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(uidl, uidls[j]);
	}
	close_mailbox(f, &o);
}

/* The header as it will be sent: a store may keep other line ends. */
static void
assert_header(struct fixture *f, struct opened *o, uint32_t index,
	size_t header_octets, size_t octets)
{
	unsigned char stored[64], sent[2 * sizeof(stored) + 2];
	enum outcome outcome;

	assert_true(read_message(f, o, index, stored, sizeof(stored),
			    &outcome) >= (ssize_t)header_octets);
	assert_int_equal(as_sent(stored, header_octets, sent), octets);
}

/* RFC 1939 section 11: octets with CRLF, as they will be sent. */
static void
sizes_are_what_is_sent(struct fixture *f)
{
	static const struct {
		uint64_t octets, header;
		uint32_t flags;
	} want[BODIES] = {
		{23, 16, 0},
		{30, 16, MAILDROP_NEEDS_STUFFING},
		{25, 18, MAILDROP_HAS_8BIT},
		{18, 18, 0},
		{0, 0, 0},
	};
	char uidls[BODIES][71];
	uint64_t sum = 0;
	struct opened o;

	fill(f, "alice", uidls);
	o = open_mailbox(f, "alice");
	for (uint32_t i = 0; i < BODIES; i++) {
		struct maildrop_message m;

		assert_int_equal(o.maildrop->message(o.maildrop, i, &m), OK);
		assert_int_equal(m.octets, want[i].octets);
		assert_int_equal(m.flags & ~(uint32_t)MAILDROP_NEEDS_CRLF,
			want[i].flags);
		assert_int_equal((m.flags & MAILDROP_NEEDS_CRLF) != 0,
			m.octets != m.stored_octets);
		assert_header(f, &o, i, (size_t)m.header_octets,
			(size_t)want[i].header);
		sum += m.octets;
	}
	assert_int_equal(o.maildrop->octets, sum);
	close_mailbox(f, &o);
}

static void
assert_large(
	struct fixture *f, struct opened *o, const void *text, size_t octets)
{
	unsigned char *got = malloc(octets + 2), *sent = malloc(2 * octets + 6);
	unsigned char *expected = malloc(2 * octets + 2);
	enum outcome outcome;
	ssize_t n = read_message(f, o, 0, got, octets + 2, &outcome);
	size_t length;

	assert_int_equal(outcome, OK);
	length = as_sent(got, (size_t)n, sent);
	assert_int_equal(length, as_sent(text, octets, expected));
	assert_memory_equal(sent, expected, length);
	free(got);
	free(sent);
	free(expected);
}

static void
large_and_binary(struct fixture *f)
{
	size_t octets = 300007;
	unsigned char *text = malloc(octets);
	struct opened o;

	for (size_t i = 0; i < octets; i++)
		text[i] = (unsigned char)(i * 2654435761u >> 13);
	assert_int_equal(append_octets(f, "bob", text, octets, NULL), OK);
	o = open_mailbox(f, "bob");
	assert_large(f, &o, text, octets);
	close_mailbox(f, &o);
	free(text);
}

/* What a store may use as marks in its files is only text in a message. */
static void
nothing_is_special(struct fixture *f)
{
	static const char *const odd[] = {
		"From alice Thu Nov 19 08:30:00 2026\r\n",
		"From: a\r\n\r\n\r\nFrom alice Thu Nov 19 08:30:00 2026\r\nx",
		"a\r\n>From b\r\n>>From c\r\nFrom\r\nFrom d\r\n>From",
		"Content-Length: 2\r\nStatus: RO\r\n\r\nabcdefgh\r\n",
		"\r\n\r\n",
		"\r\n",
		"x\r\r\n\r\r\ny\r",
		"x\r\n\r",
		".\r\n..\r\n",
		">",
		"From ",
	};
	unsigned count = sizeof(odd) / sizeof(odd[0]);
	struct opened o;

	for (unsigned i = 0; i < count; i++)
		assert_int_equal(append_text(f, "alice", odd[i], NULL), OK);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_message(f, &o, i, odd[i]);
	assert_int_equal(delete_messages(f, &o, (int[]){0, 2, 3, -1}), OK);
	close_mailbox(f, &o);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, count - 3);
	assert_message(f, &o, 0, odd[1]);
	for (uint32_t i = 4; i < count; i++)
		assert_message(f, &o, i - 3, odd[i]);
	close_mailbox(f, &o);
}

/* Same octets, each its own UIDL, and each keeps it when others go. */
static void
equal_messages(struct fixture *f)
{
	static const int left[] = {1, 2, 4};
	char uidls[6][71], uidl[71], late[71];
	struct opened o;

	for (int i = 0; i < 6; i++)
		assert_int_equal(append_text(f, "alice",
					 "Subject: x\r\n\r\ny\r\n", uidls[i]),
			OK);
	o = open_mailbox(f, "alice");
	assert_int_equal(delete_messages(f, &o, (int[]){0, 3, 5, -1}), OK);
	close_mailbox(f, &o);
	assert_int_equal(
		append_text(f, "alice", "Subject: x\r\n\r\ny\r\n", late), OK);
	for (int i = 0; i < 6; i++)
		assert_string_not_equal(late, uidls[i]);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 4);
	for (uint32_t i = 0; i < 4; i++) {
		uidl_of(&o, i, uidl);
		if (i == 3)
			assert_string_equal(uidl, late);
		else
			assert_string_equal(uidl, uidls[left[i]]);
	}
	close_mailbox(f, &o);
}

/* A lock that does not run out is renewed as well, for nothing. */
static void
renewing(struct fixture *f)
{
	struct opened o = open_mailbox(f, "alice");

	assert_int_equal(renew_session(f, &o), OK);
	assert_int_equal(open_mailbox(f, "alice").outcome, ERR_BUSY);
	close_mailbox(f, &o);
}

static void
empty_mailbox_is_made(struct fixture *f)
{
	struct opened o;
	struct maildrop_message m;

	assert_int_equal(
		stat_mailbox(f, "new@example.org").call.outcome, ERR_DENIED);
	assert_int_equal(
		stat_mailbox(f, "new@example.org").call.outcome, ERR_DENIED);
	o = open_mailbox(f, "new@example.org");
	assert_int_equal(o.outcome, OK);
	assert_int_equal(o.maildrop->count, 0);
	assert_int_equal(o.maildrop->octets, 0);
	assert_int_equal(o.maildrop->message(o.maildrop, 0, &m), ERR_BROKEN);
	close_mailbox(f, &o);
	assert_int_equal(stat_mailbox(f, "new@example.org").call.outcome, OK);
}

static void
exclusive_lock(struct fixture *f)
{
	struct opened a = open_mailbox(f, "alice");
	struct opened b = open_mailbox(f, "alice");
	struct opened c = open_mailbox(f, "bob");

	assert_int_equal(a.outcome, OK);
	assert_int_equal(b.outcome, ERR_BUSY);
	assert_int_equal(c.outcome, OK);
	assert_true(stat_mailbox(f, "alice").is_open);
	close_mailbox(f, &a);
	assert_false(stat_mailbox(f, "alice").is_open);
	b = open_mailbox(f, "alice");
	assert_int_equal(b.outcome, OK);
	close_mailbox(f, &b);
	close_mailbox(f, &c);
}

static void
commit_removes_exactly_those(struct fixture *f)
{
	for (int set = 0; set < 1 << BODIES; set++) {
		char mailbox[32], uidls[BODIES][71], uidl[71];
		int doomed[BODIES + 1], n = 0;
		uint32_t at = 0;
		struct opened o;

		snprintf(mailbox, sizeof(mailbox), "user%d", set);
		fill(f, mailbox, uidls);
		for (int i = 0; i < BODIES; i++)
			if (set & 1 << i)
				doomed[n++] = i;
		doomed[n] = -1;
		o = open_mailbox(f, mailbox);
		assert_int_equal(delete_messages(f, &o, doomed), OK);
		assert_int_equal(o.maildrop->count, BODIES);
		uidl_of(&o, BODIES - 1, uidl);
		assert_string_equal(uidl, uidls[BODIES - 1]);
		close_mailbox(f, &o);
		o = open_mailbox(f, mailbox);
		assert_int_equal(o.maildrop->count, BODIES - n);
		for (int i = 0; i < BODIES; i++) {
			if (set & 1 << i)
				continue;
			uidl_of(&o, at, uidl);
			assert_string_equal(uidl, uidls[i]);
			assert_message(f, &o, at++, bodies[i]);
		}
		close_mailbox(f, &o);
		assert_int_equal(
			stat_mailbox(f, mailbox).count, (uint32_t)(BODIES - n));
	}
}

static void
release_without_commit_keeps_all(struct fixture *f)
{
	char uidls[BODIES][71];
	struct opened o;

	fill(f, "alice", uidls);
	o = open_mailbox(f, "alice");
	close_mailbox(f, &o);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, BODIES);
	close_mailbox(f, &o);
}

static void
snapshot_stays_during_delivery(struct fixture *f)
{
	char uidls[BODIES][71], uidl[71], late[71];
	struct opened o;

	fill(f, "alice", uidls);
	o = open_mailbox(f, "alice");
	assert_int_equal(append_text(f, "alice", "late\r\n", late), OK);
	assert_int_equal(o.maildrop->count, BODIES);
	for (uint32_t i = 0; i < BODIES; i++) {
		uidl_of(&o, i, uidl);
		assert_string_equal(uidl, uidls[i]);
	}
	assert_int_equal(delete_messages(f, &o, (int[]){0, 4, -1}), OK);
	close_mailbox(f, &o);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, BODIES - 1);
	uidl_of(&o, BODIES - 2, uidl);
	assert_string_equal(uidl, late);
	assert_message(f, &o, BODIES - 2, "late\r\n");
	close_mailbox(f, &o);
}

static void
order_is_that_of_arrival(struct fixture *f)
{
	char uidls[40][71], uidl[71];
	struct opened o;

	for (int i = 0; i < 40; i++) {
		assert_int_equal(
			append_text(f, "alice", "x\r\n", uidls[i]), OK);
		if (i % 7 != 0)
			continue;
		o = open_mailbox(f, "alice");
		assert_int_equal(o.maildrop->count, i + 1);
		close_mailbox(f, &o);
	}
	o = open_mailbox(f, "alice");
	for (uint32_t i = 0; i < 40; i++) {
		uidl_of(&o, i, uidl);
		assert_string_equal(uidl, uidls[i]);
	}
	close_mailbox(f, &o);
}

static void
several_appends_at_once(struct fixture *f)
{
	struct opened o;
	struct store_append_call a = {.mailbox = "alice"},
				 b = {.mailbox = "alice"},
				 c = {.mailbox = "alice"};

	run_append(f, APPEND_BEGIN, &a, NULL);
	run_append(f, APPEND_BEGIN, &b, NULL);
	run_append(f, APPEND_BEGIN, &c, NULL);
	run_append(f, APPEND_WRITE, &a, "a1\r\n");
	run_append(f, APPEND_WRITE, &b, "b1\r\n");
	run_append(f, APPEND_WRITE, &c, "c1\r\n");
	run_append(f, APPEND_WRITE, &a, "a2\r\n");
	f->store->ops->append_abort(f->store, &c.append);
	assert_null(c.append);
	f->store->ops->append_abort(f->store, &c.append);
	run_append(f, APPEND_COMMIT, &b, NULL);
	run_append(f, APPEND_COMMIT, &a, NULL);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 2);
	assert_message(f, &o, 0, "b1\r\n");
	assert_message(f, &o, 1, "a1\r\na2\r\n");
	close_mailbox(f, &o);
}

static void
mailbox_names(struct fixture *f)
{
	static const char *const wrong[] = {"", ".", "..", "../alice", "a/b",
		"/etc", "alice/../bob", ".hidden", "@example.org", "alice@",
		"alice@..", "alice@.", "a\nb", "a\tb", "\x7F"};
	static const char *const fine[] = {"alice", "alice@example.org", "a..b",
		"%u", "%2e%2e", "\xC3\xA9ric", "o'neil", "a b", "A", "a+b=c",
		"x,y:z"};
	char longest[STORE_MAILBOX_MAXIMUM_OCTETS + 1];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(open_mailbox(f, wrong[i]).outcome, ERR_PEER);
		assert_int_equal(
			append_text(f, wrong[i], "x\r\n", NULL), ERR_PEER);
		assert_int_equal(
			stat_mailbox(f, wrong[i]).call.outcome, ERR_PEER);
	}
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(open_mailbox(f, longest).outcome, ERR_PEER);
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		struct opened o;

		assert_int_equal(append_text(f, fine[i], fine[i], NULL), OK);
		o = open_mailbox(f, fine[i]);
		assert_int_equal(o.outcome, OK);
		assert_int_equal(o.maildrop->count, 1);
		assert_message(f, &o, 0, fine[i]);
		close_mailbox(f, &o);
	}
}

static void
reading_out_of_range(struct fixture *f)
{
	struct opened o;
	enum outcome outcome;
	char octets[64];

	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	o = open_mailbox(f, "alice");
	assert_int_equal(
		read_message(f, &o, 1, octets, sizeof(octets), &outcome), -1);
	assert_int_equal(outcome, ERR_PEER);
	close_mailbox(f, &o);
}

static void
assert_bodies(struct fixture *f, char uidls[BODIES][71])
{
	struct opened o = open_mailbox(f, "alice");
	char uidl[71];

	assert_int_equal(o.maildrop->count, BODIES);
	for (uint32_t i = 0; i < BODIES; i++) {
		uint32_t n = 0;

		uidl_of(&o, i, uidl);
		while (n < BODIES && strcmp(uidls[n], uidl) != 0)
			n++;
		assert_in_range(n, 0, BODIES - 1);
		assert_message(f, &o, i, bodies[n]);
	}
	/* Somebody has it open. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			mend_mailbox(f, "alice", i).call.outcome, ERR_BUSY);
	close_mailbox(f, &o);
}

static void
mending_changes_no_message(struct fixture *f)
{
	char uidls[BODIES][71];

	if (!f->store->ops->mend)
		return;
	assert_int_equal(
		mend_mailbox(f, "alice", true).call.outcome, ERR_DENIED);
	fill(f, "alice", uidls);
	for (int i = 0; i < 4; i++) {
		struct store_mend_call call =
			mend_mailbox(f, "alice", i % 2 == 0);

		assert_int_equal(call.call.outcome, OK);
		assert_int_equal(call.was_made_anew, i % 2);
		assert_int_equal(call.count, BODIES);
		assert_int_equal(call.wrong + call.removed, 0);
		assert_bodies(f, uidls);
	}
}

static const struct {
	const char *name;
	void (*run)(struct fixture *fixture);
} cases[] = {
	{"append and read back", append_and_read_back},
	{"sizes are what is sent", sizes_are_what_is_sent},
	{"large and binary", large_and_binary},
	{"empty mailbox is made", empty_mailbox_is_made},
	{"exclusive lock", exclusive_lock},
	{"commit removes exactly those", commit_removes_exactly_those},
	{"release without commit keeps all", release_without_commit_keeps_all},
	{"snapshot stays during delivery", snapshot_stays_during_delivery},
	{"order is that of arrival", order_is_that_of_arrival},
	{"several appends at once", several_appends_at_once},
	{"mailbox names", mailbox_names},
	{"reading out of range", reading_out_of_range},
	{"nothing is special", nothing_is_special},
	{"equal messages", equal_messages},
	{"renewing", renewing},
	{"mending changes no message", mending_changes_no_message},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void
run_all(const char *kind, bool is_shared)
{
	for (size_t i = 0; i < CASES; i++) {
		struct fixture fixture;

		print_message("%s%s: %s\n", kind, is_shared ? "" : ", own",
			cases[i].name);
		fixture_open(&fixture, kind);
		fixture.is_shared = is_shared;
		fixture_reopen(&fixture);
		cases[i].run(&fixture);
		fixture_close(&fixture);
	}
}

static void
memory_conforms(void **state)
{
	run_all("memory", true);
}

static void
maildir_conforms(void **state)
{
	run_all("maildir", true);
}

static void
unshared_maildir_conforms(void **state)
{
	run_all("maildir", false);
}

static void
mbox_conforms(void **state)
{
	run_all("mbox", true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_conforms),
		cmocka_unit_test(maildir_conforms),
		cmocka_unit_test(unshared_maildir_conforms),
		cmocka_unit_test(mbox_conforms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
