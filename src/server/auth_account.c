/* SPDX-License-Identifier: ISC */
/* Who a name is: the sources of accounts in their order, then the aliases. The
   place of PAM is that of the users of the system. */
#include "base/log.h"
#include "server/auth_state.h"

#include <stdio.h>
#include <string.h>

struct question {
	bool has_credentials;
	struct auth_system *system; /* NULL: PAM is not asked */
};

static enum outcome
failed(const struct accounts *source, enum outcome outcome)
{
	log_event(LOG_LEVEL_ERROR, "accounts", "backend=%s why=%s",
		source->ops->name, outcome_name(outcome));
	return ERR_TRY_LATER;
}

/* Nobody asks for credentials of PAM: it judges passwords itself. */
static enum outcome
ask_pam(const struct question *question, const char *name, struct account *out)
{
	enum outcome outcome;

	if (!question->system)
		return ERR_DENIED;
	outcome = auth_system_ask(question->system, name);
	if (outcome != OK)
		return outcome;
	*out = (struct account){0};
	snprintf(out->name, sizeof(out->name), "%s", name);
	question->system->is_found = true;
	return OK;
}

/* One that is away may know the name: what comes behind it is not asked. */
static enum outcome
ask(const struct question *question, const char *name, struct account *out)
{
	for (size_t i = 0; i < auth.source_count; i++) {
		struct accounts *source = auth.sources[i];
		enum outcome outcome;

		if (!source)
			outcome = ask_pam(question, name, out);
		else if (question->has_credentials)
			outcome = source->ops->load(source, name, out);
		else
			outcome = source->ops->find(source, name, out);
		if (outcome != ERR_DENIED)
			return outcome == OK || !source
				       ? outcome
				       : failed(source, outcome);
	}
	return ERR_DENIED;
}

static enum outcome
ask_alias(const char *name, char out[ACCOUNT_NAME_SIZE])
{
	for (size_t i = 0; i < auth.source_count; i++) {
		struct accounts *source = auth.sources[i];
		enum outcome outcome;

		if (!source || !source->ops->find_alias)
			continue;
		outcome = source->ops->find_alias(source, name, out);
		if (outcome != ERR_DENIED)
			return outcome == OK ? OK : failed(source, outcome);
	}
	return ERR_DENIED;
}

/* An alias stands for an account and not for another one. */
static enum outcome
ask_all(const struct question *question, const char *name, struct account *out)
{
	enum outcome outcome = ask(question, name, out);
	char account[ACCOUNT_NAME_SIZE];

	if (outcome == ERR_DENIED)
		outcome = ask_alias(name, account);
	else
		return outcome;
	return outcome == OK ? ask(question, account, out) : outcome;
}

enum outcome
auth_account_load(struct bytes typed, struct auth_system *system,
	struct account *out, bool *out_has_device,
	char device[ACCOUNT_DEVICE_SIZE])
{
	const struct question question = {true, system};
	enum outcome outcome = ERR_DENIED;
	char name[ACCOUNT_NAME_SIZE];

	*out_has_device = false;
	device[0] = '\0';
	/* An account may have a "%" in its name. */
	if (accounts_name(&auth.naming, typed, name))
		outcome = ask_all(&question, name, out);
	if (outcome != ERR_DENIED || !bytes_has(typed, '%'))
		return outcome;
	if (!accounts_login_name(&auth.naming, typed, name, device))
		return ERR_DENIED;
	*out_has_device = true;
	return ask_all(&question, name, out);
}

enum outcome
auth_account_load_by_certificate(const char *hash, struct account *out)
{
	const struct question question = {true, NULL};
	char name[ACCOUNT_NAME_SIZE];

	for (size_t i = 0; i < auth.source_count; i++) {
		struct accounts *source = auth.sources[i];
		enum outcome outcome;

		if (!source || !source->ops->find_certificate)
			continue;
		outcome = source->ops->find_certificate(source, hash, name);
		if (outcome != ERR_DENIED)
			return outcome == OK ? ask(&question, name, out)
					     : failed(source, outcome);
	}
	return ERR_DENIED;
}

enum outcome
auth_account_find(
	struct bytes name, struct auth_system *system, struct account *out)
{
	const struct question question = {false, system};
	char canonical[ACCOUNT_NAME_SIZE];

	return accounts_name(&auth.naming, name, canonical)
		       ? ask_all(&question, canonical, out)
		       : ERR_DENIED;
}

enum outcome
auth_account_find_catch_all(
	struct bytes address, struct auth_system *system, struct account *out)
{
	const struct question question = {false, system};
	char name[ACCOUNT_NAME_SIZE], account[ACCOUNT_NAME_SIZE];
	enum outcome outcome = ERR_DENIED;

	if (accounts_name(&auth.naming, address, name) && strchr(name, '@'))
		outcome = ask_alias(strrchr(name, '@'), account);
	return outcome == OK ? ask(&question, account, out) : outcome;
}
