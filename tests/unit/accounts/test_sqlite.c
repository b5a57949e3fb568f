/* SPDX-License-Identifier: ISC */
/* The SQLite source of accounts, in a folder of its own. */
#include "../check.h"

#include "accounts/password.h"
#include "folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROUNDS	12
#define OPENERS 8

/* ---- calls ---- */

static struct credential
credential_of(const char *hash)
{
	struct credential credential = {0};

	snprintf(credential.hash, sizeof(credential.hash), "%s", hash);
	return credential;
}

static enum outcome
add_to(struct accounts *to, const char *name, const char *hash)
{
	struct credential main = credential_of(hash);

	return to->ops->changes->add(to, name, &main);
}

static enum outcome
add(const char *name, const char *hash)
{
	return add_to(accounts, name, hash);
}

static enum outcome
set_hash_in(struct accounts *in, const char *name, const char *hash)
{
	struct credential main = credential_of(hash);

	return in->ops->changes->replace_credential(in, name, &main);
}

static enum outcome
set_hash(const char *name, const char *hash)
{
	return set_hash_in(accounts, name, hash);
}

static enum outcome
remove_user(const char *name)
{
	return accounts->ops->changes->remove(accounts, name);
}

/* Its main credential. */
static struct credential
main_of(const char *name)
{
	struct credential credential;
	struct account account;

	assert_int_equal(accounts->ops->load(accounts, name, &account), OK);
	assert_non_null(account_credential(&account, ""));
	credential = *account_credential(&account, "");
	account_release(&account);
	return credential;
}

static enum outcome
find(const char *name, struct account *out)
{
	return accounts->ops->find(accounts, name, out);
}

static struct account
found(const char *name)
{
	struct account account;

	assert_int_equal(find(name, &account), OK);
	assert_string_equal(account.name, name);
	return account;
}

struct names {
	char text[256];
	unsigned left; /* how many more it wants */
};

static bool
collect(const struct account *account, void *context)
{
	struct names *names = context;
	size_t used = strlen(names->text);

	snprintf(names->text + used, sizeof(names->text) - used, "%s ",
		account->name);
	return --names->left > 0;
}

static void
expect_list(unsigned most, const char *expected)
{
	struct names names = {"", most};

	assert_int_equal(accounts->ops->list(accounts, collect, &names), OK);
	assert_string_equal(names.text, expected);
}

/* ---- what an administrator does ---- */

static void
adds_and_finds(void **state)
{
	struct account account;

	assert_int_equal(find("alice", &account), ERR_DENIED);
	assert_int_equal(add("alice", "hash-1"), OK);
	account = found("alice");
	assert_string_equal(main_of("alice").hash, "hash-1");
	assert_false(account.is_disabled);
	/* since the year 2020 */
	assert_true(account.created_seconds > 1577836800);
	/* Names are compared as they are: they came canonical. */
	assert_int_equal(find("Alice", &account), ERR_DENIED);
	assert_int_equal(find("alic", &account), ERR_DENIED);
	assert_int_equal(find("alice%", &account), ERR_DENIED);
	assert_int_equal(find("", &account), ERR_DENIED);
	assert_int_equal(find("' OR 1=1 --", &account), ERR_DENIED);
}

static void
adds_a_name_once(void **state)
{
	assert_int_equal(add("alice", "hash-1"), OK);
	assert_int_equal(add("alice", "hash-2"), ERR_BUSY);
	assert_string_equal(main_of("alice").hash, "hash-1");
	/* What failed has left nothing open. */
	assert_int_equal(add("bob", "hash-3"), OK);
	expect_list(9, "alice bob ");
}

static void
lists_in_order_of_name(void **state)
{
	expect_list(9, "");
	assert_int_equal(add("carol", "h"), OK);
	assert_int_equal(add("bob@example.org", "h"), OK);
	assert_int_equal(add("alice", "h"), OK);
	assert_int_equal(add("bob", "h"), OK);
	expect_list(9, "alice bob bob@example.org carol ");
	expect_list(2, "alice bob ");
	expect_list(1, "alice ");
}

