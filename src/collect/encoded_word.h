/* SPDX-License-Identifier: ISC */
/*
 * encoded_word - "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=" becomes text in UTF-8. Words in a
 * character set that nobody knows, or that are broken, stay as they are.
 * Source: RFC 2047.
 */
#ifndef COLLECT_ENCODED_WORD_H
#define COLLECT_ENCODED_WORD_H

#include "base/bytes.h"

/* Cut when longer than size - 1. */
void encoded_words_decode(const char *text, char *out, size_t size);

#endif
