/* SPDX-License-Identifier: ISC */
/*
 * The users of the system among the other sources of accounts. Those answer at
 * once and this one does not: what it said is kept with whoever asked, who then
 * asks all of them again.
 */
#include "base/log.h"
#include "server/auth_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An address and its local part, with and without the detail, and what they
   stand for. */
#define SAID_MAXIMUM 8

struct auth_said {
	char name[ACCOUNT_NAME_SIZE];
	enum outcome outcome;
};

enum outcome
auth_system_ask(struct auth_system *system, const char *name)
{
	for (unsigned i = 0; i < system->count; i++)
		if (strcmp(system->said[i].name, name) == 0)
			return system->said[i].outcome;
	if (system->count < SAID_MAXIMUM)
		snprintf(system->wanted, sizeof(system->wanted), "%s", name);
	return ERR_TRY_LATER;
}

static void
tell_away(void)
{
	log_event(LOG_LEVEL_ERROR, "accounts", "backend=pam why=%s",
		outcome_name(ERR_TRY_LATER));
}

static void
on_looked_up(struct auth_lookup *lookup, enum outcome outcome, const char *user)
{
	struct auth_system *system =
		table_object(lookup, struct auth_system, lookup);
	struct auth_said *said = &system->said[system->count++];

	memcpy(said->name, system->wanted, sizeof(said->name));
	said->outcome = outcome == OK || outcome == ERR_DENIED ? outcome
							       : ERR_TRY_LATER;
	system->wanted[0] = '\0';
	if (said->outcome == ERR_TRY_LATER)
		tell_away();
	system->go_on(system);
}

bool
auth_system_wait(
	struct auth_system *system, void (*go_on)(struct auth_system *system))
{
	if (!system->wanted[0])
		return false;
	if (!system->said)
		system->said = calloc(SAID_MAXIMUM, sizeof(*system->said));
	system->go_on = go_on;
	if (system->said &&
		auth_lookup_user(&system->lookup, system->wanted, on_looked_up))
		return true;
	system->wanted[0] = '\0';
	tell_away();
	return false;
}

void
auth_system_release(struct auth_system *system)
{
	auth_lookup_forget(&system->lookup);
	free(system->said);
	system->said = NULL;
	system->count = 0;
	system->wanted[0] = '\0';
}
