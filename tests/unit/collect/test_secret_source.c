/* SPDX-License-Identifier: ISC */
#include "folder.h"

#include "collect/secret_source.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define PASSWORD      "correct horse"
#define HANGS_SECONDS 20

static struct collect_account account;
static struct secret secret;
static char error[INI_ERROR_SIZE];

static int
set_up(void **state)
{
	/* A read that never ends ends the test. */
	alarm(HANGS_SECONDS);
	if (folder_make(state) != 0)
		return -1;
	return account_init(&account, "a") ? 0 : -1;
}

static int
tear_down(void **state)
{
	alarm(0);
	secret_release(&secret);
	account_release(&account);
	return folder_remove(state);
}

static void
set(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	assert_non_null(*to);
}

static enum outcome
read_it(void)
{
	error[0] = '\0';
	return secret_source_read(&account, &secret, error);
}

static void
assert_secret(const char *wanted)
{
	assert_int_equal(read_it(), OK);
	assert_string_equal(error, "");
	assert_bytes(
		secret_bytes(&secret), bytes_of_string(wanted), BYTES_NONE);
}

static void
assert_refused(enum outcome outcome, const char *wanted)
{
	assert_int_equal(read_it(), outcome);
	assert_string_equal(error, wanted);
	assert_null(secret.at);
}

/* ---- files ---- */

static const char *
file_of(const char *text)
{
	const char *path = in_folder("password");

	write_text(path, text);
	set(&account.password_file, path);
	return path;
}

static void
the_first_line_is_the_password(void **state)
{
	static const char *const texts[] = {PASSWORD, PASSWORD "\n",
		PASSWORD "\r\n", PASSWORD "\n\n", PASSWORD "\nuser: alice\n"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		file_of(texts[i]);
		assert_secret(PASSWORD);
	}
	file_of(" blanks stay \t\n");
	assert_secret(" blanks stay \t");
}

static void
tilde_is_home(void **state)
{
	file_of(PASSWORD "\n");
	set(&account.password_file, "~/password");
	assert_secret(PASSWORD);
}

static void
others_must_not_read_it(void **state)
{
	static const mode_t bad[] = {0644, 0640, 0604, 0620, 0602, 0610, 0601};
	static const mode_t good[] = {0600, 0400, 0700};
	const char *path = file_of(PASSWORD "\n");
	char wanted[INI_ERROR_SIZE];

	snprintf(wanted, sizeof(wanted),
		"%s can be read by others: chmod 600 %s", path, path);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(chmod(path, bad[i]), 0);
		assert_refused(ERR_DENIED, wanted);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(chmod(path, good[i]), 0);
		assert_secret(PASSWORD);
	}
}

static void
it_must_be_ones_own(void **state)
{
	const char *path = file_of(PASSWORD "\n");
	char wanted[INI_ERROR_SIZE];

	if (geteuid() != 0)
		return; /* who cannot give a file away has none to try */
	snprintf(wanted, sizeof(wanted),
		"%s belongs to somebody else: make it your own", path);
	assert_int_equal(chown(path, 61701, 61701), 0);
	assert_refused(ERR_DENIED, wanted);
}

static void
it_must_be_a_file(void **state)
{
	const char *path = in_folder("password");
	char wanted[INI_ERROR_SIZE];

	set(&account.password_file, path);
	snprintf(wanted, sizeof(wanted),
		"password-file %s: No such file or directory", path);
	assert_refused(ERR_DENIED, wanted);

	/* Nobody writes into the pipe: it is not waited for. */
	snprintf(wanted, sizeof(wanted), "%s is not a file", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(ERR_DENIED, wanted);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(ERR_DENIED, wanted);
}

static void
an_empty_line_is_no_password(void **state)
{
	static const char *const texts[] = {
		"", "\n", "\r\n", "\n" PASSWORD "\n"};
	char wanted[INI_ERROR_SIZE];

	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *path = file_of(texts[i]);

		snprintf(wanted, sizeof(wanted),
			"password-file %s: its first line is empty or too long",
			path);
		assert_refused(ERR_DENIED, wanted);
	}
}

