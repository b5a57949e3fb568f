/* SPDX-License-Identifier: ISC */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/maildir/maildir.h"
#include "store/mbox/mbox.h"

static unsigned notices;

static void
count_notice(const char *mailbox, const char *text)
{
	assert_true(mailbox[0] != '\0' && text[0] != '\0');
	notices++;
}

unsigned
fixture_notices(void)
{
	return notices;
}

const char *
fixture_path(const struct fixture *fixture, const char *format, ...)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];
	int n = snprintf(path, 512, "%s/", fixture->directory);
	va_list list;

	va_start(list, format);
	vsnprintf(path + n, 512 - (size_t)n, format, list);
	va_end(list);
	return path;
}

static int
open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void
fixture_start(struct fixture *fixture)
{
	struct store_options options = {
		.kind = fixture->kind,
		.mail_root = open_directory(fixture_path(fixture, "mail")),
		.mail_template = "%u",
		.state_root = open_directory(fixture_path(fixture, "state")),
		.is_shared = fixture->is_shared,
		.quota = fixture->quota,
		.journal_octets = fixture->journal_octets,
		.lock_wait_ms = 200,
		.lease_ms = fixture->lease_ms,
		.hostname = "host/a:b.example",
		.executor = &executor_inline,
		.notice = count_notice,
	};

	notices = 0;
	if (!strcmp(fixture->kind, "maildir"))
		assert_int_equal(maildir_store_new(&options, fixture->files,
					 &fixture->store),
			OK);
	else if (!strcmp(fixture->kind, "mbox"))
		assert_int_equal(mbox_store_new(&options, fixture->files,
					 &fixture->store),
			OK);
	else
		assert_int_equal(store_open(&options, &fixture->store), OK);
	assert_int_equal(options.mail_root, -1);
	assert_int_equal(options.state_root, -1);
}

void
fixture_stop(struct fixture *fixture)
{
	fixture->store->ops->free(&fixture->store);
	assert_null(fixture->store);
}

void
fixture_reopen(struct fixture *fixture)
{
	fixture_stop(fixture);
	fixture_start(fixture);
}

void
fixture_open(struct fixture *fixture, const char *kind)
{
	*fixture = (struct fixture){
		.kind = kind,
		.files = &files_posix,
		.is_shared = true,
		.journal_octets = 1, /* the least there is */
		.directory = "/tmp/restante-store-XXXXXX",
	};
	assert_non_null(mkdtemp(fixture->directory));
	assert_int_equal(mkdir(fixture_path(fixture, "mail"), 0700), 0);
	assert_int_equal(mkdir(fixture_path(fixture, "state"), 0700), 0);
	fixture_start(fixture);
}

static int
remove_one(
	const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
	return remove(path);
}

void
remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
fixture_close(struct fixture *fixture)
{
	fixture_stop(fixture);
	remove_tree(fixture->directory);
}

void
write_file(const char *path, const void *at, size_t octets)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, at, octets), octets);
	close(fd);
}

void
write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

size_t
read_file(const char *path, void *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, to, room);
	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

