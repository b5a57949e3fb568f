/* SPDX-License-Identifier: ISC */
#include "folder.h"

#include "base/clock.h"
#include "collect/ledger.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define ALICE		    "alice"
#define LATER		    ((uint64_t)INT64_MAX)
#define BOB		    "bob@example.org"
#define OPENERS		    8
#define ROUNDS		    20
#define COMMITS		    50
#define KEY(text)	    ((struct message_key){.uidl = BYTES(text)})
#define TWIN(text, ordinal) ((struct message_key){BYTES(text), (ordinal)})

static struct ledger *ledger;
static char error[LEDGER_ERROR_SIZE];

static const char *
directory(void)
{
	return in_folder("state");
}

static void
reopen(void)
{
	ledger_close(&ledger);
	assert_null(ledger);
	assert_int_equal(ledger_open(directory(), &ledger, error), OK);
}

static int
set_up(void **state)
{
	if (folder_make(state) != 0)
		return -1;
	reopen();
	return 0;
}

static int
tear_down(void **state)
{
	ledger_close(&ledger);
	ledger_close(&ledger);
	return folder_remove(state);
}

/* ---- plain calls ---- */

static struct ledger_entry
find(const char *account, struct message_key key)
{
	struct ledger_entry entry;

	memset(&entry, 0x55, sizeof(entry));
	assert_int_equal(ledger_find(ledger, account, &key, &entry), OK);
	return entry;
}

static enum ledger_state
state_of(struct message_key key)
{
	return find(ALICE, key).state;
}

static struct ledger_message
message(struct message_key key, uint64_t octets, unsigned char fill)
{
	struct ledger_message one = {
		.key = key, .octets = octets, .state = LEDGER_STORED};

	memset(one.digest, fill, sizeof(one.digest));
	return one;
}

static void
commit(const char *account, struct message_key key)
{
	struct ledger_message one = message(key, 100, 1);

	assert_int_equal(ledger_commit(ledger, account, &one, 1), OK);
}

static void
mark_deleted(const char *account, struct message_key key)
{
	assert_int_equal(ledger_deleted(ledger, account, &key, 1), OK);
}

static void
assert_entry(const char *account, const struct ledger_message *wanted)
{
	struct ledger_entry entry = find(account, wanted->key);

	assert_int_equal(entry.state, LEDGER_STORED);
	assert_int_equal(entry.octets, wanted->octets);
	assert_memory_equal(entry.digest, wanted->digest, LEDGER_DIGEST_OCTETS);
}

/* ---- messages ---- */

static void
knows_nothing_at_first(void **state)
{
	static const unsigned char zero[LEDGER_DIGEST_OCTETS];
	struct ledger_entry entry = find(ALICE, KEY("1"));
	struct ledger_run run;

	assert_int_equal(entry.state, LEDGER_UNKNOWN);
	assert_int_equal(entry.octets, 0);
	assert_int_equal(entry.attempts, 0);
	assert_memory_equal(entry.digest, zero, sizeof(zero));
	assert_false(ledger_last_run(ledger, ALICE, &run));
}

static void
keeps_what_was_committed(void **state)
{
	const struct ledger_message messages[] = {message(KEY("one"), 1, 0xa1),
		message(KEY("two"), UINT32_MAX, 0xb2),
		message(TWIN("two", 1), UINT64_MAX, 0xc3),
		message(TWIN("two", UINT32_MAX), 0, 0xd4)};

	assert_int_equal(ledger_commit(ledger, ALICE, messages, 4), OK);
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < COUNT(messages); k++)
			assert_entry(ALICE, &messages[k]);
		reopen();
	}
	assert_int_equal(ledger_commit(ledger, ALICE, NULL, 0), OK);
}

