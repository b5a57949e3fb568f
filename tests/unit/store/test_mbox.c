/* SPDX-License-Identifier: ISC */
/* What an mbox file that others read and write does to its maildrop. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faulty_files.h"

#define FROM  "From x@example.org Thu Nov 19 08:30:00 2026\n"
#define OTHER "From MAILER-DAEMON Fri Nov 20 09:00 2026\n"
#define INBOX "mail/alice"
#define LOCK  "mail/alice.lock"
/* More than the halves of a journal on a full disk. */
#define LONG_OCTETS 150000

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_open(f, "mbox");
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
put_inbox(struct fixture *f, const char *text)
{
	write_text(fixture_path(f, INBOX), text);
}

/* As others do it: behind what is there, in place. */
static void
add_to_inbox(struct fixture *f, const char *text)
{
	FILE *file = fopen(fixture_path(f, INBOX), "a");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
assert_inbox(struct fixture *f, const char *text)
{
	char octets[8192];
	size_t length =
		read_file(fixture_path(f, INBOX), octets, sizeof(octets));

	assert_int_equal(length, strlen(text));
	assert_memory_equal(octets, text, length);
}

static uint32_t
list_uidls(struct fixture *f, char out[][71])
{
	struct opened o = open_mailbox(f, "alice");
	uint32_t count = 0;

	assert_int_equal(o.outcome, OK);
	count = o.maildrop->count;
	for (uint32_t i = 0; i < count; i++)
		uidl_of(&o, i, out[i]);
	close_mailbox(f, &o);
	return count;
}

static void
delete_first(struct fixture *f)
{
	struct opened o = open_mailbox(f, "alice");

	assert_int_equal(delete_messages(f, &o, (int[]){0, -1}), OK);
	close_mailbox(f, &o);
}

static void
messages_of_others(void **state)
{
	static const struct {
		const char *file;
		const char *messages[4];
	} rows[] = {
		{"", {NULL}},
		{"\n\n", {NULL}},
		{FROM "a\n\n" OTHER "b\n\n", {"a\n", "b\n"}},
		/* No empty line between, none at the end, no line end. */
		{FROM "a\n" OTHER "b", {"a\n", "b"}},
		{FROM "a\n\n\n\n" OTHER "\n\n", {"a\n\n\n", "\n"}},
		{FROM OTHER FROM, {"", "", ""}},
		/* Only what says when it came begins a message. */
		{FROM "From now on\n\nFrom x\n", {"From now on\n\nFrom x\n"}},
		{FROM "a\n\nFrom x Thu Nov 19 25:30 2026\n",
			{"a\n\nFrom x Thu Nov 19 25:30 2026\n"}},
		{FROM "a\n\nFrom \"a b\"@c Sun Jan  2 3:04:05 EST 2011 "
		      "remote from d\nb\n",
			{"a\n", "b\n"}},
		/* Quoted lines lose one sign; others keep theirs. */
		{FROM ">From a\n>>From b\n> From c\n>Fromage\n",
			{"From a\n>From b\n> From c\n>Fromage\n"}},
		/* A length is not believed. */
		{FROM "Content-Length: 500\n\na\n\n" OTHER "b\n",
			{"Content-Length: 500\n\na\n", "b\n"}},
		/* Line ends of other systems. */
		{"From x Thu Nov 19 08:30:00 2026\r\na\r\n\r\n" OTHER "b\n",
			{"a\r\n", "b\n"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = *state;
		struct opened o;
		uint32_t count = 0;

		put_inbox(f, rows[i].file);
		o = open_mailbox(f, "alice");
		assert_int_equal(o.outcome, OK);
		while (count < 4 && rows[i].messages[count]) {
			assert_message(f, &o, count, rows[i].messages[count]);
			count++;
		}
		assert_int_equal(o.maildrop->count, count);
		close_mailbox(f, &o);
		assert_inbox(f, rows[i].file);
	}
}

static void
no_mbox(void **state)
{
	struct fixture *f = *state;

	put_inbox(f, "Subject: x\n\nno mbox\n" FROM "a\n");
	assert_int_equal(open_mailbox(f, "alice").outcome, ERR_BROKEN);
	assert_true(fixture_notices() > 0);
	remove(fixture_path(f, INBOX));
	assert_int_equal(mkdir(fixture_path(f, INBOX), 0700), 0);
	assert_int_equal(open_mailbox(f, "alice").outcome, ERR_BROKEN);
	rmdir(fixture_path(f, INBOX));
	assert_int_equal(symlink("bob", fixture_path(f, INBOX)), 0);
	assert_int_equal(open_mailbox(f, "alice").outcome, ERR_BROKEN);
	/* It would be taken for the lock of another one. */
	assert_int_equal(open_mailbox(f, "alice.lock").outcome, ERR_PEER);
}

/* ---- UIDLs ---- */

static void
uidls_outlive_notes(void **state)
{
	struct fixture *f = *state;
	char before[3][71], after[3][71];

	put_inbox(f, FROM "Subject: 1\n\na\n\n" FROM "Subject: 2\nStatus: O\n"
			  "\na\n\n" OTHER "X-UID: 7\nSubject: 3\n\nb\n\n");
	assert_int_equal(list_uidls(f, before), 3);
	/* A mail program has read all of it, and keeps that in the header. */
	put_inbox(f,
		OTHER "Subject: 1\nStatus: RO\nX-Status: A\nContent-Length: 2\n"
		      "Lines: 1\n\na\n\n" FROM "Subject: 2\nstatus: RO\n"
		      "X-Keywords: a\n b\n\na\n\n" FROM "Subject: 3\n\nb\n\n");
	assert_int_equal(list_uidls(f, after), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(before[i], after[i]);
	/* Without its state too, as long as nothing was deleted. */
	remove_tree(fixture_path(f, "state/mailbox"));
	fixture_reopen(f);
	assert_int_equal(list_uidls(f, after), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(before[i], after[i]);
	/* A note is one in the header alone. */
	put_inbox(f, FROM "Subject: 1\n\nStatus: RO\na\n\n");
	assert_int_equal(list_uidls(f, after), 1);
	assert_string_not_equal(before[0], after[0]);
}

/* What was deleted and comes again is another message; a copy of it keeps
   the UIDL that it had. */
static void
uidls_do_not_come_again(void **state)
{
	struct fixture *f = *state;
	char before[3][71], after[3][71];

	put_inbox(f, FROM "a\n\n" FROM "a\n\n" FROM "b\n\n");
	assert_int_equal(list_uidls(f, before), 3);
	assert_string_not_equal(before[0], before[1]);
	delete_first(f);
	assert_inbox(f, FROM "a\n\n" FROM "b\n\n");
	assert_int_equal(list_uidls(f, after), 2);
	assert_string_equal(after[0], before[1]);
	assert_string_equal(after[1], before[2]);
	add_to_inbox(f, FROM "a\n\n");
	fixture_reopen(f);
	assert_int_equal(list_uidls(f, after), 3);
	assert_string_equal(after[0], before[1]);
	for (unsigned i = 0; i < 3; i++)
		assert_string_not_equal(after[2], before[i]);
	/* Others took it away and put it back: that is the same message. */
	put_inbox(f, FROM "a\n\n");
	assert_int_equal(list_uidls(f, after), 1);
	put_inbox(f, FROM "b\n\n" FROM "a\n\n");
	assert_int_equal(list_uidls(f, after), 2);
	assert_string_equal(after[0], before[2]);
	assert_string_equal(after[1], before[1]);
}

/* The file of UIDLs does not grow for ever. */
static void
uidls_are_tidied(void **state)
{
	struct fixture *f = *state;
	char first[2][71], seen[40][71], uidls[40][71];
	struct opened o;
	struct stat status;
	off_t most = 0;

	put_inbox(f, FROM "stays\n\n");
	list_uidls(f, first);
	for (unsigned round = 0; round < 80; round++) {
		int all[31] = {0};

		for (int i = 0; i < 30; i++) {
			all[i] = i + 1;
			add_to_inbox(f, FROM "comes and goes\n\n");
		}
		all[30] = -1;
		assert_int_equal(list_uidls(f, uidls), 31);
		assert_string_equal(uidls[0], first[0]);
		if (round == 0)
			memcpy(seen, uidls, sizeof(seen));
		for (unsigned i = 0; i < 31 && round > 0; i++)
			assert_string_not_equal(uidls[i], seen[1]);
		o = open_mailbox(f, "alice");
		assert_int_equal(delete_messages(f, &o, all), OK);
		close_mailbox(f, &o);
		assert_int_equal(
			stat(fixture_path(f, "state/mailbox/alice/mbox-uidls"),
				&status),
			0);
		most = status.st_size > most ? status.st_size : most;
	}
	assert_true(most <= 65536);
	assert_true(status.st_size < most);
	assert_inbox(f, FROM "stays\n\n");
}

/* ---- others write while a session is open ---- */

static void
mail_comes_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct opened o;

	put_inbox(f, FROM "a\n\n" FROM "b\n\n");
	o = open_mailbox(f, "alice");
	add_to_inbox(f, OTHER "late\n\n");
	assert_int_equal(o.maildrop->count, 2);
	assert_message(f, &o, 0, "a\n");
	assert_message(f, &o, 1, "b\n");
	assert_int_equal(delete_messages(f, &o, (int[]){0, 1, -1}), OK);
	close_mailbox(f, &o);
	assert_inbox(f, OTHER "late\n\n");
}

/* In place: what stands there now is not what was announced. */
static void
written_anew_meanwhile(void **state)
{
	struct fixture *f = *state;
	enum outcome outcome;
	struct opened o;
	char octets[64];

	put_inbox(f, FROM "a\n\n" FROM "b\n\n" FROM "c\n\n");
	o = open_mailbox(f, "alice");
	put_inbox(f, FROM "Status: RO\nc\n\n" FROM "Status: RO\nb\n\n");
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(read_message(f, &o, i, octets, sizeof(octets),
					 &outcome),
			-1);
		assert_int_equal(outcome, ERR_GONE);
	}
	close_mailbox(f, &o);
	assert_int_equal(fixture_notices(), 3);
}

static void
changed_while_it_is_read(void **state)
{
	struct fixture *f = *state;
	char long_text[300], to[100];
	struct store_read_at_call call = {
		.to = (unsigned char *)to, .room = sizeof(to)};
	struct opened o;

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	put_inbox(f, FROM);
	add_to_inbox(f, long_text);
	o = open_mailbox(f, "alice");
	call.session = o.session;
	assert_int_equal(read_part(f, &call), OK);
	assert_int_equal(call.octets, sizeof(to));
	/* Of the same length, and shorter than was announced. */
	long_text[250] = 'y';
	put_inbox(f, FROM);
	add_to_inbox(f, long_text);
	call.offset = 100;
	assert_int_equal(read_part(f, &call), OK);
	call.offset = 200;
	assert_int_equal(read_part(f, &call), ERR_GONE);
	put_inbox(f, FROM);
	call.offset = 100;
	assert_int_equal(read_part(f, &call), ERR_GONE);
	close_mailbox(f, &o);
}

/* The numbers of a session are those of its messages, wherever these are. */
static void
deletes_what_was_meant(void **state)
{
	struct fixture *f = *state;
	struct opened o;

	put_inbox(f, FROM "a\n\n" FROM "b\n\n" FROM "c\n\n" FROM "b\n\n");
	o = open_mailbox(f, "alice");
	/* Another file with that name: the first is gone, one is new. */
	write_text(fixture_path(f, "mail/new"), OTHER
		"new\n\n" FROM "Status: RO\nb\n\n" FROM "c\n\n" FROM "b\n\n");
	assert_int_equal(
		rename(fixture_path(f, "mail/new"), fixture_path(f, INBOX)), 0);
	assert_message(f, &o, 0, "a\n");
	assert_int_equal(delete_messages(f, &o, (int[]){0, 1, 2, -1}), OK);
	close_mailbox(f, &o);
	assert_inbox(f, OTHER "new\n\n" FROM "b\n\n");
	/* And without a file there is nothing left to delete. */
	o = open_mailbox(f, "alice");
	remove(fixture_path(f, INBOX));
	assert_int_equal(delete_messages(f, &o, (int[]){0, -1}), OK);
	close_mailbox(f, &o);
	assert_int_equal(stat_mailbox(f, "alice").call.outcome, ERR_DENIED);
}

/* ---- locks ---- */

static void
lock_files_of_others(void **state)
{
	struct fixture *f = *state;

	put_inbox(f, FROM "a\n\n");
	/* Of a program that lives, for all we know. */
	write_text(fixture_path(f, LOCK), "1\nrestante elsewhere\n");
	assert_int_equal(open_mailbox(f, "alice").outcome, ERR_BUSY);
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), ERR_TRY_LATER);
	assert_int_equal(access(fixture_path(f, LOCK), F_OK), 0);
	/* Left over: it is old, or of a process of ours that was killed. */
	make_old(fixture_path(f, LOCK));
	delete_first(f);
	assert_int_equal(access(fixture_path(f, LOCK), F_OK), -1);
	write_text(fixture_path(f, LOCK), "1\nrestante host/a:b.example\n");
	assert_int_equal(append_text(f, "alice", "x\r\n", NULL), OK);
	assert_int_equal(access(fixture_path(f, LOCK), F_OK), -1);
	/* Nothing else is left lying about. */
	assert_int_equal(count_entries(fixture_path(f, "mail")), 1);
}

/* A child that has the other lock, until it is told. */
static pid_t
lock_in_child(struct fixture *f, int *out_end)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int ready[2], end[2];
	char octet;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(end), 0);
	child = fork();
	if (child == 0) {
		int fd = open(fixture_path(f, INBOX), O_RDWR | O_CLOEXEC);

		close(end[1]);
		if (fcntl(fd, F_SETLK, &lock) != 0 ||
			write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(end[0], &octet, 1) != 0);
	}
	close(ready[1]);
	close(end[0]);
	assert_int_equal(read(ready[0], &octet, 1), 1);
	close(ready[0]);
	*out_end = end[1];
	return child;
}

