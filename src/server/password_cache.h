/* SPDX-License-Identifier: ISC */
/*
 * password_cache - what hashing has said of a password, for a short time: a
 * login that comes back each minute costs one HMAC.
 *
 * Neither passwords nor hashes are kept: an entry is the HMAC, under a key that
 * lives as long as the process, of the account, the generations of all that it
 * was compared with, and the password. Another password, a changed one, a device
 * more or less, an account made anew: another entry. It says which credential it
 * was; whether that may be used is for the caller to ask each time.
 */
#ifndef SERVER_PASSWORD_CACHE_H
#define SERVER_PASSWORD_CACHE_H

#include "base/bytes.h"

#define PASSWORD_PROOF_OCTETS  32
#define PASSWORD_RIGHT_MAXIMUM 65536
/* Fewer: a flood of wrong ones must not cost memory, and pushes out no right
   one. */
#define PASSWORD_WRONG_MAXIMUM 8192

struct password_cache;

struct password_proof {
	unsigned char octets[PASSWORD_PROOF_OCTETS];
};

enum password_verdict { PASSWORD_UNKNOWN, PASSWORD_RIGHT, PASSWORD_WRONG };

/* keep_ms 0: nothing is kept. NULL: no memory, or no randomness. */
struct password_cache *password_cache_new(uint64_t keep_ms);
/* From now on, also for what is kept already. */
void password_cache_set_keep(struct password_cache *cache, uint64_t keep_ms);
void password_cache_free(struct password_cache **cache);

/*
 * generations: of the credentials that the password is compared with; none: no
 * such account or device. False: OpenSSL fails.
 */
bool password_cache_prove(const struct password_cache *cache,
	const char *account, const uint64_t *generations, size_t count,
	struct bytes password, struct password_proof *out);
/* PASSWORD_RIGHT: *out_generation is that of the credential. */
enum password_verdict password_cache_find(struct password_cache *cache,
	const struct password_proof *proof, uint64_t now_ms,
	uint64_t *out_generation);
/* generation 0: it is wrong. */
void password_cache_put(struct password_cache *cache,
	const struct password_proof *proof, uint64_t generation,
	uint64_t now_ms);

#endif
