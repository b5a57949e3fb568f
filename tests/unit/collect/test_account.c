/* SPDX-License-Identifier: ISC */
#include "folder.h"

#include "collect/account.h"
#include "collect/oauth/provider.h"

#include <stdlib.h>

#define MINIMAL "[account a]\nhost = h\npassword-file = p\n"

static struct collect_settings settings;
static char error[INI_ERROR_SIZE];

static int
set_up(void **state)
{
	error[0] = '\0';
	if (folder_make(state) != 0)
		return -1;
	return collect_settings_init(&settings, "/var/state") ? 0 : -1;
}

static int
tear_down(void **state)
{
	collect_settings_release(&settings);
	collect_settings_release(&settings);
	return folder_remove(state);
}

static enum outcome
parse(const char *text)
{
	return collect_settings_parse(
		&settings, "test.conf", bytes_of_string(text), error);
}

/* ---- what is good ---- */

static void
begins_with_defaults(void **state)
{
	const struct collect_account *account;

	assert_int_equal(parse(MINIMAL), OK);
	assert_string_equal(settings.state, "/var/state");
	assert_int_equal(settings.count, 1);
	account = &settings.accounts[0];
	assert_string_equal(account->name, "a");
	assert_string_equal(account->host, "h");
	assert_int_equal(account->tls, ACCOUNT_TLS_IMPLICIT);
	assert_string_equal(account_tls_name(account), "implicit");
	assert_int_equal(account_port(account), 995);
	assert_string_equal(account_user(account), "a");
	assert_string_equal(account->ca_file, "");
	assert_true(account->keep);
	assert_int_equal(account->line_ends, LINE_ENDS_KEEP);
	assert_int_equal(account->timeout_seconds, 60);
	assert_int_equal(account->session_maximum_seconds, 12 * 3600);
	assert_int_equal(account->minimum_rate, 16);
	assert_int_equal(account->sessions, SESSIONS_AUTO);
	assert_int_equal(account->maximum_message_octets, 1u << 30);
}

static void
takes_every_key(void **state)
{
	const struct collect_account *account;

	assert_int_equal(parse("[client]\n"
			       "state = ~/state\n"
			       "[account alice@example.org]\n"
			       "host = mail.example.org\n"
			       "port = 1110\n"
			       "tls = starttls\n"
			       "ca-file = /ca.pem\n"
			       "user = alice the first\n"
			       "password-command = pass mail | head -1\n"
			       "maildir = ~/Mail/a\n"
			       "line-ends = lf\n"
			       "keep = no\n"
			       "timeout = 2m\n"
			       "session-maximum = 1h\n"
			       "minimum-rate = 1KiB\n"
			       "sessions = one\n"
			       "maximum-message = 50 MiB\n"
			       "[account b]\n"
			       "host = h\n"
			       "tls = none\n"
			       "password-file = p\n"),
		OK);
	assert_string_equal(settings.state, "~/state");
	account = collect_settings_find(&settings, "alice@example.org");
	assert_ptr_equal(account, &settings.accounts[0]);
	assert_string_equal(account->host, "mail.example.org");
	assert_int_equal(account_port(account), 1110);
	assert_string_equal(account_tls_name(account), "starttls");
	assert_string_equal(account->ca_file, "/ca.pem");
	assert_string_equal(account_user(account), "alice the first");
	assert_string_equal(account->password_command, "pass mail | head -1");
	assert_string_equal(account->maildir, "~/Mail/a");
	assert_int_equal(account->line_ends, LINE_ENDS_LF);
	assert_false(account->keep);
	assert_int_equal(account->timeout_seconds, 120);
	assert_int_equal(account->session_maximum_seconds, 3600);
	assert_int_equal(account->minimum_rate, 1024);
	assert_int_equal(account->sessions, SESSIONS_ONE);
	assert_int_equal(account->maximum_message_octets, 50u << 20);
	account = collect_settings_find(&settings, "b");
	assert_ptr_equal(account, &settings.accounts[1]);
	assert_string_equal(account_tls_name(account), "none");
	assert_int_equal(account_port(account), 110);
	assert_null(collect_settings_find(&settings, "B"));
}

