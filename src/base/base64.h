/* SPDX-License-Identifier: ISC */
/*
 * base64 - RFC 4648 section 4, with padding, strict: no line ends, no white
 * space, no octet outside the alphabet, no stray bits in the last group.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buffer.h"

/* False when `out` has no room. */
bool base64_encode(struct bytes in, struct buffer *out);
/* False, and `out` as it was, when `in` is not base64 or `out` has no room. */
bool base64_decode(struct bytes in, struct buffer *out);

#endif
