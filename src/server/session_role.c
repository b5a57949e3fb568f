/* SPDX-License-Identifier: ISC */
#include "server/session_role.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/listener.h"
#include "net/vanished.h"
#include "pop3/commands.h"
#include "server/confinement.h"
#include "server/connection.h"
#include "server/crowd.h"
#include "server/role_lost.h"
#include "server/session_signer.h"
#include "server/session_trace.h"
#include "server/session_vanished.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static struct session_role role;

/* ---- answers of auth and store ---- */

/*
 * The connection went while the answer was on its way: store may just have
 * opened a maildrop for it.
 */
static bool
answer_to_nobody(struct channel *channel, struct message *message)
{
	struct message release;

	if (message->type != MESSAGE_OPENED &&
		message->type != MESSAGE_RESOLVED)
		return true;
	message_init(&release, MESSAGE_RELEASE, message->subject);
	if (role.store)
		channel_send(role.store, &release);
	message_release(&release);
	return true;
}

static bool
tell_logins(struct message *message)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	session_news_tell(&role);
	return message_reader_finish(&reader);
}

static bool
on_answer(struct channel *channel, struct message *message)
{
	struct table_entry *entry =
		table_find(&role.connections, message->subject);
	struct connection *c;

	if (message->type == MESSAGE_TRACE)
		return channel == role.auth && session_trace_take(message);
	if (message->type == MESSAGE_TELL_LOGINS)
		return channel == role.auth && tell_logins(message);
	if (!entry)
		return answer_to_nobody(channel, message);
	c = table_object(entry, struct connection, entry);
	if (c->is_parted)
		return answer_to_nobody(channel, message);
	if (!c->protocol->answer(c, message))
		return false;
	connection_pump(c);
	return true;
}

void
session_role_each(void (*each)(struct connection *c, const void *context),
	const void *context)
{
	size_t count = 0;
	uint64_t *ids = calloc(role.connections.count + 1, sizeof(*ids));

	if (!ids)
		return;
	for (size_t i = 0; i < role.connections.bucket_count; i++)
		for (struct table_entry *e = role.connections.buckets[i]; e;
			e = e->next)
			ids[count++] = e->id;
	for (size_t i = 0; i < count; i++) {
		struct table_entry *e = table_find(&role.connections, ids[i]);

		if (e)
			each(table_object(e, struct connection, entry),
				context);
	}
	free(ids);
}

static void
tell_lost(struct connection *c, const void *context)
{
	c->protocol->lost(c, *(const enum role *)context);
	connection_pump(c);
}

static void
on_peer_closed(struct channel *channel, enum outcome why)
{
	enum role lost = channel == role.auth ? ROLE_AUTH : ROLE_STORE;
	struct channel **place = lost == ROLE_AUTH ? &role.auth : &role.store;

	role_lost_log(lost == ROLE_AUTH ? "auth" : "store", why);
	channel_free(place);
	session_role_each(tell_lost, &lost);
}

static void
tell_again(struct connection *c, const void *context)
{
	if (c->protocol->auth_again)
		c->protocol->auth_again(c);
}

static bool
on_peer(enum role peer, uint64_t instance, int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_answer, .on_closed = on_peer_closed};
	struct channel **place = peer == ROLE_AUTH    ? &role.auth
				 : peer == ROLE_STORE ? &role.store
						      : NULL;

	if (peer == ROLE_KEY) {
		session_signer_use(fd);
		return true;
	}
	if (!place)
		return false;
	if (*place)
		on_peer_closed(*place, ERR_GONE);
	/* Auth may have told the store before of a login that came since. */
	if (peer == ROLE_STORE)
		session_role_each(tell_lost, &peer);
	*place = channel_new(&role.loop, fd, &handler, NULL);
	if (*place && peer == ROLE_AUTH)
		session_role_each(tell_again, NULL);
	return *place != NULL;
}

/* ---- accepting ---- */

static void
stop_listening(struct session_listener *listener)
{
	if (uv_is_active((uv_handle_t *)&listener->poll))
		uv_poll_stop(&listener->poll);
}