static void
sets_a_password(void **state)
{
	uint64_t before;

	assert_int_equal(set_hash("alice", "x"), ERR_DENIED);
	expect_list(9, "");
	assert_int_equal(add("alice", "hash-1"), OK);
	assert_int_equal(add("bob", "hash-b"), OK);
	before = main_of("alice").generation;
	assert_int_equal(set_hash("alice", "hash-2"), OK);
	assert_string_equal(main_of("alice").hash, "hash-2");
	assert_true(main_of("alice").generation != before);
	assert_string_equal(main_of("bob").hash, "hash-b");
}

static void
removes(void **state)
{
	struct account account;

	assert_int_equal(remove_user("alice"), ERR_DENIED);
	assert_int_equal(add("alice", "hash-1"), OK);
	assert_int_equal(add("bob", "hash-b"), OK);
	assert_int_equal(remove_user("alice"), OK);
	assert_int_equal(find("alice", &account), ERR_DENIED);
	assert_int_equal(remove_user("alice"), ERR_DENIED);
	expect_list(9, "bob ");
}

/* A login that is kept for the generation must never fit another password. */
static void
a_generation_never_comes_again(void **state)
{
	uint64_t seen[8];
	size_t count = 0;

	for (int turn = 0; turn < 3; turn++) {
		assert_int_equal(add("alice", "same"), OK);
		seen[count++] = main_of("alice").generation;
		assert_int_equal(set_hash("alice", "same"), OK);
		seen[count++] = main_of("alice").generation;
		assert_int_equal(remove_user("alice"), OK);
		close_accounts();
		open_accounts();
	}
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(seen[i] != seen[j]);
}

static void
a_password_is_verified(void **state)
{
	struct credential made = {0};

	assert_int_equal(password_set(&made, BYTES("two words"), NULL, 0), OK);
	assert_int_equal(add("alice", made.hash), OK);
	assert_int_equal(
		password_check(BYTES("two words"), main_of("alice").hash), OK);
	assert_int_equal(password_check(BYTES("two"), main_of("alice").hash),
		ERR_DENIED);
}

static void
knows_who_is_disabled(void **state)
{
	assert_int_equal(add("alice", "h"), OK);
	assert_int_equal(add("bob", "h"), OK);
	run_sql("UPDATE account SET is_disabled = 1 WHERE name = 'bob'");
	assert_false(found("alice").is_disabled);
	assert_true(found("bob").is_disabled);
}

/* ---- the file ---- */

static void
keeps_what_it_was_told(void **state)
{
	assert_int_equal(add("alice", "hash-1"), OK);
	close_accounts();
	open_accounts();
	assert_string_equal(main_of("alice").hash, "hash-1");
}

static void
a_change_is_seen_by_others_at_once(void **state)
{
	struct accounts *other;
	struct account account;

	assert_int_equal(accounts_open("sqlite", file, false, &other), OK);
	assert_int_equal(
		other->ops->find(other, "alice", &account), ERR_DENIED);
	assert_int_equal(add("alice", "hash-1"), OK);
	assert_int_equal(other->ops->find(other, "alice", &account), OK);
	assert_int_equal(set_hash_in(other, "alice", "hash-2"), OK);
	assert_string_equal(main_of("alice").hash, "hash-2");
	other->ops->close(&other);
	assert_null(other);
	other = NULL;
	accounts->ops->close(&other);
}

static void
logins_go_on_while_one_writes(void **state)
{
	sqlite3 *writer;

	assert_int_equal(add("alice", "hash-1"), OK);
	assert_int_equal(sqlite3_open(file, &writer), SQLITE_OK);
	assert_int_equal(sqlite3_exec(writer,
				 "BEGIN IMMEDIATE;"
				 "UPDATE credential SET hash = 'hash-2'",
				 NULL, NULL, NULL),
		SQLITE_OK);
	assert_string_equal(main_of("alice").hash, "hash-1");
	assert_int_equal(
		sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_string_equal(main_of("alice").hash, "hash-2");
	sqlite3_close(writer);
}

static void
nobody_else_may_read_it(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char path[PATH_SIZE + 16];
	struct stat status;

	assert_int_equal(add("alice", "hash-1"), OK);
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", file, suffixes[i]);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 077, 0);
	}
}

