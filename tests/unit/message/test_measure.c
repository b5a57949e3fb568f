/* SPDX-License-Identifier: ISC */
/*
 * What is measured is what is sent: against the dot encoder and against the
 * reference, for every short string and many random ones, however cut.
 */
#include "../wire/reference.h"

#include "message/measure.h"
#include "wire/dot_encoder.h"

#define RANDOM_MESSAGES 5000
#define RANDOM_OCTETS	40
#define SEED		1939
#define END_OCTETS	3 /* ".\r\n" */

static void
measure_cut(struct bytes message, uint64_t cuts, struct measure *out)
{
	size_t octets, at = 0;

	measure_init(out);
	for (; (octets = piece_octets(message, at, cuts)) > 0; at += octets)
		measure_put(out, bytes_of(message.at + at, octets));
	measure_end(out);
}

/* ---- rows ---- */

static const struct {
	struct bytes message;
	uint64_t octets, header_octets;
	bool needs_crlf, needs_stuffing, has_nul, has_8bit;
} rows[] = {
	{TEXT(""), .octets = 0},
	{TEXT("a: b\r\n\r\nc\r\n"), .octets = 11, .header_octets = 8},
	{TEXT("a: b\n\nc\n"), .octets = 11, .header_octets = 6,
		.needs_crlf = true},
	/* RFC 1939 section 11: the CRLF that RETR adds is counted. */
	{TEXT("a: b\r\n\r\nc"), .octets = 11, .header_octets = 8,
		.needs_crlf = true},
	{TEXT("a"), .octets = 3, .header_octets = 1, .needs_crlf = true},
	{TEXT("a\r"), .octets = 4, .header_octets = 2, .needs_crlf = true},
	{TEXT("\n"), .octets = 2, .header_octets = 1, .needs_crlf = true},
	{TEXT("\r\n"), .octets = 2, .header_octets = 2},
	/* Two CR are not an empty line. */
	{TEXT("a\r\n\r\r\nb\r\n"), .octets = 9, .header_octets = 9},
	/* No empty line: all of it is header. */
	{TEXT("a: b\r\nc: d\r\n"), .octets = 12, .header_octets = 12},
	/* Only the first empty line ends the header. */
	{TEXT("\r\n\r\n\r\n"), .octets = 6, .header_octets = 2},
	{TEXT("."), .octets = 3, .header_octets = 1, .needs_crlf = true,
		.needs_stuffing = true},
	{TEXT("a\r\n.b\r\n"), .octets = 7, .header_octets = 7,
		.needs_stuffing = true},
	{TEXT("a.\r\nb.c\r\n"), .octets = 9, .header_octets = 9},
	{TEXT("a\r.b\r\n"), .octets = 6, .header_octets = 6},
	{TEXT("a\0\r\n"), .octets = 4, .header_octets = 4, .has_nul = true},
	{TEXT("a\x7f\r\n"), .octets = 4, .header_octets = 4},
	{TEXT("1234567\x80\r\n"), .octets = 10, .header_octets = 10,
		.has_8bit = true},
	{TEXT("12345678901234567890\xff\r\n"), .octets = 23,
		.header_octets = 23, .has_8bit = true},
};

static void
check_row(size_t row, uint64_t cuts)
{
	struct measure m;

	measure_cut(rows[row].message, cuts, &m);
	assert_int_equal(m.stored_octets, rows[row].message.octets);
	assert_int_equal(m.octets, rows[row].octets);
	assert_int_equal(m.header_octets, rows[row].header_octets);
	assert_int_equal(m.needs_crlf, rows[row].needs_crlf);
	assert_int_equal(m.needs_stuffing, rows[row].needs_stuffing);
	assert_int_equal(m.has_nul, rows[row].has_nul);
	assert_int_equal(m.has_8bit, rows[row].has_8bit);
}

static void
measures_rows(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		check_row(i, EACH_OCTET);
		for (uint64_t cuts = 0; cuts < 1 << 12; cuts++)
			check_row(i, cuts);
	}
}

