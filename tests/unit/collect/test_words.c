/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "collect/words.h"

static const struct {
	const char *text, *words; /* each with a "|" behind it; NULL: none */
} rows[] = {
	{"a", "a|"},
	{" a\tb  c ", "a|b|c|"},
	{"sh -c 'cat >> \"x y\"'", "sh|-c|cat >> \"x y\"|"},
	{"a\"b c\"d", "ab cd|"},
	{"a '' b", "a||b|"},
	{"a\\ b", "a\\|b|"},
	{"", NULL},
	{" \t ", NULL},
	{"a 'b", NULL},
	{"a \"b'", NULL},
	{"a 'b' \"", NULL},
};

static void
cuts(void **state)
{
	char *words[WORDS_MAXIMUM + 1], text[64], joined[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		strcpy(text, rows[i].text);
		assert_int_equal(
			words_can_cut(rows[i].text), rows[i].words != NULL);
		assert_int_equal(words_cut(text, words), rows[i].words != NULL);
		joined[0] = '\0';
		for (char **word = words; rows[i].words && *word; word++)
			strcat(strcat(joined, *word), "|");
		assert_string_equal(joined, rows[i].words ? rows[i].words : "");
	}
}

static void
has_a_maximum(void **state)
{
	char text[2 * WORDS_MAXIMUM + 3] = "";

	for (size_t i = 0; i < WORDS_MAXIMUM; i++)
		strcat(text, "x ");
	assert_true(words_can_cut(text));
	strcat(text, "x");
	assert_false(words_can_cut(text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),
		cmocka_unit_test(has_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
