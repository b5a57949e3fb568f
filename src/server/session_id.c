/* SPDX-License-Identifier: ISC */
#include "server/session_id.h"

#include <string.h>

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

#define BASE	       (sizeof(digits) - 1)
#define DIGITS_MAXIMUM 13
/* A server starts fewer processes in a second than that, all its life. */
#define INSTANCES_PER_SECOND 100

uint64_t
session_id_first_instance(uint64_t now_us)
{
	return now_us / (1000000 / INSTANCES_PER_SECOND);
}

static char *
put_number(char *to, uint64_t number)
{
	char reversed[DIGITS_MAXIMUM];
	size_t count = 0;

	do {
		reversed[count++] = digits[number % BASE];
		number /= BASE;
	} while (number > 0);
	while (count > 0)
		*to++ = reversed[--count];
	return to;
}

const char *
session_id_text(
	uint64_t instance, uint64_t connection, char out[SESSION_ID_SIZE])
{
	char *to = put_number(out, instance);

	*to++ = '-';
	*put_number(to, connection) = '\0';
	return out;
}

static bool
parse_number(struct bytes text, uint64_t *out)
{
	uint64_t number = 0;

	if (text.octets == 0 || text.octets > DIGITS_MAXIMUM)
		return false;
	for (size_t i = 0; i < text.octets; i++) {
		const char *digit = memchr(digits, text.at[i], BASE);

		if (!digit || __builtin_mul_overflow(number, BASE, &number) ||
			__builtin_add_overflow(
				number, (uint64_t)(digit - digits), &number))
			return false;
	}
	*out = number;
	return true;
}

bool
session_id_parse(
	struct bytes text, uint64_t *out_instance, uint64_t *out_connection)
{
	struct bytes instance = bytes_cut(&text, '-');

	return parse_number(instance, out_instance) &&
	       parse_number(text, out_connection);
}
