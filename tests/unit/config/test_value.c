/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "config/value.h"

struct row {
	const char *text;
	bool is_good;
	uint64_t value;
};

static void
check(const struct row *rows, size_t count,
	bool (*parse)(const char *text, uint64_t *out))
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 4711;
		bool is_good = parse(rows[i].text, &value);

		if (is_good != rows[i].is_good)
			fail_msg("\"%s\" is %s", rows[i].text,
				is_good ? "taken" : "refused");
		/* What is wrong leaves it as it was. */
		if (value != (is_good ? rows[i].value : 4711))
			fail_msg("\"%s\" becomes %llu", rows[i].text,
				(unsigned long long)value);
	}
}

static void
seconds_have_units(void **state)
{
	static const struct row rows[] = {
		{"0", true, 0},
		{"600", true, 600},
		{"600s", true, 600},
		{"600 s", true, 600},
		{"10m", true, 600},
		{"10min", true, 600},
		{"10 MIN", true, 600},
		{"2h", true, 7200},
		{"2H", true, 7200},
		{"7d", true, 604800},
		{"1w", true, 604800},
		{"18446744073709551615", true, UINT64_MAX},
		{"307445734561825860m", true, UINT64_MAX - 15},
		{"", false, 0},
		{"m", false, 0},
		{" 1", false, 0},
		{"+1", false, 0},
		{"-1", false, 0},
		{"01", false, 0},
		{"1.5h", false, 0},
		{"1h30m", false, 0},
		{"10 minutes", false, 0},
		{"10y", false, 0},
		{"10k", false, 0},
		{"1 ", true, 1},
		{"1\tm", false, 0},
		{"18446744073709551616", false, 0},
		{"307445734561825861m", false, 0},
		{"30500568904944w", false, 0},
	};

	check(rows, COUNT(rows), value_to_seconds);
}

static void
octets_have_units(void **state)
{
	static const struct row rows[] = {
		{"0", true, 0},
		{"4096", true, 4096},
		{"4096B", true, 4096},
		{"4KB", true, 4000},
		{"4KiB", true, 4096},
		{"4 kib", true, 4096},
		{"50MB", true, 50000000},
		{"50MiB", true, 52428800},
		{"2GB", true, 2000000000},
		{"2GiB", true, 2147483648},
		{"1TiB", true, 1099511627776},
		{"16777215TiB", true, UINT64_MAX - ((1ull << 40) - 1)},
		{"16777216TiB", false, 0},
		{"18446744073709551616", false, 0},
		{"50M", false, 0},
		{"50K", false, 0},
		{"5m", false, 0},
		{"MiB", false, 0},
		{"-5MiB", false, 0},
		{"0x10", false, 0},
		{"1e6", false, 0},
		{"5 Mi B", false, 0},
	};

	check(rows, COUNT(rows), value_to_octets);
}

static bool
to_bool(const char *text, uint64_t *out)
{
	bool value = *out != 4711;

	/* Left alone when it is wrong. */
	if (!value_to_bool(text, &value))
		return value;
	*out = value;
	return true;
}

static void
bools_are_words(void **state)
{
	static const struct row rows[] = {
		{"yes", true, 1},
		{"true", true, 1},
		{"on", true, 1},
		{"1", true, 1},
		{"YES", true, 1},
		{"no", true, 0},
		{"false", true, 0},
		{"off", true, 0},
		{"0", true, 0},
		{"No", true, 0},
		{"", false, 0},
		{"y", false, 0},
		{"n", false, 0},
		{"2", false, 0},
		{"yes ", false, 0},
		{"maybe", false, 0},
	};

	check(rows, COUNT(rows), to_bool);
}

static void
the_nearest_word_is_found(void **state)
{
	static const char *const known[] = {"hostname", "state", "mail", "user",
		"log", "log-level", "session-processes", NULL};
	static const struct {
		const char *given, *nearest;
	} rows[] = {
		{"hostname", "hostname"},
		{"hostnam", "hostname"},
		{"hostnames", "hostname"},
		{"hsotname", "hostname"},
		{"host-name", "hostname"},
		{"stat", "state"},
		{"states", "state"},
		{"mails", "mail"},
		{"mial", "mail"},
		{"lg", "log"},
		{"loglevel", "log-level"},
		{"log_level", "log-level"},
		{"sessionprocesses", "session-processes"},
		/* no more like it than half */
		{"", NULL},
		{"x", NULL},
		{"zzzz", NULL},
		{"certificate", NULL},
		{"ab", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *nearest = value_nearest(rows[i].given, known);

		if (rows[i].nearest)
			assert_string_equal(nearest, rows[i].nearest);
		else
			assert_null(nearest);
	}
}

static void
words_of_any_length_are_compared(void **state)
{
	static char given[10000], longer[70];
	static const char *const known[] = {longer, "short", NULL};

	memset(given, 'x', sizeof(given) - 1);
	memset(longer, 'x', sizeof(longer) - 1);
	/* Longer than what is compared: never the nearest. */
	assert_null(value_nearest(longer, known));
	assert_null(value_nearest(given, known));
	longer[64] = '\0';
	given[63] = '\0';
	assert_ptr_equal(value_nearest(given, known), longer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_have_units),
		cmocka_unit_test(octets_have_units),
		cmocka_unit_test(bools_are_words),
		cmocka_unit_test(the_nearest_word_is_found),
		cmocka_unit_test(words_of_any_length_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
