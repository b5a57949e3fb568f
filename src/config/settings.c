/* SPDX-License-Identifier: ISC */
#include "config/settings.h"
#include "base/networks.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one value ---- */

static void *
place(const void *object, const struct setting *key)
{
	return (char *)(uintptr_t)object + key->offset;
}

static bool
find_word(const char *words, const char *word, uint64_t *out)
{
	struct bytes rest = bytes_of_string(words);

	for (uint64_t i = 0; rest.octets > 0; i++) {
		if (bytes_equal(bytes_cut(&rest, '|'), bytes_of_string(word))) {
			*out = i;
			return true;
		}
	}
	return false;
}

bool
settings_next_word(struct bytes *rest, struct bytes *out)
{
	if (rest->octets == 0)
		return false;
	*out = bytes_trim(bytes_cut(rest, ','));
	return true;
}

/* Words that are known, each once; at least one. */
static bool
is_list_of(const char *words, const char *text)
{
	struct bytes rest = bytes_of_string(text), word;
	uint64_t seen = 0, place;
	char copy[64];

	while (settings_next_word(&rest, &word)) {
		if (!bytes_to_string(word, copy, sizeof(copy)) ||
			!find_word(words, copy, &place) || place >= 64 ||
			seen & (1ull << place))
			return false;
		seen |= 1ull << place;
	}
	return seen != 0;
}

static struct bytes
word_at(const char *words, uint64_t index)
{
	struct bytes rest = bytes_of_string(words);
	struct bytes word = bytes_cut(&rest, '|');

	while (index-- > 0)
		word = bytes_cut(&rest, '|');
	return word;
}

static bool
parse_number(const struct setting *key, const char *text, uint64_t *out)
{
	switch (key->type) {
	case SETTING_NUMBER:
		return bytes_to_number(bytes_of_string(text), UINT64_MAX, out);
	case SETTING_SECONDS:
		return value_to_seconds(text, out);
	case SETTING_OCTETS:
		return value_to_octets(text, out);
	case SETTING_STRING:
	case SETTING_BOOL:
	case SETTING_WORD:
	case SETTING_LIST:
	default:
		return false;
	}
}

static bool
set_number(void *object, const struct setting *key, const char *text,
	char error[INI_ERROR_SIZE])
{
	static const char *const examples[] = {[SETTING_NUMBER] = "4",
		[SETTING_SECONDS] = "10m",
		[SETTING_OCTETS] = "50MiB"};
	uint64_t number;

	if (!parse_number(key, text, &number)) {
		snprintf(error, INI_ERROR_SIZE,
			"%s = %.100s: expected a value like %s", key->key, text,
			examples[key->type]);
		return false;
	}
	if (number < key->minimum || number > key->maximum) {
		snprintf(error, INI_ERROR_SIZE,
			"%s = %.100s: must be from %llu to %llu", key->key,
			text, (unsigned long long)key->minimum,
			(unsigned long long)key->maximum);
		return false;
	}
	*(uint64_t *)place(object, key) = number;
	return true;
}

static bool
set_string(char **place_of, const char *text, char error[INI_ERROR_SIZE])
{
	char *copy = strdup(text);

	if (!copy) {
		snprintf(error, INI_ERROR_SIZE, "no memory");
		return false;
	}
	free(*place_of);
	*place_of = copy;
	return true;
}

static bool
check_words(const struct setting *key, const char *text, uint64_t *out_word,
	char error[INI_ERROR_SIZE])
{
	bool is_list = key->type == SETTING_LIST;

	if (!key->words || (is_list ? is_list_of(key->words, text)
				    : find_word(key->words, text, out_word)))
		return true;
	snprintf(error, INI_ERROR_SIZE, "%s = %.100s: must be %s %s", key->key,
		text, is_list ? "some, each once, of" : "one of", key->words);
	return false;
}

bool
settings_set(const struct setting *key, void *object, const char *text,
	char error[INI_ERROR_SIZE])
{
	uint64_t word = 0;

	if (!check_words(key, text, &word, error))
		return false;
	switch (key->type) {
	case SETTING_STRING:
	case SETTING_LIST:
		return set_string(place(object, key), text, error);
	case SETTING_WORD:
		*(uint64_t *)place(object, key) = word;
		return true;
	case SETTING_BOOL:
		if (value_to_bool(text, place(object, key)))
			return true;
		snprintf(error, INI_ERROR_SIZE,
			"%s = %.100s: must be yes or no", key->key, text);
		return false;
	case SETTING_NUMBER:
	case SETTING_SECONDS:
	case SETTING_OCTETS:
	default:
		return set_number(object, key, text, error);
	}
}

/* ---- a whole object ---- */

void
settings_init(const struct settings *table, void *object)
{
	char error[INI_ERROR_SIZE];

	for (size_t i = 0; i < table->count; i++)
		settings_set(
			&table->rows[i], object, table->rows[i].initial, error);
}

