/* SPDX-License-Identifier: ISC */
/*
 * buffer - octets that are appended at the end and consumed at the front.
 *
 * Every buffer has its maximum from birth; what would pass it is refused whole.
 * Memory is taken at the first append and given back by buffer_release or,
 * once empty, by buffer_trim; memory it grows out of is wiped. Embedded:
 * buffer_init / buffer_release.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/bytes.h"

struct buffer {
	unsigned char *memory;
	size_t start;	 /* octets consumed at the front of memory */
	size_t octets;	 /* octets held, from memory + start */
	size_t capacity; /* octets of memory */
	size_t maximum;	 /* octets held at most */
};

void buffer_init(struct buffer *buffer, size_t maximum_octets);
/* Frees the memory; the buffer stays usable, empty, with its maximum. */
void buffer_release(struct buffer *buffer);
/* As buffer_release, after wiping what the memory held. */
void buffer_wipe(struct buffer *buffer);

/* How many octets may still be appended. */
size_t buffer_room(const struct buffer *buffer);
/* What is held; valid until the next call that changes the buffer. */
struct bytes buffer_bytes(const struct buffer *buffer);

/* All or nothing: false when it does not fit or memory is short. Nothing needs
   no memory. */
bool buffer_append(struct buffer *buffer, const void *at, size_t octets);
bool buffer_append_bytes(struct buffer *buffer, struct bytes bytes);
bool buffer_append_string(struct buffer *buffer, const char *string);
__attribute__((format(printf, 2, 3))) bool buffer_printf(
	struct buffer *buffer, const char *format, ...);

/*
 * Makes `octets` writable behind what is held, for read(2) and the like;
 * NULL when that would pass the maximum. buffer_grow says how many were used.
 */
unsigned char *buffer_reserve(struct buffer *buffer, size_t octets);
void buffer_grow(struct buffer *buffer, size_t octets);

/* Drops `octets` (at most all) from the front. */
void buffer_consume(struct buffer *buffer, size_t octets);
void buffer_clear(struct buffer *buffer);
/* Gives the memory of an empty buffer back; else does nothing. */
void buffer_trim(struct buffer *buffer);

#endif
