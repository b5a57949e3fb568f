/* SPDX-License-Identifier: ISC */
/*
 * Dot coding, both ways: against fixed rows, and against the reference for
 * every short string and 20,000 random ones, however cut and with every room.
 */
#include "reference.h"

#include "wire/dot_decoder.h"
#include "wire/dot_encoder.h"

#define RANDOM_MESSAGES	   20000
#define RANDOM_OCTETS	   28
#define SEED		   20261124
#define LEAST_ENCODER_ROOM 2
#define LEAST_DECODER_ROOM 4
#define EVERY_CUT_MOST	   11 /* octets: 1,024 ways to cut them */
#define CANARY		   0xa5

static const size_t rooms[] = {2, 3, 4, 7, 300};

/* ---- one message in one manner ---- */

/* Through an output of exactly `room` octets; what was written goes to `to`. */
static void
encode_some(struct dot_encoder *encoder, struct bytes *in, size_t room,
	struct octets *to)
{
	unsigned char out[REFERENCE_MAXIMUM_OCTETS + 1];
	size_t used, before = in->octets;

	out[room] = CANARY;
	used = dot_encoder_put(encoder, in, out, room);
	assert_int_equal(out[room], CANARY);
	assert_true(used <= room);
	assert_true(room < LEAST_ENCODER_ROOM || in->octets < before);
	for (size_t i = 0; i < used; i++)
		octets_put(to, out[i]);
}

static void
encode(struct bytes message, uint64_t cuts, size_t room, struct octets *to)
{
	unsigned char end[DOT_ENCODER_END_OCTETS];
	struct dot_encoder encoder;
	size_t octets, at = 0;

	to->count = 0;
	dot_encoder_init(&encoder);
	while ((octets = piece_octets(message, at, cuts)) > 0) {
		struct bytes in = bytes_of(message.at + at, octets);

		while (in.octets > 0) {
			/* Too little room is no reason to forget anything. */
			encode_some(&encoder, &in, 0, to);
			encode_some(&encoder, &in, 1, to);
			if (in.octets > 0)
				encode_some(&encoder, &in, room, to);
		}
		at += octets;
	}
	octets = dot_encoder_end(&encoder, end);
	for (size_t i = 0; i < octets; i++)
		octets_put(to, end[i]);
}

static bool
decode_some(struct dot_decoder *decoder, struct bytes *in, size_t room,
	struct octets *to)
{
	unsigned char out[REFERENCE_MAXIMUM_OCTETS + 1];
	size_t used = SIZE_MAX, before = in->octets;
	bool is_end;

	out[room] = CANARY;
	is_end = dot_decoder_take(decoder, in, out, room, &used);
	assert_int_equal(out[room], CANARY);
	assert_true(used <= room);
	assert_true(room < LEAST_DECODER_ROOM || in->octets < before);
	for (size_t i = 0; i < used; i++)
		octets_put(to, out[i]);
	return is_end;
}

static void
decode(struct bytes wire, enum bare_lf bare_lf, uint64_t cuts, size_t room,
	struct reference_decoded *to)
{
	struct dot_decoder decoder;
	size_t octets;

	to->message.count = to->taken = 0;
	to->is_ended = false;
	dot_decoder_init(&decoder, bare_lf);
	while (!to->is_ended &&
		(octets = piece_octets(wire, to->taken, cuts)) > 0) {
		struct bytes in = bytes_of(wire.at + to->taken, octets);

		while (in.octets > 0 && !to->is_ended)
			to->is_ended =
				decode_some(&decoder, &in, room, &to->message);
		to->taken += octets - in.octets;
	}
	to->bare_lf = decoder.bare_lf_count;
	to->bare_cr = decoder.bare_cr_count;
	to->nul = decoder.nul_count;
}

/* ---- one message in many manners ---- */

