/* SPDX-License-Identifier: ISC */
/* What a Maildir that others write to does to its index. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/maildir/names.h"
#include "store/path.h"
#include "store/maildir/uidls.h"

#define NEW "mail/alice/new"
#define CUR "mail/alice/cur"

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_open(f, "maildir");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

static void
make_maildir(struct fixture *f)
{
	struct opened o = open_mailbox(f, "alice");

	assert_int_equal(o.outcome, OK);
	close_mailbox(f, &o);
}

static void
first_uidl(struct fixture *f, char out[71])
{
	struct opened o = open_mailbox(f, "alice");

	assert_int_equal(o.outcome, OK);
	uidl_of(&o, 0, out);
	close_mailbox(f, &o);
}

static void
our_names(void **state)
{
	struct fixture *f = *state;
	char name[256], tail[64];
	struct file_name parsed;

	assert_int_equal(append_text(f, "alice", "a\r\n.b\r\n", NULL), OK);
	assert_true(entry_at(fixture_path(f, NEW), 0, name));
	assert_true(file_name_set(&parsed, DIRECTORY_NEW, name));
	assert_true(file_name_is_own(&parsed));
	snprintf(tail, sizeof(tail), ".host_a_b.example,S=7,W=7");
	assert_string_equal(name + strlen(name) - strlen(tail), tail);
	assert_false(entry_at(fixture_path(f, "mail/alice/tmp"), 0, name));
}

static void
aborted_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_append_call call = {.mailbox = "alice"};
	char line[1001];

	memset(line, 'x', 1000);
	line[1000] = '\0';
	run_append(f, APPEND_BEGIN, &call, NULL);
	run_append(f, APPEND_WRITE, &call, line);
	/* A small one is held in memory. */
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/tmp")), 0);
	for (int i = 0; i < 70; i++)
		run_append(f, APPEND_WRITE, &call, line);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/tmp")), 1);
	f->store->ops->append_abort(f->store, &call.append);
	assert_int_equal(count_entries(fixture_path(f, "mail/alice/tmp")), 0);
	assert_int_equal(count_entries(fixture_path(f, NEW)), 0);
}

static void
foreign_mail(void **state)
{
	struct fixture *f = *state;
	struct maildrop_message m;
	struct opened o;

	make_maildir(f);
	write_text(fixture_path(f, NEW "/1700000002.M1.host"), "S: a\n\nb\n");
	write_text(fixture_path(f, CUR "/1700000001.M1.host,S=99:2,S"),
		"S: a\n\nb");
	write_text(fixture_path(f, NEW "/.hidden"), "x");
	write_text(fixture_path(f, NEW "/1700000003.M1.host"), "S: a\r\n\r\n");
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 3);
	assert_message(f, &o, 0, "S: a\n\nb");
	assert_message(f, &o, 1, "S: a\n\nb\n");
	assert_int_equal(o.maildrop->message(o.maildrop, 0, &m), OK);
	assert_int_equal(m.octets, 11);
	assert_int_equal(m.header_octets, 6);
	assert_int_equal(m.flags, MAILDROP_NEEDS_CRLF);
	assert_int_equal(o.maildrop->message(o.maildrop, 1, &m), OK);
	assert_int_equal(m.octets, 11);
	assert_int_equal(o.maildrop->octets, 30);
	close_mailbox(f, &o);
}

static void
odd_entries_are_left_out(void **state)
{
	struct fixture *f = *state;

	make_maildir(f);
	assert_int_equal(mkdir(fixture_path(f, NEW "/1.dir"), 0700), 0);
	assert_int_equal(mkfifo(fixture_path(f, NEW "/1.fifo"), 0600), 0);
	assert_int_equal(
		symlink("/etc/passwd", fixture_path(f, NEW "/1.link")), 0);
	write_text(fixture_path(f, NEW "/1.mail"), "x\r\n");
	assert_int_equal(count_messages(f, "alice"), 1);
}

