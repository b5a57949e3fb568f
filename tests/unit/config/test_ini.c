/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "base/buffer.h"
#include "config/ini.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what was told, one line each: "LINE [section|name] key=value" ---- */

struct log {
	struct buffer text;
	unsigned stop; /* refuses this entry, 1-based; 0: none */
	unsigned count;
};

static bool
note(const struct ini_entry *entry, char error[INI_ERROR_SIZE], void *context)
{
	struct log *log = context;

	assert_non_null(entry->section);
	assert_non_null(entry->name);
	assert_true(buffer_printf(&log->text, "%u [%s|%s]", entry->line,
		entry->section, entry->name));
	if (entry->key)
		assert_true(buffer_printf(
			&log->text, " %s=%s", entry->key, entry->value));
	assert_true(buffer_append_string(&log->text, "\n"));
	if (++log->count != log->stop)
		return true;
	snprintf(error, INI_ERROR_SIZE, "enough");
	return false;
}

static void
log_init(struct log *log)
{
	*log = (struct log){0};
	buffer_init(&log->text, 1u << 20);
}

/* ---- good ---- */

struct row {
	struct bytes text;
	const char *log;
};

static const struct row good[] = {
	{TEXT(""), ""},
	{TEXT("\n\n \n\t\n"), ""},
	/* sections */
	{TEXT("[a]"), "1 [a|]\n"},
	{TEXT("[a]\n"), "1 [a|]\n"},
	{TEXT(" [ a ] \n"), "1 [a|]\n"},
	{TEXT("[a b]\n"), "1 [a|b]\n"},
	{TEXT("[a\tb c  ]\n"), "1 [a|b c]\n"},
	{TEXT("[account me@host]\n"), "1 [account|me@host]\n"},
	{TEXT("[a]\n[b]\n[a]\n"), "1 [a|]\n2 [b|]\n3 [a|]\n"},
	/* keys */
	{TEXT("k=v\n"), "1 [|] k=v\n"},
	{TEXT("k=v"), "1 [|] k=v\n"},
	{TEXT("  k \t=  v w\t \n"), "1 [|] k=v w\n"},
	{TEXT("k=\n"), "1 [|] k=\n"},
	{TEXT("k = a = b\n"), "1 [|] k=a = b\n"},
	{TEXT("two words = v\n"), "1 [|] two words=v\n"},
	{TEXT("k = \"v\"\n"), "1 [|] k=\"v\"\n"},
	{TEXT("[a]\nk=v\n\n[b c]\nk=w\n"),
		"1 [a|]\n2 [a|] k=v\n4 [b|c]\n5 [b|c] k=w\n"},
	{TEXT("address = 0.0.0.0:995, [::]:995\n"),
		"1 [|] address=0.0.0.0:995, [::]:995\n"},
	/* comments */
	{TEXT("; k=v\n# k=v\n  ; k=v\n\t# k=v\n;\n#"), ""},
	{TEXT("k = v ; why\n"), "1 [|] k=v\n"},
	{TEXT("k = v\t# why\n"), "1 [|] k=v\n"},
	{TEXT("k = v;w#x\n"), "1 [|] k=v;w#x\n"},
	{TEXT("k = ;\n"), "1 [|] k=\n"},
	{TEXT("[a] ; why\n"), "1 [a|]\n"},
	/* lines that go on */
	{TEXT("k = v\\\nw\nl = x\n"), "1 [|] k=vw\n3 [|] l=x\n"},
	{TEXT("k = v, \\\n   w, \\\n\tx\nl = y\n"),
		"1 [|] k=v,    w, \tx\n4 [|] l=y\n"},
	{TEXT("k \\\n\\\n= v\n"), "1 [|] k=v\n"},
	{TEXT("[a\\\nb]\nk = v\n"), "1 [ab|]\n3 [ab|] k=v\n"},
	{TEXT("k = v\\\n ; why\nl = w\n"), "1 [|] k=v\n3 [|] l=w\n"},
	/* A comment ends with its line: it hides no setting. */
	{TEXT("; C:\\\nk = v\n"), "2 [|] k=v\n"},
	{TEXT("k = v ; C:\\\nl = w\n"), "1 [|] k=v\n2 [|] l=w\n"},
	{TEXT("k = C:\\dir\n"), "1 [|] k=C:\\dir\n"},
	/* octets */
	{TEXT("\xef\xbb\xbf[a]\nk = \xc3\xa9\n"),
		"1 [a|]\n2 [a|] k=\xc3\xa9\n"},
	{TEXT("k = a\rb\n"), "1 [|] k=a\rb\n"},
};