/* What was returned for is there whatever becomes of the program. */
static void
keeps_what_was_committed_before_a_kill(void **state)
{
	struct message_key key = KEY("killed");
	int status;
	pid_t pid;

	ledger_close(&ledger);
	pid = fork();
	if (pid == 0) {
		if (ledger_open(directory(), &ledger, error) != OK)
			_exit(1);
		commit(ALICE, key);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	reopen();
	assert_int_equal(state_of(key), LEDGER_STORED);
}

/* A UIDL is octets: no case, no blank, no end is ignored. */
static void
tells_keys_apart(void **state)
{
	static const struct bytes uidls[] = {TEXT("a"), TEXT("A"), TEXT("a "),
		TEXT("a\0b"), TEXT("a\0c"), TEXT("\xff"), TEXT("1"), TEXT("01"),
		TEXT("' OR 1=1 --")};
	char longest[2][MESSAGE_KEY_UIDL_MAXIMUM_OCTETS];

	for (size_t i = 0; i < COUNT(uidls); i++) {
		struct message_key key = {uidls[i], 7};

		assert_int_equal(state_of(key), LEDGER_UNKNOWN);
		commit(ALICE, key);
		assert_int_equal(state_of(key), LEDGER_STORED);
		key.ordinal = 6;
		assert_int_equal(state_of(key), LEDGER_UNKNOWN);
		key.ordinal = 7;
		assert_int_equal(find(BOB, key).state, LEDGER_UNKNOWN);
		assert_int_equal(find("ALICE", key).state, LEDGER_UNKNOWN);
	}
	memset(longest, 'x', sizeof(longest));
	longest[1][sizeof(longest[1]) - 1] = 'y';
	commit(ALICE, (struct message_key){
			      bytes_of(longest[0], sizeof(longest[0])), 0});
	assert_int_equal(state_of((struct message_key){
				 bytes_of(longest[1], sizeof(longest[1])), 0}),
		LEDGER_UNKNOWN);
}

static void
goes_from_state_to_state(void **state)
{
	struct ledger_message again = message(KEY("1"), 300, 9);
	struct message_key key = KEY("1");
	struct ledger_entry entry;

	assert_int_equal(ledger_broke(ledger, ALICE, &key, 200), OK);
	entry = find(ALICE, key);
	assert_int_equal(entry.state, LEDGER_SEEN);
	assert_int_equal(entry.attempts, 1);
	assert_int_equal(entry.octets, 200);
	assert_int_equal(ledger_broke(ledger, ALICE, &key, 200), OK);
	assert_int_equal(find(ALICE, key).attempts, 2);

	/* Not here, so it cannot have gone. */
	mark_deleted(ALICE, key);
	assert_int_equal(state_of(key), LEDGER_SEEN);

	commit(ALICE, key);
	assert_int_equal(state_of(key), LEDGER_STORED);
	/* One that is here stays here when its second coming breaks. */
	assert_int_equal(ledger_broke(ledger, ALICE, &key, 200), OK);
	assert_int_equal(state_of(key), LEDGER_STORED);

	mark_deleted(BOB, key);
	assert_int_equal(state_of(key), LEDGER_STORED);
	mark_deleted(ALICE, key);
	assert_int_equal(state_of(key), LEDGER_DELETED);

	/* The UIDL came again. */
	assert_int_equal(ledger_commit(ledger, ALICE, &again, 1), OK);
	assert_entry(ALICE, &again);
}

static void
never_saw_so_never_deleted(void **state)
{
	mark_deleted(ALICE, KEY("1"));
	assert_int_equal(state_of(KEY("1")), LEDGER_UNKNOWN);
}

/* By the digest, whatever its place among those of one UIDL. */
static void
knows_what_it_holds(void **state)
{
	const struct ledger_message messages[] = {
		message(TWIN("1", 0), 1, 0xa1), message(TWIN("1", 1), 2, 0xb2)};
	const unsigned char *a = messages[0].digest, *b = messages[1].digest;
	struct ledger_message other = message(KEY("1"), 1, 0xc3);
	struct message_key broken = KEY("broken");

	assert_false(ledger_holds(ledger, ALICE, KEY("1").uidl, a));
	assert_int_equal(ledger_commit(ledger, ALICE, messages, 2), OK);
	mark_deleted(ALICE, TWIN("1", 1));
	assert_true(ledger_holds(ledger, ALICE, KEY("1").uidl, a));
	assert_true(ledger_holds(ledger, ALICE, KEY("1").uidl, b));
	assert_false(ledger_holds(ledger, ALICE, KEY("1").uidl, other.digest));
	assert_false(ledger_holds(ledger, ALICE, KEY("2").uidl, a));
	assert_false(ledger_holds(ledger, BOB, KEY("1").uidl, a));
	assert_int_equal(ledger_broke(ledger, ALICE, &broken, 1), OK);
	memset(other.digest, 0, sizeof(other.digest));
	assert_false(ledger_holds(ledger, ALICE, broken.uidl, other.digest));
}

/* A key without octets is refused by the table. */
static void
commits_all_or_nothing(void **state)
{
	const struct message_key keys[] = {KEY("1"), {BYTES_NONE, 0}};
	const struct ledger_message messages[] = {
		message(KEY("1"), 1, 1), message(keys[1], 1, 1)};

	assert_int_equal(
		ledger_commit(ledger, ALICE, messages, 2), ERR_TRY_LATER);
	assert_int_equal(state_of(KEY("1")), LEDGER_UNKNOWN);
	/* And the next one is not disturbed. */
	commit(ALICE, KEY("1"));
	assert_int_equal(state_of(KEY("1")), LEDGER_STORED);
}

struct listing {
	const char *const *uidls; /* ended by NULL */
	unsigned asked;
};

static bool
is_listed(struct bytes uidl, void *context)
{
	struct listing *listing = context;

	listing->asked++;
	for (size_t i = 0; listing->uidls[i]; i++)
		if (bytes_equal(uidl, bytes_of_string(listing->uidls[i])))
			return true;
	return false;
}

/* ---- messages by what they are ---- */

static struct ledger_message
headed(struct message_key key, uint64_t octets, unsigned char fill)
{
	struct ledger_message one = message(key, octets, fill);

	memset(one.header, fill, sizeof(one.header));
	one.born_seconds = octets;
	return one;
}

static void
adopts_what_is_listed_no_more(void **state)
{
	static const char *const uidls[] = {"new", "listed", "twin", NULL};
	const struct ledger_message before[] = {headed(KEY("old"), 10, 1),
		headed(KEY("listed"), 20, 2), headed(KEY("deleted"), 30, 3),
		headed(KEY("size"), 40, 4)};
	const struct ledger_message after[] = {headed(KEY("new"), 10, 1),
		headed(KEY("twin"), 10, 1), headed(KEY("new"), 20, 2),
		headed(KEY("new"), 30, 3), headed(KEY("new"), 41, 4)};
	static const bool wanted[] = {true, false, false, false, false};
	struct listing listing = {uidls, 0};
	bool is_found[COUNT(after)];

	assert_int_equal(ledger_commit(ledger, ALICE, before, 4), OK);
	mark_deleted(ALICE, KEY("deleted"));
	for (size_t i = 0; i < COUNT(after); i++)
		assert_int_equal(ledger_match(ledger, ALICE, &after[i],
					 is_listed, &listing),
			i < 2);
	assert_false(ledger_match(ledger, BOB, &after[0], is_listed, &listing));
	assert_int_equal(ledger_adopt(ledger, ALICE, after, COUNT(after),
				 is_listed, &listing, is_found),
		OK);
	/* One message is no two. */
	assert_memory_equal(is_found, wanted, sizeof(wanted));
	reopen();
	assert_int_equal(state_of(KEY("old")), LEDGER_UNKNOWN);
	assert_entry(ALICE, &after[0]);
	assert_int_equal(find(ALICE, KEY("new")).born_seconds, 10);
	assert_int_equal(state_of(KEY("twin")), LEDGER_UNKNOWN);
	assert_int_equal(state_of(KEY("listed")), LEDGER_STORED);
}

static void
counts_by_state(void **state)
{
	struct ledger_message one = message(KEY("1"), 5, 1);
	static const uint64_t wanted[] = {3, 7};
	struct buffer sizes;

	for (int as = LEDGER_STORED; as <= LEDGER_QUARANTINED; as++) {
		char name[2] = {(char)('a' + as), '\0'};

		one.key = KEY(name);
		one.octets = 7;
		one.state = (enum ledger_state)as;
		assert_int_equal(ledger_commit(ledger, ALICE, &one, 1), OK);
		assert_int_equal(ledger_count(ledger, ALICE, one.state), 1);
		assert_int_equal(ledger_count(ledger, BOB, one.state), 0);
	}
	one = message(KEY("z"), 3, 1);
	assert_int_equal(ledger_commit(ledger, ALICE, &one, 1), OK);
	buffer_init(&sizes, 1024);
	assert_int_equal(ledger_sizes(ledger, ALICE, &sizes), OK);
	assert_bytes(buffer_bytes(&sizes), bytes_of(wanted, sizeof(wanted)),
		BYTES_NONE);
	buffer_release(&sizes);
}

static void
imports_what_is_not_known(void **state)
{
	const struct message_key keys[] = {
		KEY("stored"), KEY("1"), KEY("2"), KEY("1")};
	size_t news = 0;

	commit(ALICE, KEY("stored"));
	assert_int_equal(
		ledger_import(ledger, ALICE, keys, COUNT(keys), &news), OK);
	assert_int_equal(news, 2);
	reopen();
	assert_int_equal(state_of(KEY("stored")), LEDGER_STORED);
	assert_int_equal(state_of(KEY("1")), LEDGER_IMPORTED);
	assert_int_equal(state_of(KEY("2")), LEDGER_IMPORTED);
	assert_int_equal(find(BOB, KEY("1")).state, LEDGER_UNKNOWN);
	/* Nobody here has it. */
	mark_deleted(ALICE, KEY("1"));
	assert_int_equal(state_of(KEY("1")), LEDGER_IMPORTED);
}

/* ---- forgetting ---- */

static void
forgets_what_was_deleted_and_is_gone(void **state)
{
	static const char *const uidls[] = {"listed", "other", NULL};
	struct listing listing = {uidls, 0};
	struct message_key broken = KEY("broken");

	commit(ALICE, KEY("stored"));
	assert_int_equal(ledger_broke(ledger, ALICE, &broken, 1), OK);
	for (int i = 0; i < 2; i++) {
		const char *account = i ? BOB : ALICE;

		commit(account, KEY("gone"));
		mark_deleted(account, KEY("gone"));
	}
	commit(BOB, KEY("bobs"));
	mark_deleted(BOB, KEY("bobs"));
	commit(ALICE, TWIN("gone", 1));
	commit(ALICE, TWIN("gone", 2));
	mark_deleted(ALICE, TWIN("gone", 2));
	commit(ALICE, KEY("listed"));
	mark_deleted(ALICE, KEY("listed"));

	assert_int_equal(
		ledger_forget(ledger, ALICE, LATER, is_listed, &listing), OK);
	assert_int_equal(listing.asked, 2); /* gone, listed */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(state_of(KEY("gone")), LEDGER_UNKNOWN);
		assert_int_equal(state_of(TWIN("gone", 2)), LEDGER_UNKNOWN);
		assert_int_equal(state_of(TWIN("gone", 1)), LEDGER_STORED);
		assert_int_equal(state_of(KEY("listed")), LEDGER_DELETED);
		assert_int_equal(state_of(KEY("stored")), LEDGER_STORED);
		assert_int_equal(state_of(KEY("broken")), LEDGER_SEEN);
		assert_int_equal(find(BOB, KEY("gone")).state, LEDGER_DELETED);
		reopen();
	}
}

