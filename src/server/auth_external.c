/* SPDX-License-Identifier: ISC */
/*
 * EXTERNAL: whose certificate the connection showed. TLS has verified it; here it
 * is known by its fingerprint or subject, or by a name that it carries.
 */
#include "base/clock.h"
#include "sasl/server.h"
#include "server/auth_role.h"
#include "server/auth_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the session says of it ---- */

bool
auth_external_take(struct auth_exchange *x, struct message_reader *reader)
{
	struct auth_certificate *certificate;
	struct bytes fingerprint;

	if (message_get_u8(reader) == 0)
		return true;
	certificate = calloc(1, sizeof(*certificate));
	if (!certificate)
		return false;
	free(x->certificate);
	x->certificate = certificate;
	fingerprint = message_get_bytes(reader);
	message_get_string(
		reader, certificate->subject, sizeof(certificate->subject));
	message_get_string(
		reader, certificate->email, sizeof(certificate->email));
	message_get_string(reader, certificate->common_name,
		sizeof(certificate->common_name));
	if (fingerprint.octets != sizeof(certificate->fingerprint))
		return false;
	memcpy(certificate->fingerprint, fingerprint.at, fingerprint.octets);
	return true;
}

/* ---- whose it is ---- */

/* As accounts keep it: "sha256:" and lower case hexadecimal, or "subject:". */
static void
put_hash(const struct auth_certificate *certificate, bool is_subject,
	char out[ACCOUNT_HASH_SIZE])
{
	size_t used;

	if (is_subject) {
		snprintf(out, ACCOUNT_HASH_SIZE, "subject:%s",
			certificate->subject);
		return;
	}
	used = (size_t)snprintf(out, ACCOUNT_HASH_SIZE, "sha256:");
	for (size_t i = 0; i < sizeof(certificate->fingerprint); i++)
		used += (size_t)snprintf(out + used, ACCOUNT_HASH_SIZE - used,
			"%02x", certificate->fingerprint[i]);
}

static enum outcome
load_by_hash(struct auth_exchange *x, bool is_subject)
{
	char hash[ACCOUNT_HASH_SIZE];
	enum outcome outcome;

	put_hash(x->certificate, is_subject, hash);
	outcome = auth_account_load_by_certificate(hash, &x->account);
	x->generation = 0;
	for (size_t i = 0; outcome == OK && i < x->account.credential_count;
		i++) {
		const struct credential *c = &x->account.credentials[i];

		if (c->kind == CREDENTIAL_CERTIFICATE &&
			strcmp(c->hash, hash) == 0)
			x->generation = c->generation;
	}
	return outcome;
}

static enum outcome
load_by_name(struct auth_exchange *x, const char *name)
{
	char device[ACCOUNT_DEVICE_SIZE];
	bool has_device;
	enum outcome outcome;

	if (!name[0])
		return ERR_DENIED;
	outcome = auth_account_load(
		bytes_of_string(name), NULL, &x->account, &has_device, device);
	/* A certificate is for whoever it names, not for a device of his. */
	return outcome == OK && has_device ? ERR_DENIED : outcome;
}

static enum outcome
load(struct auth_exchange *x)
{
	enum outcome outcome;

	account_release(&x->account);
	x->account = (struct account){0};
	x->is_pam = false;
	switch ((enum external_name)auth.boot->settings.external_name) {
	case EXTERNAL_EMAIL:
		return load_by_name(x, x->certificate->email);
	case EXTERNAL_COMMON_NAME:
		return load_by_name(x, x->certificate->common_name);
	case EXTERNAL_CREDENTIAL:
	default:
		outcome = load_by_hash(x, false);
		return outcome == ERR_DENIED ? load_by_hash(x, true) : outcome;
	}
}

/* OK, also for nobody: x->is_known. */
static enum outcome
find(struct auth_exchange *x)
{
	enum outcome outcome = load(x);

	x->is_known = outcome == OK;
	if (outcome != OK)
		snprintf(x->account.name, sizeof(x->account.name), "%.*s",
			(int)sizeof(x->account.name) - 1, x->tried);
	return outcome == ERR_DENIED ? OK : outcome;
}

/* ---- may they? ---- */

/* Nobody acts as somebody else; but names of one account are many. */
static enum outcome
check_authzid(const struct auth_exchange *x)
{
	struct bytes authzid = sasl_server_authzid(x->sasl);
	struct account meant = {0};
	enum outcome outcome;

	if (authzid.octets == 0)
		return OK;
	outcome = auth_account_find(authzid, NULL, &meant);
	if (outcome == OK && strcmp(meant.name, x->account.name) != 0)
		outcome = ERR_DENIED;
	account_release(&meant);
	return outcome;
}

static enum outcome
may_enter(struct auth_exchange *x)
{
	static const struct credential unlimited;
	enum outcome outcome = x->is_known ? check_authzid(x) : ERR_DENIED;

	if (outcome != OK)
		return outcome;
	return x->generation ? auth_check_may_enter(x, x->generation)
			     : account_may_use(&x->account, &unlimited, "",
				       clock_wall_seconds());
}

static void
judge(struct auth_exchange *x)
{
	enum outcome outcome = find(x);

	if (outcome != OK) {
		auth_refuse(x, outcome);
		return;
	}
	auth_guard_begin(x);
	outcome = may_enter(x);
	auth_guard_end(x, outcome);
	if (outcome == OK && !x->is_cancelled)
		auth_check_let_in(x);
	else
		auth_refuse(x, outcome);
}

void
auth_external_check(struct auth_exchange *x)
{
	enum outcome outcome;

	if (!x->certificate) {
		auth_refuse(x, ERR_PEER);
		return;
	}
	snprintf(x->tried, sizeof(x->tried), "%.*s", (int)sizeof(x->tried) - 1,
		x->certificate->subject);
	outcome = find(x);
	if (outcome != OK) {
		auth_refuse(x, outcome);
		return;
	}
	/* The same certificate again is no new failure. */
	memcpy(x->proof.octets, x->certificate->fingerprint,
		sizeof(x->proof.octets));
	auth_guard_admit(x, judge);
}
