/* SPDX-License-Identifier: ISC */
/*
 * SCRAM: the keys that an exchange needs, and whether its proof lets somebody
 * in. A proof costs microseconds, so no thread is asked; what failed before it
 * holds it back as it does a password (auth_guard.c).
 */
#include "base/log.h"
#include "sasl/server.h"
#include "server/auth_decoy.h"
#include "server/auth_state.h"
#include "server/protocol.h"

#include <string.h>

/* ---- keys ---- */

/* The credential whose keys these are; NULL: nobody's. */
static const struct credential *
find_keys(const struct auth_exchange *x, enum scram_digest digest)
{
	const struct credential *credential =
		x->is_known ? account_credential(&x->account, x->device) : NULL;

	if (!credential || credential->kind != CREDENTIAL_PASSWORD ||
		credential->scram[digest].iterations == 0)
		return NULL;
	return credential;
}

/* An alias, a device that there is not: whatever was typed has a salt. */
static bool
make_decoy(const struct auth_exchange *x, enum scram_digest digest,
	struct scram_keys *out)
{
	uint64_t iterations = auth.boot->settings.scram_iterations;
	char name[ACCOUNT_NAME_SIZE];
	bool is_name =
		accounts_name(&auth.naming, bytes_of_string(x->tried), name);

	return auth_decoy_keys(
		is_name ? name : x->tried, digest, (uint32_t)iterations, out);
}

static bool
choose_keys(struct auth_exchange *x, struct scram_keys *out)
{
	enum scram_digest digest = sasl_server_digest(x->sasl);
	const struct credential *credential = find_keys(x, digest);

	x->generation = credential ? credential->generation : 0;
	if (!credential)
		return make_decoy(x, digest, out);
	*out = credential->scram[digest];
	return true;
}

void
auth_scram_begin(struct auth_exchange *x)
{
	struct scram_keys keys = {0};
	struct buffer challenge;
	bool is_good;

	buffer_init(&challenge, PIECE_OCTETS);
	auth_set_tried(x, sasl_server_authcid(x->sasl));
	is_good = auth_check_find(x) == OK && choose_keys(x, &keys) &&
		  sasl_server_set_keys(x->sasl, &keys, &challenge) ==
			  SASL_CHALLENGE;
	account_release(&x->account);
	explicit_bzero(&keys, sizeof(keys));
	if (is_good)
		auth_challenge(x, buffer_bytes(&challenge));
	else
		auth_refuse(x, ERR_TRY_LATER);
	buffer_release(&challenge);
}

/* ---- the proof ---- */

/* Nonces make every proof another one, also that of the same wrong password:
   each counts. */
static void
set_proof(struct auth_exchange *x)
{
	struct bytes proof = sasl_server_proof(x->sasl);

	memset(&x->proof, 0, sizeof(x->proof));
	memcpy(x->proof.octets, proof.at,
		proof.octets < sizeof(x->proof.octets)
			? proof.octets
			: sizeof(x->proof.octets));
}

static void
judge(struct auth_exchange *x)
{
	enum outcome outcome = auth_check_find(x);
	struct buffer challenge;

	if (outcome != OK) {
		auth_refuse(x, outcome);
		return;
	}
	buffer_init(&challenge, PIECE_OCTETS);
	auth_guard_begin(x);
	if (sasl_server_prove(x->sasl, &challenge) == SASL_CHALLENGE)
		outcome = auth_check_may_enter(x, x->generation);
	else
		outcome = ERR_DENIED;
	auth_guard_end(x, outcome);
	if (outcome != OK && sasl_server_is_attacked(x->sasl))
		auth_tell_fault(x);
	if (x->is_cancelled)
		auth_exchange_free(x);
	else if (outcome == OK)
		auth_challenge(x, buffer_bytes(&challenge));
	else
		auth_refuse(x, outcome);
	buffer_release(&challenge);
}

void
auth_scram_prove(struct auth_exchange *x)
{
	if (auth_check_find(x) != OK) {
		auth_refuse(x, ERR_TRY_LATER);
		return;
	}
	set_proof(x);
	auth_guard_admit(x, judge);
}

/* The client has read our proof too; in between the account may have changed. */
void
auth_scram_end(struct auth_exchange *x)
{
	enum outcome outcome = auth_check_find(x);

	if (outcome == OK)
		outcome = auth_check_may_enter(x, x->generation);
	if (outcome == OK)
		auth_check_let_in(x);
	else
		auth_refuse(x, outcome);
}