static void
starttls_goes_to_port_110(void **state)
{
	assert_int_equal(parse(MINIMAL "tls = starttls\n"), OK);
	assert_int_equal(account_port(&settings.accounts[0]), 110);
}

static void
nothing_is_no_account(void **state)
{
	assert_int_equal(parse("; later\n"), OK);
	assert_int_equal(settings.count, 0);
	assert_null(collect_settings_find(&settings, ""));
}

/* ---- what is wrong ---- */

#define ONE_PASSWORD                                                           \
	"password-file, password-command, password-keyring, "                  \
	"password-credential: only one of them can be given"
#define PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
says_where_and_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{"host = h\n", "1: \"host\" stands before any [section]"},
		{"\n[acount a]\n",
			"2: unknown section [acount a]; did you mean "
			"\"account\"?"},
		{"[client a]\n", "1: unknown section [client a]; did you mean "
				 "\"client\"?"},
		{"[client]\nstat = x\n",
			"2: unknown key \"stat\" in [client]; did you mean "
			"\"state\"?"},
		{"[client]\nhost = x\n", "2: unknown key \"host\" in [client]"},
		{"[client]\nstate = x\nstate = y\n",
			"3: state stands twice in [client]"},
		{"[account]\n", "1: [account ]: a name is made of letters, "
				"digits and @ . _ + -"},
		{"[account a/b]\n", "1: [account a/b]: a name is made of "
				    "letters, digits and @ . _ + -"},
		{MINIMAL "[account a]\n", "4: [account a] stands twice"},
		{"[account a]\nhots = x\n",
			"2: unknown key \"hots\" in [account]; did you mean "
			"\"host\"?"},
		{MINIMAL "host = x\n", "4: host stands twice in [account]"},
		{MINIMAL "port = 65536\n",
			"4: port = 65536: must be from 0 to 65535"},
		{MINIMAL "port = pop3\n",
			"4: port = pop3: expected a value like 4"},
		{MINIMAL "tls = yes\n",
			"4: tls = yes: must be one of implicit|starttls|none"},
		{MINIMAL "line-ends = crlf\n",
			"4: line-ends = crlf: must be one of keep|lf"},
		{MINIMAL "keep = 7\n", "4: keep = 7: must be yes or no"},
		{MINIMAL "timeout = 0\n",
			"4: timeout = 0: must be from 1 to 3600"},
		{MINIMAL "timeout = 2h\n",
			"4: timeout = 2h: must be from 1 to 3600"},
		{MINIMAL "timeout = 1y\n",
			"4: timeout = 1y: expected a value like 10m"},
		{MINIMAL "session-maximum = 9\n",
			"4: session-maximum = 9: must be from 10 to 604800"},
		{MINIMAL "minimum-rate = 2GiB\n",
			"4: minimum-rate = 2GiB: must be from 0 to "
			"1073741824"},
		{MINIMAL "sessions = two\n",
			"4: sessions = two: must be one of auto|one|all"},
		{MINIMAL "maximum-message = 1023\n",
			"4: maximum-message = 1023: must be from 1024 to "
			"1099511627776"},
		{MINIMAL "maximum-message = 2TiB\n",
			"4: maximum-message = 2TiB: must be from 1024 to "
			"1099511627776"},
		{MINIMAL "maximum-message = big\n",
			"4: maximum-message = big: expected a value like "
			"50MiB"},
		{MINIMAL "nonsense\n", "4: expected key = value or [section]"},
		/* What a section lacks is seen when all is read. */
		{"\n[account a]\npassword-file = p\n\n[client]\n",
			"2: [account a]: host is missing"},
		{MINIMAL "[account b]\nhost = h\npassword-file = p\n"
			 "password-command = c\n",
			"4: [account b]: " ONE_PASSWORD},
		{MINIMAL "[account b]\nhost = h\npassword-keyring = yes\n"
			 "password-credential = c\n",
			"4: [account b]: " ONE_PASSWORD},
		{MINIMAL "[account b]\nhost = h\n"
			 "password-credential = ../c\n",
			"4: [account b]: password-credential is a name, not a "
			"path"},
		{MINIMAL "[account b]\nhost = h\ntls-pin = sha256//x\n",
			"4: [account b]: tls-pin is a list of at most 8 pins, "
			"each sha256//BASE64"},
		{MINIMAL "[account b]\nhost = h\ntls = none\ntls-pin = " PIN
			 "\n",
			"4: [account b]: tls-pin needs TLS"},
		{MINIMAL "[account b]\nhost = h\nproxy = http://h\n",
			"4: [account b]: proxy is "
			"socks5://[USER:PASSWORD@]HOST[:PORT]"},
		{MINIMAL "[account b]\nhost = h\ntls = none\n"
			 "proxy = socks5://h\n",
			"4: [account b]: proxy needs TLS: without it the proxy "
			"could read the password"},
		{MINIMAL "[account b]\nhost = h:995\n",
			"4: [account b]: host is a name alone; its port goes "
			"to "
			"port"},
		{MINIMAL "[account b]\nhost = h\ndeliver = mbox\n",
			"4: [account b]: deliver = mbox needs mbox, the file"},
		{MINIMAL "[account b]\nhost = h\ndeliver = pipe\n",
			"4: [account b]: deliver = pipe needs deliver-command"},
		{MINIMAL "[account b]\nhost = h\ndeliver = pipe\n"
			 "deliver-command = sh -c 'cat\n",
			"4: [account b]: deliver-command has a quote that is "
			"not closed, or too many words"},
		{MINIMAL "[account b]\nhost = h\ndeliver = lmtp\n"
			 "deliver-server = h:24\n",
			"4: [account b]: deliver = lmtp or smtp needs "
			"deliver-server and deliver-recipient, an address"},
		{MINIMAL "[account b]\nhost = h\ndeliver = imap\n"
			 "deliver-server = h:993\n",
			"4: [account b]: deliver = imap needs deliver-server "
			"and deliver-user"},
		{MINIMAL "[account b]\nhost = h\ndeliver = imap\n"
			 "deliver-server = h\ndeliver-user = u\n",
			"4: [account b]: deliver-server is HOST:PORT or "
			"unix:/PATH"},
	};
	char wanted[INI_ERROR_SIZE];

	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(
			wanted, sizeof(wanted), "test.conf:%s", wrong[i].error);
		assert_int_equal(parse(wrong[i].text), ERR_PEER);
		assert_string_equal(error, wanted);
		collect_settings_release(&settings);
		assert_true(collect_settings_init(&settings, ""));
	}
}