/* Never cut: the login would fail and nobody know why. */
static void
a_line_has_its_maximum(void **state)
{
	char text[SECRET_SOURCE_MAXIMUM_OCTETS + 2];
	char wanted[INI_ERROR_SIZE];
	const char *path;

	memset(text, 'x', sizeof(text));
	text[SECRET_SOURCE_MAXIMUM_OCTETS - 1] = '\0';
	file_of(text);
	assert_secret(text);
	text[SECRET_SOURCE_MAXIMUM_OCTETS - 1] = '\n';
	text[SECRET_SOURCE_MAXIMUM_OCTETS] = '\0';
	file_of(text);
	assert_int_equal(read_it(), OK);
	assert_int_equal(secret.octets, SECRET_SOURCE_MAXIMUM_OCTETS - 1);
	secret_release(&secret);
	text[SECRET_SOURCE_MAXIMUM_OCTETS - 1] = 'x';
	path = file_of(text);
	snprintf(wanted, sizeof(wanted),
		"password-file %s: its first line is empty or too long", path);
	assert_refused(ERR_DENIED, wanted);
}

static void
a_path_has_its_maximum(void **state)
{
	char path[8192], wanted[INI_ERROR_SIZE];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	set(&account.password_file, path);
	snprintf(wanted, sizeof(wanted),
		"password-file: %.100s... is too long a path", path);
	assert_refused(ERR_PEER, wanted);
}

/* ---- commands ---- */

static void
a_command_prints_it(void **state)
{
	set(&account.password_command, "echo '" PASSWORD "'; echo user: alice");
	assert_secret(PASSWORD);
	set(&account.password_command, "printf '" PASSWORD "'");
	assert_secret(PASSWORD);
	set(&account.password_command, "printf '%s\\r\\n' '" PASSWORD "'");
	assert_secret(PASSWORD);
	/* As slow as a person who types a passphrase. */
	set(&account.password_command,
		"printf 'correct '; sleep 0.2; echo horse");
	assert_secret(PASSWORD);
}

/* It ends by SIGPIPE, which the programs themselves ignore. */
static void
a_command_may_have_more_to_say(void **state)
{
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);

	set(&account.password_command, "yes '" PASSWORD "'");
	assert_secret(PASSWORD);
	set(&account.password_command, "yes '" PASSWORD "'; exit $?");
	assert_secret(PASSWORD);
	signal(SIGPIPE, before);
}

static void
a_command_that_fails_gives_none(void **state)
{
	static const char *const commands[] = {"false", "echo wrong; exit 1",
		"echo wrong; kill -TERM $$", "/nonexistent/program"};
	char wanted[INI_ERROR_SIZE];

	for (size_t i = 0; i < COUNT(commands); i++) {
		set(&account.password_command, commands[i]);
		snprintf(wanted, sizeof(wanted),
			"password-command %s: it failed", commands[i]);
		assert_refused(ERR_DENIED, wanted);
	}
}

static void
a_command_must_print_one_line(void **state)
{
	static const char *const commands[] = {"true", "echo",
		"head -c 32768 /dev/zero | tr '\\0' x",
		"yes | tr -d '\\n' | head -c 100000"};
	char wanted[INI_ERROR_SIZE];

	for (size_t i = 0; i < COUNT(commands); i++) {
		set(&account.password_command, commands[i]);
		snprintf(wanted, sizeof(wanted),
			"password-command %s: the first line it prints is "
			"empty or too long",
			commands[i]);
		assert_refused(ERR_DENIED, wanted);
	}
}

/* ---- the keyring, by a secret-tool of the test's own ---- */

static void
put_secret_tool(const char *script)
{
	char path[4096];

	write_text(in_folder("secret-tool"), script);
	assert_int_equal(chmod(in_folder("secret-tool"), 0700), 0);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", folder_path());
	setenv("PATH", path, 1);
}

static void
the_keyring_holds_it(void **state)
{
	account.password_keyring = true;
	put_secret_tool(
		"#!/bin/sh\n[ \"$*\" = 'lookup service restante account a' ] "
		"|| exit 1\nprintf '" PASSWORD "'\n");
	assert_secret(PASSWORD);
	secret_release(&secret);
	put_secret_tool("#!/bin/sh\nexit 1\n");
	assert_refused(ERR_DENIED,
		"the keyring holds no password of a, or it is locked: "
		"secret-tool store --label=a service restante account a");
	setenv("PATH", "/nonexistent", 1);
	assert_refused(ERR_DENIED,
		"the keyring is asked by secret-tool, which is not here: "
		"install libsecret-tools");
	setenv("PATH", "/usr/bin:/bin", 1);
}

