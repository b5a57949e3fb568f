/* SPDX-License-Identifier: ISC */
/*
 * Bearer tokens. One that is signed is checked with the keys of [oauth] jwks,
 * which are read again when the file changes; all else is asked of [oauth]
 * introspection. What the server there said is remembered for a short time.
 */
#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "oauth/introspection.h"
#include "oauth/jwt.h"
#include "server/lookup_role.h"
#include "server/lookup_state.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static struct {
	struct oauth_rules rules;
	unsigned algorithms;
	struct introspection introspection;
	bool has_introspection, has_jwks;
} tokens;

static const struct oauth_settings *
settings(void)
{
	return &lookup.boot->settings.oauth;
}

/* ---- keys; any thread ---- */

static struct {
	pthread_mutex_t lock;
	struct shared_keys {
		struct oauth_keys *keys;
		unsigned users; /* and one while they are the latest */
	} * latest;
	struct stat seen; /* of the file, good or not */
} keyring = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct shared_keys *
new_keys(struct stat *status, char error[OAUTH_ERROR_SIZE])
{
	struct shared_keys *shared = calloc(1, sizeof(*shared));

	if (shared)
		shared->keys = oauth_keys_read(
			settings()->jwks, status, error, OAUTH_ERROR_SIZE);
	if (shared && shared->keys) {
		shared->users = 1;
		return shared;
	}
	free(shared);
	return NULL;
}

/* The lock is held. */
static void
put_down(struct shared_keys *shared)
{
	if (!shared || --shared->users > 0)
		return;
	oauth_keys_free(&shared->keys);
	free(shared);
}

static bool
has_changed(void)
{
	struct stat now;

	return stat(settings()->jwks, &now) == 0 &&
	       (now.st_ino != keyring.seen.st_ino ||
		       now.st_size != keyring.seen.st_size ||
		       now.st_mtim.tv_sec != keyring.seen.st_mtim.tv_sec ||
		       now.st_mtim.tv_nsec != keyring.seen.st_mtim.tv_nsec);
}

/* The lock is held. False: what was good stays. */
static bool
reload(void)
{
	char error[OAUTH_ERROR_SIZE] = "no memory";
	struct shared_keys *fresh = new_keys(&keyring.seen, error);

	if (!fresh) {
		log_event(LOG_LEVEL_ERROR, "oauth", "file=%s why=\"%s\"",
			settings()->jwks, error);
		return false;
	}
	put_down(keyring.latest);
	keyring.latest = fresh;
	log_event(
		LOG_LEVEL_INFO, "oauth", "file=%s what=read", settings()->jwks);
	return true;
}

static struct shared_keys *
pick_up(void)
{
	struct shared_keys *shared;

	pthread_mutex_lock(&keyring.lock);
	if (has_changed())
		reload();
	shared = keyring.latest;
	shared->users++;
	pthread_mutex_unlock(&keyring.lock);
	return shared;
}

/* ---- in a thread ---- */

static enum outcome
check_signed(struct lookup_job *job, bool *out_no_key)
{
	struct shared_keys *shared = pick_up();
	enum outcome outcome;

	outcome = oauth_jwt_check(shared->keys, tokens.algorithms,
		&tokens.rules, secret_bytes(&job->secret), clock_wall_seconds(),
		&job->token, out_no_key, job->error);
	pthread_mutex_lock(&keyring.lock);
	put_down(shared);
	pthread_mutex_unlock(&keyring.lock);
	return outcome;
}

void
lookup_tokens_work(struct lookup_job *job)
{
	struct bytes token = secret_bytes(&job->secret);
	bool no_key = true;

	job->outcome = ERR_DENIED;
	snprintf(job->error, sizeof(job->error), "not signed");
	if (tokens.has_jwks && oauth_jwt_is(token))
		job->outcome = check_signed(job, &no_key);
	if (job->outcome != ERR_DENIED || !no_key || !tokens.has_introspection)
		return;
	/* Not one of those, or by a key that is not here (yet). */
	job->outcome = introspection_ask(&tokens.introspection, &tokens.rules,
		token, clock_wall_seconds(), &job->token, job->error);
	job->is_introspected = true;
}

/* ---- what is remembered; the loop's thread ---- */

struct known {
	struct table_entry entry; /* by the digest's first octets */
	struct known *newer;
	unsigned char digest[LOOKUP_DIGEST_OCTETS];
	struct oauth_answer answer;
	uint64_t until_seconds;
};

static struct {
	unsigned char key[32];
	struct table table;
	struct known *oldest, *newest;
} memory;

static bool
make_digest(struct lookup_job *job)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct bytes token = secret_bytes(&job->secret);
	bool is_made = context &&
		       EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
		       EVP_DigestUpdate(
			       context, memory.key, sizeof(memory.key)) == 1 &&
		       EVP_DigestUpdate(context, token.at, token.octets) == 1 &&
		       EVP_DigestFinal_ex(context, job->digest, NULL) == 1;

	EVP_MD_CTX_free(context);
	return is_made;
}