static void
parse_good(const struct row *row, struct bytes text)
{
	char error[INI_ERROR_SIZE] = "untouched";
	struct log log;

	log_init(&log);
	if (ini_parse("test.conf", text, note, &log, error) != OK)
		fail_msg("%s", error);
	assert_string_equal(error, "untouched");
	assert_bytes(
		buffer_bytes(&log.text), bytes_of_string(row->log), row->text);
	buffer_release(&log.text);
}

/* Each line end with a CR in front, as some editors have it. */
static void
parse_good_with_cr(const struct row *row)
{
	struct buffer text;

	buffer_init(&text, 4096);
	for (size_t i = 0; i < row->text.octets; i++) {
		if (row->text.at[i] == '\n')
			assert_true(buffer_append_string(&text, "\r"));
		assert_true(buffer_append(&text, row->text.at + i, 1));
	}
	parse_good(row, buffer_bytes(&text));
	buffer_release(&text);
}

static void
reads_what_is_good(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		parse_good(&good[i], good[i].text);
		parse_good_with_cr(&good[i]);
	}
}

/* ---- bad ---- */

static const struct row bad[] = {
	{TEXT("word\n"), "test.conf:1: expected key = value or [section]"},
	{TEXT("\n\n  word"), "test.conf:3: expected key = value or [section]"},
	{TEXT("k=v\n]\n"), "test.conf:2: expected key = value or [section]"},
	{TEXT("= v\n"), "test.conf:1: a key is missing before ="},
	{TEXT("[a]\n\t = v\n"), "test.conf:2: a key is missing before ="},
	{TEXT("=\n"), "test.conf:1: a key is missing before ="},
	{TEXT("[\n"), "test.conf:1: a section is [word] or [word name]"},
	{TEXT("[a\n"), "test.conf:1: a section is [word] or [word name]"},
	{TEXT("[a] k=v\n"), "test.conf:1: a section is [word] or [word name]"},
	{TEXT("[a]]\n"), "test.conf:1: a section is [word] or [word name]"},
	{TEXT("[a ;b]\n"), "test.conf:1: a section is [word] or [word name]"},
	{TEXT("[]\n"), "test.conf:1: a section needs a name"},
	{TEXT("[ \t]\n"), "test.conf:1: a section needs a name"},
	{TEXT("k = a\0b\n"), "test.conf:1: the line holds a NUL"},
	{TEXT("\n\0\n"), "test.conf:2: the line holds a NUL"},
	{TEXT("k = v\\\n\0\n"), "test.conf:1: the line holds a NUL"},
	/* It would go on when it is written and read again. */
	{TEXT("k = v\\"), "test.conf:1: a value cannot end in \\"},
	{TEXT("k = v\\ ; why\n"), "test.conf:1: a value cannot end in \\"},
	{TEXT("k = v\\ \n"), "test.conf:1: a value cannot end in \\"},
	{TEXT("k =#v\n"), "test.conf:1: a value cannot begin with #"},
	{TEXT("k =;v\n"), "test.conf:1: a value cannot begin with ;"},
	/* What is counted is lines of the file. */
	{TEXT("k = a\\\nb\\\nc\nword\n"),
		"test.conf:4: expected key = value or [section]"},
	{TEXT("a\\\nb\n"), "test.conf:1: expected key = value or [section]"},
	{TEXT("include = other.conf\n"), "test.conf:1: include goes too deep"},
};

static void
says_where_and_what_is_bad(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		char error[INI_ERROR_SIZE] = "";
		struct log log;

		log_init(&log);
		assert_int_equal(
			ini_parse("test.conf", bad[i].text, note, &log, error),
			ERR_PEER);
		assert_string_equal(error, bad[i].log);
		buffer_release(&log.text);
	}
}

static void
stops_where_it_is_told(void **state)
{
	char error[INI_ERROR_SIZE] = "";
	struct log log;

	log_init(&log);
	log.stop = 3;
	assert_int_equal(ini_parse("x/y.conf", BYTES("[a]\nk=v\n\n[b]\nl=w\n"),
				 note, &log, error),
		ERR_PEER);
	assert_string_equal(error, "x/y.conf:4: enough");
	assert_int_equal(log.count, 3);
	buffer_release(&log.text);
}

