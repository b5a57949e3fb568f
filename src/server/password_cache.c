/* SPDX-License-Identifier: ISC */
#include "server/password_cache.h"
#include "base/buffer.h"
#include "base/secret.h"
#include "server/table.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

struct password_cache {
	unsigned char key[32];
	uint64_t keep_ms;
	struct table table;
	struct verdicts wrong, right;
};

struct password_cache *
password_cache_new(uint64_t keep_ms)
{
	struct password_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	if (getrandom(cache->key, sizeof(cache->key), 0) !=
		(ssize_t)sizeof(cache->key)) {
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
	explicit_bzero(cache, sizeof(*cache));
	free(cache);
}

bool
password_cache_prove(const struct password_cache *cache, const char *account,
	const uint64_t *generations, size_t count, struct bytes password,
	struct password_proof *out)
{
	struct buffer text;
	unsigned octets = 0;
	bool is_made;

	/* The name ends with its NUL, the generations have a fixed width and
	   are counted: the text can be read in one way alone. */
	buffer_init(&text, SECRET_MAXIMUM_OCTETS * 2);
	is_made = buffer_append(&text, account, strlen(account) + 1) &&
		  buffer_append(&text, &count, sizeof(count)) &&
		  buffer_append(
			  &text, generations, count * sizeof(*generations)) &&
		  buffer_append_bytes(&text, password) &&
		  HMAC(EVP_sha256(), cache->key, sizeof(cache->key),
			  buffer_bytes(&text).at, buffer_bytes(&text).octets,
			  out->octets, &octets) &&
		  octets == sizeof(out->octets);
	buffer_wipe(&text);
	return is_made;
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
