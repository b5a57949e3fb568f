/* SPDX-License-Identifier: ISC */
/* The engine, with a table of its own. */
#include "../check.h"

#include "config/settings.h"

struct kettle {
	char *colour, *material;
	uint64_t cups, wait_seconds, octets, whistle;
	bool is_on;
};

#define AT(member) offsetof(struct kettle, member)

static const struct setting rows[] = {
	{"look", "colour", SETTING_STRING, AT(colour), "red", 0, 0, NULL, ""},
	{"look", "material", SETTING_STRING, AT(material), "tin", 0, 0,
		"tin|iron|glass", ""},
	{"use", "cups", SETTING_NUMBER, AT(cups), "4", 1, 12, NULL, ""},
	{"use", "wait", SETTING_SECONDS, AT(wait_seconds), "3m", 60, 3600, NULL,
		""},
	{"use", "octets", SETTING_OCTETS, AT(octets), "1KiB", 1, 1u << 20, NULL,
		""},
	{"use", "whistle", SETTING_WORD, AT(whistle), "soft", 0, 0,
		"off|soft|loud", ""},
	{"use", "on", SETTING_BOOL, AT(is_on), "no", 0, 0, NULL, ""},
	/* the same key in another section */
	{"look", "on", SETTING_STRING, AT(colour), "red", 0, 0, NULL, ""},
};
#define FIRST_ROWS (COUNT(rows) - 1)

static const struct settings table = {rows, FIRST_ROWS};

static struct kettle kettle;
static struct settings_seen seen;
static char error[INI_ERROR_SIZE];

static int
set_up(void **state)
{
	kettle = (struct kettle){0};
	seen = (struct settings_seen){0};
	error[0] = '\0';
	settings_init(&table, &kettle);
	return 0;
}

static int
tear_down(void **state)
{
	settings_release(&table, &kettle);
	/* Twice is once. */
	settings_release(&table, &kettle);
	return kettle.colour || kettle.material ? -1 : 0;
}

static bool
take(const char *section, const char *key, const char *value)
{
	struct ini_entry entry = {.file = "test.conf",
		.line = 1,
		.section = section,
		.name = "",
		.key = key,
		.value = value};

	return settings_take(&table, &kettle, &seen, &entry, error);
}

static void
begins_with_its_defaults(void **state)
{
	assert_string_equal(kettle.colour, "red");
	assert_string_equal(kettle.material, "tin");
	assert_int_equal(kettle.cups, 4);
	assert_int_equal(kettle.wait_seconds, 180);
	assert_int_equal(kettle.octets, 1024);
	assert_int_equal(kettle.whistle, 1);
	assert_false(kettle.is_on);
}

static void
takes_what_is_in_range(void **state)
{
	assert_true(take("look", "colour", "dark green"));
	assert_true(take("look", "material", "glass"));
	assert_true(take("use", "cups", "12"));
	assert_true(take("use", "wait", "1m"));
	assert_true(take("use", "octets", "1MiB"));
	assert_true(take("use", "whistle", "loud"));
	assert_true(take("use", "on", "yes"));
	assert_string_equal(kettle.colour, "dark green");
	assert_string_equal(kettle.material, "glass");
	assert_int_equal(kettle.cups, 12);
	assert_int_equal(kettle.wait_seconds, 60);
	assert_int_equal(kettle.octets, 1u << 20);
	assert_int_equal(kettle.whistle, 2);
	assert_true(kettle.is_on);
	assert_string_equal(error, "");
}