/* A name of a file that is longer than the message. */
static void
the_message_has_its_maximum(void **state)
{
	char error[INI_ERROR_SIZE], file[2 * INI_ERROR_SIZE];
	struct log log;

	log_init(&log);
	memset(file, 'f', sizeof(file) - 1);
	file[sizeof(file) - 1] = '\0';
	assert_int_equal(
		ini_parse(file, BYTES("word\n"), note, &log, error), ERR_PEER);
	assert_non_null(strstr(error, ":1: expected key"));
	buffer_release(&log.text);
}

/* ---- long lines ---- */

/* "k = xxx..." of `octets`, in pieces of `piece` that go on. */
static void
make_line(struct buffer *out, size_t octets, size_t piece)
{
	assert_true(buffer_append_string(out, "k = "));
	for (size_t i = 4; i < octets; i++) {
		assert_true(buffer_append_string(out, "x"));
		if (i % piece == 0)
			assert_true(buffer_append_string(out, "\\\n"));
	}
	assert_true(buffer_append_string(out, "\nl = w\n"));
}

static enum outcome
parse_line(size_t octets, size_t piece, char error[INI_ERROR_SIZE])
{
	enum outcome outcome;
	struct buffer text;
	struct log log;

	log_init(&log);
	buffer_init(&text, 1u << 20);
	make_line(&text, octets, piece);
	outcome =
		ini_parse("test.conf", buffer_bytes(&text), note, &log, error);
	if (outcome == OK)
		assert_int_equal(log.count, 2);
	buffer_release(&text);
	buffer_release(&log.text);
	return outcome;
}

static void
a_line_has_its_maximum(void **state)
{
	char error[INI_ERROR_SIZE];

	assert_int_equal(
		parse_line(INI_LINE_MAXIMUM_OCTETS, SIZE_MAX, error), OK);
	assert_int_equal(
		parse_line(INI_LINE_MAXIMUM_OCTETS + 1, SIZE_MAX, error),
		ERR_PEER);
	assert_string_equal(
		error, "test.conf:1: the line is longer than 8192 octets");
	/* Also one that comes in pieces, a little before for its "\". */
	assert_int_equal(
		parse_line(INI_LINE_MAXIMUM_OCTETS - 1, 100, error), OK);
	assert_int_equal(
		parse_line(INI_LINE_MAXIMUM_OCTETS + 1, 100, error), ERR_PEER);
	assert_string_equal(
		error, "test.conf:1: the line is longer than 8192 octets");
}

/* ---- files ---- */

static char folder[] = "/tmp/restante-ini-XXXXXX";

static int
make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int
remove_folder(void **state)
{
	static const char *const names[] = {"main.conf", "a.conf", "b.conf",
		"loop.conf", "big.conf", "conf.d/10.conf", "conf.d/20.conf",
		"conf.d/30.other", "conf.d/nested.inc", "conf.d", ""};
	char path[PATH_MAX];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		remove(path);
	}
	return access(folder, F_OK) == 0 ? -1 : 0;
}

static void
write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
load(const char *name, enum outcome expected, const char *wanted)
{
	char path[PATH_MAX], error[INI_ERROR_SIZE] = "", full[PATH_MAX + 600];
	struct log log;

	log_init(&log);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(ini_load(path, note, &log, error), expected);
	if (expected == OK) {
		assert_bytes(buffer_bytes(&log.text), bytes_of_string(wanted),
			BYTES_NONE);
	} else {
		snprintf(full, sizeof(full), "%s/%s", folder, wanted);
		assert_string_equal(error, full);
	}
	buffer_release(&log.text);
}

static void
includes_relative_to_the_file(void **state)
{
	write_file("main.conf", "[a]\nk = 1\ninclude = a.conf\n[c]\nm = 4\n");
	write_file("a.conf", "[b]\nl = 2\ninclude = b.conf\n");
	write_file("b.conf", "[d]\nl = 3\n");
	load("main.conf", OK,
		"1 [a|]\n2 [a|] k=1\n1 [b|]\n2 [b|] l=2\n"
		"1 [d|]\n2 [d|] l=3\n4 [c|]\n5 [c|] m=4\n");
}

