/* SPDX-License-Identifier: ISC */
/*
 * secret - a password or key: wiped on release, never printed, never copied by
 * assignment. Embedded: {0} is empty; secret_release may be called twice.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"

#define SECRET_MAXIMUM_OCTETS 65536

struct secret {
	unsigned char
		*at; /* NUL-terminated behind `octets`, for C interfaces */
	size_t octets;
};

/* Replaces the content. False when too long or memory is short. */
bool secret_set(struct secret *secret, struct bytes bytes);
void secret_release(struct secret *secret);
struct bytes secret_bytes(const struct secret *secret);
/* Compares in time that depends on the lengths alone. */
bool secret_equal(struct bytes a, struct bytes b);

#endif