void
make_old(const char *path)
{
	struct timespec times[2] = {{.tv_sec = 1000000000},
		{.tv_sec = 1000000000 + (rand() & 0xFFFFFF)}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

bool
entry_at(const char *directory, unsigned n, char out[256])
{
	struct dirent **entries;
	int count = scandir(directory, &entries, visible, alphasort);
	bool is_there = count > (int)n;

	if (is_there)
		strcpy(out, entries[n]->d_name);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
	return is_there;
}

unsigned
count_entries(const char *directory)
{
	char name[256];
	unsigned n = 0;

	while (entry_at(directory, n, name))
		n++;
	return n;
}

static unsigned answers;

static void
count_answer(struct store_call *call)
{
	answers++;
}

#define RUN(fixture, operation, call_)                                         \
	do {                                                                   \
		answers = 0;                                                   \
		(call_)->call.done = count_answer;                             \
		(fixture)->store->ops->operation((fixture)->store, (call_));   \
		assert_int_equal(answers, 1);                                  \
	} while (0)

struct opened
open_mailbox(struct fixture *fixture, const char *mailbox)
{
	struct store_open_call call = {
		.mailbox = mailbox, .snapshot.descriptor = -1};
	struct opened opened = {0};

	RUN(fixture, open, &call);
	opened.outcome = call.call.outcome;
	if (opened.outcome != OK) {
		assert_null(call.session);
		assert_int_equal(call.snapshot.descriptor, -1);
		return opened;
	}
	opened.session = call.session;
	assert_int_equal(snapshot_new(&call.snapshot, &opened.snapshot), OK);
	assert_int_equal(call.snapshot.descriptor, -1);
	opened.maildrop = snapshot_maildrop(opened.snapshot);
	return opened;
}

void
close_mailbox(struct fixture *fixture, struct opened *opened)
{
	snapshot_free(&opened->snapshot);
	fixture->store->ops->release(fixture->store, &opened->session);
	assert_null(opened->session);
}

uint32_t
count_messages(struct fixture *fixture, const char *mailbox)
{
	struct opened o = open_mailbox(fixture, mailbox);
	uint32_t count;

	assert_int_equal(o.outcome, OK);
	count = o.maildrop->count;
	close_mailbox(fixture, &o);
	return count;
}

enum outcome
append_octets(struct fixture *fixture, const char *mailbox, const void *at,
	size_t octets, char *out_uidl)
{
	struct store_append_call call = {.mailbox = mailbox};
	struct bytes whole = bytes_of(at, octets);

	RUN(fixture, append_begin, &call);
	if (call.call.outcome != OK)
		return call.call.outcome;
	call.chunk = bytes_of(at, octets / 2);
	RUN(fixture, append_write, &call);
	if (call.call.outcome == OK) {
		call.chunk = bytes_after(whole, octets / 2);
		RUN(fixture, append_write, &call);
	}
	if (call.call.outcome != OK) {
		enum outcome outcome = call.call.outcome;

		fixture->store->ops->append_abort(fixture->store, &call.append);
		assert_null(call.append);
		return outcome;
	}
	RUN(fixture, append_commit, &call);
	if (call.call.outcome == OK && out_uidl)
		strcpy(out_uidl, call.uidl);
	if (call.call.outcome != OK)
		assert_int_equal(call.uidl[0], 0);
	return call.call.outcome;
}

enum outcome
append_text(struct fixture *fixture, const char *mailbox, const char *text,
	char *out_uidl)
{
	return append_octets(fixture, mailbox, text, strlen(text), out_uidl);
}

void
run_append(struct fixture *fixture, enum append_step step,
	struct store_append_call *call, const char *text)
{
	switch (step) {
	case APPEND_BEGIN:
		RUN(fixture, append_begin, call);
		break;
	case APPEND_WRITE:
		call->chunk = bytes_of_string(text);
		RUN(fixture, append_write, call);
		break;
	case APPEND_COMMIT:
		RUN(fixture, append_commit, call);
		break;
	}
	assert_int_equal(call->call.outcome, OK);
}

static ssize_t
read_stream(struct fixture *fixture, struct opened *opened, uint32_t index,
	unsigned char *to, size_t room, enum outcome *out_outcome)
{
	size_t done = 0;

	for (;;) {
		struct store_read_at_call call = {
			.session = opened->session,
			.index = index,
			.offset = done,
			.to = to + done,
			.room = room - done < 7001 ? room - done : 7001,
		};

		RUN(fixture, read_at, &call);
		*out_outcome = call.call.outcome;
		if (call.call.outcome != OK)
			return -1;
		if (call.octets == 0)
			return (ssize_t)done;
		assert_true(call.octets <= call.room);
		done += call.octets;
	}
}

static void
compare_stream(struct fixture *fixture, struct opened *opened, uint32_t index,
	const unsigned char *expected, size_t octets)
{
	unsigned char *again = malloc(octets + 1);
	enum outcome outcome;

	assert_non_null(again);
	assert_int_equal(read_stream(fixture, opened, index, again, octets + 1,
				 &outcome),
		octets);
	assert_memory_equal(again, expected, octets);
	free(again);
}

ssize_t
read_message(struct fixture *fixture, struct opened *opened, uint32_t index,
	void *to, size_t room, enum outcome *out_outcome)
{
	struct store_read_call call = {
		.session = opened->session, .index = index, .descriptor = -1};
	ssize_t n;

	RUN(fixture, read, &call);
	*out_outcome = call.call.outcome;
	if (call.call.outcome != OK) {
		assert_int_equal(call.descriptor, -1);
		return -1;
	}
	assert_true(call.octets <= room);
	if (call.descriptor < 0) {
		n = read_stream(fixture, opened, index, to,
			(size_t)call.octets + 1 < room ? (size_t)call.octets + 1
						       : room,
			out_outcome);
		assert_true(n < 0 || (uint64_t)n == call.octets);
		return n;
	}
	n = files_read_all(&files_posix, call.descriptor, to,
		(size_t)call.octets, call.offset);
	assert_int_equal(n, call.octets);
	close(call.descriptor);
	compare_stream(fixture, opened, index, to, (size_t)n);
	return n;
}

enum outcome
read_part(struct fixture *fixture, struct store_read_at_call *call)
{
	RUN(fixture, read_at, call);
	return call->call.outcome;
}

size_t
as_sent(const void *stored, size_t octets, unsigned char *to)
{
	const unsigned char *from = stored;
	size_t n = 0;

	for (size_t i = 0; i < octets; i++) {
		if (from[i] == '\n' && (i == 0 || from[i - 1] != '\r'))
			to[n++] = '\r';
		to[n++] = from[i];
	}
	if (octets > 0 && from[octets - 1] != '\n') {
		to[n++] = '\r';
		to[n++] = '\n';
	}
	return n;
}

void
assert_message(struct fixture *fixture, struct opened *opened, uint32_t index,
	const char *text)
{
	static char octets[1 << 16];
	static unsigned char sent[2 << 16], expected[2 << 16];
	struct maildrop_message message;
	enum outcome outcome;
	size_t length;
	ssize_t n = read_message(
		fixture, opened, index, octets, sizeof(octets), &outcome);

	assert_int_equal(outcome, OK);
	length = as_sent(octets, (size_t)n, sent);
	assert_int_equal(length, as_sent(text, strlen(text), expected));
	assert_memory_equal(sent, expected, length);
	assert_int_equal(
		opened->maildrop->message(opened->maildrop, index, &message),
		OK);
	assert_int_equal(message.stored_octets, n);
	assert_int_equal(message.octets, length);
}

void
uidl_of(const struct opened *opened, uint32_t index, char out[71])
{
	struct maildrop_message message;

	assert_int_equal(
		opened->maildrop->message(opened->maildrop, index, &message),
		OK);
	assert_true(bytes_to_string(message.uidl, out, 71));
}

enum outcome
delete_messages(
	struct fixture *fixture, struct opened *opened, const int *indexes)
{
	struct index_set deleted = INDEX_SET_EMPTY;
	struct store_commit_call call = {
		.session = opened->session, .deleted = &deleted};

	for (; *indexes >= 0; indexes++)
		assert_true(index_set_add(&deleted, (uint32_t)*indexes));
	RUN(fixture, commit, &call);
	index_set_release(&deleted);
	return call.call.outcome;
}

struct store_stat_call
stat_mailbox(struct fixture *fixture, const char *mailbox)
{
	struct store_stat_call call = {.mailbox = mailbox};

	RUN(fixture, stat, &call);
	return call;
}

struct store_mend_call
mend_mailbox(struct fixture *fixture, const char *mailbox, bool is_repair)
{
	struct store_mend_call call = {
		.mailbox = mailbox, .is_repair = is_repair};

	RUN(fixture, mend, &call);
	return call;
}

enum outcome
note_messages(
	struct fixture *fixture, struct opened *opened, const int *indexes)
{
	struct index_set retrieved = INDEX_SET_EMPTY;
	struct store_note_call call = {
		.session = opened->session, .retrieved = &retrieved};

	for (; *indexes >= 0; indexes++)
		assert_true(index_set_add(&retrieved, (uint32_t)*indexes));
	RUN(fixture, note_retrieved, &call);
	index_set_release(&retrieved);
	return call.call.outcome;
}

struct store_expire_call
expire_mailbox(struct fixture *fixture, const char *mailbox,
	uint64_t kept_seconds, bool is_from_retrieval)
{
	struct store_expire_call call = {.mailbox = mailbox,
		.kept_seconds = kept_seconds,
		.is_from_retrieval = is_from_retrieval};

	RUN(fixture, expire, &call);
	return call;
}

enum outcome
renew_session(struct fixture *fixture, struct opened *opened)
{
	struct store_renew_call call = {.session = opened->session};

	RUN(fixture, renew, &call);
	return call.call.outcome;
}
