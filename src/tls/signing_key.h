/* SPDX-License-Identifier: ISC */
/*
 * signing_key - a private key where it lives, and its likeness where it does
 * not: the role that holds keys signs, the role that speaks TLS asks.
 *
 * The likeness is an OpenSSL key with the public half and methods of ours that
 * ask a tls_signer. EC and RSA.
 */
#ifndef TLS_SIGNING_KEY_H
#define TLS_SIGNING_KEY_H

#include "base/bytes.h"
#include "base/outcome.h"

#include <openssl/evp.h>

#define SIGNING_KEY_ID_OCTETS 32
/* RSA of 16,384 bits. */
#define SIGNATURE_MAXIMUM_OCTETS 2048

enum signing_how {
	SIGN_ECDSA,	/* a digest; the answer is DER */
	SIGN_RSA_PKCS1, /* a DigestInfo, to be padded */
	SIGN_RSA_PLAIN, /* padded already, as PSS */
	SIGN_HOW_COUNT,
};

struct tls_signer {
	/*
	 * Signs with the key of this name; at most `size` octets into `out`.
	 * Returns the signature's octets, 0 on failure. May wait.
	 */
	size_t (*sign)(void *context,
		const unsigned char key_id[SIGNING_KEY_ID_OCTETS],
		enum signing_how how, struct bytes in, unsigned char *out,
		size_t size);
	void *context;
};

/*
 * For a process that holds keys, before it uses OpenSSL at all: what OpenSSL
 * frees is wiped, also where it does not think of it itself (PEM and DER on
 * their way to a key). False: too late.
 */
bool signing_key_wipe_what_is_freed(void);
/* A PEM private key without pass phrase; NULL: it is none. */
EVP_PKEY *signing_key_read(struct bytes pem);
/* SHA-256 of the public half (SubjectPublicKeyInfo). */
bool signing_key_id(EVP_PKEY *key, unsigned char out[SIGNING_KEY_ID_OCTETS]);
/* What one signature leaves for the next of its kind. {0} at first. */
struct signing_contexts {
	EVP_PKEY_CTX *of[SIGN_HOW_COUNT];
};

/* Signs here, with the key that `contexts` was used with before. As
   tls_signer's sign. */
size_t signing_key_sign(EVP_PKEY *key, struct signing_contexts *contexts,
	enum signing_how how, struct bytes in, unsigned char *out, size_t size);
void signing_contexts_release(struct signing_contexts *contexts);
/*
 * The likeness of a key: its public half alone. `signer` is borrowed for its life.
 * NULL: neither EC nor RSA, or memory is short.
 */
EVP_PKEY *signing_key_likeness(EVP_PKEY *key, const struct tls_signer *signer);

#endif