static void
includes_absolute_paths(void **state)
{
	char text[PATH_MAX];

	snprintf(text, sizeof(text), "include = %s/b.conf\n", folder);
	write_file("main.conf", text);
	write_file("b.conf", "[b]\n");
	load("main.conf", OK, "1 [b|]\n");
}

static void
includes_patterns_in_order(void **state)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/conf.d", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("conf.d/20.conf", "[y]\n");
	write_file("conf.d/10.conf", "[x]\ninclude = nested.inc\n");
	write_file("conf.d/nested.inc", "[nested]\n");
	write_file("conf.d/30.other", "wrong\n");
	write_file("main.conf", "include = conf.d/*.conf\n[a]\n");
	load("main.conf", OK, "1 [x|]\n1 [nested|]\n1 [y|]\n2 [a|]\n");
	write_file("main.conf", "include = conf.d/*.nothing\n[a]\n");
	load("main.conf", OK, "2 [a|]\n");
}

/* Within an included file no section holds that began outside of it. */
static void
a_file_has_sections_of_its_own(void **state)
{
	write_file("main.conf", "[a]\ninclude = a.conf\nk = 1\n");
	write_file("a.conf", "l = 2\n");
	load("main.conf", OK, "1 [a|]\n1 [|] l=2\n3 [a|] k=1\n");
	/* Which section holds behind this one would be a guess. */
	write_file("a.conf", "[b]\nl = 2\n");
	load("main.conf", ERR_PEER,
		"main.conf:3: another section began in an included file: say "
		"[a] again before this key");
	write_file("b.conf", "include = a.conf\n");
	write_file("main.conf", "[a x]\ninclude = b.conf\nk = 1\n");
	load("main.conf", ERR_PEER,
		"main.conf:3: another section began in an included file: say "
		"[a x] again before this key");
	write_file("main.conf", "[a]\ninclude = b.conf\n[a]\nk = 1\n");
	load("main.conf", OK,
		"1 [a|]\n1 [b|]\n2 [b|] l=2\n3 [a|]\n4 [a|] k=1\n");
}

static void
says_which_file_is_wrong(void **state)
{
	write_file("main.conf", "[a]\ninclude = a.conf\n");
	write_file("a.conf", "\n\nword\n");
	load("main.conf", ERR_PEER,
		"a.conf:3: expected key = value or [section]");
	load("missing.conf", ERR_PEER,
		"missing.conf: cannot read it: No such file or directory");
}

static void
says_what_cannot_be_included(void **state)
{
	char error[PATH_MAX];

	write_file("main.conf", "\ninclude = missing.conf\n");
	snprintf(error, sizeof(error), "main.conf:2: cannot find %s/%s", folder,
		"missing.conf");
	load("main.conf", ERR_PEER, error);
	write_file("main.conf", "include = .\n");
	load("main.conf", ERR_PEER, ".: cannot read it: Is a directory");
}

static void
an_include_of_itself_ends(void **state)
{
	write_file("loop.conf", "[a]\ninclude = loop.conf\n");
	load("loop.conf", ERR_PEER, "loop.conf:2: include goes too deep");
}

static void
a_file_has_its_maximum(void **state)
{
	char *text = malloc(INI_FILE_MAXIMUM_OCTETS + 2);

	assert_non_null(text);
	memset(text, '\n', INI_FILE_MAXIMUM_OCTETS + 1);
	text[INI_FILE_MAXIMUM_OCTETS + 1] = '\0';
	write_file("big.conf", text);
	load("big.conf", ERR_PEER, "big.conf: cannot read it: File too large");
	text[INI_FILE_MAXIMUM_OCTETS / 2] = '\0';
	write_file("big.conf", text);
	load("big.conf", OK, "");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_good),
		cmocka_unit_test(says_where_and_what_is_bad),
		cmocka_unit_test(stops_where_it_is_told),
		cmocka_unit_test(the_message_has_its_maximum),
		cmocka_unit_test(a_line_has_its_maximum),
		cmocka_unit_test(includes_relative_to_the_file),
		cmocka_unit_test(includes_absolute_paths),
		cmocka_unit_test(includes_patterns_in_order),
		cmocka_unit_test(a_file_has_sections_of_its_own),
		cmocka_unit_test(says_which_file_is_wrong),
		cmocka_unit_test(says_what_cannot_be_included),
		cmocka_unit_test(an_include_of_itself_ends),
		cmocka_unit_test(a_file_has_its_maximum),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
