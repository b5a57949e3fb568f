/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "net/socks5.h"

/* ---- URLs ---- */

static void
reads_urls(void **state)
{
	static const struct {
		const char *url, *host;
		uint16_t port;
		const char *user, *password;
	} rows[] = {
		{"socks5://proxy.example", "proxy.example", 1080, "", ""},
		{"socks5://proxy.example/", "proxy.example", 1080, "", ""},
		{"socks5://127.0.0.1:9050", "127.0.0.1", 9050, "", ""},
		{"socks5://[::1]:9050", "::1", 9050, "", ""},
		{"socks5://[::1]", "::1", 1080, "", ""},
		{"socks5://u:p@h:1", "h", 1, "u", "p"},
		{"socks5://u:p@q@h:1", "h", 1, "u", "p@q"},
		{"socks5://a%40b:%3a%2F@h", "h", 1080, "a@b", ":/"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct socks5_proxy proxy;

		if (!socks5_parse(rows[i].url, &proxy))
			fail_msg("refused: %s", rows[i].url);
		assert_string_equal(proxy.host, rows[i].host);
		assert_int_equal(proxy.port, rows[i].port);
		assert_string_equal(proxy.user, rows[i].user);
		assert_string_equal(proxy.password, rows[i].password);
	}
}

static void
refuses_other_urls(void **state)
{
	static const char *const wrong[] = {"", "socks5://", "proxy.example",
		"http://proxy.example", "socks5://h:0", "socks5://h:65536",
		"socks5://h:1x", "socks5://[::1", "socks5://[::1]x",
		"socks5://u@h", "socks5://:p@h", "socks5://u:@h",
		"socks5://u:%zz@h", "socks5://u:%00@h", "socks5://u:%4@h",
		"socks5://h/path"};
	struct socks5_proxy proxy = {.port = 77};

	for (size_t i = 0; i < COUNT(wrong); i++)
		if (socks5_parse(wrong[i], &proxy))
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(proxy.port, 77);
}

/* ---- dialogs ---- */

struct dialog {
	const char *host; /* that is asked for */
	bool has_login;
	struct bytes said, sent;
	enum socks5_result result;
	const char *error;
};

#define HELLO	    "\5\1\0"
#define HELLO_LOGIN "\5\2\0\2"
#define LOGIN	    "\1\4user\6secret"
#define NAME	    "\5\1\0\3\14mail.invalid\3\343" /* port 995 */
#define YES	    "\5\0\0\1\0\0\0\0\0\0"

static const struct dialog dialogs[] = {
	{"mail.invalid", false, TEXT("\5\0" YES), TEXT(HELLO NAME), SOCKS5_DONE,
		""},
	/* What it says of its own address has three forms. */
	{"mail.invalid", false,
		TEXT("\5\0\5\0\0\4"
		     "1234567890123456"
		     "pp"),
		TEXT(HELLO NAME), SOCKS5_DONE, ""},
	{"mail.invalid", false,
		TEXT("\5\0\5\0\0\3\7"
		     "example"
		     "pp"),
		TEXT(HELLO NAME), SOCKS5_DONE, ""},
	{"mail.invalid", false,
		TEXT("\5\0\5\0\0\3\0"
		     "pp"),
		TEXT(HELLO NAME), SOCKS5_DONE, ""},
	/* An address goes as one: there is nothing to look up. */
	{"192.0.2.1", false, TEXT("\5\0" YES),
		TEXT(HELLO "\5\1\0\1\300\0\2\1\3\343"), SOCKS5_DONE, ""},
	{"::1", false, TEXT("\5\0" YES),
		TEXT(HELLO "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\3\343"),
		SOCKS5_DONE, ""},
	/* Logins. */
	{"mail.invalid", true, TEXT("\5\2\1\0" YES),
		TEXT(HELLO_LOGIN LOGIN NAME), SOCKS5_DONE, ""},
	{"mail.invalid", true, TEXT("\5\0" YES), TEXT(HELLO_LOGIN NAME),
		SOCKS5_DONE, ""},
	{"mail.invalid", true, TEXT("\5\2\1\1"), TEXT(HELLO_LOGIN LOGIN),
		SOCKS5_FAILED, "it refuses the login"},
	{"mail.invalid", false, TEXT("\5\2"), TEXT(HELLO), SOCKS5_FAILED,
		"it wants a login: socks5://user:password@host:port"},
	{"mail.invalid", false, TEXT("\5\377"), TEXT(HELLO), SOCKS5_FAILED,
		"it wants a login: socks5://user:password@host:port"},
	{"mail.invalid", true, TEXT("\5\1"), TEXT(HELLO_LOGIN), SOCKS5_FAILED,
		"it wants another kind of login than a name and a password"},
	/* Failures. */
	{"mail.invalid", false, TEXT("HT"), TEXT(HELLO), SOCKS5_FAILED,
		"it does not speak SOCKS5"},
	{"mail.invalid", false, TEXT("\5\0\5\5\0\1\0"), TEXT(HELLO NAME),
		SOCKS5_FAILED, "the server refuses the connection"},
	{"mail.invalid", false, TEXT("\5\0\5\377\0\1\0"), TEXT(HELLO NAME),
		SOCKS5_FAILED, "it has failed"},
	{"mail.invalid", false, TEXT("\5\0\5\0\0\2\0"), TEXT(HELLO NAME),
		SOCKS5_FAILED, "its reply is not SOCKS5"},
	{"mail.invalid", false, TEXT("\5\0\4\0\0\1\0"), TEXT(HELLO NAME),
		SOCKS5_FAILED, "its reply is not SOCKS5"},
	/* Not over yet. */
	{"mail.invalid", false, TEXT("\5"), TEXT(HELLO), SOCKS5_MORE, ""},
	{"mail.invalid", false, TEXT("\5\0\5\0\0\1\0\0\0\0\0"),
		TEXT(HELLO NAME), SOCKS5_MORE, ""},
};

static const struct socks5_proxy plain = {.host = "proxy", .port = 1080};
static const struct socks5_proxy with_login = {
	.host = "proxy", .port = 1080, .user = "user", .password = "secret"};

/* In pieces of at most `most`. */
static void
run(const struct dialog *dialog, size_t most)
{
	struct bytes rest = dialog->said;
	enum socks5_result result;
	struct socks5 socks5;
	struct buffer out;

	buffer_init(&out, SOCKS5_OUTPUT_MAXIMUM_OCTETS);
	result = socks5_begin(&socks5, dialog->has_login ? &with_login : &plain,
		dialog->host, 995, &out);
	while (result == SOCKS5_MORE && rest.octets > 0) {
		size_t octets = socks5_wanted(&socks5);

		assert_true(octets > 0);
		if (octets > most)
			octets = most;
		if (octets > rest.octets)
			octets = rest.octets;
		result = socks5_take(&socks5, bytes_of(rest.at, octets), &out);
		rest = bytes_after(rest, octets);
	}
	assert_int_equal(result, dialog->result);
	assert_string_equal(socks5_error(&socks5), dialog->error);
	assert_bytes(buffer_bytes(&out), dialog->sent, dialog->said);
	/* What the server says behind is left alone. */
	assert_int_equal(rest.octets, 0);
	buffer_release(&out);
}

static void
dialogs_cut_anyhow(void **state)
{
	for (size_t i = 0; i < COUNT(dialogs); i++)
		for (size_t most = 1; most <= 24; most++)
			run(&dialogs[i], most);
}

static void
a_name_has_its_maximum(void **state)
{
	char host[SOCKS5_FIELD_MAXIMUM_OCTETS + 2];
	struct socks5 socks5;
	struct buffer out;

	buffer_init(&out, SOCKS5_OUTPUT_MAXIMUM_OCTETS);
	memset(host, 'x', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(
		socks5_begin(&socks5, &plain, host, 995, &out), SOCKS5_FAILED);
	assert_int_equal(out.octets, 0);
	host[sizeof(host) - 2] = '\0';
	assert_int_equal(
		socks5_begin(&socks5, &plain, host, 995, &out), SOCKS5_MORE);
	assert_int_equal(
		socks5_take(&socks5, BYTES("\5\0"), &out), SOCKS5_MORE);
	assert_int_equal(out.octets, 3 + 5 + 255 + 2);
	buffer_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_urls),
		cmocka_unit_test(refuses_other_urls),
		cmocka_unit_test(dialogs_cut_anyhow),
		cmocka_unit_test(a_name_has_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
