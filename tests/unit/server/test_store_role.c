/* SPDX-License-Identifier: ISC */
/*
 * The store role as a process of its own, asked by a parent, an auth and a
 * session that this program plays, with messages that a real session sends
 * seldom or never.
 */
#include "server/store_role.h"
#include "process/spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define STORE_USER	 61701 /* a number nobody has */
#define SESSION_INSTANCE 7
#define PATIENCE_SECONDS 60
#define STAMP		 "Return-Path: <>\r\n"

static struct {
	char directory[64];
	pid_t pid;
	int parent, auth, session;
} store;

/* ---- messages ---- */

static struct message *
compose(uint16_t type, uint64_t subject)
{
	static struct message message;

	message_init(&message, type, subject);
	return &message;
}

static void
say(int fd, struct message *message)
{
	assert_int_equal(channel_send_blocking(fd, message), OK);
	message_release(message);
}

static void
say_plain(enum server_message type, uint64_t connection)
{
	say(store.session, compose(type, connection));
}

static void
grant(uint64_t connection, const char *mailbox, bool is_read_only)
{
	struct message *message = compose(MESSAGE_GRANT_OPEN, connection);

	message_put_u64(message, SESSION_INSTANCE);
	message_put_string(message, mailbox);
	message_put_u8(message, is_read_only);
	say(store.auth, message);
}

static void
grant_open(uint64_t connection, const char *mailbox)
{
	grant(connection, mailbox, false);
}

static void
grant_append_of(uint64_t connection, const char *mailbox, uint64_t messages)
{
	struct message *message = compose(MESSAGE_GRANT_APPEND, connection);

	message_put_u64(message, SESSION_INSTANCE);
	message_put_u32(message, 0);
	message_put_string(message, mailbox);
	message_put_u64(message, 0);
	message_put_u64(message, messages);
	say(store.auth, message);
}

static void
grant_append(uint64_t connection, const char *mailbox)
{
	grant_append_of(connection, mailbox, 0);
}

static void
append_begin(uint64_t connection)
{
	struct message *message = compose(MESSAGE_APPEND_BEGIN, connection);

	message_put_u32(message, 1);
	message_put_u32(message, 0);
	message_put_string(message, STAMP);
	say(store.session, message);
}

static void
append_data(uint64_t connection, const char *text)
{
	struct message *message = compose(MESSAGE_APPEND_DATA, connection);

	message_put_string(message, text);
	say(store.session, message);
}

static void
append_commit(uint64_t connection, const char *last)
{
	struct message *message = compose(MESSAGE_APPEND_COMMIT, connection);

	message_put_string(message, last);
	say(store.session, message);
}

static void
delete_index(uint64_t connection, uint32_t index)
{
	struct message *message = compose(MESSAGE_DELETE, connection);

	message_put_u32(message, 1);
	message_put_u32(message, index);
	say(store.session, message);
}

static void
read_index(uint64_t connection, uint32_t first, uint32_t count)
{
	struct message *message = compose(MESSAGE_READ, connection);

	message_put_u32(message, first);
	message_put_u32(message, count);
	say(store.session, message);
}

/* The next message of store to the session. */
static void
expect(enum server_message type, uint64_t connection, struct message *out)
{
	message_init(out, 0, 0);
	assert_int_equal(channel_receive_blocking(store.session, out), OK);
	assert_int_equal(out->type, type);
	assert_int_equal(out->subject, connection);
}

/* As above, where the payload begins with the outcome. */
static void
expect_outcome(
	enum server_message type, uint64_t connection, enum outcome outcome)
{
	struct message_reader reader;
	struct message message;

	expect(type, connection, &message);
	message_reader_init(&reader, &message);
	if (type == MESSAGE_DELIVERED)
		message_get_u32(&reader);
	assert_int_equal(message_get_u8(&reader), outcome);
	message_release(&message);
}

static void
expect_credit(uint64_t connection)
{
	struct message_reader reader;
	struct message message;

	expect(MESSAGE_CREDIT, connection, &message);
	message_reader_init(&reader, &message);
	assert_int_equal(message_get_u32(&reader), 1);
	message_release(&message);
}

