/* SPDX-License-Identifier: ISC */
/*
 * networks - from where a credential may be used: "192.0.2.0/24,2001:db8::/32",
 * addresses and networks (RFC 4632, RFC 4291) divided by commas.
 */
#ifndef ACCOUNTS_NETWORKS_H
#define ACCOUNTS_NETWORKS_H

#include "accounts/accounts.h"

#define NETWORKS_MAXIMUM 16

/*
 * As people write it (blanks around commas, bits behind the prefix) to how it
 * is kept. False: something in it is no network, or there are too many;
 * *out_wrong is that word.
 */
bool networks_canonical(struct bytes given, char out[ACCOUNT_NETWORKS_SIZE],
	struct bytes *out_wrong);
/* Is `host` in one of them? An IPv4 address may come as "::ffff:192.0.2.1".
   What is no address is in none. */
bool networks_hold(const char *networks, const char *host);

#endif
