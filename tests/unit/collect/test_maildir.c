/* SPDX-License-Identifier: ISC */
#include "folder.h"

#include "collect/sink.h"
#include "store/uidl.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define NAME_OCTETS  (1 + UIDL_OWN_OCTETS + 9) /* R, tag, .restante */
#define HOUR_SECONDS 3600
#define KEY(text)    ((struct message_key){BYTES(text), 0})
#define CHUNK_OCTETS 16384 /* of the sink when it makes LF */

static const struct sink_ops *ops;
static struct sink *sink;
static char error[SINK_ERROR_SIZE];

static void
open_as(const char *account, bool makes_lf, bool was_interrupted)
{
	struct sink_options options = {
		.account = account,
		.target = in_folder("Mail"),
		.makes_lf = makes_lf,
		.was_interrupted = was_interrupted,
	};

	ops->close(&sink);
	assert_null(sink);
	assert_int_equal(ops->open(&options, &sink, error), OK);
}

static int
set_up(void **state)
{
	ops = sink_find("maildir");
	if (!ops || folder_make(state) != 0)
		return -1;
	open_as("alice", false, false);
	return 0;
}

static int
tear_down(void **state)
{
	ops->close(&sink);
	ops->close(&sink);
	return folder_remove(state);
}

/* ---- plain calls ---- */

static struct sink_delivery *
begin(struct message_key key)
{
	struct sink_delivery *delivery = NULL;

	assert_int_equal(ops->begin(sink, &key, &delivery), OK);
	return delivery;
}

static struct sink_delivery *
arrived(struct message_key key, struct bytes octets)
{
	struct sink_delivery *delivery = begin(key);

	assert_int_equal(ops->put(sink, delivery, octets), OK);
	assert_int_equal(ops->end(sink, delivery), OK);
	return delivery;
}

static enum outcome
flush(struct sink_delivery *delivery)
{
	enum outcome outcome = ERR_GONE;

	ops->flush(sink, &delivery, 1, &outcome);
	ops->drop(sink, &delivery);
	assert_null(delivery);
	return outcome;
}

static enum outcome
deliver(struct message_key key, const char *text)
{
	return flush(arrived(key, bytes_of_string(text)));
}

static unsigned
count_in(const char *part)
{
	return count_entries(in_folder("Mail/%s", part));
}

static const char *
name_in(const char *part, unsigned n)
{
	return strrchr(entry_of(in_folder("Mail/%s", part), n), '/') + 1;
}

/* As a mail reader does with what it shows. */
static void
read_mail(unsigned n, const char *flags)
{
	const char *name = name_in("new", n);

	assert_int_equal(rename(in_folder("Mail/new/%s", name),
				 in_folder("Mail/cur/%s%s", name, flags)),
		0);
}

static void
assert_new(unsigned n, const char *text)
{
	assert_file(in_folder("Mail/new/%s", name_in("new", n)),
		bytes_of_string(text));
}

/* ---- a message ---- */