/* Store has cut the session off. */
static void
expect_end(void)
{
	struct message message;

	message_init(&message, 0, 0);
	while (channel_receive_blocking(store.session, &message) == OK)
		message_reset(&message, 0, 0);
	message_release(&message);
}

/* ---- one store process for each test ---- */

static void
path_of(char path[128], const char *name)
{
	snprintf(path, 128, "%s%s", store.directory, name);
}

static void
make_directories(void)
{
	static const char *const names[] = {"", "/store", "/mail"};
	char path[128];

	snprintf(store.directory, sizeof(store.directory),
		"/tmp/restante-store-role.XXXXXX");
	assert_non_null(mkdtemp(store.directory));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		path_of(path, names[i]);
		if (i > 0)
			assert_int_equal(mkdir(path, 0700), 0);
		if (geteuid() == 0)
			assert_int_equal(
				chown(path, STORE_USER, STORE_USER), 0);
	}
}

static void
tell_settings(void)
{
	struct message *message = compose(MESSAGE_SETTINGS, 0);
	char text[512];

	snprintf(text, sizeof(text),
		"[server]\nhostname = localhost\nlog = stderr\n"
		"log-level = error\nuser = %d\nstate = %s\nmail = "
		"%s/mail/%%u\n",
		STORE_USER, store.directory, store.directory);
	message_put_u8(message, true);
	message_put_string(message, text);
	say(store.parent, message);
}

static void
tell_stats(void)
{
	struct message *message = compose(MESSAGE_STATS, 0);
	int fd = stats_make();

	assert_true(fd >= 0);
	message_put_u8(message, ROLE_STORE);
	message_put_u32(message, 0);
	message_put_descriptor(message, &fd);
	say(store.parent, message);
}

/* Our end of a channel whose other end is told to store. */
static int
tell_peer(enum role role, uint64_t instance)
{
	struct message *message = compose(MESSAGE_PEER, 0);
	int fds[2];

	assert_int_equal(channel_pair(fds), OK);
	message_put_u8(message, (uint8_t)role);
	message_put_u64(message, instance);
	message_put_descriptor(message, &fds[0]);
	say(store.parent, message);
	return fds[1];
}

static void
become_store(int fds[2])
{
	int fd = fcntl(fds[1], F_DUPFD, 16);

	close(fds[0]);
	dup2(fd, SPAWN_CHANNEL_FD);
	close_range(SPAWN_CHANNEL_FD + 1, ~0U, 0);
	alarm(PATIENCE_SECONDS);
	store_role_run();
}

static int
start_store(void **state)
{
	struct message *start;
	struct message ready;
	int fds[2];

	alarm(PATIENCE_SECONDS);
	make_directories();
	assert_int_equal(channel_pair(fds), OK);
	store.pid = fork();
	if (store.pid == 0)
		become_store(fds);
	close(fds[1]);
	store.parent = fds[0];
	tell_settings();
	tell_stats();
	store.auth = tell_peer(ROLE_AUTH, 1);
	store.session = tell_peer(ROLE_SESSION, SESSION_INSTANCE);
	start = compose(MESSAGE_START, 0);
	message_put_u32(start, 0);
	message_put_u64(start, 2);
	say(store.parent, start);
	message_init(&ready, 0, 0);
	assert_int_equal(channel_receive_blocking(store.parent, &ready), OK);
	assert_int_equal(ready.type, MESSAGE_READY);
	message_release(&ready);
	return 0;
}

static int
stop_store(void **state)
{
	char command[128];

	close(store.parent);
	close(store.auth);
	close(store.session);
	waitpid(store.pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -r %s", store.directory);
	return system(command);
}

/* What is sent meanwhile is handled at once when it goes on. */
static void
pause_store(void)
{
	kill(store.pid, SIGSTOP);
	assert_int_equal(waitpid(store.pid, NULL, WUNTRACED), store.pid);
}

static void
resume_store(void)
{
	kill(store.pid, SIGCONT);
}

static unsigned
look_through(const char *name, size_t *out_octets)
{
	struct dirent *entry;
	unsigned count = 0;
	char path[128];
	struct stat status;
	DIR *directory;

	path_of(path, name);
	directory = opendir(path);
	assert_non_null(directory);
	*out_octets = 0;
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		assert_int_equal(
			fstatat(dirfd(directory), entry->d_name, &status, 0),
			0);
		*out_octets += (size_t)status.st_size;
	}
	closedir(directory);
	return count;
}

