/* SPDX-License-Identifier: ISC */
#include "server/store_role.h"
#include "base/log.h"
#include "server/asking.h"
#include "server/audit.h"
#include "server/confinement.h"
#include "server/delivery.h"
#include "server/expiry.h"
#include "server/lease.h"
#include "server/mending.h"
#include "server/opened.h"
#include "server/pool.h"
#include "server/role_lost.h"
#include "server/surveying.h"
#include "server/store_opening.h"

#include <stdlib.h>
#include <sysexits.h>

/* How long deliveries stay in the journal alone, about. */
#define TEND_MS 1000

struct store *store_role_store;
struct stats *store_role_stats;

static struct {
	uv_loop_t loop;
	struct boot *boot;
	struct pool pool;
	struct channel *auth, *web;
	uint64_t web_instance;
	struct store_client *clients;
	uint64_t releases; /* so far */
	uv_timer_t tending;
} role;

/* ---- holders ---- */

void
store_client_send(struct store_client *client, struct message *message)
{
	if (client->channel)
		channel_send(client->channel, message);
}

static struct store_holder *
find_holder(struct store_client *client, uint64_t connection)
{
	struct table_entry *entry = table_find(&client->holders, connection);

	return entry ? table_object(entry, struct store_holder, entry) : NULL;
}

struct store_holder *
store_client_holder(struct store_client *client, uint64_t connection)
{
	struct store_holder *holder = find_holder(client, connection);

	if (holder || client->holders.count >= STORE_HOLDERS_MAXIMUM)
		return holder;
	holder = calloc(1, sizeof(*holder));
	if (!holder ||
		!table_add(&client->holders, &holder->entry, connection)) {
		free(holder);
		return NULL;
	}
	holder->client = client;
	return holder;
}

static void
free_client_when_unused(struct store_client *client)
{
	if (client->channel || client->holders.count > 0)
		return;
	table_release(&client->holders);
	free(client);
}

static void
end_session(struct store_holder *holder)
{
	lease_end(holder);
	if (holder->session)
		store_role_store->ops->release(
			store_role_store, &holder->session);
}

static void
free_holder_when_unused(struct store_holder *holder)
{
	struct store_client *client = holder->client;

	if (!holder->is_released || holder->calls > 0)
		return;
	delivery_free(holder);
	end_session(holder);
	index_set_release(&holder->deleted);
	audit_free(&holder->audit);
	table_remove(&client->holders, &holder->entry);
	free(holder);
	free_client_when_unused(client);
}

void
store_holder_call_ended(struct store_holder *holder)
{
	holder->calls--;
	free_holder_when_unused(holder);
}

struct policy
store_role_policy(const char *mailbox)
{
	return server_settings_policy(&role.boot->settings, mailbox);
}

struct store_quota
store_role_quota(void)
{
	const struct server_settings *settings = &role.boot->settings;

	return (struct store_quota){settings->quota_octets,
		settings->quota_messages,
		(unsigned)settings->quota_soft_percent};
}

bool
store_role_is_audited(void)
{
	return role.boot->settings.is_audited;
}

static void
release(struct store_holder *holder)
{
	role.releases++;
	holder->is_released = true;
	/* Not when its last call has ended: a message that nobody wants any
	   more may still be read, and the owner comes again at once. */
	end_session(holder);
	free_holder_when_unused(holder);
}

/*
 * A connection that ended may have its release still on the way here, behind
 * the grant of the next one: the owner must not find its own maildrop busy.
 */
bool
store_role_settle_releases(void)
{
	bool is_settled = false;
	struct store_client *next;

	for (struct store_client *c = role.clients; c; c = next) {
		next = c->next;
		while (c->channel && channel_poll(c->channel))
			is_settled = true;
	}
	return is_settled;
}

/* ---- channels ---- */

static void
settle_grants(void)
{
	/* A grant is sent before the session hears of it, so it waits here. */
	while (role.auth && channel_poll(role.auth))
		continue;
}

