/* SPDX-License-Identifier: ISC */
#include "base/bytes.h"

#include <string.h>

struct bytes
bytes_of_string(const char *string)
{
	return bytes_of(string, strlen(string));
}

bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.octets == b.octets &&
	       (a.octets == 0 || memcmp(a.at, b.at, a.octets) == 0);
}

static unsigned char
lower(unsigned char octet)
{
	return octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet;
}

bool
bytes_equal_ignoring_case(struct bytes a, struct bytes b)
{
	if (a.octets != b.octets)
		return false;
	for (size_t i = 0; i < a.octets; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

bool
bytes_has(struct bytes bytes, unsigned char octet)
{
	return bytes.octets > 0 && memchr(bytes.at, octet, bytes.octets);
}

struct bytes
bytes_cut(struct bytes *rest, unsigned char separator)
{
	const unsigned char *end = NULL;
	struct bytes word = *rest;

	if (rest->octets > 0)
		end = memchr(rest->at, separator, rest->octets);
	if (end)
		word.octets = (size_t)(end - word.at);
	*rest = bytes_after(*rest, word.octets + (end ? 1 : 0));
	return word;
}

static bool
is_blank(unsigned char octet)
{
	return octet == ' ' || octet == '\t';
}

struct bytes
bytes_trim(struct bytes bytes)
{
	while (bytes.octets > 0 && is_blank(bytes.at[0]))
		bytes = bytes_after(bytes, 1);
	while (bytes.octets > 0 && is_blank(bytes.at[bytes.octets - 1]))
		bytes.octets--;
	return bytes;
}

bool
bytes_to_number(struct bytes bytes, uint64_t maximum, uint64_t *out)
{
	uint64_t number = 0;

	if (bytes.octets == 0 || (bytes.octets > 1 && bytes.at[0] == '0'))
		return false;
	for (size_t i = 0; i < bytes.octets; i++) {
		unsigned digit = (unsigned)bytes.at[i] - '0';

		if (digit > 9 || number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	if (number > maximum)
		return false;
	*out = number;
	return true;
}

size_t
bytes_put_number(void *to, uint64_t number)
{
	unsigned char digits[BYTES_NUMBER_OCTETS];
	size_t at = sizeof(digits);

	do
		digits[--at] = (unsigned char)('0' + number % 10);
	while ((number /= 10) > 0);
	memcpy(to, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
}

bool
bytes_to_string(struct bytes bytes, char *out, size_t size)
{
	if (bytes.octets >= size || bytes_has(bytes, 0))
		return false;
	if (bytes.octets > 0)
		memcpy(out, bytes.at, bytes.octets);
	out[bytes.octets] = '\0';
	return true;
}
