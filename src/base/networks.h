/* SPDX-License-Identifier: ISC */
/*
 * networks - "192.0.2.0/24,2001:db8::/32": addresses and networks (RFC 4632,
 * RFC 4291) divided by commas. No name is ever looked up.
 */
#ifndef BASE_NETWORKS_H
#define BASE_NETWORKS_H

#include "base/bytes.h"

#define NETWORKS_MAXIMUM 16
#define NETWORKS_SIZE	 512 /* with its NUL */

/*
 * As people write it (blanks around commas, bits behind the prefix) to how it
 * is kept. False: something in it is no network, or there are too many;
 * *out_wrong is that word.
 */
bool networks_canonical(
	struct bytes given, char out[NETWORKS_SIZE], struct bytes *out_wrong);
/* Is `host` in one of them? An IPv4 address may come as "::ffff:192.0.2.1".
   What is no address is in none. */
bool networks_hold(const char *networks, const char *host);

#endif