static void
same_after_losing_the_index(void **state)
{
	struct fixture *f = *state;
	char before[4][71], after[71];
	struct maildrop_message m;
	uint64_t octets;
	struct opened o;

	make_maildir(f);
	write_text(fixture_path(f, NEW "/1.a"), "foreign\n");
	write_text(fixture_path(f, CUR "/2.b:2,"), "foreign too\n");
	count_messages(f, "alice");
	assert_int_equal(append_text(f, "alice", "own\r\n", NULL), OK);
	assert_int_equal(append_text(f, "alice", "own2\r\n", NULL), OK);
	o = open_mailbox(f, "alice");
	octets = o.maildrop->octets;
	for (uint32_t i = 0; i < 4; i++)
		uidl_of(&o, i, before[i]);
	close_mailbox(f, &o);
	remove_tree(fixture_path(f, "state/index"));
	for (int round = 0; round < 2; round++) {
		o = open_mailbox(f, "alice");
		assert_int_equal(o.maildrop->count, 4);
		assert_int_equal(o.maildrop->octets, octets);
		for (uint32_t i = 0; i < 4; i++) {
			bool is_found = false;

			uidl_of(&o, i, after);
			for (int j = 0; j < 4; j++)
				is_found |= !strcmp(after, before[j]);
			assert_true(is_found);
		}
		assert_int_equal(o.maildrop->message(o.maildrop, 0, &m), OK);
		assert_int_equal(m.octets, 9);
		close_mailbox(f, &o);
		remove_tree(fixture_path(f, "state/index"));
		fixture_reopen(f);
	}
}

static void
renamed_during_session(void **state)
{
	struct fixture *f = *state;
	char before[71], after[71];
	struct opened o;

	make_maildir(f);
	write_text(fixture_path(f, NEW "/1.a,S=3"), "x\r\n");
	write_text(fixture_path(f, NEW "/2.b,S=3"), "y\r\n");
	o = open_mailbox(f, "alice");
	uidl_of(&o, 0, before);
	rename(fixture_path(f, NEW "/1.a,S=3"),
		fixture_path(f, CUR "/1.a,S=3:2,S"));
	assert_message(f, &o, 0, "x\r\n");
	rename(fixture_path(f, CUR "/1.a,S=3:2,S"),
		fixture_path(f, CUR "/1.a,S=3:2,RS"));
	assert_message(f, &o, 0, "x\r\n");
	rename(fixture_path(f, NEW "/2.b,S=3"),
		fixture_path(f, CUR "/2.b,S=3:2,T"));
	assert_int_equal(delete_messages(f, &o, (int[]){1, -1}), OK);
	close_mailbox(f, &o);
	assert_int_equal(count_entries(fixture_path(f, CUR)), 1);
	first_uidl(f, after);
	assert_string_equal(before, after);
	assert_int_equal(count_messages(f, "alice"), 1);
}

static void
renamed_between_sessions(void **state)
{
	struct fixture *f = *state;
	char before[71], after[71];
	struct opened o;

	make_maildir(f);
	write_text(fixture_path(f, NEW "/2.b"), "b\r\n");
	count_messages(f, "alice");
	write_text(fixture_path(f, NEW "/1.a"), "a\r\n");
	o = open_mailbox(f, "alice");
	/* Kept behind what was there before, though its name sorts first. */
	assert_message(f, &o, 1, "a\r\n");
	uidl_of(&o, 1, before);
	close_mailbox(f, &o);
	rename(fixture_path(f, NEW "/1.a"), fixture_path(f, CUR "/1.a:2,S"));
	for (int i = 0; i < 3; i++) {
		o = open_mailbox(f, "alice");
		assert_int_equal(o.maildrop->count, 2);
		assert_message(f, &o, 1, "a\r\n");
		uidl_of(&o, 1, after);
		assert_string_equal(before, after);
		close_mailbox(f, &o);
		if (i == 1)
			fixture_reopen(f);
	}
}