static bool
for_holder(struct store_holder *holder, struct message *message)
{
	switch (message->type) {
	case MESSAGE_READ:
		return opened_on_read(holder, message);
	case MESSAGE_READ_PIECE:
		return opened_on_read_piece(holder, message);
	case MESSAGE_DELETE:
		return opened_on_delete(holder, message);
	case MESSAGE_RETRIEVED:
		return opened_on_retrieved(holder, message);
	case MESSAGE_COMMIT:
		return opened_on_commit(holder, message);
	case MESSAGE_APPEND_BEGIN_PIECE:
	case MESSAGE_APPEND_BEGIN:
		return delivery_on_begin(holder, message);
	case MESSAGE_APPEND_DATA:
		return delivery_on_data(holder, message);
	case MESSAGE_APPEND_COMMIT:
		return delivery_on_commit(holder, message);
	case MESSAGE_APPEND_ABORT:
		return delivery_on_abort(holder, message);
	case MESSAGE_RELEASE:
		release(holder);
		return true;
	default:
		return false;
	}
}

static bool
on_client_message(struct channel *channel, struct message *message)
{
	struct store_client *client = channel->context;
	uint64_t releases = role.releases;
	struct store_holder *holder;

	if (message->type == MESSAGE_APPEND_BEGIN ||
		message->type == MESSAGE_APPEND_BEGIN_PIECE)
		settle_grants();
	holder = find_holder(client, message->subject);
	if (!holder || holder->is_released)
		/* Nothing is held: all that may be said of it. Unless the
		   release overtook this message while grants were settled. */
		return message->type == MESSAGE_RELEASE ||
		       message->type == MESSAGE_APPEND_ABORT ||
		       role.releases != releases;
	return for_holder(holder, message);
}

static void
on_client_closed(struct channel *channel, enum outcome why)
{
	struct store_client *client = channel->context;
	struct store_client **link = &role.clients;
	struct table left = client->holders;

	role_lost_log("session", why);
	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	channel_free(&client->channel);
	for (size_t i = 0; i < left.bucket_count; i++) {
		struct table_entry *next;

		for (struct table_entry *e = left.buckets[i]; e; e = next) {
			bool is_last = client->holders.count == 1;

			next = e->next;
			release(table_object(e, struct store_holder, entry));
			if (is_last)
				return;
		}
	}
	free_client_when_unused(client);
}

static struct store_client *
client_of(uint64_t instance)
{
	struct store_client *client = role.clients;

	while (client && client->instance != instance)
		client = client->next;
	return client;
}

/* A session that just started may have logged somebody in. NULL: it has died
   meanwhile. */
static struct store_client *
settled_client(uint64_t instance)
{
	struct store_client *client = client_of(instance);

	if (!client) {
		boot_settle();
		client = client_of(instance);
	}
	return client;
}

static bool
on_grant_open(struct message *message)
{
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
	struct message_reader reader;
	struct store_client *client;
	bool is_read_only;
	uint64_t instance;

	message_reader_init(&reader, message);
	instance = message_get_u64(&reader);
	message_get_string(&reader, mailbox, sizeof(mailbox));
	is_read_only = message_get_u8(&reader) != 0;
	if (!message_reader_finish(&reader))
		return false;
	client = settled_client(instance);
	if (client)
		opened_on_grant_open(
			client, message->subject, mailbox, is_read_only);
	return true;
}

static bool
on_grant_append(struct message *message)
{
	struct delivery_grant grant;
	struct message_reader reader;
	struct store_client *client;
	struct store_holder *holder;
	uint64_t instance;

	message_reader_init(&reader, message);
	instance = message_get_u64(&reader);
	grant.number = message_get_u32(&reader);
	message_get_string(&reader, grant.mailbox, sizeof(grant.mailbox));
	grant.quota_octets = message_get_u64(&reader);
	grant.quota_messages = message_get_u64(&reader);
	if (!message_reader_finish(&reader))
		return false;
	client = settled_client(instance);
	holder = client ? store_client_holder(client, message->subject) : NULL;
	/* One that does not fit is the session's doing, not auth's: it has no
	   such recipient, and its BEGIN will be malformed. */
	if (holder)
		delivery_grant(holder, &grant);
	return true;
}