/* Wherever the one octet stands, in whatever alignment. */
static void
finds_8bit_anywhere(void **state)
{
	unsigned char text[40];

	for (size_t octets = 1; octets <= 32; octets++) {
		for (size_t at = 0; at < octets * 8; at++) {
			struct measure m;
			unsigned char *start = text + at % 8;

			memset(text, 0x7f, sizeof(text));
			measure_cut(bytes_of(start, octets), 0, &m);
			assert_false(m.has_8bit);
			start[at / 8] = 0x80;
			measure_cut(bytes_of(start, octets), 0, &m);
			assert_true(m.has_8bit);
		}
	}
}

/* ---- properties ---- */

static size_t
encoded_octets(struct bytes message)
{
	unsigned char out[2 * REFERENCE_MAXIMUM_OCTETS];
	struct dot_encoder encoder;
	size_t octets;

	dot_encoder_init(&encoder);
	octets = dot_encoder_put(&encoder, &message, out, sizeof(out));
	assert_int_equal(message.octets, 0);
	return octets + dot_encoder_end(&encoder, out);
}

static uint64_t
stuffed_lines(struct bytes canonical)
{
	uint64_t count = 0;

	for (size_t i = 0; i < canonical.octets; i++)
		count += canonical.at[i] == '.' &&
			 (i == 0 || canonical.at[i - 1] == '\n');
	return count;
}

/* Without a state from octet to octet: an LF with an LF or CRLF before it. */
static uint64_t
header_octets(struct bytes message)
{
	for (size_t i = 0; i < message.octets; i++) {
		size_t line = i;

		if (message.at[i] != '\n')
			continue;
		if (line > 0 && message.at[line - 1] == '\r')
			line--;
		if (line == 0 || message.at[line - 1] == '\n')
			return i + 1;
	}
	return message.octets;
}

static void
check_properties(struct bytes message, uint64_t cuts)
{
	struct octets canonical;
	struct measure m;
	uint64_t stuffed;

	measure_cut(message, cuts, &m);
	reference_canonical(message, &canonical);
	stuffed = stuffed_lines(octets_bytes(&canonical));
	assert_int_equal(
		m.octets, encoded_octets(message) - END_OCTETS - stuffed);
	assert_int_equal(m.octets, canonical.count);
	assert_int_equal(m.needs_stuffing, stuffed > 0);
	assert_int_equal(
		m.needs_crlf, !bytes_equal(message, octets_bytes(&canonical)));
	assert_int_equal(m.has_nul, bytes_has(message, 0));
	assert_int_equal(m.header_octets, header_octets(message));
	assert_int_equal(m.stored_octets, message.octets);
	assert_false(m.has_8bit);
}

static void
check_cuts(struct bytes message)
{
	check_properties(message, 0);
	check_properties(message, EACH_OCTET);
	for (size_t i = 0; i + 1 < message.octets; i++)
		check_properties(message, (uint64_t)1 << i);
}

static void
is_what_is_sent(void **state)
{
	uint64_t seed = SEED;
	struct octets string;

	for (uint64_t i = 0; i < EVERY_STRING_TO_6; i++) {
		string_by_index(i, &string);
		check_cuts(octets_bytes(&string));
	}
	for (int i = 0; i < RANDOM_MESSAGES; i++) {
		random_string(&seed, RANDOM_OCTETS, &string);
		check_cuts(octets_bytes(&string));
	}
}

/* Sizes pass 4 GiB without wrapping. */
static void
counts_in_64_bits(void **state)
{
	static unsigned char chunk[1 << 20];
	struct measure m;

	memset(chunk, '\n', sizeof(chunk));
	measure_init(&m);
	m.octets = m.stored_octets = UINT32_MAX;
	m.is_header_over = true;
	measure_put(&m, bytes_of(chunk, sizeof(chunk)));
	measure_end(&m);
	assert_true(m.octets == (uint64_t)UINT32_MAX + 2 * sizeof(chunk));
	assert_true(m.stored_octets == (uint64_t)UINT32_MAX + sizeof(chunk));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_rows),
		cmocka_unit_test(finds_8bit_anywhere),
		cmocka_unit_test(is_what_is_sent),
		cmocka_unit_test(counts_in_64_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
