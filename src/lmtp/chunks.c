/* SPDX-License-Identifier: ISC */
/*
 * BDAT: a body in chunks of an announced size, without dots. Source: RFC 3030
 * section 2; RFC 2033 section 4.3 for the replies to the last chunk.
 *
 * The octets of a chunk that is refused are taken all the same: the client has
 * sent them, or will. A transaction of which a chunk was refused is over.
 */
#include "lmtp/state.h"

#include <string.h>

void
lmtp_on_bdat(struct lmtp_session *s, struct bytes arguments)
{
	struct bytes size = bytes_cut(&arguments, ' ');
	struct bytes last = bytes_trim(arguments);
	uint64_t octets;

	if (!bytes_to_number(size, UINT64_MAX, &octets) ||
		(last.octets > 0 && !bytes_equal_ignoring_case(
					    last, bytes_of_string("LAST")))) {
		lmtp_bad(s, "501 5.5.4 BDAT needs a number, then perhaps LAST");
		return;
	}
	s->chunk_left = octets;
	s->is_last_chunk = last.octets > 0;
	s->is_in_chunk = true;
	s->mode = s->refusal_text ? LMTP_SWALLOWING : LMTP_RECEIVING;
	if (!s->reverse_path || s->recipient_count == 0) {
		s->is_misplaced = true;
		s->mode = LMTP_SWALLOWING;
	} else if (!s->has_begun) {
		s->next = LMTP_BEGIN;
	}
}

/* A bare LF becomes CRLF and is counted, as in DATA. */
static size_t
repair(struct lmtp_session *s, struct bytes *in, size_t octets,
	unsigned char *to)
{
	unsigned char *start = to;

	for (size_t i = 0; i < octets; i++) {
		unsigned char octet = in->at[i];

		if (octet == '\n' && !s->is_after_cr) {
			*to++ = '\r';
			s->decoder.bare_lf_count++;
		}
		s->is_after_cr = octet == '\r';
		*to++ = octet;
	}
	*in = bytes_after(*in, octets);
	return (size_t)(to - start);
}

bool
lmtp_take_chunk(struct lmtp_session *s, struct bytes *in, struct buffer *body)
{
	size_t octets = buffer_room(body) / 2;
	unsigned char *to;

	if (octets > in->octets)
		octets = in->octets;
	if (octets > s->chunk_left)
		octets = (size_t)s->chunk_left;
	s->chunk_left -= octets;
	if (s->mode == LMTP_SWALLOWING) {
		*in = bytes_after(*in, octets);
		return s->chunk_left == 0;
	}
	to = buffer_reserve(body, 2 * octets);
	if (!to) {
		s->is_closing = true;
		return false;
	}
	octets = repair(s, in, octets, to);
	buffer_grow(body, octets);
	s->body_octets += octets;
	return s->chunk_left == 0;
}

/* Refused in the middle: one reply, and the transaction is over. */
static void
end_refused(struct lmtp_session *s)
{
	if (s->refusal_text)
		lmtp_reply(s, s->refusal_text);
	else
		lmtp_reply_outcome(s, s->refusal, s->recipients[0].address);
	lmtp_reset(s);
}

void
lmtp_end_chunk(struct lmtp_session *s)
{
	s->is_in_chunk = false;
	if (s->is_misplaced) {
		s->is_misplaced = false;
		s->mode = LMTP_COMMANDS;
		lmtp_bad(s, s->reverse_path ? "503 5.5.1 no valid recipients"
					    : "503 5.5.1 MAIL comes first");
	} else if (s->is_last_chunk) {
		lmtp_end_body(s);
	} else if (s->mode == LMTP_SWALLOWING) {
		end_refused(s);
	} else {
		s->mode = LMTP_COMMANDS;
		lmtp_reply(s, "250 2.0.0 taken");
	}
}
