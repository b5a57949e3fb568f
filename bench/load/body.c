/* SPDX-License-Identifier: ISC */
#include "body.h"

#include <string.h>

void
body_init(struct body *body)
{
	body->state = BODY_LINES;
	body->last = '\n';
	body->octets = 0;
	XXH64_reset(&body->digest, 0);
}

uint64_t
body_digest(const struct body *body)
{
	return XXH64_digest(&body->digest);
}

static void
count(struct body *body, struct bytes *in, size_t octets)
{
	XXH64_update(&body->digest, in->at, octets);
	body->octets += octets;
	body->last = in->at[octets - 1];
	*in = bytes_after(*in, octets);
}

/* What of `in` comes before a dot that begins a line. */
static const char *
measure_lines(const struct body *body, struct bytes in, size_t *out_octets)
{
	const unsigned char *at = in.at, *end = in.at + in.octets;
	unsigned char last = body->last;

	while (at < end && !(last == '\n' && *at == '.')) {
		const unsigned char *feed =
			memchr(at, '\n', (size_t)(end - at));

		if (feed && (feed > at ? feed[-1] : last) != '\r')
			return "a line feed without carriage return";
		at = feed ? feed + 1 : end;
		last = feed ? '\n' : 0;
	}
	*out_octets = (size_t)(at - in.at);
	return NULL;
}

static const char *
take_lines(struct body *body, struct bytes *in)
{
	size_t octets;
	const char *wrong = measure_lines(body, *in, &octets);

	if (wrong)
		return wrong;
	if (octets > 0)
		count(body, in, octets);
	if (in->octets > 0) {
		*in = bytes_after(*in, 1);
		body->state = BODY_DOT;
	}
	return NULL;
}

/* Behind a dot that begins a line: another one, or the end. */
static const char *
take_after_dot(struct body *body, struct bytes *in)
{
	unsigned char octet = in->at[0];

	*in = bytes_after(*in, 1);
	if (body->state == BODY_DOT_CR) {
		body->state = BODY_ENDED;
		return octet == '\n' ? NULL : "a dot and CR without LF";
	}
	if (octet == '\r') {
		body->state = BODY_DOT_CR;
		return NULL;
	}
	if (octet != '.')
		return "a line begins with a single dot";
	XXH64_update(&body->digest, "..", 2);
	body->octets++;
	body->last = '.';
	body->state = BODY_LINES;
	return NULL;
}

const char *
body_take(struct body *body, struct bytes *in)
{
	const char *wrong = NULL;

	while (!wrong && in->octets && body->state != BODY_ENDED)
		wrong = body->state == BODY_LINES ? take_lines(body, in)
						  : take_after_dot(body, in);
	return wrong;
}