static void
removed_by_others(void **state)
{
	struct fixture *f = *state;
	enum outcome outcome;
	char octets[16];
	struct opened o;

	make_maildir(f);
	write_text(fixture_path(f, NEW "/1.a"), "a\r\n");
	write_text(fixture_path(f, NEW "/2.b"), "b\r\n");
	o = open_mailbox(f, "alice");
	unlink(fixture_path(f, NEW "/1.a"));
	assert_int_equal(
		read_message(f, &o, 0, octets, sizeof(octets), &outcome), -1);
	assert_int_equal(outcome, ERR_GONE);
	assert_message(f, &o, 1, "b\r\n");
	close_mailbox(f, &o);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.maildrop->count, 1);
	assert_int_equal(o.maildrop->octets, 3);
	assert_message(f, &o, 0, "b\r\n");
	unlink(fixture_path(f, NEW "/2.b"));
	assert_int_equal(delete_messages(f, &o, (int[]){0, -1}), OK);
	close_mailbox(f, &o);
	assert_int_equal(count_messages(f, "alice"), 0);
}

/* Promise 2: a UIDL is never given again, whoever deleted the message. */
static void
name_that_comes_again(void **state)
{
	struct fixture *f = *state;
	char uidls[6][71];
	struct opened o;

	make_maildir(f);
	for (int i = 0; i < 6; i++) {
		char again[71];

		write_text(fixture_path(f, NEW "/1.a"), "a\r\n");
		first_uidl(f, uidls[i]);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(uidls[i], uidls[j]);
		remove_tree(fixture_path(f, "state/index"));
		fixture_reopen(f);
		first_uidl(f, again);
		assert_string_equal(uidls[i], again);
		if (i % 2) {
			unlink(fixture_path(f, NEW "/1.a"));
			assert_int_equal(count_messages(f, "alice"), 0);
		} else {
			o = open_mailbox(f, "alice");
			assert_int_equal(
				delete_messages(f, &o, (int[]){0, -1}), OK);
			close_mailbox(f, &o);
		}
		if (i > 2)
			fixture_reopen(f);
	}
}

static void
arriving_within_the_second(void **state)
{
	struct fixture *f = *state;

	make_maildir(f);
	for (uint32_t i = 1; i <= 50; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%u.x", i);
		write_text(fixture_path(f, NEW "/%s", name), "x\r\n");
		/* The stamp of the same tick as the last scan's. */
		if (i == 25)
			make_old(fixture_path(f, CUR));
		assert_int_equal(count_messages(f, "alice"), i);
	}
}

static struct files counting;
static unsigned lists, reads;

static int
count_list(struct files *files, int directory, const char *path,
	bool (*each)(void *context, const char *name), void *context)
{
	/* Leftovers of deliveries are looked for once. */
	lists += strcmp(path, "tmp") != 0;
	return files_posix.list(files, directory, path, each, context);
}

static ssize_t
count_read(struct files *files, int fd, void *to, size_t room, uint64_t offset)
{
	reads++;
	return files_posix.read_at(files, fd, to, room, offset);
}

/* Promise 5: opening an unchanged mailbox scans and reads nothing. */
static void
unchanged_costs_nothing(void **state)
{
	struct fixture *f = *state;

	counting = files_posix;
	counting.list = count_list;
	counting.read_at = count_read;
	for (int i = 0; i < 20; i++)
		assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	make_old(fixture_path(f, NEW));
	make_old(fixture_path(f, CUR));
	f->files = &counting;
	fixture_reopen(f);
	assert_int_equal(count_messages(f, "alice"), 20);
	lists = reads = 0;
	assert_int_equal(count_messages(f, "alice"), 20);
	assert_int_equal(lists, 0);
	assert_true(reads <= 1);
	fixture_reopen(f);
	lists = 0;
	assert_int_equal(count_messages(f, "alice"), 20);
	assert_int_equal(lists, 0);
}