static unsigned
count_files(const char *name)
{
	size_t ignored;

	return look_through(name, &ignored);
}

static void
begin_delivery(uint64_t connection)
{
	grant_append(connection, "alice");
	append_begin(connection);
	expect_outcome(MESSAGE_APPEND_BEGUN, connection, OK);
}

static void
deliver_one(uint64_t connection)
{
	begin_delivery(connection);
	append_data(connection, "one\r\n");
	append_commit(connection, "");
	expect_credit(connection);
	expect_outcome(MESSAGE_DELIVERED, connection, OK);
}

/* More than two of these are not kept in memory. */
static const char *
much(void)
{
	static char text[PIECE_OCTETS];

	memset(text, 'x', sizeof(text) - 1);
	return text;
}

/* ---- deliveries ---- */

/* A message was too large, and the next one comes while the disk is still busy
   with it. */
static void
a_delivery_begins_while_an_aborted_one_ends(void **state)
{
	begin_delivery(1);
	pause_store();
	for (int i = 0; i < APPEND_CREDITS; i++)
		append_data(1, much());
	say_plain(MESSAGE_APPEND_ABORT, 1);
	grant_append(1, "alice");
	append_begin(1);
	resume_store();
	/* The first two were kept in memory. No credit for what was aborted. */
	expect_credit(1);
	expect_credit(1);
	expect_outcome(MESSAGE_APPEND_BEGUN, 1, OK);
	append_data(1, "seen\r\n");
	append_commit(1, "");
	expect_credit(1);
	expect_outcome(MESSAGE_DELIVERED, 1, OK);
	assert_int_equal(count_files("/mail/alice/new"), 1);
	assert_int_equal(count_files("/mail/alice/tmp"), 0);
}

/* Its end comes with the commit, and takes no credit. */
static void
the_commit_has_the_last_octets(void **state)
{
	size_t octets;

	begin_delivery(1);
	append_commit(1, "all of it\r\n");
	expect_outcome(MESSAGE_DELIVERED, 1, OK);
	begin_delivery(1);
	append_data(1, "one\r\n");
	append_commit(1, "two\r\n");
	expect_credit(1);
	expect_outcome(MESSAGE_DELIVERED, 1, OK);
	assert_int_equal(look_through("/mail/alice/new", &octets), 2);
	assert_int_equal(octets,
		2 * strlen(STAMP) + strlen("all of it\r\none\r\ntwo\r\n"));
}

static void
a_grant_may_overtake_the_abort_before_it(void **state)
{
	begin_delivery(1);
	grant_append(1, "alice");
	/* Handled after the grant: auth's channel was read for it. */
	begin_delivery(2);
	say_plain(MESSAGE_APPEND_ABORT, 1);
	append_begin(1);
	expect_outcome(MESSAGE_APPEND_BEGUN, 1, OK);
	append_commit(1, "");
	expect_outcome(MESSAGE_DELIVERED, 1, OK);
	assert_int_equal(count_files("/mail/alice/new"), 1);
}

static void
more_data_than_credits_is_malformed(void **state)
{
	begin_delivery(1);
	pause_store();
	/* The first of it is kept in memory, and done at once. */
	for (int i = 0; i < APPEND_CREDITS + 4; i++)
		append_data(1, much());
	resume_store();
	expect_end();
}

/* A maildrop is busy, so store looks for releases that are on their way; one
   of them is that of the delivery whose BEGIN it is about to handle. */
static void
a_release_may_overtake_a_begin(void **state)
{
	grant_open(1, "alice");
	expect_outcome(MESSAGE_OPENED, 1, OK);
	pause_store();
	append_begin(2);
	say_plain(MESSAGE_RELEASE, 2);
	grant_append(2, "bob");
	grant_open(3, "alice");
	resume_store();
	expect_outcome(MESSAGE_OPENED, 3, ERR_BUSY);
	deliver_one(4);
}