/* What it stores it finds again, and it is never an argument. */
static void
the_keyring_takes_it(void **state)
{
	struct secret password = {0};
	char script[8192];

	snprintf(script, sizeof(script),
		"#!/bin/sh\n"
		"case $1 in\n"
		"store) echo \"$*\" >%1$s/arguments; cat >%1$s/kept;;\n"
		"lookup) cat %1$s/kept;;\n"
		"esac\n",
		folder_path());
	put_secret_tool(script);
	account.password_keyring = true;
	assert_true(secret_set(&password, BYTES(PASSWORD)));
	assert_int_equal(
		secret_source_store_keyring(&account, &password, error), OK);
	secret_release(&password);
	assert_secret(PASSWORD);
	secret_release(&secret);
	set(&account.password_file, in_folder("arguments"));
	assert_int_equal(chmod(in_folder("arguments"), 0600), 0);
	assert_secret("store --label=restante: a service restante account a");
	setenv("PATH", "/usr/bin:/bin", 1);
}

static void
a_locked_keyring_takes_none(void **state)
{
	struct secret password = {0};

	put_secret_tool("#!/bin/sh\ncat >/dev/null; exit 1\n");
	assert_true(secret_set(&password, BYTES(PASSWORD)));
	assert_int_equal(
		secret_source_store_keyring(&account, &password, error),
		ERR_DENIED);
	assert_string_equal(error, "secret-tool could not store the password: "
				   "is the keyring unlocked?");
	secret_release(&password);
	setenv("PATH", "/usr/bin:/bin", 1);
}

/* ---- systemd ---- */

static void
a_credential_is_passed(void **state)
{
	char wanted[INI_ERROR_SIZE];

	set(&account.password_credential, "mail");
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_refused(ERR_DENIED,
		"password-credential mail: systemd passes none here; the unit "
		"needs LoadCredential=mail:/a/file");
	setenv("CREDENTIALS_DIRECTORY", folder_path(), 1);
	snprintf(wanted, sizeof(wanted),
		"password-credential %s/mail: No such file or directory",
		folder_path());
	assert_refused(ERR_DENIED, wanted);
	/* Its mode is the service manager's affair. */
	write_text(in_folder("mail"), PASSWORD "\n");
	assert_int_equal(chmod(in_folder("mail"), 0440), 0);
	assert_secret(PASSWORD);
	write_text(in_folder("mail"), "\n");
	snprintf(wanted, sizeof(wanted),
		"password-credential %s/mail: its first line is empty or too "
		"long",
		folder_path());
	secret_release(&secret);
	assert_refused(ERR_DENIED, wanted);
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* ---- none, and both ---- */

static void
without_a_source_it_says_so(void **state)
{
	assert_true(account_asks_password(&account));
	assert_refused(ERR_DENIED,
		"there is nobody to ask for the password: set password-file, "
		"password-command, password-keyring or password-credential");
}

static void
one_that_is_known_is_not_asked_for(void **state)
{
	struct secret deliver = {0};

	set(&account.password_command, "echo other");
	set(&account.deliver_password_command, "echo deliver");
	assert_true(secret_source_may_wait(&account));
	assert_true(secret_set(&secret, BYTES(PASSWORD)));
	assert_int_equal(secret_source_read_both(
				 &account, &secret, &deliver, NULL, error),
		OK);
	assert_bytes(secret_bytes(&secret), BYTES(PASSWORD), BYTES_NONE);
	assert_bytes(secret_bytes(&deliver), BYTES("deliver"), BYTES_NONE);
	secret_release(&deliver);
}

/* It would go on for longer than the test may. */
static void
a_command_that_hangs_is_cancelled(void **state)
{
	struct secret deliver = {0};
	atomic_bool is_cancelled = true;

	set(&account.password_command, "exec sleep 600");
	assert_int_equal(secret_source_read_both(&account, &secret, &deliver,
				 &is_cancelled, error),
		ERR_TRY_LATER);
	assert_string_equal(
		error, "password-command exec sleep 600: was not waited for");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_line_is_the_password),
		TEST(tilde_is_home),
		TEST(others_must_not_read_it),
		TEST(it_must_be_ones_own),
		TEST(it_must_be_a_file),
		TEST(an_empty_line_is_no_password),
		TEST(a_line_has_its_maximum),
		TEST(a_path_has_its_maximum),
		TEST(a_command_prints_it),
		TEST(a_command_may_have_more_to_say),
		TEST(a_command_that_fails_gives_none),
		TEST(a_command_must_print_one_line),
		TEST(the_keyring_holds_it),
		TEST(the_keyring_takes_it),
		TEST(a_locked_keyring_takes_none),
		TEST(a_credential_is_passed),
		TEST(without_a_source_it_says_so),
		TEST(one_that_is_known_is_not_asked_for),
		TEST(a_command_that_hangs_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