static void
files_a_message(void **state)
{
	struct stat status;
	const char *name;

	assert_int_equal(deliver(KEY("1"), "a\r\n\r\n.b\r\n"), OK);
	assert_int_equal(count_in("new"), 1);
	assert_int_equal(count_in("tmp"), 0);
	assert_int_equal(count_in("cur"), 0);
	assert_new(0, "a\r\n\r\n.b\r\n");
	name = name_in("new", 0);
	assert_int_equal(strlen(name), NAME_OCTETS);
	assert_int_equal(name[0], 'R');
	assert_true(uidl_has_own_alphabet(bytes_of(name + 1, UIDL_OWN_OCTETS)));
	assert_string_equal(name + 1 + UIDL_OWN_OCTETS, ".restante");
	assert_int_equal(stat(in_folder("Mail/new/%s", name), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(status.st_nlink, 1);
}

static void
keeps_every_octet(void **state)
{
	static const char octets[] = "\0\r\n\n\r\r\n.\xff\x80\x1a\n.\r";

	assert_int_equal(flush(arrived(KEY("1"), BYTES(octets))), OK);
	assert_file(in_folder("Mail/new/%s", name_in("new", 0)), BYTES(octets));
	assert_int_equal(flush(arrived(KEY("2"), BYTES_NONE)), OK);
	assert_int_equal(count_in("new"), 2);
}

/* What a server calls a message is part of no path. */
static void
no_uidl_becomes_a_path(void **state)
{
	static const struct bytes uidls[] = {TEXT("../../evil"), TEXT("/etc/x"),
		TEXT("."), TEXT(".."), TEXT("a/b"), TEXT("a\0b"), TEXT("a b"),
		TEXT("x:2,S"), TEXT("\xff\xfe")};
	char longest[MESSAGE_KEY_UIDL_MAXIMUM_OCTETS];

	for (size_t i = 0; i < COUNT(uidls); i++)
		assert_int_equal(
			deliver((struct message_key){uidls[i], 0}, "x"), OK);
	memset(longest, 'u', sizeof(longest));
	assert_int_equal(
		deliver((struct message_key){bytes_of(longest, sizeof(longest)),
				UINT32_MAX},
			"x"),
		OK);
	assert_int_equal(count_in("new"), COUNT(uidls) + 1);
	for (unsigned i = 0; i < count_in("new"); i++)
		assert_int_equal(strlen(name_in("new", i)), NAME_OCTETS);
	assert_int_equal(count_entries(folder_path()), 1);
}

static void
keys_and_accounts_have_names_of_their_own(void **state)
{
	static const char *const accounts[] = {"alice", "bob"};

	for (size_t i = 0; i < COUNT(accounts); i++) {
		open_as(accounts[i], false, false);
		for (uint32_t ordinal = 0; ordinal < 2; ordinal++) {
			struct message_key one = {BYTES("1"), ordinal};
			struct message_key two = {BYTES("2"), ordinal};

			assert_int_equal(deliver(one, "x"), OK);
			assert_int_equal(deliver(two, "x"), OK);
		}
	}
	assert_int_equal(count_in("new"), 8);
	/* Where one ends and the next begins is no guess. */
	open_as("a", false, false);
	assert_int_equal(
		deliver((struct message_key){BYTES("x"), 10}, "x"), OK);
	open_as("a1", false, false);
	assert_int_equal(deliver(KEY("x"), "x"), OK);
	assert_int_equal(count_in("new"), 10);
}

static void
flushes_many_at_once(void **state)
{
	struct sink_delivery *deliveries[20];
	enum outcome outcomes[20];
	char uidl[2] = "a";

	for (size_t i = 0; i < COUNT(deliveries); i++) {
		uidl[0] = (char)('a' + i);
		deliveries[i] =
			arrived((struct message_key){bytes_of_string(uidl), 0},
				bytes_of_string(uidl));
	}
	/* The file of one is taken away: the others do not suffer. */
	assert_int_equal(
		unlink(in_folder("Mail/tmp/%s", name_in("tmp", 7))), 0);
	ops->flush(sink, deliveries, COUNT(deliveries), outcomes);
	assert_int_equal(count_in("new"), COUNT(deliveries) - 1);
	for (size_t i = 0, bad = 0; i < COUNT(deliveries); i++) {
		bad += outcomes[i] != OK;
		assert_true(bad <= 1);
		assert_true(i + 1 < COUNT(deliveries) || bad == 1);
		ops->drop(sink, &deliveries[i]);
	}
	assert_int_equal(count_in("tmp"), 0);
}

/* ---- that comes again ---- */

static void
one_that_comes_again_is_there_once(void **state)
{
	for (int i = 0; i < 3; i++) {
		open_as("alice", false, i > 0);
		assert_int_equal(deliver(KEY("1"), "the same"), OK);
		assert_int_equal(count_in("new"), 1);
		assert_int_equal(count_in("tmp"), 0);
	}
	open_as("alice", false, false);
	assert_int_equal(deliver(KEY("1"), "the same"), OK);
	assert_int_equal(count_in("new"), 1);
}

static void
finds_what_a_reader_has_moved(void **state)
{
	static const char *const flags[] = {":2,S", ":2,", ":2,RS", ""};

	for (size_t i = 0; i < COUNT(flags); i++) {
		struct message_key key = {bytes_of_string("1"), (uint32_t)i};

		open_as("alice", false, false);
		assert_int_equal(deliver(key, "the same"), OK);
		read_mail(0, flags[i]);
		open_as("alice", false, true);
		assert_int_equal(deliver(key, "the same"), OK);
		assert_int_equal(count_in("new"), 0);
		assert_int_equal(count_in("cur"), i + 1);
	}
}

/* A run may last, and its user reads on. */
static void
finds_what_a_reader_moves_meanwhile(void **state)
{
	assert_int_equal(deliver(KEY("1"), "one"), OK);
	assert_int_equal(deliver(KEY("2"), "two"), OK);
	open_as("alice", false, true);
	read_mail(0, ":2,");
	assert_int_equal(deliver(KEY("1"), "one"), OK);
	assert_int_equal(deliver(KEY("2"), "two"), OK);
	assert_int_equal(count_in("new"), 1);
	read_mail(0, ":2,");
	assert_int_equal(rename(in_folder("Mail/cur/%s", name_in("cur", 0)),
				 in_folder("Mail/cur/%sS", name_in("cur", 0))),
		0);
	assert_int_equal(deliver(KEY("1"), "one"), OK);
	assert_int_equal(deliver(KEY("2"), "two"), OK);
	assert_int_equal(count_in("new"), 0);
	assert_int_equal(count_in("cur"), 2);
}

/* The same key with another content is another message: nothing is lost. */
static void
another_content_has_a_name_of_its_own(void **state)
{
	static const char *const texts[] = {"one", "two", "on", "one.", ""};

	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(deliver(KEY("1"), texts[i]), OK);
		assert_int_equal(count_in("new"), i + 1);
	}
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(deliver(KEY("1"), texts[i]), OK);
	assert_int_equal(count_in("new"), COUNT(texts));
	assert_int_equal(count_in("tmp"), 0);
	assert_new(0, "one");
	assert_new(1, "two");
	assert_string_equal(
		name_in("new", 1) + 1 + UIDL_OWN_OCTETS, "_1.restante");
}

static void
another_content_of_what_was_moved(void **state)
{
	assert_int_equal(deliver(KEY("1"), "one"), OK);
	assert_int_equal(deliver(KEY("1"), "two"), OK);
	read_mail(0, ":2,S");
	read_mail(0, ":2,");
	open_as("alice", false, true);
	assert_int_equal(deliver(KEY("1"), "two"), OK);
	assert_int_equal(deliver(KEY("1"), "one"), OK);
	assert_int_equal(count_in("new"), 0);
	assert_int_equal(deliver(KEY("1"), "three"), OK);
	assert_int_equal(count_in("new"), 1);
	assert_int_equal(count_in("cur"), 2);
}

/* Larger than what is compared at once, and different in the last octet. */
static void
compares_to_the_last_octet(void **state)
{
	static char octets[200001];
	struct bytes whole = bytes_of(octets, sizeof(octets) - 1);

	memset(octets, 'x', sizeof(octets));
	assert_int_equal(flush(arrived(KEY("1"), whole)), OK);
	assert_int_equal(flush(arrived(KEY("1"), whole)), OK);
	assert_int_equal(count_in("new"), 1);
	octets[sizeof(octets) - 2] = 'y';
	assert_int_equal(flush(arrived(KEY("1"), whole)), OK);
	assert_int_equal(count_in("new"), 2);
}

/* Somebody else's link says nothing about what is on disk here. */
static void
follows_no_link(void **state)
{
	const char *name;

	assert_int_equal(deliver(KEY("1"), "secret"), OK);
	name = name_in("new", 0);
	assert_int_equal(
		rename(in_folder("Mail/new/%s", name), in_folder("elsewhere")),
		0);
	assert_int_equal(
		symlink(in_folder("elsewhere"), in_folder("Mail/new/%s", name)),
		0);
	assert_int_equal(deliver(KEY("1"), "secret"), OK);
	assert_int_equal(count_in("new"), 2);
}

/* ---- line ends ---- */

static void
assert_lf(struct bytes in, uint64_t cuts, struct bytes wanted, unsigned n)
{
	char uidl[16];
	struct sink_delivery *delivery;

	snprintf(uidl, sizeof(uidl), "%u", n);
	delivery = begin((struct message_key){bytes_of_string(uidl), 0});
	for (size_t from = 0; from < in.octets;) {
		size_t octets = piece_octets(in, from, cuts);

		assert_int_equal(ops->put(sink, delivery,
					 bytes_of(in.at + from, octets)),
			OK);
		from += octets;
	}
	assert_int_equal(ops->end(sink, delivery), OK);
	assert_file(in_folder("Mail/tmp/%s", name_in("tmp", 0)), wanted);
	ops->drop(sink, &delivery);
}

/* Only CR LF becomes LF, however it is cut. */
static void
makes_lf_at_every_split(void **state)
{
	static const char in[] = "a\r\nb\r\r\nc\r";
	static const char wanted[] = "a\nb\r\nc\r";

	open_as("alice", true, false);
	for (uint64_t cuts = 0; cuts < 1u << (sizeof(in) - 2); cuts++)
		assert_lf(BYTES(in), cuts, BYTES(wanted), (unsigned)cuts);
}

static void
makes_lf_of_nothing_else(void **state)
{
	static const struct {
		struct bytes in, wanted;
	} rows[] = {
		{TEXT(""), TEXT("")},
		{TEXT("\r\n"), TEXT("\n")},
		{TEXT("\n"), TEXT("\n")},
		{TEXT("\r"), TEXT("\r")},
		{TEXT("\n\r"), TEXT("\n\r")},
		{TEXT("\r\r\r\n\n"), TEXT("\r\r\n\n")},
		{TEXT("a\0\r\n\0"), TEXT("a\0\n\0")},
	};

	open_as("alice", true, false);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		assert_lf(rows[i].in, 0, rows[i].wanted, i);
		assert_lf(rows[i].in, EACH_OCTET, rows[i].wanted, i);
	}
}

