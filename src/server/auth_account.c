/* SPDX-License-Identifier: ISC */
/* Who a name is: the sources of accounts in their order, then the aliases. */
#include "base/log.h"
#include "server/auth_state.h"

#include <stdio.h>

static enum outcome
failed(const struct accounts *source, enum outcome outcome)
{
	log_event(LOG_LEVEL_ERROR, "accounts", "backend=%s why=%s",
		source->ops->name, outcome_name(outcome));
	return ERR_TRY_LATER;
}

/* One that is away may know the name: what comes behind it is not asked. */
static enum outcome
ask(const char *name, bool has_credentials, struct account *out)
{
	for (size_t i = 0; i < auth.source_count; i++) {
		struct accounts *source = auth.sources[i];
		enum outcome outcome =
			has_credentials ? source->ops->load(source, name, out)
					: source->ops->find(source, name, out);

		if (outcome != ERR_DENIED)
			return outcome == OK ? OK : failed(source, outcome);
	}
	return ERR_DENIED;
}

static enum outcome
ask_alias(const char *name, char out[ACCOUNT_NAME_SIZE])
{
	for (size_t i = 0; i < auth.source_count; i++) {
		struct accounts *source = auth.sources[i];
		enum outcome outcome;

		if (!source->ops->find_alias)
			continue;
		outcome = source->ops->find_alias(source, name, out);
		if (outcome != ERR_DENIED)
			return outcome == OK ? OK : failed(source, outcome);
	}
	return ERR_DENIED;
}

/* An alias stands for an account and not for another one. */
static enum outcome
ask_all(const char *name, bool has_credentials, struct account *out)
{
	enum outcome outcome = ask(name, has_credentials, out);
	char account[ACCOUNT_NAME_SIZE];

	if (outcome == ERR_DENIED)
		outcome = ask_alias(name, account);
	else
		return outcome;
	return outcome == OK ? ask(account, has_credentials, out) : outcome;
}

enum outcome
auth_account_load(struct bytes typed, struct account *out, bool *out_has_device,
	char device[ACCOUNT_DEVICE_SIZE])
{
	enum outcome outcome = ERR_DENIED;
	char name[ACCOUNT_NAME_SIZE];

	*out_has_device = false;
	device[0] = '\0';
	/* An account may have a "%" in its name. */
	if (accounts_canonical_name(typed, name))
		outcome = ask_all(name, true, out);
	if (outcome != ERR_DENIED || !bytes_has(typed, '%'))
		return outcome;
	if (!accounts_login_name(typed, name, device))
		return ERR_DENIED;
	*out_has_device = true;
	return ask_all(name, true, out);
}

enum outcome
auth_account_load_by_certificate(const char *hash, struct account *out)
{
	char name[ACCOUNT_NAME_SIZE];

	for (size_t i = 0; i < auth.source_count; i++) {
		struct accounts *source = auth.sources[i];
		enum outcome outcome;

		if (!source->ops->find_certificate)
			continue;
		outcome = source->ops->find_certificate(source, hash, name);
		if (outcome != ERR_DENIED)
			return outcome == OK ? ask(name, true, out)
					     : failed(source, outcome);
	}
	return ERR_DENIED;
}

enum outcome
auth_account_find(struct bytes name, struct account *out)
{
	char canonical[ACCOUNT_NAME_SIZE];

	return accounts_canonical_name(name, canonical)
		       ? ask_all(canonical, false, out)
		       : ERR_DENIED;
}