static uint64_t
id_of(const unsigned char digest[LOOKUP_DIGEST_OCTETS])
{
	uint64_t id;

	memcpy(&id, digest, sizeof(id));
	return id;
}

static struct known *
find_known(const unsigned char digest[LOOKUP_DIGEST_OCTETS])
{
	struct table_entry *entry = table_find(&memory.table, id_of(digest));

	return entry ? table_object(entry, struct known, entry) : NULL;
}

static void
forget_oldest(void)
{
	struct known *oldest = memory.oldest;

	memory.oldest = oldest->newer;
	if (!memory.oldest)
		memory.newest = NULL;
	table_remove(&memory.table, &oldest->entry);
	free(oldest);
}

bool
lookup_tokens_known(struct lookup_job *job)
{
	uint64_t now_seconds = clock_wall_seconds();
	const struct known *known;

	if (!tokens.has_introspection || settings()->cache_seconds == 0 ||
		!make_digest(job))
		return false;
	known = find_known(job->digest);
	if (!known || known->until_seconds <= now_seconds ||
		memcmp(known->digest, job->digest, sizeof(job->digest)) != 0)
		return false;
	job->token = known->answer;
	job->outcome = OK;
	return true;
}

/* No longer than it is good. */
static uint64_t
until(const struct oauth_answer *answer)
{
	uint64_t seconds = clock_wall_seconds() + settings()->cache_seconds;

	return answer->expires_seconds && answer->expires_seconds < seconds
		       ? answer->expires_seconds
		       : seconds;
}

static struct known *
add_known(const unsigned char digest[LOOKUP_DIGEST_OCTETS])
{
	struct known *known;

	while (memory.table.count >= LOOKUP_TOKENS_MAXIMUM)
		forget_oldest();
	known = calloc(1, sizeof(*known));
	if (!known || !table_add(&memory.table, &known->entry, id_of(digest))) {
		free(known);
		return NULL;
	}
	memcpy(known->digest, digest, sizeof(known->digest));
	if (memory.newest)
		memory.newest->newer = known;
	else
		memory.oldest = known;
	memory.newest = known;
	return known;
}

void
lookup_tokens_remember(const struct lookup_job *job)
{
	struct known *known = find_known(job->digest);

	if (!job->is_introspected || job->outcome != OK ||
		settings()->cache_seconds == 0)
		return;
	if (!known)
		known = add_known(job->digest);
	if (!known ||
		memcmp(known->digest, job->digest, sizeof(job->digest)) != 0)
		return;
	known->answer = job->token;
	known->until_seconds = until(&job->token);
}

/* ---- the start ---- */

__attribute__((noreturn)) static void
give_up(const char *what, const char *why)
{
	log_event(LOG_LEVEL_ERROR, "oauth", "why=\"%s: %s\"", what, why);
	exit(EX_CONFIG);
}

static unsigned
algorithms_of(const char *list)
{
	struct bytes rest = bytes_of_string(list), word;
	unsigned algorithms = 0;

	while (settings_next_word(&rest, &word))
		algorithms |= bytes_equal(word, bytes_of_string("ES256"))
				      ? 1u << OAUTH_ES256
				      : 1u << OAUTH_RS256;
	return algorithms;
}

static void
start_introspection(void)
{
	char error[OAUTH_ERROR_SIZE];

	if (!introspection_start())
		give_up("introspection", "libcurl does not start");
	tokens.introspection.url = settings()->introspection;
	tokens.introspection.ca_file = settings()->ca;
	tokens.introspection.timeout_ms = settings()->timeout_seconds * 1000;
	if (settings()->client[0] &&
		!introspection_read_client(
			&tokens.introspection, settings()->client, error))
		give_up("[oauth] client", error);
}

void
lookup_tokens_prepare(void)
{
	const struct oauth_settings *oauth = settings();

	tokens.rules = (struct oauth_rules){.issuer = oauth->issuer,
		.audience = oauth->audience,
		.scope = oauth->scope,
		.user_claim = oauth->user_claim};
	tokens.algorithms = algorithms_of(oauth->algorithms);
	tokens.has_jwks = oauth->jwks[0] != '\0';
	tokens.has_introspection = oauth->introspection[0] != '\0';
	if (tokens.has_introspection)
		start_introspection();
	if (getrandom(memory.key, sizeof(memory.key), 0) !=
		(ssize_t)sizeof(memory.key))
		give_up("oauth", "no randomness");
}

void
lookup_tokens_start(void)
{
	if (tokens.has_jwks && !reload())
		exit(EX_CONFIG);
}
