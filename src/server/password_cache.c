/* SPDX-License-Identifier: ISC */
#include "server/password_cache.h"
#include "base/secret.h"
#include "server/table.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define KEY_OCTETS   32
#define BLOCK_OCTETS 64

struct verdict {
	struct table_entry entry; /* by the proof's first octets */
	struct verdict *newer;
	struct password_proof proof;
	uint64_t made_ms;
	uint64_t generation; /* of what is right; 0: wrong */
};

/* In order of age. */
struct verdicts {
	struct verdict *oldest, *newest;
	size_t count, maximum;
};

/* HMAC with SHA-256 (RFC 2104): the two hashes with their half of the key in
   them, so that a proof has nothing to set up. */
struct keyed {
	EVP_MD_CTX *inner, *outer, *running;
};

struct password_cache {
	struct keyed keyed;
	uint64_t keep_ms;
	struct table table;
	struct verdicts wrong, right;
};

/* A block of the hash, filled with the key and then with `pad`. */
static EVP_MD_CTX *
padded(const unsigned char key[KEY_OCTETS], unsigned char pad)
{
	unsigned char block[BLOCK_OCTETS];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (i < KEY_OCTETS ? key[i] : 0) ^ pad;
	if (ctx && (EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
			   EVP_DigestUpdate(ctx, block, sizeof(block)) != 1)) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	explicit_bzero(block, sizeof(block));
	return ctx;
}

/* What it has made is to be released also when it fails. */
static bool
keyed_init(struct keyed *keyed)
{
	unsigned char key[KEY_OCTETS];
	bool has_key = getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key);

	keyed->inner = has_key ? padded(key, 0x36) : NULL;
	keyed->outer = has_key ? padded(key, 0x5c) : NULL;
	keyed->running = EVP_MD_CTX_new();
	explicit_bzero(key, sizeof(key));
	return keyed->inner && keyed->outer && keyed->running;
}

/* OpenSSL wipes what a hash has in it. */
static void
keyed_release(struct keyed *keyed)
{
	EVP_MD_CTX_free(keyed->inner);
	EVP_MD_CTX_free(keyed->outer);
	EVP_MD_CTX_free(keyed->running);
}

static bool
keyed_begin(const struct keyed *keyed)
{
	return EVP_MD_CTX_copy_ex(keyed->running, keyed->inner) == 1;
}

static bool
keyed_put(const struct keyed *keyed, const void *at, size_t octets)
{
	return EVP_DigestUpdate(keyed->running, at, octets) == 1;
}

static bool
keyed_end(const struct keyed *keyed, struct password_proof *out)
{
	unsigned char inner[sizeof(out->octets)];

	return EVP_DigestFinal_ex(keyed->running, inner, NULL) == 1 &&
	       EVP_MD_CTX_copy_ex(keyed->running, keyed->outer) == 1 &&
	       EVP_DigestUpdate(keyed->running, inner, sizeof(inner)) == 1 &&
	       EVP_DigestFinal_ex(keyed->running, out->octets, NULL) == 1;
}

struct password_cache *
password_cache_new(uint64_t keep_ms)
{
	struct password_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	if (!keyed_init(&cache->keyed)) {
		keyed_release(&cache->keyed);
		free(cache);
		return NULL;
	}
	cache->keep_ms = keep_ms;
	cache->wrong.maximum = PASSWORD_WRONG_MAXIMUM;
	cache->right.maximum = PASSWORD_RIGHT_MAXIMUM;
	return cache;
}

static void
drop_oldest(struct password_cache *cache, struct verdicts *list)
{
	struct verdict *oldest = list->oldest;

	list->oldest = oldest->newer;
	if (!list->oldest)
		list->newest = NULL;
	list->count--;
	table_remove(&cache->table, &oldest->entry);
	explicit_bzero(oldest, sizeof(*oldest));
	free(oldest);
}

void
password_cache_set_keep(struct password_cache *cache, uint64_t keep_ms)
{
	cache->keep_ms = keep_ms;
}

void
password_cache_free(struct password_cache **place)
{
	struct password_cache *cache = *place;

	*place = NULL;
	if (!cache)
		return;
	while (cache->wrong.oldest)
		drop_oldest(cache, &cache->wrong);
	while (cache->right.oldest)
		drop_oldest(cache, &cache->right);
	table_release(&cache->table);
	keyed_release(&cache->keyed);
	free(cache);
}

bool
password_cache_prove(const struct password_cache *cache, const char *account,
	const uint64_t *generations, size_t count, struct bytes password,
	struct password_proof *out)
{
	const struct keyed *keyed = &cache->keyed;

	/* The name ends with its NUL, the generations have a fixed width and
	   are counted: the text can be read in one way alone. */
	return keyed_begin(keyed) &&
	       keyed_put(keyed, account, strlen(account) + 1) &&
	       keyed_put(keyed, &count, sizeof(count)) &&
	       keyed_put(keyed, generations, count * sizeof(*generations)) &&
	       keyed_put(keyed, password.at, password.octets) &&
	       keyed_end(keyed, out);
}

static uint64_t
id_of(const struct password_proof *proof)
{
	uint64_t id;

	memcpy(&id, proof->octets, sizeof(id));
	return id;
}

static void
drop_old(struct password_cache *cache, struct verdicts *list, uint64_t now_ms)
{
	while (list->oldest && now_ms - list->oldest->made_ms >= cache->keep_ms)
		drop_oldest(cache, list);
}

enum password_verdict
password_cache_find(struct password_cache *cache,
	const struct password_proof *proof, uint64_t now_ms,
	uint64_t *out_generation)
{
	struct table_entry *entry;
	struct verdict *verdict;

	drop_old(cache, &cache->wrong, now_ms);
	drop_old(cache, &cache->right, now_ms);
	entry = table_find(&cache->table, id_of(proof));
	if (!entry)
		return PASSWORD_UNKNOWN;
	verdict = table_object(entry, struct verdict, entry);
	if (!secret_equal(bytes_of(verdict->proof.octets,
				  sizeof(verdict->proof.octets)),
		    bytes_of(proof->octets, sizeof(proof->octets))))
		return PASSWORD_UNKNOWN;
	if (verdict->generation == 0)
		return PASSWORD_WRONG;
	*out_generation = verdict->generation;
	return PASSWORD_RIGHT;
}

void
password_cache_put(struct password_cache *cache,
	const struct password_proof *proof, uint64_t generation,
	uint64_t now_ms)
{
	struct verdicts *list = generation ? &cache->right : &cache->wrong;
	struct verdict *verdict;

	if (cache->keep_ms == 0 || table_find(&cache->table, id_of(proof)))
		return;
	if (list->count >= list->maximum)
		drop_oldest(cache, list);
	verdict = calloc(1, sizeof(*verdict));
	if (!verdict ||
		!table_add(&cache->table, &verdict->entry, id_of(proof))) {
		free(verdict);
		return;
	}
	verdict->proof = *proof;
	verdict->generation = generation;
	verdict->made_ms = now_ms;
	if (list->newest)
		list->newest->newer = verdict;
	else
		list->oldest = verdict;
	list->newest = verdict;
	list->count++;
}
