/* SPDX-License-Identifier: ISC */
#include "wire/dot_encoder.h"

#include <string.h>

void
dot_encoder_init(struct dot_encoder *encoder)
{
	*encoder = (struct dot_encoder){.is_line_start = true};
}

struct out {
	unsigned char *at;
	size_t used, room;
};

/* A run without LF; false when it did not fit whole. */
static bool
copy(struct dot_encoder *encoder, struct bytes *in, size_t octets,
	struct out *out)
{
	size_t most = out->room - out->used;

	if (most > octets)
		most = octets;
	if (most == 0)
		return octets == 0;
	memcpy(out->at + out->used, in->at, most);
	out->used += most;
	encoder->is_line_start = false;
	encoder->is_after_cr = in->at[most - 1] == '\r';
	*in = bytes_after(*in, most);
	return most == octets;
}

/* An LF, as CRLF; false when there is no room. */
static bool
end_line(struct dot_encoder *encoder, struct bytes *in, struct out *out)
{
	size_t needed = encoder->is_after_cr ? 1 : 2;

	if (out->room - out->used < needed)
		return false;
	if (needed == 2)
		out->at[out->used++] = '\r';
	out->at[out->used++] = '\n';
	encoder->is_line_start = true;
	encoder->is_after_cr = false;
	*in = bytes_after(*in, 1);
	return true;
}

/* Where the first line that needs work begins: a run of CRLF lines without a
 * leading dot goes out in one copy. Returns the octets before it. */
static size_t
clean_octets(const struct dot_encoder *encoder, struct bytes in)
{
	const unsigned char *at = in.at, *end = in.at + in.octets;
	bool is_after_cr = encoder->is_after_cr;

	for (;;) {
		const unsigned char *lf = memchr(at, '\n', (size_t)(end - at));

		if (!lf)
			return in.octets;
		if (lf > in.at)
			is_after_cr = lf[-1] == '\r';
		if (!is_after_cr)
			return (size_t)(lf - in.at);
		at = lf + 1;
		if (at == end)
			return in.octets;
		if (*at == '.')
			return (size_t)(at - in.at);
	}
}

/* As copy, over whole lines. */
static bool
copy_lines(struct dot_encoder *encoder, struct bytes *in, size_t octets,
	struct out *out)
{
	bool is_whole = copy(encoder, in, octets, out);
	unsigned char last = out->used ? out->at[out->used - 1] : 0;

	encoder->is_line_start = last == '\n';
	return is_whole;
}

size_t
dot_encoder_put(struct dot_encoder *encoder, struct bytes *in,
	unsigned char *to, size_t room)
{
	struct out out = {to, 0, room};

	while (in->octets > 0) {
		size_t octets;

		if (encoder->is_line_start && in->at[0] == '.') {
			if (room - out.used < 2)
				break;
			out.at[out.used++] = '.';
			if (!copy(encoder, in, 1, &out))
				break;
			continue;
		}
		octets = clean_octets(encoder, *in);
		if (octets > 0) {
			if (!copy_lines(encoder, in, octets, &out))
				break;
		} else if (!end_line(encoder, in, &out)) {
			break;
		}
	}
	return out.used;
}

size_t
dot_encoder_end(struct dot_encoder *encoder, unsigned char *out)
{
	size_t used = 0;

	if (!encoder->is_line_start) {
		memcpy(out, "\r\n", 2);
		used = 2;
	}
	memcpy(out + used, ".\r\n", 3);
	return used + 3;
}
