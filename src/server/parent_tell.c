/* SPDX-License-Identifier: ISC */
/* What the parent tells the roles: settings, keys, sockets, peers. */
#include "base/clock.h"
#include "base/log.h"
#include "server/parent_state.h"
#include "server/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char *const parent_role_names[ROLE_COUNT] = {
	[ROLE_PARENT] = "parent",
	[ROLE_SESSION] = "session",
	[ROLE_AUTH] = "auth",
	[ROLE_STORE] = "store",
	[ROLE_WEB] = "web",
	[ROLE_KEY] = "key",
	[ROLE_LOOKUP] = "lookup",
};

/* Who talks to whom. */
static const enum role links[][2] = {
	{ROLE_SESSION, ROLE_AUTH},
	{ROLE_SESSION, ROLE_STORE},
	{ROLE_SESSION, ROLE_KEY},
	{ROLE_AUTH, ROLE_STORE},
	{ROLE_WEB, ROLE_STORE},
	{ROLE_WEB, ROLE_AUTH},
	{ROLE_AUTH, ROLE_LOOKUP},
};

/* ---- messages ---- */

static void
tell(struct child *child, struct message *message)
{
	if (child->channel && channel_send(child->channel, message) != OK)
		log_event(LOG_LEVEL_ERROR, "role-deaf", "role=%s number=%u",
			parent_role_names[child->role], child->number);
	message_release(message);
}

void
parent_tell_plain(struct child *child, enum server_message type)
{
	struct message message;

	message_init(&message, type, 0);
	tell(child, &message);
}

static void
tell_pieces(struct child *child, enum server_message type, struct bytes bytes)
{
	bool is_last;

	do {
		size_t octets = bytes.octets < PIECE_OCTETS ? bytes.octets
							    : PIECE_OCTETS;
		struct message message;

		is_last = octets == bytes.octets;
		message_init(&message, type, 0);
		message_put_u8(&message, is_last);
		message_put_bytes(&message, bytes_of(bytes.at, octets));
		tell(child, &message);
		bytes = bytes_after(bytes, octets);
	} while (!is_last);
}

static void
put_copy(struct message *message, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	message_put_descriptor(message, &copy);
}

static void
tell_listener(
	struct child *child, enum listener_kind kind, uint32_t number, int fd)
{
	struct message message;

	message_init(&message, MESSAGE_LISTENER, 0);
	message_put_u8(&message, (uint8_t)kind);
	message_put_u32(&message, number);
	put_copy(&message, fd);
	tell(child, &message);
}

static void
tell_crowd(struct child *child)
{
	struct message message;

	message_init(&message, MESSAGE_CROWD, 0);
	put_copy(&message, parent.crowd_fd);
	tell(child, &message);
}

static void
tell_stats(struct child *child, const struct child *of)
{
	struct message message;

	message_init(&message, MESSAGE_STATS, 0);
	message_put_u8(&message, (uint8_t)of->role);
	message_put_u32(&message, of->number);
	put_copy(&message, of->stats_fd);
	tell(child, &message);
}

static void
tell_roster(struct child *web, const struct child *of)
{
	struct message message;

	message_init(&message, MESSAGE_ROSTER, 0);
	message_put_u8(&message, (uint8_t)of->role);
	message_put_u32(&message, of->number);
	message_put_u32(&message, (uint32_t)of->pid);
	message_put_u32(&message, of->restarts);
	message_put_u64(&message, of->started_seconds);
	tell(web, &message);
}

/* ---- what each role is given ---- */

void
parent_tell_settings(struct child *child)
{
	struct buffer text;

	buffer_init(&text, BOOT_PEM_MAXIMUM_OCTETS);
	server_settings_write(parent.settings, false, &text);
	tell_pieces(child, MESSAGE_SETTINGS, buffer_bytes(&text));
	buffer_release(&text);
}

void
parent_tell_settle(struct child *child)
{
	struct message message;

	message_init(&message, MESSAGE_SETTLE, 0);
	message_put_u64(&message, parent.generation);
	tell(child, &message);
}

static void
put_names(struct message *message, const struct parent_names *names)
{
	uint32_t count = names->count < RELOADED_MAXIMUM ? names->count
							 : RELOADED_MAXIMUM;

	message_put_u32(message, count);
	for (uint32_t i = 0; i < count; i++)
		message_put_string(message, names->names[i]);
}

void
parent_tell_reloaded(struct child *web, uint64_t request, const char *error,
	const struct parent_names *changed, const struct parent_names *restart)
{
	struct message message;

	message_init(&message, MESSAGE_RELOADED, request);
	message_put_string(&message, error);
	put_names(&message, changed);
	put_names(&message, restart);
	tell(web, &message);
}

/* `text` by pieces, under `name`; is_last: no other one follows. */
static void
tell_pem(struct child *child, enum server_message type, const char *name,
	struct bytes text, bool is_last)
{
	enum pem_part part;

	do {
		size_t octets =
			text.octets < PIECE_OCTETS ? text.octets : PIECE_OCTETS;
		struct message message;

		part = octets < text.octets ? PEM_GOES_ON
		       : is_last	    ? PEM_IS_LAST
					    : PEM_ENDS;
		message_init(&message, type, 0);
		message_put_u8(&message, (uint8_t)part);
		message_put_string(&message, name);
		message_put_bytes(&message, bytes_of(text.at, octets));
		tell(child, &message);
		text = bytes_after(text, octets);
	} while (part == PEM_GOES_ON);
}

