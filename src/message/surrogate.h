/* SPDX-License-Identifier: ISC */
/*
 * surrogate - the header of an internationalized message as clients read it
 * that know nothing of UTF-8 in headers; the body stays as it is.
 *
 * In:    the message as stored, in any chunking; line ends LF or CRLF.
 * Out:   header fields in ASCII: Subject as encoded words, addresses in UTF-8
 *        replaced by one that is nobody's, parameters and fields that cannot be
 *        said left out. A field that is ASCII goes through octet by octet, and
 *        so does one that is not UTF-8: nobody knows what it means.
 * Owns:  the field in hand, SURROGATE_FIELD_MAXIMUM_OCTETS at most.
 * Source: RFC 6858 section 2, RFC 6856 section 2.1.
 */
#ifndef MESSAGE_SURROGATE_H
#define MESSAGE_SURROGATE_H

#include "base/buffer.h"

/* In a longer field every octet outside ASCII becomes "?". */
#define SURROGATE_FIELD_MAXIMUM_OCTETS 16384

struct surrogate {
	struct buffer field;  /* as stored, with its folds */
	struct buffer out;    /* to be sent before anything else is taken */
	int64_t difference;   /* octets as sent, so far: surrogate - original */
	bool is_over;	      /* the header has ended */
	uint64_t line_octets; /* so far, without its LF */
	bool is_line_start, is_line_empty, is_too_long;
};

void surrogate_init(struct surrogate *surrogate);
void surrogate_release(struct surrogate *surrogate);
/*
 * Takes octets of the header from the front of *chunk until `out` holds
 * something, the chunk is used up or the header has ended; what is left of the
 * chunk then is body. False: memory is short.
 */
bool surrogate_take(struct surrogate *surrogate, struct bytes *chunk);
/* The message has ended, perhaps within its header. */
bool surrogate_end(struct surrogate *surrogate);

/*
 * What the field that `is_too_long` or not would differ in octets as sent.
 * *out_is_changed: other octets go out than were stored. False: memory is
 * short.
 */
bool surrogate_measure(struct bytes field, bool is_too_long,
	int64_t *out_difference, bool *out_is_changed);

/* ---- surrogate_field.c ---- */

/* Appends what stands for a whole field in UTF-8: nothing, or lines that end in
   CRLF. False: memory is short. */
bool surrogate_field(struct bytes field, struct buffer *out);

#endif