static void
fcntl_locks_of_others(void **state)
{
	struct fixture *f = *state;
	struct opened o;
	pid_t child;
	int end, status;

	put_inbox(f, FROM "a\n\n");
	o = open_mailbox(f, "alice");
	child = lock_in_child(f, &end);
	assert_int_equal(delete_messages(f, &o, (int[]){0, -1}), ERR_TRY_LATER);
	close_mailbox(f, &o);
	assert_int_equal(open_mailbox(f, "alice").outcome, ERR_BUSY);
	assert_int_equal(stat_mailbox(f, "alice").count, 1);
	close(end);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	delete_first(f);
	assert_inbox(f, "");
}

/* ---- what a crash leaves ---- */

/* A message of others, of one that will go, and a long one behind it. */
static void
put_long_inbox(struct fixture *f)
{
	char *text = malloc(LONG_OCTETS + 1);

	for (size_t i = 0; i < LONG_OCTETS; i++)
		text[i] = (char)(i % 61 == 60 ? '\n' : 'a' + i % 23);
	text[LONG_OCTETS] = '\0';
	put_inbox(f, FROM "first\n\n" FROM "second\n\n" FROM);
	add_to_inbox(f, text);
	add_to_inbox(f, "\n\n" FROM "last\n\n");
	free(text);
}

