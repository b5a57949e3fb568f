/* SPDX-License-Identifier: ISC */
/* The keys of SCRAM in a column: docs/formats/accounts.md. */
#include "accounts/sqlite/database.h"

#include <string.h>

#define FRONT_OCTETS 5

size_t
scram_blob_write(const struct scram_keys *keys, enum scram_digest digest,
	unsigned char out[SCRAM_BLOB_MAXIMUM_OCTETS])
{
	size_t octets = scram_key_octets(digest);
	unsigned char *at = out + FRONT_OCTETS;

	if (keys->iterations == 0)
		return 0;
	for (int i = 0; i < 4; i++)
		out[i] = (unsigned char)(keys->iterations >> (24 - 8 * i));
	out[4] = keys->salt_octets;
	memcpy(at, keys->salt, keys->salt_octets);
	at += keys->salt_octets;
	memcpy(at, keys->stored_key, octets);
	memcpy(at + octets, keys->server_key, octets);
	return (size_t)(at + 2 * octets - out);
}

bool
scram_blob_read(
	struct bytes blob, enum scram_digest digest, struct scram_keys *out)
{
	size_t octets = scram_key_octets(digest);
	struct scram_keys keys = {0};

	if (blob.octets == 0) {
		*out = keys;
		return true;
	}
	if (blob.octets < FRONT_OCTETS)
		return false;
	for (int i = 0; i < 4; i++)
		keys.iterations = keys.iterations << 8 | blob.at[i];
	keys.salt_octets = blob.at[4];
	blob = bytes_after(blob, FRONT_OCTETS);
	if (keys.iterations == 0 || keys.salt_octets == 0 ||
		keys.salt_octets > SCRAM_SALT_MAXIMUM_OCTETS ||
		blob.octets != keys.salt_octets + 2 * octets)
		return false;
	memcpy(keys.salt, blob.at, keys.salt_octets);
	blob = bytes_after(blob, keys.salt_octets);
	memcpy(keys.stored_key, blob.at, octets);
	memcpy(keys.server_key, blob.at + octets, octets);
	*out = keys;
	return true;
}
