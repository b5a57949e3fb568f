/* SPDX-License-Identifier: ISC */
#include "config/ini.h"
#include "base/buffer.h"
#include "base/file.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What holds while one file is read; includes have one of their own. */
struct ini {
	const char *file;
	unsigned line, depth;
	char *section, *name; /* point into `head` */
	bool has_section;     /* here or in what is included */
	bool is_section_over; /* an included file began another */
	char head[INI_LINE_MAXIMUM_OCTETS + 1];
	ini_handler *handler;
	void *context;
	char *error;
};

__attribute__((format(printf, 2, 3))) static enum outcome
complain(struct ini *ini, const char *format, ...)
{
	char what[INI_ERROR_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(ini->error, INI_ERROR_SIZE, "%.200s:%u: %.280s", ini->file,
		ini->line, what);
	return ERR_PEER;
}

static char *
trim(char *text)
{
	size_t octets;

	text += strspn(text, " \t");
	octets = strlen(text);
	while (octets > 0 && strchr(" \t\r", text[octets - 1]))
		text[--octets] = '\0';
	return text;
}

/* ";" and "#" begin a comment at the start of a line or behind white space. */
static void
cut_comment(char *line)
{
	for (char *at = line; *at; at++) {
		bool is_word_start =
			at == line || at[-1] == ' ' || at[-1] == '\t';

		if ((*at == ';' || *at == '#') && is_word_start) {
			*at = '\0';
			return;
		}
	}
}

static enum outcome
tell(struct ini *ini, const char *key, const char *value)
{
	struct ini_entry entry = {.file = ini->file,
		.line = ini->line,
		.section = ini->section,
		.name = ini->name,
		.key = key,
		.value = value};
	char error[INI_ERROR_SIZE] = "";

	/* To which of several it belongs would be a guess. */
	if (ini->is_section_over)
		return complain(ini,
			"another section began in an included file: say "
			"[%.60s%s%.60s] again before this key",
			ini->section, *ini->name ? " " : "", ini->name);
	if (ini->handler(&entry, error, ini->context))
		return OK;
	return complain(ini, "%s", error);
}

static enum outcome
take_section(struct ini *ini, char *line)
{
	char *end = strchr(line, ']');

	if (!end || end[1])
		return complain(ini, "a section is [word] or [word name]");
	*end = '\0';
	snprintf(ini->head, sizeof(ini->head), "%s", line + 1);
	ini->section = trim(ini->head);
	ini->name = ini->section + strcspn(ini->section, " \t");
	if (*ini->name)
		*ini->name++ = '\0';
	ini->name = trim(ini->name);
	if (!*ini->section)
		return complain(ini, "a section needs a name");
	ini->has_section = true;
	ini->is_section_over = false;
	return tell(ini, NULL, NULL);
}

static enum outcome include(struct ini *ini, const char *pattern);

static enum outcome
take_key(struct ini *ini, char *line)
{
	char *value = strchr(line, '=');
	char *key;

	if (!value)
		return complain(ini, "expected key = value or [section]");
	*value++ = '\0';
	key = trim(line);
	value = trim(value);
	if (!*key)
		return complain(ini, "a key is missing before =");
	/* Behind "= " it would be a comment. */
	if (*value == ';' || *value == '#')
		return complain(ini, "a value cannot begin with %c", *value);
	/* It would go on when it is written and read again. */
	if (*value && value[strlen(value) - 1] == '\\')
		return complain(ini, "a value cannot end in \\");
	if (strcmp(key, "include") == 0)
		return include(ini, value);
	return tell(ini, key, value);
}

static enum outcome
take_line(struct ini *ini, char *line)
{
	line = trim(line);
	if (!*line)
		return OK;
	return *line == '[' ? take_section(ini, line) : take_key(ini, line);
}

/*
 * One line, with those that "\" at its end adds, into `out`. A comment ends
 * with its line: it must not hide the setting below.
 */
static enum outcome
next_line(struct ini *ini, struct bytes *text, char *out, unsigned *out_lines)
{
	size_t used = 0;

	for (*out_lines = 1;; (*out_lines)++) {
		struct bytes line = bytes_cut(text, '\n');

		if (line.octets > 0 && line.at[line.octets - 1] == '\r')
			line.octets--;
		if (bytes_has(line, 0))
			return complain(ini, "the line holds a NUL");
		if (line.octets > INI_LINE_MAXIMUM_OCTETS - used)
			return complain(ini,
				"the line is longer than %d octets",
				INI_LINE_MAXIMUM_OCTETS);
		if (line.octets > 0)
			memcpy(out + used, line.at, line.octets);
		out[used + line.octets] = '\0';
		cut_comment(out);
		used = strlen(out);
		if (used == 0 || out[used - 1] != '\\' || text->octets == 0)
			return OK;
		used--;
	}
}

static enum outcome
parse(struct ini *ini, struct bytes text)
{
	char line[INI_LINE_MAXIMUM_OCTETS + 1];
	enum outcome outcome = OK;
	unsigned lines = 0;

	ini->section = ini->name = ini->head;
	/* Some editors put a mark of UTF-8 in front. */
	if (text.octets >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
		text = bytes_after(text, 3);
	for (ini->line = 1; text.octets > 0 && outcome == OK;
		ini->line += lines) {
		outcome = next_line(ini, &text, line, &lines);
		if (outcome == OK)
			outcome = take_line(ini, line);
	}
	return outcome;
}

enum outcome
ini_parse(const char *file, struct bytes text, ini_handler *handler,
	void *context, char error[INI_ERROR_SIZE])
{
	struct ini ini = {.file = file,
		/* A text has no folder to include from. */
		.depth = INI_INCLUDE_MAXIMUM_DEPTH,
		.handler = handler,
		.context = context,
		.error = error};

	return parse(&ini, text);
}

bool
ini_can_hold(const char *value)
{
	char line[INI_LINE_MAXIMUM_OCTETS / 2];
	size_t octets = strlen(value);

	if (octets + 2 > sizeof(line) || strchr(value, '\n') ||
		(octets > 0 && value[octets - 1] == '\\'))
		return false;
	snprintf(line, sizeof(line), " %s", value);
	cut_comment(line);
	return strcmp(trim(line), value) == 0;
}

/* ---- files ---- */

/* What holds for `ini` besides its file is set. */
static enum outcome
load(struct ini *ini)
{
	enum outcome outcome = ERR_PEER;
	struct buffer text;

	buffer_init(&text, INI_FILE_MAXIMUM_OCTETS);
	if (file_read(ini->file, &text))
		outcome = parse(ini, buffer_bytes(&text));
	else
		snprintf(ini->error, INI_ERROR_SIZE,
			"%.300s: cannot read it: %s", ini->file,
			strerror(errno));
	buffer_wipe(&text);
	return outcome;
}

static enum outcome
include_file(struct ini *ini, const char *file)
{
	struct ini included = {.file = file,
		.depth = ini->depth + 1,
		.handler = ini->handler,
		.context = ini->context,
		.error = ini->error};
	enum outcome outcome = load(&included);

	if (included.has_section) {
		ini->is_section_over = *ini->section != '\0';
		ini->has_section = true;
	}
	return outcome;
}

/* Relative to the file that includes; a pattern without match is nothing. */
static enum outcome
include(struct ini *ini, const char *pattern)
{
	const char *slash = strrchr(ini->file, '/');
	int folder =
		slash && *pattern != '/' ? (int)(slash - ini->file) + 1 : 0;
	char path[PATH_MAX];
	enum outcome outcome = OK;
	glob_t found;

	if (ini->depth >= INI_INCLUDE_MAXIMUM_DEPTH)
		return complain(ini, "include goes too deep");
	if (snprintf(path, sizeof(path), "%.*s%s", folder, ini->file,
		    pattern) >= (int)sizeof(path))
		return complain(ini, "the path of include is too long");
	if (glob(path, 0, NULL, &found) != 0) {
		if (!strpbrk(pattern, "*?["))
			return complain(ini, "cannot find %s", path);
		return OK;
	}
	for (size_t i = 0; i < found.gl_pathc && outcome == OK; i++)
		outcome = include_file(ini, found.gl_pathv[i]);
	globfree(&found);
	return outcome;
}

enum outcome
ini_load(const char *file, ini_handler *handler, void *context,
	char error[INI_ERROR_SIZE])
{
	struct ini ini = {.file = file,
		.handler = handler,
		.context = context,
		.error = error};

	return load(&ini);
}