static void
makes_lf_around_its_chunk(void **state)
{
	static char in[CHUNK_OCTETS + 10], wanted[sizeof(in)];

	open_as("alice", true, false);
	for (size_t at = CHUNK_OCTETS - 5; at < CHUNK_OCTETS + 5; at++) {
		memset(in, 'x', sizeof(in));
		memset(wanted, 'x', sizeof(wanted));
		memcpy(in + at, "\r\n", 2);
		wanted[at] = '\n';
		assert_lf(bytes_of(in, sizeof(in)), 0,
			bytes_of(wanted, sizeof(in) - 1), (unsigned)at);
		memcpy(in + at, "\r\r", 2);
		assert_lf(bytes_of(in, sizeof(in)), 0, bytes_of(in, sizeof(in)),
			(unsigned)at);
		memcpy(in + at, "\rx", 2);
		assert_lf(bytes_of(in, sizeof(in)), 0, bytes_of(in, sizeof(in)),
			(unsigned)at);
	}
}

/* ---- what leaves no trace ---- */

static void
one_that_is_dropped_leaves_nothing(void **state)
{
	struct sink_delivery *delivery = NULL;

	ops->drop(sink, &delivery);
	for (int step = 0; step < 3; step++) {
		delivery = begin(KEY("1"));
		assert_int_equal(count_in("tmp"), 1);
		if (step > 0)
			assert_int_equal(
				ops->put(sink, delivery, BYTES("x\r")), OK);
		if (step > 1)
			assert_int_equal(ops->end(sink, delivery), OK);
		ops->drop(sink, &delivery);
		assert_null(delivery);
		assert_int_equal(count_in("tmp"), 0);
		assert_int_equal(count_in("new"), 0);
	}
}

