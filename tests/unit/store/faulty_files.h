/* SPDX-License-Identifier: ISC */
/*
 * faulty_files - the real file system, with one call that fails: the n-th of
 * those that change something or read, once or for ever after (a crash).
 */
#ifndef TESTS_STORE_FAULTY_FILES_H
#define TESTS_STORE_FAULTY_FILES_H

#include "store/files.h"

extern struct files faulty_files;

/* Counts from 1; 0: none fails. */
void faulty_files_arm(unsigned n, int error, bool is_for_ever);
/* Only calls that need free blocks fail, always: a full disk. */
void faulty_files_fill(bool is_full);
/* Calls since it was armed. */
unsigned faulty_files_calls(void);

#endif