static void
assert_long_inbox(struct fixture *f, bool is_deleted, bool has_more)
{
	static unsigned char octets[LONG_OCTETS + 2];
	struct opened o = open_mailbox(f, "alice");
	uint32_t at = is_deleted ? 1 : 2;
	enum outcome outcome;

	assert_int_equal(o.outcome, OK);
	assert_int_equal(o.maildrop->count, at + 2 + has_more);
	assert_message(f, &o, at - 1, "second\n");
	assert_message(f, &o, at + 1, "last\n");
	if (has_more)
		assert_message(f, &o, at + 2, "more\n");
	assert_int_equal(
		read_message(f, &o, at, octets, sizeof(octets), &outcome),
		LONG_OCTETS + 1);
	for (size_t i = 0; i < LONG_OCTETS; i++)
		assert_int_equal(octets[i], i % 61 == 60 ? '\n' : 'a' + i % 23);
	close_mailbox(f, &o);
}

/* On a full disk, so that many pieces are moved; mail comes after the crash,
   from a program that knows nothing of it. */
static bool
delete_with_crash(unsigned n, bool has_more)
{
	struct fixture f;
	struct opened o;
	bool was_reached, is_deleted;
	enum outcome outcome;

	fixture_open(&f, "mbox");
	faulty_files_arm(0, 0, false);
	f.files = &faulty_files;
	fixture_reopen(&f);
	put_long_inbox(&f);
	o = open_mailbox(&f, "alice");
	faulty_files_fill(true);
	faulty_files_arm(n, EIO, true);
	outcome = delete_messages(&f, &o, (int[]){0, -1});
	was_reached = faulty_files_calls() >= n;
	faulty_files_arm(0, 0, false);
	close_mailbox(&f, &o);
	faulty_files_fill(false);
	if (has_more)
		add_to_inbox(&f, OTHER "more\n\n");
	fixture_reopen(&f);
	is_deleted = count_messages(&f, "alice") == 3u + has_more;
	if (outcome == OK)
		assert_true(is_deleted);
	assert_long_inbox(&f, is_deleted, has_more);
	fixture_reopen(&f);
	assert_long_inbox(&f, is_deleted, has_more);
	fixture_close(&f);
	return was_reached;
}