static void
accounts_have_their_maximum(void **state)
{
	struct buffer text;
	char wanted[INI_ERROR_SIZE];

	buffer_init(&text, INI_FILE_MAXIMUM_OCTETS);
	for (int i = 0; i <= ACCOUNTS_MAXIMUM; i++)
		assert_true(buffer_printf(&text,
			"[account a%d]\nhost = h\npassword-file = p\n", i));
	snprintf(wanted, sizeof(wanted), "test.conf:%d: more than %d accounts",
		3 * ACCOUNTS_MAXIMUM + 1, ACCOUNTS_MAXIMUM);
	assert_int_equal(collect_settings_parse(&settings, "test.conf",
				 buffer_bytes(&text), error),
		ERR_PEER);
	assert_string_equal(error, wanted);
	assert_int_equal(settings.count, ACCOUNTS_MAXIMUM);
	buffer_release(&text);
}

/* In an included file it is that file's name and line. */
static void
says_which_file_is_wrong(void **state)
{
	const char *file = in_folder("restante.conf");
	char wanted[INI_ERROR_SIZE];

	snprintf(wanted, sizeof(wanted), "%s/conf.d/b.conf:2: %s",
		folder_path(), "[account b]: host is missing");
	assert_int_equal(mkdir(in_folder("conf.d"), 0700), 0);
	write_text(file, MINIMAL "include = conf.d/*.conf\n");
	write_text(in_folder("conf.d/b.conf"),
		"\n[account b]\npassword-file = p\n");
	assert_int_equal(
		collect_settings_load(&settings, file, error), ERR_PEER);
	assert_string_equal(error, wanted);
}