/* Deleted just now: it may come again tomorrow. */
static void
does_not_forget_at_once(void **state)
{
	static const char *const none[] = {NULL};
	struct listing listing = {none, 0};
	uint64_t before_seconds = clock_wall_seconds();

	commit(ALICE, KEY("1"));
	mark_deleted(ALICE, KEY("1"));
	assert_int_equal(ledger_forget(ledger, ALICE, before_seconds, is_listed,
				 &listing),
		OK);
	assert_int_equal(state_of(KEY("1")), LEDGER_DELETED);
	assert_int_equal(ledger_forget(ledger, ALICE, clock_wall_seconds() + 1,
				 is_listed, &listing),
		OK);
	assert_int_equal(state_of(KEY("1")), LEDGER_UNKNOWN);
}

static void
forgets_many(void **state)
{
	static const char *const none[] = {NULL};
	struct listing listing = {none, 0};
	char uidl[1000];

	memset(uidl, 'u', sizeof(uidl));
	for (int i = 0; i < 300; i++) {
		struct message_key key = {
			bytes_of(uidl, sizeof(uidl) - (size_t)i), 0};

		commit(ALICE, key);
		mark_deleted(ALICE, key);
	}
	assert_int_equal(
		ledger_forget(ledger, ALICE, LATER, is_listed, &listing), OK);
	assert_int_equal(listing.asked, 300);
	assert_int_equal(
		ledger_forget(ledger, ALICE, LATER, is_listed, &listing), OK);
	assert_int_equal(listing.asked, 300);
}

