/* SPDX-License-Identifier: ISC */
/*
 * scram_keys - what is derived of a password for SCRAM, and how it signs.
 *
 * A server keeps `struct scram_keys`: it is enough to see that a client has the
 * password and to show the client that the server knows it, and not enough to
 * log in. Passwords go through SASLprep before (sasl/saslprep.h).
 *
 * Source: RFC 5802 section 3, RFC 7677.
 */
#ifndef SASL_SCRAM_KEYS_H
#define SASL_SCRAM_KEYS_H

#include "base/bytes.h"

enum scram_digest { SCRAM_SHA_1, SCRAM_SHA_256, SCRAM_DIGESTS };

#define SCRAM_KEY_MAXIMUM_OCTETS  32
#define SCRAM_SALT_MAXIMUM_OCTETS 64
/* RFC 7677 section 3 asks for it. The client pays for them, at every login. */
#define SCRAM_ITERATIONS_LEAST 4096

struct scram_keys {
	uint32_t iterations; /* 0: there are no keys */
	uint8_t salt_octets;
	unsigned char salt[SCRAM_SALT_MAXIMUM_OCTETS];
	/* scram_key_octets long */
	unsigned char stored_key[SCRAM_KEY_MAXIMUM_OCTETS];
	unsigned char server_key[SCRAM_KEY_MAXIMUM_OCTETS];
};

size_t scram_key_octets(enum scram_digest digest);

/* Costs milliseconds on purpose. False: the salt is too long, iterations are 0,
   or OpenSSL fails; *out is untouched. */
bool scram_keys_derive(enum scram_digest digest, struct bytes password,
	struct bytes salt, uint32_t iterations, struct scram_keys *out);

/* What a client derives, to be wiped after use. */
struct scram_client_keys {
	unsigned char client_key[SCRAM_KEY_MAXIMUM_OCTETS];
	unsigned char stored_key[SCRAM_KEY_MAXIMUM_OCTETS];
	unsigned char server_key[SCRAM_KEY_MAXIMUM_OCTETS];
};
bool scram_client_keys_derive(enum scram_digest digest, struct bytes password,
	struct bytes salt, uint32_t iterations, struct scram_client_keys *out);

/* HMAC(key, message); `key` and `out` are a digest long. False: OpenSSL fails. */
bool scram_sign(enum scram_digest digest, const unsigned char *key,
	struct bytes message, unsigned char out[SCRAM_KEY_MAXIMUM_OCTETS]);

/*
 * Turns a ClientKey into a ClientProof and back: both are the other's XOR with
 * the signature of `message` under the StoredKey.
 */
bool scram_prove(enum scram_digest digest, const unsigned char *stored_key,
	struct bytes message, const unsigned char *key_or_proof,
	unsigned char out[SCRAM_KEY_MAXIMUM_OCTETS]);
/* Is it the proof of who has the password of these keys? Takes the time that it
   takes, whatever the answer. */
bool scram_proof_is_right(enum scram_digest digest,
	const struct scram_keys *keys, struct bytes message,
	const unsigned char *proof);

#endif
