/* SPDX-License-Identifier: ISC */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

bool
secret_set(struct secret *secret, struct bytes bytes)
{
	unsigned char *copy;

	if (bytes.octets > SECRET_MAXIMUM_OCTETS)
		return false;
	copy = malloc(bytes.octets + 1);
	if (!copy)
		return false;
	if (bytes.octets > 0)
		memcpy(copy, bytes.at, bytes.octets);
	copy[bytes.octets] = '\0';
	secret_release(secret);
	secret->at = copy;
	secret->octets = bytes.octets;
	return true;
}

void
secret_release(struct secret *secret)
{
	if (secret->at)
		explicit_bzero(secret->at, secret->octets);
	free(secret->at);
	*secret = (struct secret){0};
}

struct bytes
secret_bytes(const struct secret *secret)
{
	return bytes_of(secret->at, secret->octets);
}

bool
secret_equal(struct bytes a, struct bytes b)
{
	unsigned char difference = 0;

	if (a.octets != b.octets)
		return false;
	for (size_t i = 0; i < a.octets; i++)
		difference |= a.at[i] ^ b.at[i];
	return difference == 0;
}