/* ---- runs ---- */

static bool
begin_run(const char *account)
{
	bool was_interrupted = false;

	assert_int_equal(
		ledger_begin_run(ledger, account, &was_interrupted), OK);
	return was_interrupted;
}

static void
end_run(const char *account)
{
	struct ledger_run run = {.at_seconds = 1, .is_good = true};

	snprintf(run.account, sizeof(run.account), "%s", account);
	assert_int_equal(ledger_end_run(ledger, &run), OK);
}

static void
knows_whether_a_run_was_interrupted(void **state)
{
	assert_false(begin_run(ALICE));
	reopen(); /* killed */
	assert_false(begin_run(BOB));
	assert_true(begin_run(ALICE));
	assert_true(begin_run(ALICE));
	end_run(ALICE);
	reopen();
	assert_false(begin_run(ALICE));
	assert_true(begin_run(BOB));
}

/* It came to an end, but what it filed is not all in the ledger. */
static void
a_run_may_end_with_its_mark_left(void **state)
{
	struct ledger_run run = {
		.account = ALICE, .at_seconds = 5, .is_interrupted = true};
	struct ledger_run got;

	begin_run(ALICE);
	assert_int_equal(ledger_end_run(ledger, &run), OK);
	assert_true(ledger_last_run(ledger, ALICE, &got));
	assert_int_equal(got.at_seconds, 5);
	assert_true(begin_run(ALICE));
	end_run(ALICE);
	assert_false(begin_run(ALICE));
}

