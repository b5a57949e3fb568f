/* SPDX-License-Identifier: ISC */
/*
 * known - whether the index may have a message of this base name. A set that
 * says yes in error once in a hundred million questions, and never no.
 *
 * Memory: 6 to 12 octets a name.
 */
#ifndef STORE_MAILDIR_KNOWN_H
#define STORE_MAILDIR_KNOWN_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/bytes.h"

struct known {
	uint32_t *marks; /* of hashes; 0 is free. NULL: nothing is known */
	uint32_t count, capacity;
};

/* With room for half as many again. False without memory. */
bool known_init(struct known *known, uint32_t count);
void known_release(struct known *known);
size_t known_octets(const struct known *known);

uint64_t known_hash(struct bytes base_name);
/* False when it is full. */
bool known_add(struct known *known, uint64_t hash);
/* It will be added or asked for soon: its memory is fetched. */
void known_expect(const struct known *known, uint64_t hash);
bool known_has(const struct known *known, uint64_t hash);

#endif
