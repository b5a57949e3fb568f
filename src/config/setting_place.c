/* SPDX-License-Identifier: ISC */
#include "config/setting_place.h"
#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#define NAME_SIZE  320
#define PLACE_SIZE (NAME_SIZE + 64)

/* How well an entry fits; the best one is the place. */
enum fit {
	FIT_NONE,
	FIT_PATH,    /* the error holds its value, a path */
	FIT_SECTION, /* the error names its section */
	FIT_KEY,     /* and its key */
	FIT_VALUE,   /* and a word of its value */
};

struct search {
	const char *error;
	enum fit best;
	char place[PLACE_SIZE];
};

/* Whole: what stands behind it does not go on with it. */
static bool
holds(const char *error, const char *word)
{
	size_t octets = strlen(word);

	for (const char *at = error; (at = strstr(at, word)); at++)
		if (strchr(" :;,)\"", at[octets]))
			return true;
	return false;
}

/* Is one of its words, between commas, in the error? */
static bool
has_word_of(const char *error, const char *value, const char *beginning)
{
	struct bytes rest = bytes_of_string(value);
	char word[INI_ERROR_SIZE];

	while (rest.octets > 0) {
		struct bytes one = bytes_trim(bytes_cut(&rest, ','));

		if (bytes_to_string(one, word, sizeof(word)) && *word &&
			strncmp(word, beginning, strlen(beginning)) == 0 &&
			holds(error, word))
			return true;
	}
	return false;
}

/* What may stand in a key goes on behind it: then it is another one. */
static bool
begins_with(const char *error, const char *name)
{
	size_t octets = strlen(name);
	char next;

	if (strncmp(error, name, octets) != 0)
		return false;
	next = error[octets];
	return next != '-' && !(next >= 'a' && next <= 'z');
}

static enum fit
fit_of(const struct search *search, const struct ini_entry *entry,
	const char *section, const char *name)
{
	if (begins_with(search->error, name))
		return entry->key && has_word_of(
					     search->error, entry->value, "")
			       ? FIT_VALUE
			       : FIT_KEY;
	if (begins_with(search->error, section))
		return FIT_SECTION;
	return entry->key && has_word_of(search->error, entry->value, "/")
		       ? FIT_PATH
		       : FIT_NONE;
}

/* ini_handler. "[listener pop3 second]" is "[listener pop3]" in an error. */
static bool
look_at(const struct ini_entry *entry, char error[INI_ERROR_SIZE],
	void *context)
{
	struct search *search = context;
	char section[NAME_SIZE], name[NAME_SIZE];
	enum fit fit;

	(void)error;
	snprintf(section, sizeof(section), "[%.60s%s%.*s]", entry->section,
		*entry->name ? " " : "", (int)strcspn(entry->name, " "),
		entry->name);
	snprintf(name, sizeof(name), "%.*s%s%.60s", 200, section,
		entry->key ? " " : "", entry->key ? entry->key : ":");
	fit = fit_of(search, entry, section, name);
	if (fit == FIT_NONE || fit < search->best ||
		((fit == FIT_SECTION || fit == FIT_PATH) &&
			fit == search->best))
		return true;
	search->best = fit;
	snprintf(search->place, sizeof(search->place), "%.200s:%u: %s%s",
		entry->file, entry->line, fit == FIT_PATH ? name : "",
		fit == FIT_PATH ? ": " : "");
	return true;
}

void
setting_place_name(const char *file, char error[INI_ERROR_SIZE])
{
	char what[INI_ERROR_SIZE], ignored[INI_ERROR_SIZE];
	struct search search = {.error = what};

	snprintf(what, sizeof(what), "%s", error);
	snprintf(search.place, sizeof(search.place), "%.200s: ", file);
	ini_load(file, look_at, &search, ignored);
	snprintf(error, INI_ERROR_SIZE, "%s%.*s", search.place,
		(int)(INI_ERROR_SIZE - 1 - strlen(search.place)), what);
}
