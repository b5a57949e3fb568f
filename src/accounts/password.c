/* SPDX-License-Identifier: ISC */
#include "accounts/password.h"
#include "accounts/scheme.h"
#include "base/secret.h"
#include "sasl/saslprep.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/*
 * A yescrypt hash of nothing anybody has, of the cost that new hashes get: what
 * an unknown user's password is checked against, so that it takes as long.
 */
static const char nobody[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$"
			     "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2";

/* ---- making ---- */

/* "$y$j9T$": scheme and cost, without the salt. */
static size_t
method_octets(const char *setting)
{
	const char *end = strchr(setting + strlen("$y$"), '$');

	return end ? (size_t)(end + 1 - setting) : strlen(setting);
}

/* The hash of another credential of the account that new ones can take their
   salt from, so that one computation is compared with both. */
static const char *
setting_of(const struct account *like, const char *device, const char *fresh)
{
	size_t octets = method_octets(fresh);

	for (size_t i = 0; like && i < like->credential_count; i++) {
		const struct credential *c = &like->credentials[i];

		if (c->kind == CREDENTIAL_PASSWORD &&
			strcmp(c->device, device) != 0 &&
			strncmp(c->hash, fresh, octets) == 0)
			return c->hash;
	}
	return fresh;
}

static enum outcome
hash_text(struct bytes password, const struct account *like, const char *device,
	char out[ACCOUNT_HASH_SIZE])
{
	char text[PASSWORD_MAXIMUM_OCTETS + 1];
	enum outcome outcome = ERR_BROKEN;
	struct crypt_data *data;
	char *fresh, *hash = NULL;

	if (password.octets == 0 ||
		!bytes_to_string(password, text, sizeof(text)))
		return ERR_PEER;
	fresh = crypt_gensalt_ra("$y$", 0, NULL, 0);
	data = calloc(1, sizeof(*data));
	if (fresh && data)
		hash = crypt_r(text, setting_of(like, device, fresh), data);
	if (hash && hash[0] != '*' &&
		bytes_to_string(bytes_of_string(hash), out, ACCOUNT_HASH_SIZE))
		outcome = OK;
	explicit_bzero(text, sizeof(text));
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	free(fresh);
	return outcome;
}

static enum outcome
make_keys(struct bytes password, uint32_t iterations,
	struct scram_keys out[SCRAM_DIGESTS])
{
	unsigned char salt[SCRAM_SALT_OCTETS];

	for (int i = 0; i < SCRAM_DIGESTS; i++)
		if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt) ||
			!scram_keys_derive((enum scram_digest)i, password,
				bytes_of(salt, sizeof(salt)), iterations,
				&out[i]))
			return ERR_BROKEN;
	return OK;
}

enum outcome
password_set(struct credential *credential, struct bytes password,
	const struct account *like, uint32_t iterations)
{
	struct scram_keys scram[SCRAM_DIGESTS] = {0};
	struct secret prepared = {0};
	enum outcome outcome;
	bool is_prepared;

	/* What is not Unicode is a password all the same, but SCRAM's clients
	   cannot use it. */
	is_prepared =
		saslprep(password, SASLPREP_QUERY, &prepared) == SASLPREP_DONE;
	if (is_prepared)
		password = secret_bytes(&prepared);
	outcome =
		hash_text(password, like, credential->device, credential->hash);
	if (outcome == OK && is_prepared && iterations > 0)
		outcome = make_keys(password, iterations, scram);
	if (outcome == OK) {
		memcpy(credential->scram, scram, sizeof(scram));
		credential->kind = CREDENTIAL_PASSWORD;
	}
	explicit_bzero(scram, sizeof(scram));
	secret_release(&prepared);
	return outcome;
}

enum outcome
password_make_keys(struct bytes password, uint32_t iterations,
	struct scram_keys out[SCRAM_DIGESTS])
{
	struct secret prepared = {0};
	enum outcome outcome = ERR_PEER;

	if (saslprep(password, SASLPREP_QUERY, &prepared) == SASLPREP_DONE)
		outcome = make_keys(secret_bytes(&prepared), iterations, out);
	secret_release(&prepared);
	return outcome;
}

/* 32 of them, none that looks like another one. */
static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

bool
password_generate(char out[PASSWORD_GENERATED_SIZE])
{
	unsigned char random[PASSWORD_GENERATED_SIZE];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	for (size_t i = 0; i < PASSWORD_GENERATED_SIZE - 1; i++)
		out[i] = (char)(i % 5 == 4 ? '-' : letters[random[i] % 32]);
	out[PASSWORD_GENERATED_SIZE - 1] = '\0';
	explicit_bzero(random, sizeof(random));
	return true;
}

/* ---- comparing ---- */

/* What a password is compared with. */
struct candidates {
	const struct account *account;
	uint32_t left; /* one bit each */
};

_Static_assert(ACCOUNT_CREDENTIALS_MAXIMUM <= 32, "one bit each");

