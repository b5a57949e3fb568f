/* SPDX-License-Identifier: ISC */
/* Who a name is, and whether the password is theirs. */
#include "accounts/password.h"
#include "base/log.h"
#include "server/auth_role.h"
#include "server/auth_state.h"

#include <stdio.h>

/* Store opens the maildrop and tells the session itself. */
static void
grant(struct auth_exchange *x)
{
	struct message message;
	bool is_sent;

	message_init(&message, MESSAGE_GRANT_OPEN, x->connection);
	message_put_u64(&message, x->client->instance);
	message_put_string(&message, x->account.name);
	is_sent = auth.store && channel_send(auth.store, &message) == OK;
	message_release(&message);
	if (is_sent)
		auth_exchange_free(x);
	else
		auth_refuse(x, ERR_TRY_LATER);
}

static void
check_in_thread(uv_work_t *work)
{
	struct auth_exchange *x = work->data;

	x->outcome = password_check(secret_bytes(&x->password),
		x->is_known ? x->account.hash : NULL);
}

static void
after_check(uv_work_t *work, int status)
{
	struct auth_exchange *x = work->data;
	struct auth_client *client = x->client;
	bool is_gone = !client->channel || x->is_cancelled;
	char quoted[LOG_QUOTED_OCTETS];

	auth.checks--;
	client->checks--;
	x->is_checking = false;
	if (x->outcome == OK && x->account.is_disabled)
		x->outcome = ERR_DENIED;
	if (x->outcome != OK)
		log_event(LOG_LEVEL_WARNING, "auth-failed", "addr=%s user=%s",
			x->address,
			log_quote(quoted, bytes_of_string(x->account.name)));
	if (is_gone)
		auth_exchange_free(x);
	else if (x->outcome == OK)
		grant(x);
	else
		auth_refuse(x, x->outcome);
	auth_client_free_when_unused(client);
}

void
auth_check(struct auth_exchange *x, struct bytes user, struct bytes password)
{
	char name[ACCOUNT_NAME_SIZE];
	enum outcome outcome = ERR_DENIED;

	/* The name that was tried, for the log, whatever it is. */
	if (!bytes_to_string(user, x->account.name, ACCOUNT_NAME_SIZE))
		snprintf(x->account.name, ACCOUNT_NAME_SIZE, "?");
	if (accounts_canonical_name(user, name))
		outcome = auth.accounts->ops->find(
			auth.accounts, name, &x->account);
	if (outcome != OK && outcome != ERR_DENIED) {
		log_event(LOG_LEVEL_ERROR, "accounts", "why=%s",
			outcome_name(outcome));
		auth_refuse(x, ERR_TRY_LATER);
		return;
	}
	x->is_known = outcome == OK;
	x->work.data = x;
	if (auth.checks >= AUTH_CHECKS_MAXIMUM ||
		!secret_set(&x->password, password) ||
		uv_queue_work(&auth.loop, &x->work, check_in_thread,
			after_check) != 0) {
		auth_refuse(x, ERR_TRY_LATER);
		return;
	}
	x->is_checking = true;
	auth.checks++;
	x->client->checks++;
}