/* What was removed does not stay in free pages. */
static void
a_hash_does_not_outlive_its_account(void **state)
{
	char octets[65536];
	ssize_t got;
	int fd;

	assert_int_equal(add("alice", "a-hash-to-be-found"), OK);
	assert_int_equal(remove_user("alice"), OK);
	close_accounts();
	fd = open(file, O_RDONLY);
	assert_true(fd >= 0);
	got = read(fd, octets, sizeof(octets));
	close(fd);
	assert_true(got > 0 && got < (ssize_t)sizeof(octets));
	assert_null(memmem(octets, (size_t)got, "a-hash-to-be-found", 18));
}

/* ---- what cannot be opened ---- */

static enum outcome
try_open(bool may_create)
{
	struct accounts *untouched = accounts;
	enum outcome outcome =
		accounts_open("sqlite", file, may_create, &untouched);

	if (outcome != OK)
		assert_ptr_equal(untouched, accounts);
	else
		accounts = untouched;
	return outcome;
}

static void
write_file(const void *at, size_t octets)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, at, octets), octets);
	close(fd);
}

static void
a_missing_file_is_made_only_when_allowed(void **state)
{
	assert_int_equal(try_open(false), ERR_BROKEN);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(try_open(true), OK);
	close_accounts();
	assert_int_equal(try_open(false), OK);
}

static void
an_unknown_kind_is_refused(void **state)
{
	struct accounts *untouched = NULL;

	assert_int_equal(
		accounts_open("ldap", file, true, &untouched), ERR_PEER);
	assert_int_equal(accounts_open("", file, true, &untouched), ERR_PEER);
	assert_null(untouched);
	assert_int_equal(access(file, F_OK), -1);
}

static void
another_kind_of_file_is_left_alone(void **state)
{
	static char text[8192];
	char back[sizeof(text)];
	int fd;

	memset(text, 'x', sizeof(text));
	write_file(text, sizeof(text));
	assert_int_equal(try_open(true), ERR_BROKEN);
	fd = open(file, O_RDONLY);
	assert_int_equal(read(fd, back, sizeof(back)), sizeof(back));
	close(fd);
	assert_memory_equal(back, text, sizeof(text));
}

static void
a_newer_file_is_left_alone(void **state)
{
	open_accounts();
	assert_int_equal(add("alice", "h"), OK);
	close_accounts();
	run_sql("PRAGMA user_version = 3");
	assert_int_equal(try_open(true), ERR_BROKEN);
	run_sql("PRAGMA user_version = 2");
	assert_int_equal(try_open(true), OK);
	found("alice");
}

static void
a_file_of_another_program_is_refused(void **state)
{
	run_sql("CREATE TABLE account (id INTEGER PRIMARY KEY)");
	assert_true(try_open(true) != OK);
}

/* ---- damage ---- */

/* More than one page of accounts, all in the file itself. */
static void
make_many(void)
{
	open_accounts();
	close_accounts();
	run_sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM "
		"n "
		"WHERE i < 299) INSERT INTO account (name, created_seconds) "
		"SELECT printf('user-%03d', i), 0 FROM n;"
		"INSERT INTO credential (account, hash, created_seconds) "
		"SELECT id, 'some-hash-of-some-length', 0 FROM account");
}

