/* SPDX-License-Identifier: ISC */
#include "accounts/password.h"
#include "base/secret.h"
#include "sasl/saslprep.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

/*
 * A yescrypt hash of nothing anybody has, of the cost that new hashes get: what
 * an unknown user's password is checked against, so that it takes as long.
 */
static const char nobody[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$"
			     "6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2";

static enum outcome
hash_text(struct bytes password, char out[ACCOUNT_HASH_SIZE])
{
	char text[PASSWORD_MAXIMUM_OCTETS + 1];
	enum outcome outcome = ERR_BROKEN;
	struct crypt_data *data;
	char *setting, *hash = NULL;

	if (password.octets == 0 ||
		!bytes_to_string(password, text, sizeof(text)))
		return ERR_PEER;
	setting = crypt_gensalt_ra("$y$", 0, NULL, 0);
	data = calloc(1, sizeof(*data));
	if (setting && data)
		hash = crypt_r(text, setting, data);
	if (hash && hash[0] != '*' &&
		bytes_to_string(bytes_of_string(hash), out, ACCOUNT_HASH_SIZE))
		outcome = OK;
	explicit_bzero(text, sizeof(text));
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	free(setting);
	return outcome;
}

enum outcome
password_hash(struct bytes password, char out[ACCOUNT_HASH_SIZE])
{
	struct secret prepared = {0};
	enum outcome outcome;

	/* What is not Unicode is a password all the same. */
	if (saslprep(password, SASLPREP_QUERY, &prepared) == SASLPREP_DONE)
		password = secret_bytes(&prepared);
	outcome = hash_text(password, out);
	secret_release(&prepared);
	return outcome;
}

static enum outcome
check_text(struct bytes password, const char *hash)
{
	char text[PASSWORD_MAXIMUM_OCTETS + 1];
	struct crypt_data *data = calloc(1, sizeof(*data));
	bool is_right = false;
	const char *made;

	if (!data)
		return ERR_TRY_LATER;
	/* One that cannot be right still costs a hash. */
	if (!bytes_to_string(password, text, sizeof(text))) {
		text[0] = '\0';
		hash = NULL;
	}
	made = crypt_r(text, hash ? hash : nobody, data);
	if (made && hash && made[0] != '*')
		is_right = secret_equal(
			bytes_of_string(made), bytes_of_string(hash));
	explicit_bzero(text, sizeof(text));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return is_right ? OK : ERR_DENIED;
}

/*
 * As it is prepared here, else as it came: hashes of other servers were made of
 * that. Only one that changes costs twice, whoever's name it comes with.
 */
enum outcome
password_check(struct bytes password, const char *hash)
{
	struct secret prepared = {0};
	enum outcome outcome = ERR_DENIED;

	if (saslprep(password, SASLPREP_QUERY, &prepared) == SASLPREP_DONE &&
		!bytes_equal(password, secret_bytes(&prepared)))
		outcome = check_text(secret_bytes(&prepared), hash);
	if (outcome == ERR_DENIED)
		outcome = check_text(password, hash);
	secret_release(&prepared);
	return outcome;
}