static bool
on_auth_message(struct channel *channel, struct message *message)
{
	switch (message->type) {
	case MESSAGE_SWEEP:
		return expiry_on_sweep(message);
	case MESSAGE_GRANT_OPEN:
		return on_grant_open(message);
	case MESSAGE_GRANT_APPEND:
		return on_grant_append(message);
	default:
		return false;
	}
}

/* ---- the administrator's questions ---- */

void
store_role_tell_web(uint64_t instance, struct message *message)
{
	if (role.web && instance == role.web_instance)
		channel_send(role.web, message);
}

static bool
on_web_message(struct channel *channel, struct message *message)
{
	switch (message->type) {
	case MESSAGE_STAT:
		return asking_on_stat(role.web_instance, message);
	case MESSAGE_MEND:
		return mending_on_mend(&role.loop, role.web_instance, message);
	case MESSAGE_SURVEY:
		return surveying_on_survey(role.web_instance, message);
	default:
		return false;
	}
}

static void
on_other_closed(struct channel *channel, enum outcome why)
{
	bool is_auth = channel == role.auth;

	role_lost_log(is_auth ? "auth" : "web", why);
	channel_free(is_auth ? &role.auth : &role.web);
}

static bool
add_client(uint64_t instance, int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_client_message, .on_closed = on_client_closed};
	struct store_client *client = calloc(1, sizeof(*client));

	if (!client)
		return false;
	client->instance = instance;
	client->channel = channel_new(&role.loop, fd, &handler, client);
	client->next = role.clients;
	role.clients = client;
	return client->channel != NULL;
}

static bool
on_peer(enum role peer, uint64_t instance, int *fd)
{
	static const struct channel_handler auth_handler = {
		.on_message = on_auth_message, .on_closed = on_other_closed};
	static const struct channel_handler web_handler = {
		.on_message = on_web_message, .on_closed = on_other_closed};

	switch (peer) {
	case ROLE_SESSION:
		return add_client(instance, fd);
	case ROLE_AUTH:
		channel_free(&role.auth);
		role.auth = channel_new(&role.loop, fd, &auth_handler, NULL);
		return role.auth != NULL;
	case ROLE_WEB:
		channel_free(&role.web);
		role.web = channel_new(&role.loop, fd, &web_handler, NULL);
		role.web_instance = instance;
		return role.web != NULL;
	case ROLE_PARENT:
	case ROLE_STORE:
	case ROLE_KEY:
	case ROLE_LOOKUP:
	case ROLE_COUNT:
	default:
		return false;
	}
}

/* ---- what can wait ---- */

static void
tend(uv_timer_t *timer)
{
	if (!store_role_store->ops->tend(store_role_store))
		uv_timer_stop(timer);
}

void
store_role_tend_later(void)
{
	if (!uv_is_active((uv_handle_t *)&role.tending))
		uv_timer_start(&role.tending, tend, TEND_MS, TEND_MS);
}

/* ---- the role ---- */

static bool
on_settings(struct server_settings *fresh)
{
	boot_use_settings(role.boot, fresh);
	return true;
}

void
store_role_run(void)
{
	static const struct boot_handler handler = {.on_peer = on_peer,
		.on_stop = boot_leave,
		.on_settings = on_settings};
	struct confinement confinement = {
		.role = ROLE_STORE, .has_threads = true};

	setenv("UV_THREADPOOL_SIZE", STORE_THREADS, 1);
	role.boot = boot_receive();
	boot_log_open(role.boot, "store");
	store_role_stats = boot_own_stats(role.boot);
	uv_loop_init(&role.loop);
	pool_init(&role.pool, &role.loop);
	uv_timer_init(&role.loop, &role.tending);
	lease_init(&role.loop);
	store_role_store = store_opening(
		role.boot, &role.loop, &role.pool.executor, &confinement);
	confinement_enter(&confinement, &role.loop);
	boot_finish(role.boot, &role.loop, &handler);
	uv_run(&role.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