/* Every page but the first, in which the tables' names stand. */
static void
overwrite_pages(void)
{
	struct stat status;
	char page[4096];
	int fd = open(file, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_true(status.st_size > 3 * 4096);
	memset(page, 0xa5, sizeof(page));
	for (off_t at = 4096; at < status.st_size; at += 4096)
		assert_int_equal(
			pwrite(fd, page, sizeof(page), at), sizeof(page));
	close(fd);
}

static bool
ignore(const struct account *account, void *context)
{
	return true;
}

/* An administrator has to act: it is no matter of waiting. */
static void
damage_is_called_damage(void **state)
{
	struct account account = {.name = "untouched"};

	make_many();
	overwrite_pages();
	open_accounts();
	assert_int_equal(find("user-007", &account), ERR_BROKEN);
	assert_string_equal(account.name, "untouched");
	assert_int_equal(
		accounts->ops->list(accounts, ignore, NULL), ERR_BROKEN);
	assert_int_equal(add("alice", "h"), ERR_BROKEN);
	assert_int_equal(set_hash("user-007", "h"), ERR_BROKEN);
	assert_int_equal(remove_user("user-007"), ERR_BROKEN);
}

static void
a_torso_is_called_damage(void **state)
{
	struct account account;

	make_many();
	assert_int_equal(truncate(file, 4096 * 2), 0);
	if (try_open(true) != OK)
		return;
	assert_int_equal(find("user-007", &account), ERR_BROKEN);
}

/* One record that cannot be: the others are listed all the same. */
static void
a_record_too_long_is_called_damage(void **state)
{
	struct names names = {"", 9};
	struct account account;

	open_accounts();
	assert_int_equal(add("alice", "h"), OK);
	assert_int_equal(add("bob", "h"), OK);
	assert_int_equal(add("carol", "h"), OK);
	run_sql("UPDATE account SET name = name || printf('%.600c', 'x') "
		"WHERE name = 'bob'");
	assert_int_equal(find("carol", &account), OK);
	assert_int_equal(
		accounts->ops->list(accounts, collect, &names), ERR_BROKEN);
	assert_string_equal(names.text, "alice carol ");
}

/* When the others do: at the end of the pipe. */
static int
open_and_add(unsigned number, const int start[2])
{
	char name[] = {(char)('a' + number), '\0'};
	struct accounts *own;

	close(start[1]);
	if (read(start[0], name + 1, 1) != 0)
		return 3;
	if (accounts_open("sqlite", file, true, &own) != OK)
		return 1;
	if (add_to(own, name, "*") != OK)
		return 2;
	own->ops->close(&own);
	return 0;
}

/* A server at its first start, and somebody who adds users meanwhile. */
static void
several_programs_may_make_it(void **state)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct account account;
		int start[2];

		assert_int_equal(tear_down(state), 0);
		assert_int_equal(make_folder(state), 0);
		assert_int_equal(pipe(start), 0);
		for (unsigned i = 0; i < OPENERS; i++)
			if (fork() == 0)
				_exit(open_and_add(i, start));
		close(start[0]);
		close(start[1]);
		for (unsigned i = 0; i < OPENERS; i++) {
			int status = -1;

			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		open_accounts();
		for (unsigned i = 0; i < OPENERS; i++) {
			char name[] = {(char)('a' + i), '\0'};

			assert_int_equal(
				accounts->ops->find(accounts, name, &account),
				OK);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_CLOSED(name)                                                      \
	cmocka_unit_test_setup_teardown(name, make_folder, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(adds_and_finds),
		TEST(adds_a_name_once),
		TEST(lists_in_order_of_name),
		TEST(sets_a_password),
		TEST(removes),
		TEST(a_generation_never_comes_again),
		TEST(a_password_is_verified),
		TEST(knows_who_is_disabled),
		TEST(keeps_what_it_was_told),
		TEST(a_change_is_seen_by_others_at_once),
		TEST(logins_go_on_while_one_writes),
		TEST(nobody_else_may_read_it),
		TEST(a_hash_does_not_outlive_its_account),
		TEST_CLOSED(a_missing_file_is_made_only_when_allowed),
		TEST_CLOSED(several_programs_may_make_it),
		TEST_CLOSED(an_unknown_kind_is_refused),
		TEST_CLOSED(another_kind_of_file_is_left_alone),
		TEST_CLOSED(a_newer_file_is_left_alone),
		TEST_CLOSED(a_file_of_another_program_is_refused),
		TEST_CLOSED(damage_is_called_damage),
		TEST_CLOSED(a_torso_is_called_damage),
		TEST_CLOSED(a_record_too_long_is_called_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
