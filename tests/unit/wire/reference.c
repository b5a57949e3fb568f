/* SPDX-License-Identifier: ISC */
#include "reference.h"

static const char alphabet[] = {'.', '\r', '\n', 'a', '\0'};
#define LETTERS sizeof(alphabet)

struct bytes
octets_bytes(const struct octets *octets)
{
	return bytes_of(octets->at, octets->count);
}

void
octets_put(struct octets *octets, unsigned char octet)
{
	assert_true(octets->count < sizeof(octets->at));
	octets->at[octets->count++] = octet;
}

void
octets_put_string(struct octets *octets, const char *string)
{
	while (*string)
		octets_put(octets, (unsigned char)*string++);
}

void
reference_canonical(struct bytes message, struct octets *out)
{
	unsigned char last = '\n';

	out->count = 0;
	for (size_t i = 0; i < message.octets; i++) {
		if (message.at[i] == '\n' && (i == 0 || last != '\r'))
			octets_put(out, '\r');
		last = message.at[i];
		octets_put(out, last);
	}
	if (last != '\n')
		octets_put_string(out, "\r\n");
}

void
reference_encode(struct bytes canonical, struct octets *out)
{
	out->count = 0;
	for (size_t i = 0; i < canonical.octets; i++) {
		bool is_start = i == 0 || canonical.at[i - 1] == '\n';

		if (is_start && canonical.at[i] == '.')
			octets_put(out, '.');
		octets_put(out, canonical.at[i]);
	}
	octets_put_string(out, ".\r\n");
}

/* ---- decoding ---- */

static bool
is_crlf_before(struct bytes wire, size_t at)
{
	return at == 0 ||
	       (at >= 2 && wire.at[at - 2] == '\r' && wire.at[at - 1] == '\n');
}

/* Where CRLF.CRLF has its dot; the octets of the wire when nowhere. */
static size_t
end_of(struct bytes wire)
{
	for (size_t i = 0; i + 3 <= wire.octets; i++)
		if (is_crlf_before(wire, i) &&
			memcmp(wire.at + i, ".\r\n", 3) == 0)
			return i;
	return wire.octets;
}

static void
decode_octet(struct bytes wire, size_t i, bool adds_cr,
	struct reference_decoded *out)
{
	unsigned char octet = wire.at[i];
	bool is_after_cr = i > 0 && wire.at[i - 1] == '\r';
	bool is_before_lf = i + 1 < wire.octets && wire.at[i + 1] == '\n';

	if (octet == '.' && is_crlf_before(wire, i))
		return;
	out->nul += octet == '\0';
	out->bare_cr += octet == '\r' && !is_before_lf;
	if (octet == '\n' && !is_after_cr) {
		out->bare_lf++;
		if (adds_cr)
			octets_put(&out->message, '\r');
	}
	octets_put(&out->message, octet);
}

void
reference_decode(struct bytes wire, bool adds_cr, struct reference_decoded *out)
{
	size_t end = end_of(wire);

	out->message.count = 0;
	out->is_ended = end < wire.octets;
	out->bare_lf = out->bare_cr = out->nul = 0;
	out->taken = out->is_ended ? end + 3 : wire.octets;
	/* What a CR at the very end means is known with the next octet. */
	if (!out->is_ended && end > 0 && wire.at[end - 1] == '\r')
		end--;
	for (size_t i = 0; i < end; i++)
		decode_octet(wire, i, adds_cr, out);
}

/* ---- inputs ---- */

void
string_by_index(uint64_t index, struct octets *out)
{
	uint64_t of_this_length = 1;

	out->count = 0;
	while (index >= of_this_length) {
		index -= of_this_length;
		of_this_length *= LETTERS;
		out->count++;
	}
	for (size_t i = 0; i < out->count; i++, index /= LETTERS)
		out->at[i] = (unsigned char)alphabet[index % LETTERS];
}

void
random_string(uint64_t *seed, size_t most, struct octets *out)
{
	out->count = random_below(seed, most + 1);
	for (size_t i = 0; i < out->count; i++)
		out->at[i] =
			(unsigned char)alphabet[random_below(seed, LETTERS)];
}
