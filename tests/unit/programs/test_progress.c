/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "programs/columns.h"
#include "programs/progress.h"

#include <unistd.h>
#include <unistr.h>

#define LINE_SIZE     300
#define WIDTH_MAXIMUM 200
#define FILL	      '~'

struct state_of_things {
	const char *label;
	uint64_t done_octets, total_octets, done_messages, total_messages;
	uint64_t elapsed_ms;
};

static void
format(char *out, size_t size, size_t width, const struct state_of_things *s)
{
	progress_format(out, size, width, s->label, s->done_octets,
		s->total_octets, s->done_messages, s->total_messages,
		s->elapsed_ms);
}

static const struct state_of_things all[] = {
	{"alice@example.org", 0, 0, 0, 0, 0},
	{"alice@example.org", 0, 0, 0, 0, 12345},
	{"alice@example.org", 0, 1000, 0, 3, 0},
	{"alice@example.org", 500, 1000, 1, 3, 1000},
	{"alice@example.org", 1000, 1000, 3, 3, 1000},
	/* More than was announced: sizes are what the server says. */
	{"alice@example.org", 5000, 1000, 5, 3, 1000},
	{"alice@example.org", 5000, 0, 5, 0, 1000},
	{"", 1, 2, 3, 4, 5},
	{"an.address.that.is.longer.than.its.column@mail.example.org", 1, 2, 3,
		4, 5},
	{"large", 1ull << 53, UINT64_MAX, 16000000, UINT64_MAX, 1},
	{"slow", 1, UINT64_MAX, 0, 16000000, UINT64_MAX},
};

static void
fits_in_every_width(void **state)
{
	char line[LINE_SIZE];

	for (size_t i = 0; i < COUNT(all); i++)
		for (size_t width = 0; width <= WIDTH_MAXIMUM; width++) {
			format(line, sizeof(line), width, &all[i]);
			assert_true(strlen(line) <= width);
			for (const char *at = line; *at; at++)
				assert_in_range(*at, ' ', '~');
		}
}

/* Not within a character, and by columns: "\u65e5" has three octets and two. */
static void
cuts_between_characters(void **state)
{
	static const struct state_of_things s = {
		"\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e", 1, 2, 3, 4, 5};
	char line[LINE_SIZE];

	for (size_t width = 0; width <= WIDTH_MAXIMUM; width++) {
		format(line, sizeof(line), width, &s);
		assert_true(columns_of(line) <= width);
		assert_null(u8_check((const uint8_t *)line, strlen(line)));
	}
	format(line, sizeof(line), 3, &s);
	assert_string_equal(line, "\u65e5");
}

static void
writes_within_its_memory(void **state)
{
	char line[LINE_SIZE];

	for (size_t i = 0; i < COUNT(all); i++)
		for (size_t size = 1; size < sizeof(line); size++) {
			memset(line, FILL, sizeof(line));
			format(line, size, WIDTH_MAXIMUM, &all[i]);
			assert_true(strlen(line) < size);
			for (size_t at = size; at < sizeof(line); at++)
				assert_int_equal(line[at], FILL);
		}
}

static void
assert_line(const struct state_of_things *s, size_t width, const char *wanted)
{
	char line[LINE_SIZE];

	format(line, sizeof(line), width, s);
	assert_string_equal(line, wanted);
}

static void
shows_how_far_it_is(void **state)
{
	struct state_of_things s = {
		"alice", 512 * 1024, 2048 * 1024, 5, 20, 2000};

	assert_line(&s, 100,
		"alice                        [######---------------------]"
		" 5/20  512.0 KiB  256.0 KiB/s  0:06 left");
	s.done_octets = s.total_octets;
	s.done_messages = s.total_messages;
	assert_line(&s, 100,
		"alice                        [##############################]"
		" 20/20  2.0 MiB  1.0 MiB/s  0:00 left");
}

