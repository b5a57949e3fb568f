/* SPDX-License-Identifier: ISC */
/*
 * ini - reads `[section name]`, `key = value`, comments from ";" or "#" at the
 * start of a line or after white space, `include = conf.d` globs in order of
 * name, "\" at the end of a line to go on. A file begins outside of all
 * sections; one in which sections begin ends the section that includes it.
 * Pure but for ini_load.
 */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include "base/bytes.h"
#include "base/outcome.h"

#define INI_LINE_MAXIMUM_OCTETS	  8192
#define INI_FILE_MAXIMUM_OCTETS	  (4u << 20)
#define INI_INCLUDE_MAXIMUM_DEPTH 8
#define INI_ERROR_SIZE		  512

struct ini_entry {
	const char *file;
	unsigned line;	     /* 1-based */
	const char *section; /* "listener" of [listener pop3s]; "" before any */
	const char *name;    /* "pop3s"; "" without */
	const char *key;     /* NULL: the section's own line */
	const char *value;   /* white space at the ends dropped */
};

/* False: stop; `error` then says why, without file and line. */
typedef bool ini_handler(const struct ini_entry *entry,
	char error[INI_ERROR_SIZE], void *context);

/* error: "FILE:LINE: what is wrong", for people. ERR_PEER: the text is wrong. */
enum outcome ini_parse(const char *file, struct bytes text,
	ini_handler *handler, void *context, char error[INI_ERROR_SIZE]);
enum outcome ini_load(const char *file, ini_handler *handler, void *context,
	char error[INI_ERROR_SIZE]);

/* Would `key = value` be read back as this value? */
bool ini_can_hold(const char *value);

#endif