void
settings_release(const struct settings *table, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i].type == SETTING_STRING ||
			table->rows[i].type == SETTING_LIST) {
			char **string = place(object, &table->rows[i]);

			free(*string);
			*string = NULL;
		}
	}
}

void
settings_did_you_mean(char error[INI_ERROR_SIZE], const char *nearest)
{
	size_t used = strlen(error);

	if (nearest)
		snprintf(error + used, INI_ERROR_SIZE - used,
			"; did you mean \"%s\"?", nearest);
}

static bool
unknown_key(const struct settings *table, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	const char *known[SETTINGS_KEYS_MAXIMUM + 1];
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->rows[i].section, entry->section) == 0)
			known[count++] = table->rows[i].key;
	known[count] = NULL;
	if (*entry->section)
		snprintf(error, INI_ERROR_SIZE,
			"unknown key \"%.60s\" in [%.60s]", entry->key,
			entry->section);
	else
		snprintf(error, INI_ERROR_SIZE,
			"\"%.60s\" stands before any [section]", entry->key);
	settings_did_you_mean(error, value_nearest(entry->key, known));
	return false;
}

bool
settings_take(const struct settings *table, void *object,
	struct settings_seen *seen, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];

		if (strcmp(row->section, entry->section) != 0 ||
			strcmp(row->key, entry->key) != 0)
			continue;
		if (seen->is_seen[i]) {
			snprintf(error, INI_ERROR_SIZE,
				"%s stands twice in [%s]", entry->key,
				entry->section);
			return false;
		}
		seen->is_seen[i] = true;
		return settings_set(row, object, entry->value, error);
	}
	return unknown_key(table, entry, error);
}

bool
settings_put_value(
	const struct setting *key, const void *object, struct buffer *out)
{
	const void *at = place(object, key);

	switch (key->type) {
	case SETTING_STRING:
	case SETTING_LIST:
		return buffer_append_string(out, *(char *const *)at);
	case SETTING_BOOL:
		return buffer_append_string(
			out, *(const bool *)at ? "yes" : "no");
	case SETTING_WORD:
		return buffer_append_bytes(
			out, word_at(key->words, *(const uint64_t *)at));
	case SETTING_NUMBER:
	case SETTING_SECONDS:
	case SETTING_OCTETS:
	default:
		return buffer_printf(
			out, "%llu", (unsigned long long)*(const uint64_t *)at);
	}
}

bool
settings_is_default(
	const struct setting *key, const void *object, const void *defaults)
{
	const void *a = place(object, key), *b = place(defaults, key);

	if (key->type == SETTING_STRING || key->type == SETTING_LIST)
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	if (key->type == SETTING_BOOL)
		return *(const bool *)a == *(const bool *)b;
	return *(const uint64_t *)a == *(const uint64_t *)b;
}

bool
settings_put_keys(const struct settings *table, const void *object,
	const void *defaults, struct buffer *out)
{
	bool is_good = true;

	for (size_t i = 0; i < table->count && is_good; i++) {
		const struct setting *key = &table->rows[i];

		if (defaults && settings_is_default(key, object, defaults))
			continue;
		is_good = buffer_printf(out, "%s = ", key->key) &&
			  settings_put_value(key, object, out) &&
			  buffer_append_string(out, "\n");
	}
	return is_good;
}

bool
settings_put_sample(
	const struct setting *key, bool is_marked, struct buffer *out)
{
	bool is_restart = is_marked && key->change == SETTING_AT_START;

	return buffer_printf(out, "; %s%s%s%s%s\n;%s = %s\n", key->help,
		key->words ? " (" : "", key->words ? key->words : "",
		key->words ? ")" : "", is_restart ? " [restart]" : "", key->key,
		key->initial);
}

bool
settings_is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool
settings_copy_value(const struct setting *key, void *to, const void *from)
{
	void *a = place(to, key);
	const void *b = place(from, key);
	char error[INI_ERROR_SIZE];

	if (key->type == SETTING_STRING || key->type == SETTING_LIST)
		return set_string(a, *(char *const *)b, error);
	if (key->type == SETTING_BOOL)
		*(bool *)a = *(const bool *)b;
	else
		*(uint64_t *)a = *(const uint64_t *)b;
	return true;
}

bool
settings_check_networks(const char *networks, const char *section,
	const char *key, char error[INI_ERROR_SIZE])
{
	char canonical[NETWORKS_SIZE];
	struct bytes wrong = BYTES_NONE;

	if (networks_canonical(bytes_of_string(networks), canonical, &wrong))
		return true;
	snprintf(error, INI_ERROR_SIZE,
		"[%s] %s: \"%.*s\" is no network, or there are more than %d: "
		"192.0.2.0/24, 2001:db8::/32",
		section, key, (int)wrong.octets, (const char *)wrong.at,
		NETWORKS_MAXIMUM);
	return false;
}