/* Nothing to do is all done. */
static void
knows_nothing_to_do(void **state)
{
	struct state_of_things s = {"alice", 0, 0, 0, 0, 1000};

	assert_line(&s, 75,
		"alice                        [##################] 0/0  0 B"
		"  0 B/s  ? left");
}

static void
counts_messages_where_octets_are_not_known(void **state)
{
	struct state_of_things s = {"alice", 0, 0, 250, 1000, 1000};

	assert_line(&s, 80,
		"alice                        [#####---------------] "
		"250/1000  250/s  0:03 left");
}

/* Without a rate nobody knows when. */
static void
does_not_guess(void **state)
{
	struct state_of_things s = {"alice", 0, 1000, 0, 3, 0};

	assert_line(&s, 75,
		"alice                        [------------------] 0/3  0 B  0 "
		"B/s  ? left");
	s.elapsed_ms = 5000;
	assert_line(&s, 75,
		"alice                        [------------------] 0/3  0 B  0 "
		"B/s  ? left");
}

static void
the_bar_goes_first_when_it_is_narrow(void **state)
{
	struct state_of_things s = {"alice", 500, 1000, 1, 3, 1000};
	char line[LINE_SIZE];

	format(line, sizeof(line), 60, &s);
	assert_null(strchr(line, '['));
	assert_non_null(strstr(line, "1/3  500 B"));
	format(line, sizeof(line), 3, &s);
	assert_string_equal(line, "ali");
	format(line, sizeof(line), 0, &s);
	assert_string_equal(line, "");
}

/* Then the rate, and of the label what there is no room for. */
static void
a_narrow_line_says_how_long_it_takes(void **state)
{
	struct state_of_things s = {"alice@mail.example.org", 48ull << 20,
		177ull << 20, 2, 7, 1000};

	assert_line(&s, 60,
		"alice@mail.example.org  2/7  48.0 MiB  48.0 MiB/s  0:02 left");
	assert_line(&s, 39, "alice@mail.example.org   2/7  0:02 left");
	assert_line(&s, 27, "alice@mai... 2/7  0:02 left");
}

static void
a_bar_has_its_maximum(void **state)
{
	struct state_of_things s = {"alice", 1, 1, 1, 1, 1000};
	char line[LINE_SIZE];

	format(line, sizeof(line), WIDTH_MAXIMUM, &s);
	assert_non_null(strstr(line, "[##############################] "));
}

static void
tells_times(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{0, "0:00"},
		{9, "0:09"},
		{59, "0:59"},
		{60, "1:00"},
		{3599, "59:59"},
		{3600, "1:00:00"},
		{3661, "1:01:01"},
		{359999, "99:59:59"},
		{360000, ">100 h"},
		{UINT64_MAX, ">100 h"},
	};
	char text[24];

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			progress_time(rows[i].seconds, text), rows[i].text);
}

/* Standard error is a pipe: not one octet. */
static void
draws_nothing_without_a_terminal(void **state)
{
	int ends[2], before = dup(STDERR_FILENO);
	struct progress *progress;
	char octet;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	progress = progress_new(2, false);
	for (unsigned i = 0; i < 7; i++) {
		usleep(100000);
		progress_set(progress, i % 2, "alice", i, 10, i, 10);
	}
	progress_hide(progress);
	progress_end(progress, 0);
	progress_free(&progress);
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[1]);
	assert_null(progress);
	assert_int_equal(read(ends[0], &octet, 1), 0);
	close(ends[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits_in_every_width),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(writes_within_its_memory),
		cmocka_unit_test(shows_how_far_it_is),
		cmocka_unit_test(knows_nothing_to_do),
		cmocka_unit_test(counts_messages_where_octets_are_not_known),
		cmocka_unit_test(does_not_guess),
		cmocka_unit_test(the_bar_goes_first_when_it_is_narrow),
		cmocka_unit_test(a_narrow_line_says_how_long_it_takes),
		cmocka_unit_test(a_bar_has_its_maximum),
		cmocka_unit_test(tells_times),
		cmocka_unit_test(draws_nothing_without_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
