/* SPDX-License-Identifier: ISC */
/*
 * auth_decoy - SCRAM keys for names that have none, so that nobody learns which
 * names have some: the same salt each time, whoever asks, also after a restart.
 */
#ifndef SERVER_AUTH_DECOY_H
#define SERVER_AUTH_DECOY_H

#include "sasl/scram_keys.h"

/*
 * Reads the key that the salts are made with from `file`, which is made when it
 * is missing. False: it cannot be read or made, or is none.
 */
bool auth_decoy_open(const char *file);
/* Keys that no password fits. False: OpenSSL fails. */
bool auth_decoy_keys(const char *name, enum scram_digest digest,
	uint32_t iterations, struct scram_keys *out);

#endif
