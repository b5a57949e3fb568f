/* SPDX-License-Identifier: ISC */
/*
 * body - reads a multi-line POP3 response and forgives nothing. Not the
 * dot_decoder of src/wire on purpose: that one is lenient, and what is measured
 * must not be checked by itself.
 *
 * In:    octets from the wire in any chunking.
 * Out:   how many octets the message has, and a digest of the octets sent.
 * Source: RFC 1939 section 3.
 */
#ifndef LOAD_BODY_H
#define LOAD_BODY_H

#include "base/bytes.h"

/* For a state that needs no memory of its own. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

enum body_state {
	BODY_LINES,
	BODY_DOT,    /* a dot began the line */
	BODY_DOT_CR, /* and a CR came behind it */
	BODY_ENDED,
};

struct body {
	enum body_state state;
	unsigned char last;
	uint64_t octets; /* of the message: CRLF counted, stuffing not */
	XXH64_state_t digest;
};

void body_init(struct body *body);

/*
 * Takes octets from the front of *in up to the end line, at most all. Returns
 * NULL or what is wrong, for people. state is BODY_ENDED when the end came.
 */
const char *body_take(struct body *body, struct bytes *in);
/* Of what was sent, stuffing included, without the end line. */
uint64_t body_digest(const struct body *body);

#endif
