/* SPDX-License-Identifier: ISC */
#include "wire/dot_decoder.h"

#include <string.h>

enum {
	AT_LINE_START, /* behind CRLF, or the very beginning */
	IN_LINE,
	AFTER_CR,
	AFTER_DOT,    /* a dot that began the line, not yet written */
	AFTER_DOT_CR, /* that dot and a CR, neither yet written */
};

void
dot_decoder_init(struct dot_decoder *decoder, enum bare_lf bare_lf)
{
	*decoder = (struct dot_decoder){
		.bare_lf = bare_lf, .state = AT_LINE_START};
}

struct out {
	unsigned char *at;
	size_t used, room;
};

static void
put(struct out *out, unsigned char octet)
{
	out->at[out->used++] = octet;
}

/* The run up to the next CR or LF, in one copy. */
static void
copy_run(struct dot_decoder *decoder, struct bytes *in, struct out *out)
{
	size_t most = out->room - out->used;
	const unsigned char *cr, *lf, *nul;

	if (most > in->octets)
		most = in->octets;
	cr = memchr(in->at, '\r', most);
	if (cr)
		most = (size_t)(cr - in->at);
	lf = memchr(in->at, '\n', most);
	if (lf)
		most = (size_t)(lf - in->at);
	memcpy(out->at + out->used, in->at, most);
	nul = most ? memchr(in->at, 0, most) : NULL;
	for (; nul && nul < in->at + most; nul++)
		decoder->nul_count += *nul == 0;
	out->used += most;
	*in = bytes_after(*in, most);
}

/* An LF that no CR precedes is data, never a line end. */
static void
take_bare_lf(struct dot_decoder *decoder, struct out *out)
{
	decoder->bare_lf_count++;
	if (decoder->bare_lf == BARE_LF_TO_CRLF)
		put(out, '\r');
	put(out, '\n');
	decoder->state = IN_LINE;
}

static void
take_in_line(struct dot_decoder *decoder, struct bytes *in, struct out *out)
{
	unsigned char octet = in->at[0];

	if (octet == '\n') {
		take_bare_lf(decoder, out);
		*in = bytes_after(*in, 1);
	} else if (octet == '\r') {
		decoder->state = AFTER_CR;
		*in = bytes_after(*in, 1);
	} else {
		decoder->state = IN_LINE;
		copy_run(decoder, in, out);
	}
}

/* A CR is held back until it is known what follows it. */
static void
take_after_cr(struct dot_decoder *decoder, struct bytes *in, struct out *out)
{
	put(out, '\r');
	if (in->at[0] == '\n') {
		put(out, '\n');
		decoder->state = AT_LINE_START;
		*in = bytes_after(*in, 1);
		return;
	}
	decoder->bare_cr_count++;
	decoder->state = IN_LINE;
}

/* True at the end of the body. */
static bool
take_one(struct dot_decoder *decoder, struct bytes *in, struct out *out)
{
	switch (decoder->state) {
	case AT_LINE_START:
		if (in->at[0] != '.') {
			take_in_line(decoder, in, out);
			return false;
		}
		decoder->state = AFTER_DOT;
		*in = bytes_after(*in, 1);
		return false;
	case AFTER_DOT:
		/* The dot is dropped whatever follows (RFC 5321, 4.5.2). */
		if (in->at[0] != '\r') {
			take_in_line(decoder, in, out);
			return false;
		}
		decoder->state = AFTER_DOT_CR;
		*in = bytes_after(*in, 1);
		return false;
	case AFTER_DOT_CR:
		if (in->at[0] == '\n') {
			*in = bytes_after(*in, 1);
			return true;
		}
		decoder->state = AFTER_CR;
		return false;
	case AFTER_CR:
		take_after_cr(decoder, in, out);
		return false;
	default:
		take_in_line(decoder, in, out);
		return false;
	}
}

bool
dot_decoder_take(struct dot_decoder *decoder, struct bytes *in,
	unsigned char *to, size_t room, size_t *out_octets)
{
	struct out out = {to, 0, room};
	bool is_end = false;

	/* One turn writes at most two octets beside a run. */
	while (!is_end && in->octets > 0 && room - out.used >= 2)
		is_end = take_one(decoder, in, &out);
	*out_octets = out.used;
	return is_end;
}