static void
tell_of_certificate(
	struct child *child, const struct certificate_pair *pair, size_t number)
{
	struct message message;

	message_init(&message, MESSAGE_CERTIFICATE_TOLD, 0);
	message_put_u32(&message, (uint32_t)number);
	message_put_u32(&message, (uint32_t)parent.certificates.count);
	message_put_string(&message, pair->name);
	message_put_string(&message, pair->certificate_file);
	message_put_string(&message, pair->info.names);
	message_put_string(&message, pair->info.kind);
	message_put_u64(&message, pair->info.until_seconds);
	tell(child, &message);
}

static void
tell_keys(struct child *child)
{
	const struct certificate_set *set = &parent.certificates;

	for (size_t i = 0; i < set->count; i++)
		tell_pem(child, MESSAGE_KEY, set->pairs[i].name,
			buffer_bytes(&set->pairs[i].key), i + 1 == set->count);
}

void
parent_tell_certificates(struct child *child)
{
	const struct certificate_set *set = &parent.certificates;

	if (child->role == ROLE_SESSION && parent.client_ca.octets > 0)
		tell_pem(child, MESSAGE_CLIENT_CA, "",
			buffer_bytes(&parent.client_ca), true);
	if (child->role == ROLE_KEY ||
		(child->role == ROLE_SESSION && !parent.settings->has_key_role))
		tell_keys(child);
	for (size_t i = 0; i < set->count; i++) {
		const struct certificate_pair *pair = &set->pairs[i];
		bool is_last = i + 1 == set->count;

		if (child->role == ROLE_SESSION)
			tell_pem(child, MESSAGE_CERTIFICATE, pair->name,
				buffer_bytes(&pair->certificate), is_last);
		else if (child->role == ROLE_WEB)
			tell_of_certificate(child, pair, i);
	}
}

void
parent_tell_ticket_keys(struct child *child)
{
	struct message message;

	message_init(&message, MESSAGE_TICKET_KEYS, 0);
	message_put_bytes(&message,
		bytes_of(parent.ticket_keys, sizeof(parent.ticket_keys)));
	tell(child, &message);
}

static void
tell_session(struct child *child)
{
	parent_tell_ticket_keys(child);
	parent_tell_certificates(child);
	tell_crowd(child);
	for (size_t i = 0; i < parent.sockets.count; i++) {
		struct setup_socket *s = &parent.sockets.sockets[i];

		if (s->kind != LISTENER_WEB &&
			(s->process < 0 || s->process == (int)child->number))
			tell_listener(child, s->kind, s->number, s->fd);
	}
}

static void
tell_web(struct child *child)
{
	if (parent.sockets.control >= 0)
		tell_listener(child, LISTENER_CONTROL, LISTENER_OF_NONE,
			parent.sockets.control);
	for (size_t i = 0; i < parent.sockets.count; i++)
		if (parent.sockets.sockets[i].kind == LISTENER_WEB)
			tell_listener(child, LISTENER_WEB,
				parent.sockets.sockets[i].number,
				parent.sockets.sockets[i].fd);
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].role == ROLE_SESSION ||
			parent.children[i].role == ROLE_STORE)
			tell_stats(child, &parent.children[i]);
}

void
parent_tell_given(struct child *child)
{
	parent_tell_settings(child);
	if (child->role == ROLE_SESSION)
		tell_session(child);
	if (child->role == ROLE_KEY)
		parent_tell_certificates(child);
	if (child->role == ROLE_WEB)
		tell_web(child);
	else
		tell_stats(child, child);
}

/* Behind its peers: a session that runs must have somebody to ask. */
void
parent_tell_start(struct child *child)
{
	struct message message;

	message_init(&message, MESSAGE_START, 0);
	message_put_u32(&message, child->number);
	message_put_u64(&message, child->instance);
	tell(child, &message);
}

/* ---- links ---- */

static void
tell_peer(struct child *child, const struct child *peer, int *fd)
{
	struct message message;

	message_init(&message, MESSAGE_PEER, 0);
	message_put_u8(&message, (uint8_t)peer->role);
	message_put_u64(&message, peer->instance);
	message_put_descriptor(&message, fd);
	tell(child, &message);
}

static bool
are_linked(enum role a, enum role b)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if ((links[i][0] == a && links[i][1] == b) ||
			(links[i][0] == b && links[i][1] == a))
			return true;
	return false;
}

void
parent_join(struct child *child)
{
	int fds[2];

	for (size_t i = 0; i < parent.child_count; i++) {
		struct child *other = &parent.children[i];

		if (other == child || !other->channel ||
			!are_linked(child->role, other->role))
			continue;
		if (channel_pair(fds) != OK) {
			log_event(LOG_LEVEL_ERROR, "join-failed", "why=\"%s\"",
				strerror(errno));
			continue;
		}
		tell_peer(child, other, &fds[0]);
		/* Each is told of the other one.
		   NOLINTNEXTLINE(readability-suspicious-call-argument) */
		tell_peer(other, child, &fds[1]);
	}
}

/* ---- roster ---- */

static struct child *
web_child(void)
{
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].role == ROLE_WEB)
			return &parent.children[i];
	return NULL;
}

void
parent_publish_roster(void)
{
	static struct child self = {.role = ROLE_PARENT};
	struct child *web = web_child();

	if (!web || !web->channel)
		return;
	if (!self.pid) {
		self.pid = getpid();
		self.started_seconds = clock_wall_seconds();
	}
	tell_roster(web, &self);
	for (size_t i = 0; i < parent.child_count; i++)
		tell_roster(web, &parent.children[i]);
}