static void
check_encode(struct bytes message, uint64_t cuts, struct bytes wanted)
{
	for (size_t i = 0; i < COUNT(rooms); i++) {
		struct octets got;

		encode(message, cuts, rooms[i], &got);
		assert_bytes(octets_bytes(&got), wanted, message);
	}
}

static void
check_decode(struct bytes wire, enum bare_lf bare_lf, uint64_t cuts,
	const struct reference_decoded *wanted)
{
	for (size_t i = 0; i < COUNT(rooms); i++) {
		struct reference_decoded got;

		if (rooms[i] < LEAST_DECODER_ROOM)
			continue;
		decode(wire, bare_lf, cuts, rooms[i], &got);
		assert_bytes(octets_bytes(&got.message),
			octets_bytes(&wanted->message), wire);
		assert_int_equal(got.is_ended, wanted->is_ended);
		assert_int_equal(got.taken, wanted->taken);
		assert_int_equal(got.bare_lf, wanted->bare_lf);
		assert_int_equal(got.bare_cr, wanted->bare_cr);
		assert_int_equal(got.nul, wanted->nul);
	}
}

/*
 * Calls `check` with the input whole, one octet at a time, cut once at each
 * place, and, while it is short, cut in every way.
 */
static void
for_cuts(struct bytes input, void (*check)(struct bytes, uint64_t))
{
	check(input, 0);
	check(input, EACH_OCTET);
	if (input.octets > 0 && input.octets <= EVERY_CUT_MOST) {
		for (uint64_t cuts = 1; cuts >> (input.octets - 1) == 0; cuts++)
			check(input, cuts);
		return;
	}
	for (size_t i = 0; i + 1 < input.octets; i++)
		check(input, (uint64_t)1 << i);
}

static void
encodes_as_reference(struct bytes message, uint64_t cuts)
{
	struct octets canonical, wire;

	reference_canonical(message, &canonical);
	reference_encode(octets_bytes(&canonical), &wire);
	check_encode(message, cuts, octets_bytes(&wire));
}

static void
decodes_as_reference(struct bytes wire, uint64_t cuts)
{
	struct reference_decoded wanted;

	reference_decode(wire, false, &wanted);
	check_decode(wire, BARE_LF_KEEP, cuts, &wanted);
	reference_decode(wire, true, &wanted);
	check_decode(wire, BARE_LF_TO_CRLF, cuts, &wanted);
}

/* decode(encode(x)) is x, with CRLF where a line end was something else. */
static void
comes_back(struct bytes message, uint64_t cuts)
{
	struct octets canonical, wire;
	struct reference_decoded got;

	reference_canonical(message, &canonical);
	for (size_t i = 0; i < COUNT(rooms); i++) {
		encode(message, cuts, rooms[i], &wire);
		/* What follows belongs to the next command. */
		octets_put_string(&wire, "Q");
		decode(octets_bytes(&wire), BARE_LF_KEEP, cuts,
			rooms[i] + LEAST_DECODER_ROOM, &got);
		assert_bytes(octets_bytes(&got.message),
			octets_bytes(&canonical), message);
		assert_true(got.is_ended);
		assert_int_equal(got.taken, wire.count - 1);
		assert_int_equal(got.bare_lf, 0);
	}
}

/* ---- tests ---- */

