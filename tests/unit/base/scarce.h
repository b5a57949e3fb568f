/* SPDX-License-Identifier: ISC */
/*
 * scarce - what may fail, fails, one call at a time. The programs that include
 * it are linked with malloc() and calloc() led through here; with
 * scarce_digests.c those of OpenSSL that may fail too.
 *
 *     for (unsigned n = 1; scarce_from(n), try(), scarce_has_failed(); n++)
 *
 * tries something once for each call in it.
 */
#ifndef TESTS_BASE_SCARCE_H
#define TESTS_BASE_SCARCE_H

#include <stdbool.h>

/* The `number`-th call from now fails, and no other; 0: none. */
void scarce_from(unsigned number);
/* Has it? Ends it, too. */
bool scarce_has_failed(void);
/* Of a function that may fail: must this call? */
bool scarce_fails(void);

#endif