static void
says_that_a_file_is_missing(void **state)
{
	const char *file = in_folder("restante.conf");
	char wanted[INI_ERROR_SIZE];

	snprintf(wanted, sizeof(wanted),
		"%s: cannot read it: No such file or directory", file);
	assert_int_equal(
		collect_settings_load(&settings, file, error), ERR_PEER);
	assert_string_equal(error, wanted);
}

/* ---- names ---- */

static void
names_are_safe_in_paths(void **state)
{
	static const char *const good[] = {
		"a", "alice@example.org", "Alice_1+x-y", "_", "@", "+", "a..b"};
	static const char *const bad[] = {"", ".", "..", ".a", "-a", "a/b",
		"a b", "a\n", "a\tb", "caf\xc3\xa9", "a%b", "a:b", "a\\b"};
	char name[ACCOUNT_NAME_MAXIMUM_OCTETS + 2];

	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(account_is_name(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(account_is_name(bad[i]));
	memset(name, 'a', sizeof(name));
	name[ACCOUNT_NAME_MAXIMUM_OCTETS] = '\0';
	assert_true(account_is_name(name));
	name[ACCOUNT_NAME_MAXIMUM_OCTETS] = 'a';
	name[ACCOUNT_NAME_MAXIMUM_OCTETS + 1] = '\0';
	assert_false(account_is_name(name));
}

/* ---- paths ---- */

static void
tilde_is_home(void **state)
{
	struct collect_account account;
	char path[64];

	assert_int_equal(setenv("HOME", "/home/ruth", 1), 0);
	assert_true(account_expand("~/x", path, sizeof(path)));
	assert_string_equal(path, "/home/ruth/x");
	assert_true(account_expand("~ruth/x", path, sizeof(path)));
	assert_string_equal(path, "/home/ruth/~ruth/x");
	/* Whatever directory this is. */
	assert_true(account_expand("x/y", path, sizeof(path)));
	assert_string_equal(path, "/home/ruth/x/y");
	assert_true(account_expand("/a/~/b", path, sizeof(path)));
	assert_string_equal(path, "/a/~/b");
	assert_true(account_expand("", path, sizeof(path)));
	assert_string_equal(path, "");
	assert_false(account_expand("~/x", path, strlen("/home/ruth/x")));
	assert_true(account_expand("~/x", path, strlen("/home/ruth/x") + 1));

	assert_true(account_init(&account, "alice"));
	assert_true(account_maildir(&account, path, sizeof(path)));
	assert_string_equal(path, "/home/ruth/Mail/alice");
	free(account.maildir);
	account.maildir = strdup("~/m");
	assert_true(account_maildir(&account, path, sizeof(path)));
	assert_string_equal(path, "/home/ruth/m");
	account_release(&account);
	account_release(&account);
}

/* ---- writing ---- */

static void
assert_written(const struct collect_account *account, const char *wanted)
{
	struct buffer text;

	buffer_init(&text, INI_FILE_MAXIMUM_OCTETS);
	assert_true(account_write(account, &text));
	assert_bytes(buffer_bytes(&text), bytes_of_string(wanted), BYTES_NONE);
	buffer_release(&text);
}

static void
writes_what_differs_from_the_defaults(void **state)
{
	assert_int_equal(parse(MINIMAL "port = 0\nkeep = yes\n"), OK);
	assert_written(&settings.accounts[0], MINIMAL);
}

/* The text is as account_write has it: reading and writing change nothing. */
static void
reads_back_what_was_written(void **state)
{
	static const char text[] = "[account alice@example.org]\n"
				   "host = mail.example.org\n"
				   "port = 1110\n"
				   "tls = none\n"
				   "ca-file = ~/ca.pem\n"
				   "user = a;b#c \\d\n"
				   "password-command = pass x|head -1;true\n"
				   "maildir = ~/My mail\n"
				   "line-ends = lf\n"
				   "keep = no\n"
				   "timeout = 3600\n"
				   "session-maximum = 10\n"
				   "minimum-rate = 0\n"
				   "sessions = all\n"
				   "maximum-message = 1099511627776\n";

	assert_int_equal(parse(text), OK);
	assert_string_equal(settings.accounts[0].user, "a;b#c \\d");
	assert_true(account_can_write(&settings.accounts[0], error));
	assert_written(&settings.accounts[0], text);
}

static void
says_what_a_line_cannot_hold(void **state)
{
	static const char *const values[] = {"a ; b", "a\t# b", "; a", "#",
		" a", "a ", "\ta", "a\n", "a\nkeep = no", "a\r", "a\\", "\\"};
	static const char text[] = "user cannot stand in one line of the "
				   "settings: ";
	struct collect_account account;

	assert_true(account_init(&account, "a"));
	for (size_t i = 0; i < COUNT(values); i++) {
		free(account.user);
		account.user = strdup(values[i]);
		error[0] = '\0';
		assert_false(account_can_write(&account, error));
		assert_memory_equal(error, text, sizeof(text) - 1);
	}
	account_release(&account);
}

static void
a_section_that_does_not_fit_is_refused(void **state)
{
	struct buffer text;

	assert_int_equal(parse(MINIMAL), OK);
	for (size_t room = 0; room < strlen(MINIMAL); room++) {
		buffer_init(&text, room);
		assert_false(account_write(&settings.accounts[0], &text));
		buffer_release(&text);
	}
}

/* ---- OAuth2 ---- */

static void
knows_whose_server_it_is(void **state)
{
	assert_string_equal(
		oauth_provider_of_host("outlook.office365.com"), "microsoft");
	assert_string_equal(oauth_provider_of_host("POP.Gmail.com"), "google");
	assert_null(oauth_provider_of_host("evilgmail.com"));
	assert_null(oauth_provider_of_host("gmail.com.example.org"));
	assert_null(oauth_provider_of_host(""));
}

/* The words of the setting and the rows of the table are in one order. */
static void
an_accounts_own_addresses_come_first(void **state)
{
	static const char *const words[] = {
		"none", "google", "microsoft", "yahoo", "aol", "custom"};
	char text[256];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(text, sizeof(text),
			"[account a%zu]\nhost = h\noauth = %s\n"
			"oauth-client-id = me\noauth-scope = mine\n",
			i, words[i]);
		assert_int_equal(parse(text), OK);
		assert_string_equal(
			oauth_provider_of(&settings.accounts[i]).name,
			words[i]);
		assert_string_equal(
			oauth_provider_of(&settings.accounts[i]).scope, "mine");
	}
}

/* ---- all of it ---- */

static void
assert_all_written(const struct collect_settings *initial, const char *wanted)
{
	struct buffer text;

	buffer_init(&text, INI_FILE_MAXIMUM_OCTETS);
	assert_true(collect_settings_write(&settings, initial, &text));
	assert_bytes(buffer_bytes(&text), bytes_of_string(wanted), BYTES_NONE);
	buffer_release(&text);
}

/* Into settings that know nothing yet. */
static void
parse_anew(struct buffer *text, const char *state)
{
	collect_settings_release(&settings);
	assert_true(collect_settings_init(&settings, state));
	assert_int_equal(collect_settings_parse(&settings, "test.conf",
				 buffer_bytes(text), error),
		OK);
	buffer_release(text);
}

/* Conditions in their order, whatever stands between them. */
static const char whole[] = "[client]\n"
			    "provider-database = https://h/\n"
			    "\n[account a]\nhost = h\nport = 1995\n"
			    "\n[account b]\nhost = h\n"
			    "\n[rule lists]\n"
			    "header = List-Id: *x*\n"
			    "not-recipient = *@y\n"
			    "header = From: z\n"
			    "folder = lists\n"
			    "\n[rule large]\n"
			    "larger-than = 1048576\n"
			    "action = headers\n";

static void
writes_all_that_a_file_said(void **state)
{
	struct collect_settings initial;

	assert_true(collect_settings_init(&initial, "/var/state"));
	assert_int_equal(parse(whole), OK);
	assert_all_written(&initial, whole);
	collect_settings_release(&initial);
}

/* With the defaults it is longer, and reads back as the same. */
static void
what_is_written_whole_reads_back(void **state)
{
	struct collect_settings initial;
	struct buffer text;

	buffer_init(&text, INI_FILE_MAXIMUM_OCTETS);
	assert_int_equal(parse(whole), OK);
	assert_true(collect_settings_write(&settings, NULL, &text));
	assert_true(text.octets > 2 * sizeof(whole));
	parse_anew(&text, "/var/state");
	assert_true(collect_settings_init(&initial, "/var/state"));
	assert_all_written(&initial, whole);
	collect_settings_release(&initial);
}

/* Of the sample, up to the rules: keys without the ";" before them. */
static void
uncomment(struct bytes rest, struct buffer *out)
{
	while (rest.octets > 0) {
		struct bytes line = bytes_cut(&rest, '\n');

		/* Conditions have no default. */
		if (bytes_equal(line, bytes_of_string(";[rule NAME]")))
			return;
		if (bytes_equal(line, bytes_of_string(";host = ")))
			line = bytes_of_string(";host = h");
		if (line.octets > 1 && line.at[0] == ';' && line.at[1] != ' ')
			line = bytes_after(line, 1);
		assert_true(buffer_append_bytes(out, line));
		assert_true(buffer_append_string(out, "\n"));
	}
	fail_msg("there are no rules");
}

/* As it stands it says nothing; without its ";" it says the defaults. */
static void
a_sample_has_the_defaults(void **state)
{
	struct collect_settings initial;
	struct buffer text, live;

	buffer_init(&text, INI_FILE_MAXIMUM_OCTETS);
	buffer_init(&live, INI_FILE_MAXIMUM_OCTETS);
	assert_true(collect_settings_sample(&text));
	uncomment(buffer_bytes(&text), &live);
	parse_anew(&text, "/state");
	assert_int_equal(settings.count, 0);
	parse_anew(&live, "/state");
	/* An empty path of the ledger is the one without the key. */
	assert_string_equal(settings.state, "/state");
	assert_true(collect_settings_init(&initial, "/state"));
	assert_all_written(
		&initial, "[client]\n\n[account ADDRESS]\nhost = h\n");
	collect_settings_release(&initial);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begins_with_defaults),
		TEST(takes_every_key),
		TEST(starttls_goes_to_port_110),
		TEST(nothing_is_no_account),
		TEST(says_where_and_what_is_wrong),
		TEST(accounts_have_their_maximum),
		TEST(says_which_file_is_wrong),
		TEST(says_that_a_file_is_missing),
		TEST(names_are_safe_in_paths),
		TEST(tilde_is_home),
		TEST(writes_what_differs_from_the_defaults),
		TEST(reads_back_what_was_written),
		TEST(says_what_a_line_cannot_hold),
		TEST(a_section_that_does_not_fit_is_refused),
		TEST(knows_whose_server_it_is),
		TEST(an_accounts_own_addresses_come_first),
		TEST(writes_all_that_a_file_said),
		TEST(what_is_written_whole_reads_back),
		TEST(a_sample_has_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