static void
unshared_trusts_the_index(void **state)
{
	struct fixture *f = *state;

	f->is_shared = false;
	fixture_reopen(f);
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	assert_int_equal(count_messages(f, "alice"), 1);
	write_text(fixture_path(f, NEW "/1.a"), "a\r\n");
	assert_int_equal(count_messages(f, "alice"), 1);
	assert_int_equal(append_text(f, "alice", "y\r\n", NULL), OK);
	assert_int_equal(count_messages(f, "alice"), 2);
	/* A new process looks once: the last one may have been killed. */
	fixture_reopen(f);
	assert_int_equal(count_messages(f, "alice"), 3);
}

static void
changed_in_place(void **state)
{
	struct fixture *f = *state;
	enum outcome outcome;
	char octets[64];
	struct opened o;

	make_maildir(f);
	write_text(fixture_path(f, NEW "/1.a"), "a\r\n");
	o = open_mailbox(f, "alice");
	write_text(fixture_path(f, NEW "/1.a"), "longer\r\n");
	read_message(f, &o, 0, octets, sizeof(octets), &outcome);
	assert_int_equal(outcome, ERR_BROKEN);
	assert_int_equal(fixture_notices(), 1);
	close_mailbox(f, &o);
	o = open_mailbox(f, "alice");
	assert_message(f, &o, 0, "longer\r\n");
	close_mailbox(f, &o);
}

static void
many_deletions_are_compacted(void **state)
{
	struct fixture *f = *state;
	struct opened o;
	struct stat status;

	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < 100; i++)
			assert_int_equal(
				append_text(f, "alice", "x\r\n", NULL), OK);
		o = open_mailbox(f, "alice");
		assert_int_equal(o.maildrop->count, 100 + round);
		for (int i = 1; i < 100; i += 2)
			assert_message(f, &o, (uint32_t)i, "x\r\n");
		int doomed[100];

		for (int i = 0; i < 99; i++)
			doomed[i] = i;
		doomed[99] = -1;
		assert_int_equal(delete_messages(f, &o, doomed), OK);
		close_mailbox(f, &o);
	}
	assert_int_equal(count_messages(f, "alice"), 12);
	assert_int_equal(
		stat(fixture_path(f, "state/index/alice/index"), &status), 0);
	assert_true(status.st_size < 64 * 700);
	/* The index and its names, nothing stale. */
	assert_int_equal(
		count_entries(fixture_path(f, "state/index/alice")), 2);
}

static void
given_uidls(void **state)
{
	struct fixture *f = *state;
	struct maildir_settings settings = {.files = f->files};
	static const char *const names[] = {"1.a", "2.b", "3.c", "4.d"};
	static const char *const given[] = {"1", "00000001abcdef",
		"twenty-seven-characters-her",
		("seventy-characters-of-a-uidl-that-some-other-server-gave-to-"
		 "a-message!")};
	struct mailbox mailbox;
	struct uidls uidls;
	struct opened o;

	make_maildir(f);
	settings.state_root = open(fixture_path(f, "state"), 0);
	settings.template = "%u";
	assert_int_equal(mailbox_init(&mailbox, &settings, "alice"), OK);
	assert_int_equal(uidls_open(&uidls, &mailbox), OK);
	for (int i = 0; i < 4; i++) {
		unsigned char digest[UIDL_DIGEST_OCTETS];

		uidl_digest(bytes_of_string(names[i]), digest);
		assert_int_equal(uidls_give(&uidls, digest,
					 bytes_of_string("overridden")),
			OK);
		assert_int_equal(
			uidls_give(&uidls, digest, bytes_of_string(given[i])),
			OK);
		assert_int_equal(
			uidls_give(&uidls, digest, bytes_of_string("a b")),
			ERR_PEER);
		assert_int_equal(
			uidls_give(&uidls, digest, BYTES_NONE), ERR_PEER);
		write_text(fixture_path(f, CUR "/%s", names[i]), "x\r\n");
	}
	assert_int_equal(uidls_sync(&uidls), OK);
	uidls_release(&uidls);
	mailbox_end(&mailbox);
	close(settings.state_root);
	for (int round = 0; round < 3; round++) {
		o = open_mailbox(f, "alice");
		for (uint32_t i = 0; i < 4; i++) {
			char uidl[71];

			uidl_of(&o, i, uidl);
			assert_string_equal(uidl, given[i]);
		}
		close_mailbox(f, &o);
		if (round == 0)
			rename(fixture_path(f, CUR "/4.d"),
				fixture_path(f, CUR "/4.d:2,S"));
		else
			remove_tree(fixture_path(f, "state/index"));
		fixture_reopen(f);
	}
}