static void
make_torso(const char *name, time_t age_seconds)
{
	const char *path = in_folder("Mail/tmp/%s", name);
	struct timespec times[2] = {{.tv_sec = time(NULL) - age_seconds},
		{.tv_sec = time(NULL) - age_seconds}};

	write_text(path, "torso");
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* What a killed run left of the same message. */
static void
begins_anew_over_a_torso(void **state)
{
	const char *name;

	assert_int_equal(deliver(KEY("1"), "whole"), OK);
	name = name_in("new", 0);
	make_torso(name, 0);
	assert_int_equal(unlink(in_folder("Mail/new/%s", name)), 0);
	assert_int_equal(deliver(KEY("1"), "whole"), OK);
	assert_new(0, "whole");
	assert_int_equal(count_in("tmp"), 0);
}

/* Others fill this Maildir too: only ours, and only what is old, goes. */
static void
removes_old_torsos(void **state)
{
	static const char *const names[] = {"Rold.restante", "Ryoung.restante",
		"1700000000.M1.other", "Rother"};

	make_torso(names[0], 37 * HOUR_SECONDS);
	make_torso(names[1], 35 * HOUR_SECONDS);
	make_torso(names[2], 37 * HOUR_SECONDS);
	make_torso(names[3], 37 * HOUR_SECONDS);
	open_as("alice", false, false);
	assert_int_equal(count_in("tmp"), COUNT(names));
	open_as("alice", false, true);
	assert_int_equal(count_in("tmp"), COUNT(names) - 1);
	assert_absent(in_folder("Mail/tmp/%s", names[0]));
}

/* ---- opening ---- */

static void
makes_its_folders(void **state)
{
	struct sink_options options = {
		.account = "alice", .target = in_folder("a/b/c")};
	struct stat status;

	ops->close(&sink);
	assert_int_equal(ops->open(&options, &sink, error), OK);
	assert_int_equal(count_entries(in_folder("a/b/c")), 3);
	assert_int_equal(stat(in_folder("a/b/c/new"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

static void
says_why_it_cannot_be_opened(void **state)
{
	struct sink_options options = {.account = "alice"};
	struct sink *other = NULL;
	char wanted[SINK_ERROR_SIZE], path[5000];

	options.target = in_folder("file/Mail");
	write_text(in_folder("file"), "");
	assert_int_not_equal(ops->open(&options, &other, error), OK);
	assert_null(other);
	snprintf(wanted, sizeof(wanted), "the Maildir %s: Not a directory",
		in_folder("file/Mail"));
	assert_string_equal(error, wanted);

	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	options.target = path;
	assert_int_not_equal(ops->open(&options, &other, error), OK);
	assert_non_null(strstr(error, "File name too long"));
}

static void
there_is_no_other_sink(void **state)
{
	assert_string_equal(sink_find("maildir")->name, "maildir");
	assert_null(sink_find("Maildir"));
	assert_null(sink_find(""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_a_message),
		TEST(keeps_every_octet),
		TEST(no_uidl_becomes_a_path),
		TEST(keys_and_accounts_have_names_of_their_own),
		TEST(flushes_many_at_once),
		TEST(one_that_comes_again_is_there_once),
		TEST(finds_what_a_reader_has_moved),
		TEST(finds_what_a_reader_moves_meanwhile),
		TEST(another_content_has_a_name_of_its_own),
		TEST(another_content_of_what_was_moved),
		TEST(compares_to_the_last_octet),
		TEST(follows_no_link),
		TEST(makes_lf_at_every_split),
		TEST(makes_lf_of_nothing_else),
		TEST(makes_lf_around_its_chunk),
		TEST(one_that_is_dropped_leaves_nothing),
		TEST(begins_anew_over_a_torso),
		TEST(removes_old_torsos),
		TEST(makes_its_folders),
		TEST(says_why_it_cannot_be_opened),
		TEST(there_is_no_other_sink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