static void
tells_of_the_last_run(void **state)
{
	struct ledger_run run = {.account = ALICE,
		.at_seconds = 1700000000,
		.messages = 1,
		.octets = 1ull << 40,
		.stored = 3,
		.on_server = 4,
		.is_good = false,
		.detail = "the server said nothing for 60 s"};
	struct ledger_run got;

	begin_run(ALICE);
	/* Begun is not done. */
	assert_false(ledger_last_run(ledger, ALICE, &got));
	assert_int_equal(ledger_end_run(ledger, &run), OK);
	reopen();
	assert_true(ledger_last_run(ledger, ALICE, &got));
	assert_string_equal(got.account, run.account);
	assert_int_equal(got.at_seconds, run.at_seconds);
	assert_int_equal(got.messages, run.messages);
	assert_int_equal(got.octets, run.octets);
	assert_int_equal(got.stored, run.stored);
	assert_int_equal(got.on_server, run.on_server);
	assert_int_equal(got.is_good, run.is_good);
	assert_string_equal(got.detail, run.detail);
	/* While the next one is under way it is still the last. */
	begin_run(ALICE);
	assert_true(ledger_last_run(ledger, ALICE, &got));
	assert_false(ledger_last_run(ledger, BOB, &got));
}

/* ---- several at once ---- */

static int
open_and_commit(unsigned number)
{
	char uidl[16];
	struct message_key key = {
		bytes_of(uidl,
			(size_t)snprintf(uidl, sizeof(uidl), "%u", number)),
		0};
	struct ledger_message one = message(key, 1, 1);
	struct ledger *own = NULL;

	if (ledger_open(directory(), &own, error) != OK) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	if (ledger_commit(own, ALICE, &one, 1) != OK)
		return 2;
	ledger_close(&own);
	return 0;
}

