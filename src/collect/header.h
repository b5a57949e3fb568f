/* SPDX-License-Identifier: ISC */
/*
 * header - fields of a message's header, as far as the collector needs them.
 * Pure: no I/O, no clock. What cannot be read says nothing.
 * Source: RFC 5322, RFC 2047.
 */
#ifndef COLLECT_HEADER_H
#define COLLECT_HEADER_H

#include "base/bytes.h"

/* The header with its empty line; the whole of `text` when there is none. */
struct bytes header_of(struct bytes text);
/* True when the empty line is in `text`. */
bool header_is_whole(struct bytes text);
/* The same, when the first `known` octets are known to have none. */
bool header_ends(struct bytes text, size_t known);

/*
 * The next field called `name` (in any case) from the front of *rest, which
 * then starts behind it. out: unfolded, encoded words decoded to UTF-8, control
 * characters as blanks; cut when longer than size - 1. False: there is none.
 */
bool header_next(struct bytes *rest, const char *name, char *out, size_t size);
/* The first of them. */
bool header_value(struct bytes text, const char *name, char *out, size_t size);

/* "Mon, 02 Nov 2026 10:00:00 +0100" to seconds since 1970. */
bool header_date(const char *text, uint64_t *out_seconds);
/* When it came to its first mailbox: the topmost Received, else Date. */
bool header_arrived(struct bytes text, uint64_t *out_seconds);

#endif