static const struct {
	const char *name;
	struct bytes message, wire;
} encodings[] = {
	{"empty", TEXT(""), TEXT(".\r\n")},
	{"one line", TEXT("a\r\n"), TEXT("a\r\n.\r\n")},
	{"LF becomes CRLF", TEXT("a\nb\n"), TEXT("a\r\nb\r\n.\r\n")},
	{"no last line end", TEXT("a"), TEXT("a\r\n.\r\n")},
	{"CR as last octet", TEXT("a\r"), TEXT("a\r\r\n.\r\n")},
	{"CR alone kept", TEXT("a\rb\n"), TEXT("a\rb\r\n.\r\n")},
	{"CR CR LF", TEXT("\r\r\n"), TEXT("\r\r\n.\r\n")},
	{"empty lines", TEXT("\n\r\n\n"), TEXT("\r\n\r\n\r\n.\r\n")},
	{"first octet", TEXT(".a\r\n"), TEXT("..a\r\n.\r\n")},
	{"a dot alone", TEXT("."), TEXT("..\r\n.\r\n")},
	{"two dots", TEXT("..\r\n"), TEXT("...\r\n.\r\n")},
	{"a line of a dot", TEXT("a\n.\nb"), TEXT("a\r\n..\r\nb\r\n.\r\n")},
	{"no dot behind CR", TEXT("a\r.b"), TEXT("a\r.b\r\n.\r\n")},
	{"NUL", TEXT("\0.\0\n.\0"), TEXT("\0.\0\r\n..\0\r\n.\r\n")},
};

static void
encodes_rows(void **state)
{
	for (size_t i = 0; i < COUNT(encodings); i++) {
		struct bytes message = encodings[i].message;

		for (uint64_t cuts = 0; cuts < 1 << 9; cuts++)
			check_encode(message, cuts, encodings[i].wire);
		for_cuts(message, encodes_as_reference);
		for_cuts(message, comes_back);
		for_cuts(encodings[i].wire, decodes_as_reference);
	}
}

/* RFC 5321 section 4.1.1.4: no other sequence ends the body. */
static const struct bytes not_ends[] = {
	TEXT("a\n.\n"),
	TEXT("a\n.\r\n"),
	TEXT("a\r\n.\n"),
	TEXT("a\r.\r"),
	TEXT("a\r.\r\n"),
	TEXT("a\r\n.\r"),
	TEXT("a\r\n.\ra"),
	TEXT("a\n.\r"),
	TEXT("a\r.\n"),
	TEXT("a\r\n\0.\r\n"),
	TEXT("a\r\n.\0\r\n"),
	TEXT("a\r\n.\r\0\n"),
	TEXT("a\r\n.\r\r\n"),
	TEXT("a\r\n..\r\n"),
	TEXT("a\r\n. \r\n"),
	TEXT("a\r\r.\r\n"),
	TEXT("a\n\n.\n\n"),
	TEXT(".\n"),
	TEXT(".\r.\n"),
	TEXT("\n.\r\n"),
	TEXT("\r.\r\n"),
};

/* Each behind a line, then the true end with the commands behind it. */
static void
never_ends_elsewhere(void **state)
{
	static const char behind[] = "MAIL FROM:<x>\r\n";

	for (size_t i = 0; i < COUNT(not_ends); i++) {
		struct reference_decoded got;
		struct octets wire = {.count = 0};

		for (size_t j = 0; j < not_ends[i].octets; j++)
			octets_put(&wire, not_ends[i].at[j]);
		for (uint64_t cuts = 0; cuts < 1 << 9; cuts++) {
			decode(octets_bytes(&wire), BARE_LF_KEEP, cuts, 4,
				&got);
			assert_false(got.is_ended);
			decode(octets_bytes(&wire), BARE_LF_TO_CRLF, cuts, 4,
				&got);
			assert_false(got.is_ended);
		}
		octets_put_string(&wire, "b\r\n.\r\n");
		for_cuts(octets_bytes(&wire), decodes_as_reference);
		octets_put_string(&wire, behind);
		decode(octets_bytes(&wire), BARE_LF_TO_CRLF, EACH_OCTET, 4,
			&got);
		assert_true(got.is_ended);
		assert_int_equal(got.taken, wire.count - strlen(behind));
	}
}