static void
deleting_goes_on_after_a_crash(void **state)
{
	unsigned n = 1;

	while (n < 500 && delete_with_crash(n, n % 2))
		n++;
	assert_in_range(n, 30, 499);
}

/* A journal that speaks of a file which is no longer that one. */
static bool
change_after_crash(unsigned n, unsigned *notices)
{
	struct fixture f;
	struct opened o;
	bool was_reached;

	fixture_open(&f, "mbox");
	faulty_files_arm(0, 0, false);
	f.files = &faulty_files;
	fixture_reopen(&f);
	put_long_inbox(&f);
	o = open_mailbox(&f, "alice");
	faulty_files_arm(n, EIO, true);
	delete_messages(&f, &o, (int[]){0, -1});
	was_reached = faulty_files_calls() >= n;
	faulty_files_arm(0, 0, false);
	close_mailbox(&f, &o);
	put_inbox(&f, FROM "another\n\n" FROM "file\n\n");
	fixture_reopen(&f);
	o = open_mailbox(&f, "alice");
	*notices += fixture_notices();
	assert_int_equal(o.maildrop->count, 2);
	assert_message(&f, &o, 0, "another\n");
	close_mailbox(&f, &o);
	fixture_close(&f);
	return was_reached;
}

static void
changed_after_a_crash(void **state)
{
	unsigned n = 1, notices = 0;

	while (n < 500 && change_after_crash(n, &notices))
		n++;
	assert_in_range(n, 20, 499);
	assert_in_range(notices, 1, n);
}