/* Also when there was no file yet, and all want to make the tables. */
static void
several_programs_may_open_it(void **state)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		ledger_close(&ledger);
		assert_int_equal(folder_remove(state), 0);
		assert_int_equal(folder_make(state), 0);
		for (unsigned i = 0; i < OPENERS; i++)
			if (fork() == 0)
				_exit(open_and_commit(i));
		for (unsigned i = 0; i < OPENERS; i++) {
			int status = -1;

			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		reopen();
		for (unsigned i = 0; i < OPENERS; i++) {
			char uidl[2] = {(char)('0' + i), '\0'};

			assert_int_equal(state_of((struct message_key){
						 bytes_of_string(uidl), 0}),
				LEDGER_STORED);
		}
	}
}

static void
commit_many(void *context)
{
	const char *account = context;

	for (unsigned i = 0; i < COMMITS; i++) {
		char uidl[16];
		struct message_key key = {
			bytes_of(uidl,
				(size_t)snprintf(uidl, sizeof(uidl), "%u", i)),
			0};
		struct ledger_message one = message(key, 1, 1);
		struct ledger_entry entry;

		if (ledger_commit(ledger, account, &one, 1) != OK ||
			ledger_find(ledger, account, &key, &entry) != OK ||
			entry.state != LEDGER_STORED)
			abort();
	}
}

static void
several_threads_may_use_it(void **state)
{
	static char names[4][2] = {"a", "b", "c", "d"};
	uv_thread_t threads[COUNT(names)];

	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(
			uv_thread_create(&threads[i], commit_many, names[i]),
			0);
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(uv_thread_join(&threads[i]), 0);
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(
			find(names[i], KEY("49")).state, LEDGER_STORED);
}

/* ---- the file ---- */

