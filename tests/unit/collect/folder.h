/* SPDX-License-Identifier: ISC */
/*
 * folder - a temporary folder for one test, and plain calls on files in it.
 * A call that fails fails the test.
 */
#ifndef TESTS_COLLECT_FOLDER_H
#define TESTS_COLLECT_FOLDER_H

#include "../check.h"
#include "base/buffer.h"

#include <sys/stat.h>

/* cmocka's set-up and tear-down; *state is not used. */
int folder_make(void **state);
int folder_remove(void **state);
/* The path of the folder; it is $HOME as well. */
const char *folder_path(void);

/* A path in it; static memory, four at once. */
__attribute__((format(printf, 1, 2))) const char *in_folder(
	const char *format, ...);
void write_octets(const char *path, struct bytes octets, mode_t mode);
void write_text(const char *path, const char *text);
/* Replaces what `out` held. */
void read_octets(const char *path, struct buffer *out);
void assert_file(const char *path, struct bytes octets);
void assert_absent(const char *path);

/* How many entries a directory has, "." and ".." left out. */
unsigned count_entries(const char *directory);
/* The path of the n-th by name. */
const char *entry_of(const char *directory, unsigned n);

#endif