/* A message that came in part, and one that another program put behind it. */
static bool
append_with_crash(unsigned n, bool has_first)
{
	struct fixture f;
	bool was_reached;
	struct opened o;
	uint32_t count;

	fixture_open(&f, "mbox");
	faulty_files_arm(0, 0, false);
	f.files = &faulty_files;
	fixture_reopen(&f);
	put_inbox(&f, has_first ? FROM "a\n\n" : "");
	o = open_mailbox(&f, "alice");
	close_mailbox(&f, &o);
	faulty_files_arm(n, EIO, true);
	append_text(&f, "alice", "in part\r\nFrom me\r\n", NULL);
	was_reached = faulty_files_calls() >= n;
	faulty_files_arm(0, 0, false);
	remove(fixture_path(&f, LOCK));
	add_to_inbox(&f, OTHER "more\n\n");
	fixture_reopen(&f);
	o = open_mailbox(&f, "alice");
	assert_int_equal(o.outcome, OK);
	count = o.maildrop->count;
	assert_in_range(count, has_first + 1, has_first + 2);
	if (has_first)
		assert_message(&f, &o, 0, "a\n");
	if (count == has_first + 2u)
		assert_message(&f, &o, has_first, "in part\r\nFrom me\r\n");
	assert_message(&f, &o, count - 1, "more\n");
	close_mailbox(&f, &o);
	fixture_reopen(&f);
	o = open_mailbox(&f, "alice");
	assert_int_equal(o.maildrop->count, count);
	close_mailbox(&f, &o);
	fixture_close(&f);
	return was_reached;
}

