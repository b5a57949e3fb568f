/* SPDX-License-Identifier: ISC */
/*
 * utf8 - strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Source: RFC 3629 section 4.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

bool utf8_is_ascii(struct bytes text);
bool utf8_is_valid(struct bytes text);
/* Octets of the character at the front of valid text; 0 when it is empty. */
size_t utf8_first(struct bytes text);

#endif
