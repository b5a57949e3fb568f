/* SPDX-License-Identifier: ISC */
/*
 * The decoder ends where CRLF.CRLF first stands and nowhere else, and gives the
 * message whatever the cuts; decode(encode(x)) is x with its line ends made
 * CRLF, and as long as message/measure.h announces.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "message/measure.h"
#include "wire/dot_decoder.h"
#include "wire/dot_encoder.h"

#define TEXT_MAXIMUM_OCTETS (8u << 20)
#define PIECE_OCTETS	    30
#define ROOM_OCTETS	    20

enum { FLAG_TO_CRLF = 1 };

/* Where the end line begins, or `octets`. */
static size_t
find_end(struct bytes body)
{
	const unsigned char *at;

	if (body.octets >= 3 && memcmp(body.at, ".\r\n", 3) == 0)
		return 0;
	at = body.octets ? memmem(body.at, body.octets, "\r\n.\r\n", 5) : NULL;
	return at ? (size_t)(at - body.at) + 2 : body.octets;
}

/* RFC 5321 section 4.5.2, on the whole body. */
static void
decode_whole(struct bytes body, bool to_crlf, struct buffer *out)
{
	for (size_t i = 0; i < body.octets; i++) {
		unsigned char octet = body.at[i];
		bool is_after_cr = i > 0 && body.at[i - 1] == '\r';
		bool is_start = i == 0 || (i > 1 && body.at[i - 2] == '\r' &&
						  body.at[i - 1] == '\n');

		if (octet == '.' && is_start)
			continue;
		if (octet == '\n' && !is_after_cr && to_crlf)
			assert_true(buffer_append(out, "\r", 1));
		assert_true(buffer_append(out, &octet, 1));
	}
}

/* True when the end line came; *in is then what stands behind it. */
static bool
decode_pieces(struct bytes *in, bool to_crlf, uint64_t pace, struct buffer *out)
{
	struct dot_decoder decoder;
	unsigned char room[ROOM_OCTETS];
	bool is_end = false;

	dot_decoder_init(&decoder, to_crlf ? BARE_LF_TO_CRLF : BARE_LF_KEEP);
	while (in->octets > 0 && !is_end) {
		struct bytes before = *in, rest;
		struct bytes piece = fuzz_cut_piece(in, &pace, PIECE_OCTETS);

		rest = piece;
		while (rest.octets > 0 && !is_end) {
			size_t octets =
				4 + random_below(&pace, ROOM_OCTETS - 3);

			is_end = dot_decoder_take(
				&decoder, &rest, room, octets, &octets);
			assert_true(buffer_append(out, room, octets));
		}
		*in = bytes_after(before, piece.octets - rest.octets);
		fuzz_free_piece(&piece);
	}
	return is_end;
}

static void
check_decoder(struct bytes in, bool to_crlf, uint64_t pace)
{
	size_t end = find_end(in);
	struct bytes rest = in;
	struct buffer wanted, got;
	bool is_end;

	buffer_init(&wanted, TEXT_MAXIMUM_OCTETS);
	buffer_init(&got, TEXT_MAXIMUM_OCTETS);
	is_end = decode_pieces(&rest, to_crlf, pace, &got);
	assert_int_equal(is_end, end < in.octets);
	if (is_end) {
		assert_int_equal(rest.octets, in.octets - end - 3);
		decode_whole(bytes_of(in.at, end), to_crlf, &wanted);
		assert_bytes(buffer_bytes(&got), buffer_bytes(&wanted), in);
	}
	buffer_release(&wanted);
	buffer_release(&got);
}

/* ---- there and back ---- */

static void
encode(struct bytes text, uint64_t pace, struct buffer *out)
{
	unsigned char room[ROOM_OCTETS], end[DOT_ENCODER_END_OCTETS];
	struct dot_encoder encoder;

	dot_encoder_init(&encoder);
	while (text.octets > 0) {
		size_t octets = 2 + random_below(&pace, ROOM_OCTETS - 1);

		octets = dot_encoder_put(&encoder, &text, room, octets);
		assert_true(octets > 0);
		assert_true(buffer_append(out, room, octets));
	}
	assert_true(buffer_append(out, end, dot_encoder_end(&encoder, end)));
}

static void
to_line_ends(struct bytes text, struct buffer *out)
{
	unsigned char last = '\n';

	for (size_t i = 0; i < text.octets; i++) {
		if (text.at[i] == '\n' && last != '\r')
			assert_true(buffer_append(out, "\r", 1));
		last = text.at[i];
		assert_true(buffer_append(out, &last, 1));
	}
	if (last != '\n')
		assert_true(buffer_append(out, "\r\n", 2));
}

static void
check_there_and_back(struct bytes text, uint64_t pace)
{
	struct buffer sent, got, wanted;
	struct measure measure;
	struct bytes rest;

	buffer_init(&sent, TEXT_MAXIMUM_OCTETS);
	buffer_init(&got, TEXT_MAXIMUM_OCTETS);
	buffer_init(&wanted, TEXT_MAXIMUM_OCTETS);
	encode(text, pace, &sent);
	to_line_ends(text, &wanted);
	rest = buffer_bytes(&sent);
	assert_true(decode_pieces(&rest, false, pace, &got));
	assert_int_equal(rest.octets, 0);
	assert_bytes(buffer_bytes(&got), buffer_bytes(&wanted), text);
	measure_init(&measure);
	measure_put(&measure, text);
	measure_end(&measure);
	assert_int_equal(measure.octets, got.octets);
	assert_int_equal(measure.stored_octets, text.octets);
	assert_true(measure.header_octets <= text.octets);
	assert_true(
		measure.needs_crlf == !bytes_equal(buffer_bytes(&got), text));
	buffer_release(&sent);
	buffer_release(&got);
	buffer_release(&wanted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes text = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&text);

	check_decoder(text, head.flags & FLAG_TO_CRLF, head.pace);
	check_there_and_back(text, head.pace);
	return 0;
}