static void
on_acceptable(uv_poll_t *poll, int status, int events)
{
	struct session_listener *listener = poll->data;
	struct address peer;
	int fd;

	for (int i = 0; i < SESSION_ACCEPT_BATCH; i++) {
		fd = listener_accept(listener->fd, &peer);
		if (fd >= 0) {
			connection_accept(listener, fd, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
			/* The tick listens again: no busy loop meanwhile. */
			log_event(LOG_LEVEL_ERROR, "accept-failed",
				"why=\"out of descriptors or memory\"");
			stop_listening(listener);
		}
		if (errno != ECONNABORTED)
			return;
	}
}

static void
listen_on(struct session_listener *listener)
{
	if (!role.is_stopping && !uv_is_active((uv_handle_t *)&listener->poll))
		uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
}

static void
add_listener(const struct boot_listener *from)
{
	struct session_listener *listener =
		&role.listeners[role.listener_count];

	listener->role = &role;
	listener->number = role.listener_count++;
	listener->fd = from->fd;
	vanished_ask(from->fd, role.settings->all.vanished_seconds);
	listener->is_tls = from->kind == LISTENER_POP3S;
	listener->protocol =
		from->kind == LISTENER_LMTP ? &protocol_lmtp : &protocol_pop3;
	if (from->kind == LISTENER_SETUP) {
		listener->is_tls = true;
		listener->protocol = &protocol_setup;
	}
	listener->poll.data = listener;
	if (uv_poll_init(&role.loop, &listener->poll, listener->fd) == 0)
		listen_on(listener);
}

/* ---- settings ---- */

static struct session_given
what_is_given(void)
{
	return (struct session_given){.boot = role.boot,
		.has_certificate = role.tls != NULL,
		.command_counts = pop3_command_count < STATS_COMMANDS_MAXIMUM
					  ? role.stats->detail.pop3_commands
					  : NULL};
}

static bool
on_settings(struct server_settings *fresh)
{
	const struct session_given given = what_is_given();
	struct session_settings *made = session_settings_new(&given, fresh);

	if (!made)
		return false;
	session_settings_drop(&role.settings);
	role.settings = made;
	deadlines_set_length(&role.idle, made->all.timeout_seconds * 1000);
	deadlines_set_length(&role.deaf, made->all.stalled_seconds * 1000);
	for (size_t i = 0; i < role.listener_count; i++)
		vanished_ask(role.listeners[i].fd, made->all.vanished_seconds);
	return true;
}

/* ---- certificates ---- */

static void
use_ticket_keys(struct tls_context *context)
{
	tls_context_set_ticket_keys(context,
		(const unsigned char(*)[TICKET_KEY_OCTETS])
			role.boot->ticket_keys,
		TICKET_KEYS);
}

static enum certificate_asked
client_certificate(void)
{
	const struct server_settings *settings =
		role.settings ? &role.settings->all : &role.boot->settings;

	return (enum certificate_asked)settings->client_certificate;
}

/* All of them, or NULL. Whose key did not come is signed for elsewhere. */
static struct tls_context *
make_context(const struct boot_pems *certificates, const struct boot_pems *keys,
	char error[TLS_ERROR_SIZE])
{
	struct tls_context *context = NULL;
	enum outcome outcome = OK;

	for (size_t i = 0; i < certificates->count && outcome == OK; i++) {
		const struct boot_pem *pem = &certificates->pems[i];
		struct tls_pair pair = {.name = pem->name,
			.certificate = buffer_bytes(&pem->text)};

		if (i < keys->count)
			pair.key = buffer_bytes(&keys->pems[i].text);
		else
			pair.signer = &session_signer;
		outcome = context ? tls_context_add(context, &pair, error)
				  : tls_server_context_new(
					    &pair, &context, error);
	}
	if (outcome == OK && role.boot->client_ca.is_whole &&
		client_certificate() != CLIENT_CERTIFICATE_NO)
		outcome = tls_context_ask_clients(context,
			buffer_bytes(&role.boot->client_ca.pems[0].text),
			client_certificate() == CLIENT_CERTIFICATE_REQUIRE,
			error);
	if (outcome != OK)
		tls_context_free(&context);
	return context;
}

static void
use_certificates(void)
{
	struct boot_pems *certificates = &role.boot->certificates;
	struct tls_context *fresh;
	char error[TLS_ERROR_SIZE] = "";

	if (!certificates->is_whole)
		return;
	fresh = make_context(certificates, &role.boot->keys, error);
	if (fresh) {
		use_ticket_keys(fresh);
		tls_context_free(&role.tls);
		role.tls = fresh;
	} else {
		log_event(LOG_LEVEL_ERROR, "certificate", "why=\"%s\"", error);
		if (!role.tls)
			exit(EX_CONFIG);
	}
	boot_pems_wipe(certificates);
	boot_pems_wipe(&role.boot->keys);
}

static bool
on_parent_message(struct message *message)
{
	switch (message->type) {
	case MESSAGE_CERTIFICATE:
		if (!boot_pems_take(&role.boot->certificates, message))
			return false;
		use_certificates();
		return true;
	case MESSAGE_KEY:
		return !role.boot->settings.has_key_role &&
		       boot_pems_take(&role.boot->keys, message);
	case MESSAGE_CLIENT_CA:
		if (role.boot->client_ca.is_whole)
			boot_pems_wipe(&role.boot->client_ca);
		return boot_pems_take(&role.boot->client_ca, message);
	case MESSAGE_TICKET_KEYS:
		if (!boot_take_ticket_keys(role.boot, message))
			return false;
		if (role.tls)
			use_ticket_keys(role.tls);
		return true;
	default:
		return false;
	}
}

/* ---- time ---- */

static void
expire(struct connection *c, const void *why)
{
	c->protocol->expire(c, why);
	connection_pump(c);
}

static void
expire_stopped(struct connection *c, const void *why)
{
	connection_set_ending(c, ENDING_STOPPED);
	expire(c, why);
}

static void
end_if_idle(void)
{
	if (role.is_stopping && role.connections.count == 0)
		boot_leave();
}

static void
expire_idle(struct connection *c)
{
	connection_set_ending(c, ENDING_IDLE);
	log_event(LOG_LEVEL_INFO, "timeout", "id=%s addr=%s", c->id, c->peer);
	expire(c, NULL);
}

/* There is no telling it: what waits would be in front of the word. */
static void
drop_deaf(struct connection *c)
{
	connection_set_ending(c, ENDING_DEAF);
	log_event(LOG_LEVEL_WARNING, "connection-dropped",
		"id=%s addr=%s why=\"takes no output\" waiting=%llu", c->id,
		c->peer, (unsigned long long)c->out.octets + c->file_octets);
	connection_close(c);
}

/* No handshake in its time, or no request. */
static void
drop_slow(struct connection *c)
{
	connection_set_ending(c, c->protocol->is_brief && !c->is_handshaking
					 ? ENDING_IDLE
					 : ENDING_TLS);
	connection_close(c);
}

/* What is free between what is not malloc keeps, until it is asked. */
static void
give_back_memory(void)
{
	if (role.most_connections < SESSION_CROWD ||
		role.connections.count > role.most_connections / 4)
		return;
	malloc_trim(0);
	role.most_connections = role.connections.count;
}

static void
on_tick(uv_timer_t *timer)
{
	uint64_t now_ms = clock_monotonic_ms();
	struct deadline *over;

	while ((over = deadlines_pop(&role.handshakes, now_ms)))
		drop_slow(table_object(over, struct connection, deadline));
	while ((over = deadlines_pop(&role.deaf, now_ms)))
		drop_deaf(table_object(over, struct connection, deadline));
	session_drop_vanished(&role, now_ms);
	while ((over = deadlines_pop(&role.idle, now_ms)))
		expire_idle(table_object(over, struct connection, deadline));
	for (size_t i = 0; i < role.listener_count; i++)
		listen_on(&role.listeners[i]);
	session_trace_tick(now_ms);
	give_back_memory();
	end_if_idle();
}

static void
on_stop(void)
{
	role.is_stopping = true;
	for (size_t i = 0; i < role.listener_count; i++)
		stop_listening(&role.listeners[i]);
	session_role_each(expire_stopped, "[SYS/TEMP] server is going down");
	end_if_idle();
}

static void
before_waiting(uv_prepare_t *prepare)
{
	connection_free_closed(&role);
}

void
session_role_run(void)
{
	static const struct boot_handler handler = {.on_peer = on_peer,
		.on_stop = on_stop,
		.on_settings = on_settings,
		.on_message = on_parent_message};
	static const struct confinement confinement = {.role = ROLE_SESSION};
	static char name[32];
	struct server_settings *settings;
	struct session_given given;
	int root_fd;

	role.boot = boot_receive();
	settings = &role.boot->settings;
	snprintf(name, sizeof(name), "session-%u", role.boot->number);
	boot_log_open(role.boot, name);
	root_fd = boot_empty_root(role.boot);
	boot_drop_privileges(settings->session_user, &root_fd);
	role.stats = boot_own_stats(role.boot);
	role.crowd = crowd_map(&role.boot->crowd_fd, role.boot->number);
	if (!role.crowd)
		exit(EX_OSERR);
	uv_loop_init(&role.loop);
	session_news_init(&role);
	deadlines_init(&role.idle, settings->timeout_seconds * 1000);
	deadlines_init(&role.deaf, settings->stalled_seconds * 1000);
	deadlines_init(&role.handshakes, SESSION_HANDSHAKE_MS);
	use_certificates();
	given = what_is_given();
	role.settings = session_settings_new(&given, &role.boot->settings);
	if (!role.settings)
		exit(EX_OSERR);
	for (size_t i = 0; i < role.boot->listener_count; i++)
		add_listener(&role.boot->listeners[i]);
	uv_timer_init(&role.loop, &role.tick);
	uv_timer_start(&role.tick, on_tick, SESSION_TICK_MS, SESSION_TICK_MS);
	uv_prepare_init(&role.loop, &role.before_waiting);
	uv_prepare_start(&role.before_waiting, before_waiting);
	confinement_enter(&confinement, &role.loop);
	boot_finish(role.boot, &role.loop, &handler);
	uv_run(&role.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