static void
half_messages_do_not_stay(void **state)
{
	for (int has_first = 0; has_first < 2; has_first++) {
		unsigned n = 1;

		while (n < 500 && append_with_crash(n, has_first))
			n++;
		assert_in_range(n, 15, 499);
	}
}

/* ---- what is written ---- */

static void
arrivals_look_like_mail(void **state)
{
	struct fixture *f = *state;
	char octets[400];
	const char *text;
	size_t length;

	put_inbox(f, FROM "no line end");
	assert_int_equal(append_text(f, "alice",
				 "Return-Path: <bob@example.org>\r\n\r\n"
				 "From here\r\n>From there\r\n",
				 NULL),
		OK);
	assert_int_equal(
		append_text(f, "alice", "Return-Path: <>\r\n", NULL), OK);
	length = read_file(fixture_path(f, INBOX), octets, sizeof(octets) - 1);
	octets[length] = '\0';
	text = octets + strlen(FROM "no line end");
	assert_memory_equal(text, "\n\nFrom bob@example.org ", 23);
	assert_non_null(
		strstr(text, "\nReturn-Path: <bob@example.org>\n\n>From here\n"
			     ">>From there\n\nFrom MAILER-DAEMON "));
	assert_string_equal(octets + length - 18, "\nReturn-Path: <>\n\n");
}

static void
read_only(void **state)
{
	struct fixture *f = *state;
	struct opened o;

	if (geteuid() == 0)
		return; /* nothing is forbidden to root */
	put_inbox(f, FROM "a\n\n");
	assert_int_equal(chmod(fixture_path(f, INBOX), 0400), 0);
	o = open_mailbox(f, "alice");
	assert_int_equal(o.outcome, OK);
	assert_message(f, &o, 0, "a\n");
	assert_int_equal(delete_messages(f, &o, (int[]){0, -1}), ERR_BROKEN);
	close_mailbox(f, &o);
	assert_int_equal(fixture_notices(), 1);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(messages_of_others),
		ROW(no_mbox),
		ROW(uidls_outlive_notes),
		ROW(uidls_do_not_come_again),
		ROW(uidls_are_tidied),
		ROW(mail_comes_meanwhile),
		ROW(written_anew_meanwhile),
		ROW(changed_while_it_is_read),
		ROW(deletes_what_was_meant),
		ROW(lock_files_of_others),
		ROW(fcntl_locks_of_others),
		cmocka_unit_test(deleting_goes_on_after_a_crash),
		cmocka_unit_test(changed_after_a_crash),
		cmocka_unit_test(half_messages_do_not_stay),
		ROW(arrivals_look_like_mail),
		ROW(read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