static void
refuses_the_rest_with_a_reason(void **state)
{
	static const struct {
		const char *section, *key, *value, *error;
	} wrong[] = {
		{"look", "material", "wood",
			"material = wood: must be one of tin|iron|glass"},
		{"look", "material", "",
			"material = : must be one of tin|iron|glass"},
		{"look", "material", "tin|iron",
			"material = tin|iron: must be one of tin|iron|glass"},
		{"use", "cups", "0", "cups = 0: must be from 1 to 12"},
		{"use", "cups", "13", "cups = 13: must be from 1 to 12"},
		{"use", "cups", "", "cups = : expected a value like 4"},
		{"use", "cups", "4m", "cups = 4m: expected a value like 4"},
		{"use", "cups", "-4", "cups = -4: expected a value like 4"},
		{"use", "wait", "59", "wait = 59: must be from 60 to 3600"},
		{"use", "wait", "2h", "wait = 2h: must be from 60 to 3600"},
		{"use", "wait", "long",
			"wait = long: expected a value like 10m"},
		{"use", "octets", "2MiB",
			"octets = 2MiB: must be from 1 to 1048576"},
		{"use", "octets", "10m",
			"octets = 10m: expected a value like 50MiB"},
		{"use", "whistle", "LOUD",
			"whistle = LOUD: must be one of off|soft|loud"},
		{"use", "on", "perhaps", "on = perhaps: must be yes or no"},
		/* unknown, with what was meant */
		{"use", "cup", "4",
			"unknown key \"cup\" in [use]; did you mean \"cups\"?"},
		{"look", "color", "red",
			"unknown key \"color\" in [look]; did you mean "
			"\"colour\"?"},
		{"look", "cups", "4", "unknown key \"cups\" in [look]"},
		{"use", "temperature", "9",
			"unknown key \"temperature\" in [use]"},
		{"", "cups", "4", "\"cups\" stands before any [section]"},
	};
	struct kettle before = kettle;

	for (size_t i = 0; i < COUNT(wrong); i++) {
		seen = (struct settings_seen){0};
		assert_false(
			take(wrong[i].section, wrong[i].key, wrong[i].value));
		assert_string_equal(error, wrong[i].error);
		assert_memory_equal(&kettle, &before, sizeof(kettle));
	}
}

static void
a_key_stands_once(void **state)
{
	assert_true(take("use", "cups", "2"));
	assert_true(take("use", "wait", "2m"));
	assert_false(take("use", "cups", "2"));
	assert_string_equal(error, "cups stands twice in [use]");
}

/* What was written is read back to the same. */
static void
writes_what_it_reads(void **state)
{
	static const char *const expected[] = {
		"red", "iron", "4", "180", "1024", "off", "no"};
	struct buffer text;

	assert_true(take("look", "material", "iron"));
	assert_true(take("use", "whistle", "off"));
	buffer_init(&text, 100);
	for (size_t i = 0; i < FIRST_ROWS; i++) {
		buffer_clear(&text);
		assert_true(settings_put_value(&rows[i], &kettle, &text));
		assert_bytes(buffer_bytes(&text), bytes_of_string(expected[i]),
			BYTES_NONE);
		assert_true(
			settings_set(&rows[i], &kettle, expected[i], error));
	}
	buffer_release(&text);
	/* No room. */
	buffer_init(&text, 1);
	assert_false(settings_put_value(&rows[0], &kettle, &text));
	assert_false(settings_put_value(&rows[3], &kettle, &text));
	assert_false(settings_put_value(&rows[5], &kettle, &text));
	assert_false(settings_put_value(&rows[6], &kettle, &text));
	buffer_release(&text);
}

static void
knows_what_is_default(void **state)
{
	static const char *const others[] = {
		"blue", "iron", "5", "4m", "2KiB", "loud", "yes"};
	struct kettle initial = {0};

	settings_init(&table, &initial);
	for (size_t i = 0; i < FIRST_ROWS; i++) {
		assert_true(settings_is_default(&rows[i], &kettle, &initial));
		assert_true(settings_set(&rows[i], &kettle, others[i], error));
		assert_false(settings_is_default(&rows[i], &kettle, &initial));
	}
	settings_release(&table, &initial);
}

static void
a_key_belongs_to_its_section(void **state)
{
	static const struct settings both = {rows, COUNT(rows)};
	struct ini_entry entry = {.file = "test.conf",
		.section = "look",
		.name = "",
		.key = "on",
		.value = "violet"};

	assert_true(settings_take(&both, &kettle, &seen, &entry, error));
	assert_string_equal(kettle.colour, "violet");
	assert_false(kettle.is_on);
}

static void
an_error_of_any_length_is_cut(void **state)
{
	static char text[10000];

	memset(text, 'x', sizeof(text) - 1);
	assert_false(take("use", "on", text));
	assert_false(take("use", text, "1"));
	assert_false(take(text, text, "1"));
	memset(error, 'e', INI_ERROR_SIZE - 1);
	settings_did_you_mean(error, text);
	assert_int_equal(strlen(error), INI_ERROR_SIZE - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begins_with_its_defaults),
		TEST(takes_what_is_in_range),
		TEST(refuses_the_rest_with_a_reason),
		TEST(a_key_stands_once),
		TEST(writes_what_it_reads),
		TEST(knows_what_is_default),
		TEST(a_key_belongs_to_its_section),
		TEST(an_error_of_any_length_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