static void
is_the_owners_alone(void **state)
{
	struct stat status;

	ledger_close(&ledger);
	assert_int_equal(ledger_open(in_folder("a/b/c"), &ledger, error), OK);
	assert_int_equal(stat(in_folder("a"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(stat(in_folder("a/b/c"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(access(in_folder("a/b/c/ledger.db"), R_OK), 0);
}

static void
assert_not_opened(const char *wanted)
{
	struct ledger *other = NULL;

	error[0] = '\0';
	assert_int_equal(ledger_open(directory(), &other, error), ERR_BROKEN);
	assert_null(other);
	assert_string_equal(error, wanted);
}

static void
sql(const char *file, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Not even its journal mode. */
static void
leaves_another_version_alone(void **state)
{
	const char *file = in_folder("state/ledger.db");
	char wanted[LEDGER_ERROR_SIZE];
	struct buffer before;

	ledger_close(&ledger);
	sql(file, "PRAGMA journal_mode = DELETE; DROP TABLE run;"
		  "CREATE TABLE shiny(a); PRAGMA user_version = 99;");
	buffer_init(&before, 1u << 20);
	read_octets(file, &before);
	snprintf(wanted, sizeof(wanted),
		"the ledger %s was made by another version of restante "
		"(format 99, this one has 3)",
		file);
	assert_not_opened(wanted);
	assert_file(file, buffer_bytes(&before));
	assert_int_equal(count_entries(directory()), 1);
	buffer_release(&before);
}

/* As version 1 had it, with a message stored and a run that was killed. */
static const char version_1[] =
	"CREATE TABLE message("
	" account TEXT NOT NULL, uidl BLOB NOT NULL, ordinal INTEGER NOT NULL,"
	" state INTEGER NOT NULL, octets INTEGER NOT NULL, sha256 BLOB,"
	" attempts INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL,"
	" PRIMARY KEY(account, uidl, ordinal)"
	") WITHOUT ROWID;"
	"CREATE TABLE run("
	" account TEXT PRIMARY KEY, is_running INTEGER NOT NULL,"
	" at INTEGER NOT NULL DEFAULT 0, messages INTEGER NOT NULL DEFAULT 0,"
	" octets INTEGER NOT NULL DEFAULT 0, stored INTEGER NOT NULL DEFAULT 0,"
	" on_server INTEGER NOT NULL DEFAULT 0,"
	" is_good INTEGER NOT NULL DEFAULT 1, detail TEXT NOT NULL DEFAULT ''"
	") WITHOUT ROWID;"
	"PRAGMA user_version = 1;"
	"INSERT INTO message VALUES('alice', x'31', 0, 2, 100,"
	" zeroblob(32), 3, 1700000000);"
	"INSERT INTO run(account, is_running) VALUES('alice', 1);";

static void
takes_over_what_version_1_knew(void **state)
{
	struct ledger_message wanted = message(KEY("1"), 100, 0);

	ledger_close(&ledger);
	assert_int_equal(folder_remove(state), 0);
	assert_int_equal(folder_make(state), 0);
	assert_int_equal(mkdir(directory(), 0700), 0);
	sql(in_folder("state/ledger.db"), version_1);
	for (int i = 0; i < 2; i++) {
		reopen();
		assert_entry(ALICE, &wanted);
		assert_int_equal(find(ALICE, KEY("1")).attempts, 3);
	}
	assert_true(begin_run(ALICE));
	commit(ALICE, KEY("2"));
	assert_int_equal(state_of(KEY("2")), LEDGER_STORED);
}

static void
says_that_it_is_damaged(void **state)
{
	static const char *const texts[] = {
		"This is no ledger, and longer than a header of SQLite: "
		"......................................................",
		"short"};
	const char *file = in_folder("state/ledger.db");
	char wanted[LEDGER_ERROR_SIZE];

	ledger_close(&ledger);
	snprintf(wanted, sizeof(wanted),
		"the ledger %s: file is not a database", file);
	for (size_t i = 0; i < COUNT(texts); i++) {
		write_text(file, texts[i]);
		assert_not_opened(wanted);
		assert_file(file, bytes_of_string(texts[i]));
	}
}

/* Behind the header: what is asked of a broken page fails, and says whose
   fault it is. */
static void
says_that_a_page_is_damaged(void **state)
{
	const char *file = in_folder("state/ledger.db");
	struct message_key key = KEY("1");
	struct ledger_entry entry;
	struct buffer octets;

	commit(ALICE, key);
	ledger_close(&ledger);
	buffer_init(&octets, 1u << 20);
	read_octets(file, &octets);
	memset(octets.memory + octets.start + 4096, 0xff, octets.octets - 4096);
	write_octets(file, buffer_bytes(&octets), 0600);
	buffer_release(&octets);
	assert_int_equal(ledger_open(directory(), &ledger, error), OK);
	assert_int_equal(ledger_find(ledger, ALICE, &key, &entry), ERR_BROKEN);
	assert_int_equal(ledger_broke(ledger, ALICE, &key, 1), ERR_BROKEN);
}

static void
says_that_it_cannot_be_made(void **state)
{
	char wanted[LEDGER_ERROR_SIZE];

	ledger_close(&ledger);
	assert_int_equal(folder_remove(state), 0);
	assert_int_equal(folder_make(state), 0);
	write_text(directory(), "in the way");
	snprintf(wanted, sizeof(wanted),
		"the ledger %s/ledger.db: unable to open database file: "
		"Not a directory",
		directory());
	assert_not_opened(wanted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(knows_nothing_at_first),
		TEST(keeps_what_was_committed),
		TEST(keeps_what_was_committed_before_a_kill),
		TEST(tells_keys_apart),
		TEST(goes_from_state_to_state),
		TEST(never_saw_so_never_deleted),
		TEST(knows_what_it_holds),
		TEST(commits_all_or_nothing),
		TEST(adopts_what_is_listed_no_more),
		TEST(counts_by_state),
		TEST(imports_what_is_not_known),
		TEST(forgets_what_was_deleted_and_is_gone),
		TEST(does_not_forget_at_once),
		TEST(forgets_many),
		TEST(knows_whether_a_run_was_interrupted),
		TEST(a_run_may_end_with_its_mark_left),
		TEST(tells_of_the_last_run),
		TEST(several_programs_may_open_it),
		TEST(several_threads_may_use_it),
		TEST(is_the_owners_alone),
		TEST(leaves_another_version_alone),
		TEST(takes_over_what_version_1_knew),
		TEST(says_that_it_is_damaged),
		TEST(says_that_a_page_is_damaged),
		TEST(says_that_it_cannot_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