static const struct {
	struct bytes wire, kept, with_cr;
	uint64_t bare_lf, bare_cr, nul;
} decodings[] = {
	{TEXT(".\r\n"), TEXT(""), TEXT(""), 0, 0, 0},
	{TEXT("..\r\n.\r\n"), TEXT(".\r\n"), TEXT(".\r\n"), 0, 0, 0},
	/* A dot that was never doubled goes all the same. */
	{TEXT(".a\r\n.\r\n"), TEXT("a\r\n"), TEXT("a\r\n"), 0, 0, 0},
	{TEXT("a\nb\r\n.\r\n"), TEXT("a\nb\r\n"), TEXT("a\r\nb\r\n"), 1, 0, 0},
	{TEXT("a\rb\r\r\n.\r\n"), TEXT("a\rb\r\r\n"), TEXT("a\rb\r\r\n"), 0, 2,
		0},
	{TEXT("\0\0\r\n\0\r\n.\r\n"), TEXT("\0\0\r\n\0\r\n"),
		TEXT("\0\0\r\n\0\r\n"), 0, 0, 3},
	/* The dots of a foreign end stay where they were. */
	{TEXT("a\n.\nb\r\n.\r\n"), TEXT("a\n.\nb\r\n"), TEXT("a\r\n.\r\nb\r\n"),
		2, 0, 0},
	{TEXT("a\r\n.\rb\r\n.\r\n"), TEXT("a\r\n\rb\r\n"), TEXT("a\r\n\rb\r\n"),
		0, 1, 0},
};

static void
decodes_rows(void **state)
{
	for (size_t i = 0; i < COUNT(decodings); i++) {
		struct bytes wire = decodings[i].wire;
		struct reference_decoded got;

		decode(wire, BARE_LF_KEEP, 0, 64, &got);
		assert_bytes(
			octets_bytes(&got.message), decodings[i].kept, wire);
		decode(wire, BARE_LF_TO_CRLF, 0, 64, &got);
		assert_bytes(
			octets_bytes(&got.message), decodings[i].with_cr, wire);
		assert_true(got.is_ended);
		assert_int_equal(got.taken, wire.octets);
		assert_int_equal(got.bare_lf, decodings[i].bare_lf);
		assert_int_equal(got.bare_cr, decodings[i].bare_cr);
		assert_int_equal(got.nul, decodings[i].nul);
		for_cuts(wire, decodes_as_reference);
	}
}

static void
every_short_string(void **state)
{
	for (uint64_t i = 0; i < EVERY_STRING_TO_6; i++) {
		struct octets string;

		string_by_index(i, &string);
		for_cuts(octets_bytes(&string), encodes_as_reference);
		for_cuts(octets_bytes(&string), decodes_as_reference);
	}
}

static void
random_messages(void **state)
{
	uint64_t seed = SEED;

	for (int i = 0; i < RANDOM_MESSAGES; i++) {
		struct octets string;

		random_string(&seed, RANDOM_OCTETS, &string);
		comes_back(octets_bytes(&string), 0);
		comes_back(octets_bytes(&string), EACH_OCTET);
		for (int j = 0; j < 8; j++)
			comes_back(octets_bytes(&string), random_next(&seed));
		for (size_t j = 0; j < string.count; j++)
			comes_back(octets_bytes(&string), (uint64_t)1 << j);
	}
}

/* A run that is copied as one must not run past a large output. */
static void
long_lines(void **state)
{
	struct octets message = {.count = 0}, wire;

	for (int i = 0; i < 150; i++)
		octets_put(&message, i % 50 == 49 ? '\n' : 'a');
	octets_put_string(&message, ".\n");
	reference_canonical(octets_bytes(&message), &wire);
	for (size_t room = 2; room < 200; room++) {
		struct octets got;
		struct reference_decoded back;

		encode(octets_bytes(&message), 0, room, &got);
		decode(octets_bytes(&got), BARE_LF_KEEP, 0,
			room + LEAST_DECODER_ROOM, &back);
		assert_bytes(octets_bytes(&back.message), octets_bytes(&wire),
			octets_bytes(&got));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_rows),
		cmocka_unit_test(never_ends_elsewhere),
		cmocka_unit_test(decodes_rows),
		cmocka_unit_test(every_short_string),
		cmocka_unit_test(random_messages),
		cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
