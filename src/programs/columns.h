/* SPDX-License-Identifier: ISC */
/*
 * columns - text in tables on a terminal: a name in UTF-8 has fewer columns
 * than octets.
 */
#ifndef PROGRAMS_COLUMNS_H
#define PROGRAMS_COLUMNS_H

#include <stddef.h>

#define COLUMNS_SIZE 320

/* How many columns `text`, UTF-8, takes. */
size_t columns_of(const char *text);
/*
 * `text` in exactly `columns`, 4 at least: blanks behind it, or cut, with "..."
 * at the end.
 */
const char *in_columns(
	const char *text, size_t columns, char out[COLUMNS_SIZE]);
/* Ends `text` before the character that goes beyond `columns`. */
void columns_cut(char *text, size_t columns);

#endif