/* To another account, as to another host or path; what was deleted from it
   stays unknown there only as far as its state is not moved along. */
static void
moved_maildir(void **state)
{
	struct fixture *f = *state;
	char before[3][71], after[71];
	struct opened o;

	assert_int_equal(append_text(f, "alice", "ours\r\n", NULL), OK);
	write_text(fixture_path(f, NEW "/1.a"), "a\n");
	write_text(fixture_path(f, CUR "/2.b:2,S"), "b\n");
	o = open_mailbox(f, "alice");
	for (uint32_t i = 0; i < 3; i++)
		uidl_of(&o, i, before[i]);
	assert_message(f, &o, 1, "a\n");
	assert_int_equal(delete_messages(f, &o, (int[]){1, -1}), OK);
	close_mailbox(f, &o);
	fixture_stop(f);
	assert_int_equal(rename(fixture_path(f, "mail/alice"),
				 fixture_path(f, "mail/bob")),
		0);
	assert_int_equal(rename(fixture_path(f, "state/mailbox/alice"),
				 fixture_path(f, "state/mailbox/bob")),
		0);
	fixture_start(f);
	o = open_mailbox(f, "bob");
	assert_int_equal(o.maildrop->count, 2);
	/* Found in the order of their names. */
	uidl_of(&o, 0, after);
	assert_string_equal(after, before[2]);
	uidl_of(&o, 1, after);
	assert_string_equal(after, before[0]);
	close_mailbox(f, &o);
	/* A backup brings back what was deleted: another message to clients. */
	write_text(fixture_path(f, "mail/bob/cur/1.a:2,S"), "a\n");
	o = open_mailbox(f, "bob");
	assert_int_equal(o.maildrop->count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		uidl_of(&o, i, after);
		assert_string_not_equal(after, before[1]);
	}
	close_mailbox(f, &o);
}

static void
torn_uidls_are_skipped(void **state)
{
	struct fixture *f = *state;
	unsigned char octets[4096];
	char path[512], uidl[71];
	size_t n;

	make_maildir(f);
	write_text(fixture_path(f, NEW "/1.a"), "a\r\n");
	count_messages(f, "alice");
	unlink(fixture_path(f, NEW "/1.a"));
	assert_int_equal(count_messages(f, "alice"), 0);
	write_text(fixture_path(f, NEW "/1.a"), "a\r\n");
	first_uidl(f, uidl);
	strcpy(path, fixture_path(f, "state/mailbox/alice/uidls"));
	n = read_file(path, octets, sizeof(octets));
	assert_int_equal(n, 32 + 128);
	for (size_t cut = 0; cut <= n; cut++) {
		char after[71];

		write_file(path, octets, cut);
		remove_tree(fixture_path(f, "state/index"));
		fixture_reopen(f);
		first_uidl(f, after);
		assert_true((cut == n) == !strcmp(uidl, after));
	}
}

