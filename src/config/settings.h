/* SPDX-License-Identifier: ISC */
/*
 * settings - settings as rows: one row owns a key's section, type, unit, default,
 * range and help, and says where in a struct its value lives. Parsing, writing,
 * samples and manuals derive from it. Every program's settings are such a table.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/buffer.h"
#include "config/ini.h"

#define SETTINGS_KEYS_MAXIMUM 128
/* "[section name] key", with its NUL. */
#define SETTINGS_CHANGE_SIZE 288

enum setting_type {
	SETTING_STRING, /* char *, owned by the object */
	SETTING_NUMBER, /* uint64_t, and so all below but bool */
	SETTING_SECONDS,
	SETTING_OCTETS,
	SETTING_BOOL, /* bool */
	SETTING_WORD, /* one of `words`; the value is its place */
	SETTING_LIST, /* char *: some of `words`, each once, divided by commas */
};

/* What a reload does to a program that runs. */
enum setting_change {
	SETTING_AT_START, /* the old value stays until a restart */
	SETTING_LIVE,
};

struct setting {
	const char *section;
	const char *key;
	enum setting_type type;
	size_t offset;	     /* of the value in the object */
	const char *initial; /* the default, as it would be written */
	uint64_t minimum, maximum;
	const char *words; /* "no|yes|force" */
	const char *help;
	enum setting_change change;
};

struct settings {
	const struct setting *rows;
	size_t count; /* at most SETTINGS_KEYS_MAXIMUM */
};

/* Which keys of a section have been seen: they may stand once. */
struct settings_seen {
	bool is_seen[SETTINGS_KEYS_MAXIMUM];
};

void settings_init(const struct settings *table, void *object); /* defaults */
void settings_release(const struct settings *table, void *object);

/* error: what is wrong, for people, without file and line. */
bool settings_set(const struct setting *setting, void *object, const char *text,
	char error[INI_ERROR_SIZE]);
/* A key line: finds its row, sets it; unknown keys name the nearest known. */
bool settings_take(const struct settings *table, void *object,
	struct settings_seen *seen, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE]);
/* Adds `; did you mean "nearest"?` when there is one. */
void settings_did_you_mean(char error[INI_ERROR_SIZE], const char *nearest);

/* The next word of a SETTING_LIST; false at its end. */
bool settings_next_word(struct bytes *rest, struct bytes *out);

/* Appends the value as it would be written. */
bool settings_put_value(
	const struct setting *setting, const void *object, struct buffer *out);
bool settings_is_default(const struct setting *setting, const void *object,
	const void *defaults);

/* Appends a line for each key; defaults: but those that are as there. */
bool settings_put_keys(const struct settings *table, const void *object,
	const void *defaults, struct buffer *out);
/* Appends the key as a comment with its help and default. is_marked: with
   whether a reload leaves it. */
bool settings_put_sample(
	const struct setting *setting, bool is_marked, struct buffer *out);

/* Gives `to` the value that `from` has. False: memory. */
bool settings_copy_value(
	const struct setting *setting, void *to, const void *from);

/* NULL is only NULL. */
bool settings_is_same_text(const char *a, const char *b);

/* A list of networks; else what is wrong, with section and key. */
bool settings_check_networks(const char *networks, const char *section,
	const char *key, char error[INI_ERROR_SIZE]);

#endif