static bool
has_same_setting(const char *a, const char *b)
{
	const char *end = strrchr(a, '$');

	return a[0] == '$' && end && strncmp(a, b, (size_t)(end + 1 - a)) == 0;
}

/* One computation for all that have the salt of `hash`. */
static bool
compare_all(const struct candidates *candidates, const char *hash,
	const char *made, uint32_t *done, size_t *out_which)
{
	bool is_found = false;

	for (size_t i = 0; i < candidates->account->credential_count; i++) {
		const char *other = candidates->account->credentials[i].hash;

		if (!(candidates->left & 1u << i) ||
			(strcmp(other, hash) != 0 &&
				!has_same_setting(hash, other)))
			continue;
		*done |= 1u << i;
		if (!is_found && secret_equal(bytes_of_string(made),
					 bytes_of_string(other))) {
			*out_which = i;
			is_found = true;
		}
	}
	return is_found;
}

/* What comparing has come to. */
struct comparison {
	uint32_t done;	  /* of the candidates */
	bool is_computed; /* it took as long as it should */
	bool is_broken;	  /* one cannot be checked */
};

static bool
compare(const struct candidates *candidates, size_t i, const char *text,
	struct crypt_data *data, struct comparison *comparison,
	size_t *out_which)
{
	const char *hash = candidates->account->credentials[i].hash;
	enum outcome outcome;
	const char *made;

	comparison->done |= 1u << i;
	if (hash[0] == '{') {
		outcome = scheme_check(hash, bytes_of_string(text));
		comparison->is_computed |= scheme_is_slow(hash);
		comparison->is_broken |= outcome == ERR_BROKEN;
		if (outcome == OK)
			*out_which = i;
		return outcome == OK;
	}
	made = crypt_r(text, hash, data);
	if (!made || made[0] == '*')
		return false;
	comparison->is_computed = true;
	return compare_all(
		candidates, hash, made, &comparison->done, out_which);
}

static enum outcome
find_text(const struct candidates *candidates, const char *text,
	struct crypt_data *data, size_t *out_which)
{
	struct comparison comparison = {0};

	for (size_t i = 0; i < candidates->account->credential_count; i++)
		if ((candidates->left & ~comparison.done & 1u << i) &&
			compare(candidates, i, text, data, &comparison,
				out_which))
			return OK;
	if (!comparison.is_computed)
		crypt_r(text, nobody, data);
	return comparison.is_broken ? ERR_BROKEN : ERR_DENIED;
}

static enum outcome
check_text(const struct candidates *candidates, struct bytes password,
	size_t *out_which)
{
	char text[PASSWORD_MAXIMUM_OCTETS + 1];
	struct crypt_data *data = calloc(1, sizeof(*data));
	enum outcome outcome = ERR_DENIED;

	if (!data)
		return ERR_TRY_LATER;
	/* One that cannot be right still costs a hash. */
	if (bytes_to_string(password, text, sizeof(text)))
		outcome = find_text(candidates, text, data, out_which);
	else
		crypt_r("", nobody, data);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return outcome;
}

static struct candidates
candidates_of(const struct account *account, const char *device)
{
	struct candidates candidates = {account, 0};

	for (size_t i = 0; i < account->credential_count &&
			   i < ACCOUNT_CREDENTIALS_MAXIMUM;
		i++) {
		const struct credential *c = &account->credentials[i];

		if (c->kind == CREDENTIAL_PASSWORD && c->hash[0] &&
			(!device || strcmp(c->device, device) == 0))
			candidates.left |= 1u << i;
	}
	return candidates;
}

/*
 * As it is prepared here, else as it came: hashes of other servers were made of
 * that. Only one that changes costs twice, whoever's name it comes with.
 */
enum outcome
password_find(struct bytes password, const struct account *account,
	const char *device, size_t *out_which)
{
	struct candidates candidates = candidates_of(account, device);
	struct secret prepared = {0};
	enum outcome outcome = ERR_DENIED;

	if (saslprep(password, SASLPREP_QUERY, &prepared) == SASLPREP_DONE &&
		!bytes_equal(password, secret_bytes(&prepared)))
		outcome = check_text(
			&candidates, secret_bytes(&prepared), out_which);
	if (outcome == ERR_DENIED)
		outcome = check_text(&candidates, password, out_which);
	secret_release(&prepared);
	return outcome;
}

enum outcome
password_check(struct bytes password, const char *hash)
{
	struct credential credential = {.kind = CREDENTIAL_PASSWORD};
	struct account account = {
		.credentials = &credential, .credential_count = hash != NULL};
	enum outcome outcome;
	size_t which;

	/* One that does not fit is no hash, and nobody's. */
	if (hash && !bytes_to_string(bytes_of_string(hash), credential.hash,
			    sizeof(credential.hash)))
		account.credential_count = 0;
	outcome = password_find(password, &account, NULL, &which);
	explicit_bzero(&credential, sizeof(credential));
	return outcome;
}
