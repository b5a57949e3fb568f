/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "accounts/passwd_file/line.h"
#include "accounts/passwd_file/passwd_file.h"
#include "accounts/password.h"
#include "accounts/scheme.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LONG_AGO_SECONDS 1700000000

static char folder[64];
static int directory;
static struct accounts *accounts;
static char notices[4096];

static void
notice(const char *text)
{
	size_t used = strlen(notices);

	snprintf(notices + used, sizeof(notices) - used, "%s\n", text);
}

static void
write_users(const char *text, time_t seconds)
{
	struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
	int fd = openat(
		directory, "users.new", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	if (seconds > 0)
		assert_int_equal(futimens(fd, times), 0);
	close(fd);
	assert_int_equal(
		renameat(directory, "users.new", directory, "users"), 0);
}

static int
set_up(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/restante-passwd-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	directory = open(folder, O_PATH | O_DIRECTORY);
	notices[0] = '\0';
	accounts = NULL;
	return directory < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	if (accounts)
		accounts->ops->close(&accounts);
	unlinkat(directory, "users", 0);
	close(directory);
	return rmdir(folder);
}

static void
open_source(void)
{
	struct accounts_options options = {.kind = "passwd-file",
		.directory = directory,
		.location = "users",
		.scheme = "PLAIN",
		.notice = notice};

	assert_int_equal(accounts_open_with(&options, &accounts), OK);
	assert_string_equal(accounts->ops->name, "passwd-file");
	assert_null(accounts->ops->changes);
}

static enum outcome
try_password(const char *name, const char *password)
{
	struct account account = {0};
	enum outcome outcome = accounts->ops->load(accounts, name, &account);
	size_t which;

	if (outcome == OK)
		outcome = password_find(
			bytes_of_string(password), &account, NULL, &which);
	account_release(&account);
	return outcome;
}

static uint64_t
generation_of(const char *name)
{
	struct account account;
	uint64_t generation;

	assert_int_equal(accounts->ops->load(accounts, name, &account), OK);
	generation = account.credentials[0].generation;
	account_release(&account);
	return generation;
}

/* A change is not trusted before the clock has gone on. */
static enum outcome
settled_password(const char *name, const char *password)
{
	static const struct timespec step = {.tv_nsec = 20000000};
	enum outcome outcome = ERR_TRY_LATER;

	for (int i = 0; i < 500 && outcome == ERR_TRY_LATER; i++) {
		outcome = try_password(name, password);
		if (outcome == ERR_TRY_LATER)
			nanosleep(&step, NULL);
	}
	return outcome;
}

/* ---- lines ---- */

static const struct passwd_line_rules rules = {.scheme = "PLAIN"};

static void
a_line_is_read(void **state)
{
	static const struct {
		const char *line;
		enum passwd_line what;
		const char *name, *networks;
		bool is_disabled;
		uint64_t octets, messages;
	} rows[] = {
		{"", PASSWD_LINE_EMPTY, "", "", false, 0, 0},
		{"  \t", PASSWD_LINE_EMPTY, "", "", false, 0, 0},
		{"\r", PASSWD_LINE_EMPTY, "", "", false, 0, 0},
		{"# alice:x", PASSWD_LINE_EMPTY, "", "", false, 0, 0},
		{"alice:secret", PASSWD_LINE_OK, "alice", "", false, 0, 0},
		{"alice:secret\r", PASSWD_LINE_OK, "alice", "", false, 0, 0},
		{"Alice@Example.org:{PLAIN}secret:1000:1000::/home/a::",
			PASSWD_LINE_OK, "alice@example.org", "", false, 0, 0},
		{"alice:secret::::::nologin", PASSWD_LINE_OK, "alice", "", true,
			0, 0},
		{"alice:secret::::::nologin=y x=y", PASSWD_LINE_OK, "alice", "",
			true, 0, 0},
		{"alice:secret::::::nologins", PASSWD_LINE_OK, "alice", "",
			false, 0, 0},
		{"alice:secret:::::nologin", PASSWD_LINE_OK, "alice", "", false,
			0, 0},
		{"alice:secret::::::allow_nets=10.0.0.0/8,::1 a=b",
			PASSWD_LINE_OK, "alice", "10.0.0.0/8,::1", false, 0, 0},
		{"alice:secret::::::userdb_quota_rule=*:storage=2G",
			PASSWD_LINE_OK, "alice", "", false, 2ull << 30, 0},
		{"alice:secret::::::userdb_quota_rule=*:storage=5MB:messages=7",
			PASSWD_LINE_OK, "alice", "", false, 5 << 20, 7},
		{"alice:secret::::::userdb_quota_rule=*:storage=5",
			PASSWD_LINE_OK, "alice", "", false, 5 << 10, 0},
		{"alice:secret::::::userdb_quota_rule=Trash:storage=+1G",
			PASSWD_LINE_OK, "alice", "", false, 0, 0},
		{"alice:secret::::::userdb_quota_rule=*:storage=1x",
			PASSWD_LINE_BAD, "", "", false, 0, 0},
		{"alice:secret::::::userdb_quota_rule=*:messages=-1",
			PASSWD_LINE_BAD, "", "", false, 0, 0},
		{"alice:secret::::::allow_nets=office", PASSWD_LINE_BAD, "", "",
			false, 0, 0},
		{"alice:secret::::::allow_nets=", PASSWD_LINE_BAD, "", "",
			false, 0, 0},
		{"alice:secret::::::nopassword", PASSWD_LINE_BAD, "", "", false,
			0, 0},
		{":secret", PASSWD_LINE_BAD, "", "", false, 0, 0},
		{"../x:secret", PASSWD_LINE_BAD, "", "", false, 0, 0},
		{"al ice:secret", PASSWD_LINE_BAD, "", "", false, 0, 0},
		{"alice", PASSWD_LINE_UNUSABLE, "alice", "", false, 0, 0},
		{"alice:{OTP}x::::::nologin", PASSWD_LINE_UNUSABLE, "alice", "",
			true, 0, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char error[PASSWD_LINE_ERROR_SIZE] = "";
		struct account account = {0};
		struct credential credential = {0};
		enum passwd_line what =
			passwd_line_read(bytes_of_string(rows[i].line), &rules,
				&account, &credential, error);

		if (what != rows[i].what)
			fail_msg("%s", rows[i].line);
		assert_string_equal(account.name, rows[i].name);
		assert_string_equal(credential.networks, rows[i].networks);
		assert_int_equal(account.is_disabled, rows[i].is_disabled);
		assert_int_equal(account.limits.quota_octets, rows[i].octets);
		assert_int_equal(
			account.limits.quota_messages, rows[i].messages);
		assert_int_equal(
			error[0] != '\0', what == PASSWD_LINE_BAD ||
						  what == PASSWD_LINE_UNUSABLE);
		assert_null(strstr(error, "secret"));
		if (what == PASSWD_LINE_UNUSABLE)
			assert_string_equal(credential.hash, SCHEME_UNUSABLE);
	}
}

/* ---- the file ---- */

static void
users_are_found(void **state)
{
	struct account account;

	write_users("# users\n"
		    "bob:{SHA1}5en6G6MezRroT3XKqkdPOmY/BfQ=:::\n"
		    "Alice@Example.org:secret::::::nologin\n"
		    "last:word",
		LONG_AGO_SECONDS);
	open_source();
	assert_string_equal(notices, "");
	assert_int_equal(try_password("bob", "secret"), OK);
	assert_int_equal(try_password("bob", "Secret"), ERR_DENIED);
	assert_int_equal(try_password("last", "word"), OK);
	assert_int_equal(settled_password("carol", "secret"), ERR_DENIED);
	assert_int_equal(try_password("", "secret"), ERR_DENIED);
	assert_int_equal(
		accounts->ops->find(accounts, "alice@example.org", &account),
		OK);
	assert_true(account.is_disabled);
	assert_null(account.credentials);
}

static bool
collect(const struct account *account, void *context)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(text + used, 256 - used, "%s ", account->name);
	return strcmp(account->name, "c") != 0;
}

static void
they_are_listed_in_order(void **state)
{
	char text[256] = "";

	write_users("c:x\nA:x\n# b:x\nb:x\nd:x\n", LONG_AGO_SECONDS);
	open_source();
	assert_int_equal(accounts->ops->list(accounts, collect, text), OK);
	assert_string_equal(text, "a b c ");
}

/* The operator hears of file, line and what it is; the others can log in. */
static void
mistakes_are_told_and_harm_nobody_else(void **state)
{
	write_users("alice:{OTP}sha1 1 2 3\n"
		    "\n"
		    "../bob:secret\n"
		    "carol:secret\n"
		    "Carol:other\n"
		    "dave:secret::::::nopassword\n",
		LONG_AGO_SECONDS);
	open_source();
	assert_string_equal(notices,
		"users:1: unknown password scheme OTP\n"
		"users:3: what stands before the first : cannot be a user's "
		"name\n"
		"users:6: nopassword would let everybody in\n"
		"users:5: there is a line of this user above\n");
	assert_int_equal(try_password("alice", "x"), ERR_BROKEN);
	assert_int_equal(try_password("carol", "secret"), OK);
	assert_int_equal(try_password("carol", "other"), ERR_DENIED);
	assert_int_equal(settled_password("dave", "secret"), ERR_DENIED);
	/* Told once, however often it is read. */
	assert_null(strstr(strstr(notices, "users:1: ") + 1, "users:1: "));
}

static void
so_many_are_told(void **state)
{
	char text[1024] = "";

	for (int i = 0; i < PASSWD_FILE_NOTICES_MAXIMUM + 5; i++)
		strcat(text, ":x\n");
	write_users(text, LONG_AGO_SECONDS);
	open_source();
	assert_non_null(strstr(notices, "users:20: "));
	assert_null(strstr(notices, "users:21: "));
	assert_non_null(strstr(notices, "users: 5 more lines with a mistake"));
}

/* ---- changes ---- */

static void
a_change_is_seen(void **state)
{
	uint64_t before, after;

	write_users("alice:one\nbob:x\n", LONG_AGO_SECONDS);
	open_source();
	assert_int_equal(try_password("alice", "one"), OK);
	before = generation_of("alice");
	after = generation_of("bob");
	assert_true(before != after);
	/* Of the same length and time: it is another file. */
	write_users("alice:two\nbob:x\n", LONG_AGO_SECONDS);
	assert_int_equal(settled_password("alice", "two"), OK);
	assert_int_equal(try_password("alice", "one"), ERR_DENIED);
	assert_true(generation_of("alice") != before);
	assert_int_equal(generation_of("bob"), after);
}

static void
a_change_in_place_is_seen(void **state)
{
	int fd;

	write_users("alice:one\n", 0);
	open_source();
	assert_int_equal(try_password("alice", "one"), OK);
	fd = openat(directory, "users", O_WRONLY);
	assert_int_equal(pwrite(fd, "two", 3, 6), 3);
	close(fd);
	/* Maybe within one tick of the file system's clock. */
	for (int i = 0; i < 500 && try_password("alice", "two") != OK; i++)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	assert_int_equal(try_password("alice", "two"), OK);
}

/* What is being written may lack names that will be there. */
static void
who_is_not_there_yet_may_try_again(void **state)
{
	write_users("alice:one\n", 0);
	open_source();
	assert_int_equal(try_password("alice", "one"), OK);
	assert_int_equal(try_password("bob", "two"), ERR_TRY_LATER);
	write_users("alice:one\nbob:two\n", 0);
	assert_int_equal(try_password("bob", "two"), OK);
	assert_int_equal(settled_password("carol", "x"), ERR_DENIED);
}

static void
a_missing_file_is_a_source_that_is_down(void **state)
{
	char text[256] = "";

	open_source();
	assert_string_equal(
		notices, "users: cannot be read: No such file or directory\n");
	assert_int_equal(try_password("alice", "one"), ERR_TRY_LATER);
	assert_int_equal(
		accounts->ops->list(accounts, collect, text), ERR_TRY_LATER);
	/* It is told once, until it was there in between. */
	notices[0] = '\0';
	assert_int_equal(try_password("alice", "one"), ERR_TRY_LATER);
	assert_string_equal(notices, "");
	write_users("alice:one\n", 0);
	assert_int_equal(try_password("alice", "one"), OK);
	unlinkat(directory, "users", 0);
	assert_int_equal(try_password("alice", "one"), ERR_TRY_LATER);
	assert_string_equal(
		notices, "users: cannot be read: No such file or directory\n");
}

static void
what_is_no_file_is_down_too(void **state)
{
	assert_int_equal(mkfifoat(directory, "users", 0600), 0);
	open_source();
	assert_int_equal(try_password("alice", "one"), ERR_TRY_LATER);
	assert_non_null(strstr(notices, "cannot be read"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read),
		TEST(users_are_found),
		TEST(they_are_listed_in_order),
		TEST(mistakes_are_told_and_harm_nobody_else),
		TEST(so_many_are_told),
		TEST(a_change_is_seen),
		TEST(a_change_in_place_is_seen),
		TEST(who_is_not_there_yet_may_try_again),
		TEST(a_missing_file_is_a_source_that_is_down),
		TEST(what_is_no_file_is_down_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
