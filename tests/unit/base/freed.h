/* SPDX-License-Identifier: ISC */
/*
 * freed - what memory held when it was given back. The programs that include
 * it are linked with free() and realloc() led through here.
 *
 * freed_watch(word): from now on no memory that still holds `word` may be
 * freed, nor moved by realloc(); freed_count says how often it was.
 */
#ifndef TESTS_BASE_FREED_H
#define TESTS_BASE_FREED_H

void freed_watch(const char *word);
unsigned freed_count(void);

#endif