static void
templates(void **state)
{
	static const struct {
		const char *template, *mailbox, *path;
	} rows[] = {
		{"%u", "a@b.c", "a@b.c"},
		{"%d/%n", "a@b.c", "b.c/a"},
		{"%d/%n/Maildir", "a@x@b.c", "b.c/a@x/Maildir"},
		{"x%%y/%n", "a", "x%y/a"},
		{"%n/.maildir", "a", "a/.maildir"},
		{"%d/%n", "a", NULL},
		{"/%u", "a", NULL},
		{"../%u", "a", NULL},
		{"%u/..", "a", NULL},
		{"a//%u", "a", NULL},
		{"%u/", "a", NULL},
		{"%", "a", NULL},
		{"%x", "a", NULL},
		{"", "a", NULL},
		{".", "a", NULL},
	};
	char path[MAILBOX_PATH_OCTETS];
	char one[STATE_NAME_OCTETS], two[STATE_NAME_OCTETS];
	char name[255];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(path, "untouched");
		assert_int_equal(
			path_expand(rows[i].template, rows[i].mailbox, path),
			rows[i].path ? OK : ERR_BROKEN);
		assert_string_equal(
			path, rows[i].path ? rows[i].path : "untouched");
	}
	assert_int_equal(path_of_state("a@b.c", one), OK);
	assert_string_equal(one, "a@b.c");
	assert_int_equal(path_of_state("a%b \xFF", one), OK);
	assert_string_equal(one, "a%25b%20%FF");
	for (size_t n = 1; n < sizeof(name); n++) {
		memset(name, n % 2 ? 'a' : '%', n);
		name[n] = '\0';
		assert_int_equal(path_of_state(name, one), OK);
		assert_true(strlen(one) < STATE_NAME_OCTETS);
		name[n - 1] = 'b';
		assert_int_equal(path_of_state(name, two), OK);
		assert_string_not_equal(one, two);
	}
}

static void
uidl_alphabet(void **state)
{
	unsigned char digest[UIDL_DIGEST_OCTETS] = {0};
	char out[UIDL_OWN_OCTETS + 1];

	uidl_print(digest, out);
	assert_string_equal(out, "00000000000000000000000000");
	memset(digest, 0xFF, sizeof(digest));
	uidl_print(digest, out);
	assert_string_equal(out, "zzzzzzzzzzzzzzzzzzzzzzzzzw");
	assert_true(uidl_digest(bytes_of_string("abc"), digest));
	assert_int_equal(digest[0], 0xBA);
	assert_int_equal(digest[15], 0x23);
	uidl_print(digest, out);
	assert_string_equal(out, "q9w1dfwf077ymga183f5vbh24c");
}

static void
uidl_digester_is_used_again(void **state)
{
	struct uidl_digester *digester = uidl_digester_new();
	unsigned char digest[UIDL_DIGEST_OCTETS], again[UIDL_DIGEST_OCTETS];

	for (size_t octets = 0; octets < 200; octets += 9) {
		unsigned char name[200];
		struct bytes base_name = bytes_of(name, octets);

		memset(name, (int)octets, sizeof(name));
		assert_true(uidl_digest(base_name, digest));
		assert_true(uidl_digester_take(digester, base_name, again));
		assert_memory_equal(digest, again, sizeof(digest));
	}
	uidl_digester_free(&digester);
	assert_null(digester);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(our_names),
		CASE(aborted_leaves_nothing),
		CASE(foreign_mail),
		CASE(odd_entries_are_left_out),
		CASE(same_after_losing_the_index),
		CASE(renamed_during_session),
		CASE(renamed_between_sessions),
		CASE(removed_by_others),
		CASE(name_that_comes_again),
		CASE(arriving_within_the_second),
		CASE(unchanged_costs_nothing),
		CASE(unshared_trusts_the_index),
		CASE(changed_in_place),
		CASE(many_deletions_are_compacted),
		CASE(given_uidls),
		CASE(moved_maildir),
		CASE(torn_uidls_are_skipped),
		cmocka_unit_test(templates),
		cmocka_unit_test(uidl_alphabet),
		cmocka_unit_test(uidl_digester_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