/* Whoever has a quota of his own is bound by it and nobody else. */
static void
a_quota_comes_with_the_grant(void **state)
{
	deliver_one(1);
	grant_append_of(2, "alice", 1);
	append_begin(2);
	expect_outcome(MESSAGE_APPEND_BEGUN, 2, ERR_OVER_QUOTA);
	grant_append_of(3, "bob", 1);
	append_begin(3);
	expect_outcome(MESSAGE_APPEND_BEGUN, 3, OK);
	grant_append_of(4, "alice", 2);
	append_begin(4);
	expect_outcome(MESSAGE_APPEND_BEGUN, 4, OK);
}

/* ---- maildrops ---- */

static void
an_index_that_is_none_is_malformed(void **state)
{
	grant_open(1, "alice");
	expect_outcome(MESSAGE_OPENED, 1, OK);
	delete_index(1, UINT32_MAX - 1);
	expect_end();
}

static void
a_read_beyond_the_last_message_is_malformed(void **state)
{
	deliver_one(1);
	grant_open(2, "alice");
	expect_outcome(MESSAGE_OPENED, 2, OK);
	read_index(2, 0, 2);
	expect_end();
}

/* Nobody but a session that was taken over asks for it. */
static void
who_may_only_read_cannot_delete(void **state)
{
	struct message files;

	deliver_one(1);
	grant(2, "alice", true);
	expect_outcome(MESSAGE_OPENED, 2, OK);
	read_index(2, 0, 1);
	expect(MESSAGE_FILES, 2, &files);
	message_release(&files);
	delete_index(2, 0);
	expect_end();
}

static void
who_may_only_read_cannot_commit(void **state)
{
	grant(2, "alice", true);
	expect_outcome(MESSAGE_OPENED, 2, OK);
	say_plain(MESSAGE_COMMIT, 2);
	expect_end();
}

static void
who_may_only_read_makes_nothing_old(void **state)
{
	struct message *message = compose(MESSAGE_RETRIEVED, 2);

	deliver_one(1);
	grant(2, "alice", true);
	expect_outcome(MESSAGE_OPENED, 2, OK);
	message_put_u32(message, 1);
	message_put_u32(message, 0);
	say(store.session, message);
	expect_end();
}

/* The next login of the same connection is another one. */
static void
a_grant_says_it_for_itself_alone(void **state)
{
	deliver_one(1);
	grant(2, "alice", true);
	expect_outcome(MESSAGE_OPENED, 2, OK);
	say_plain(MESSAGE_RELEASE, 2);
	grant(2, "alice", false);
	expect_outcome(MESSAGE_OPENED, 2, OK);
	delete_index(2, 0);
	say_plain(MESSAGE_COMMIT, 2);
	expect_outcome(MESSAGE_COMMITTED, 2, OK);
}

/* A session that logs in twice on one connection harms itself, not auth. */
static void
a_second_grant_does_not_cut_auth_off(void **state)
{
	grant_open(1, "alice");
	expect_outcome(MESSAGE_OPENED, 1, OK);
	grant_open(1, "bob");
	expect_outcome(MESSAGE_OPENED, 1, ERR_TRY_LATER);
	grant_open(2, "bob");
	expect_outcome(MESSAGE_OPENED, 2, OK);
}

int
main(void)
{
#define STORE_TEST(name)                                                       \
	cmocka_unit_test_setup_teardown(name, start_store, stop_store)
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_delivery_begins_while_an_aborted_one_ends),
		STORE_TEST(the_commit_has_the_last_octets),
		STORE_TEST(a_grant_may_overtake_the_abort_before_it),
		STORE_TEST(more_data_than_credits_is_malformed),
		STORE_TEST(a_release_may_overtake_a_begin),
		STORE_TEST(an_index_that_is_none_is_malformed),
		STORE_TEST(a_read_beyond_the_last_message_is_malformed),
		STORE_TEST(a_quota_comes_with_the_grant),
		STORE_TEST(who_may_only_read_cannot_delete),
		STORE_TEST(who_may_only_read_cannot_commit),
		STORE_TEST(who_may_only_read_makes_nothing_old),
		STORE_TEST(a_grant_says_it_for_itself_alone),
		STORE_TEST(a_second_grant_does_not_cut_auth_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
