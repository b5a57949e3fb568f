/* SPDX-License-Identifier: ISC */
#include "server/boot_settings.h"
#include "base/log.h"
#include "process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

static struct channel *parent_channel;
static const struct boot_handler *parent_handler;

__attribute__((noreturn)) static void
give_up(const char *why)
{
	log_event(LOG_LEVEL_ERROR, "role-failed", "why=\"%s\"", why);
	exit(EX_OSERR);
}

static bool
take_listener(struct boot *boot, struct message *message)
{
	struct boot_listener *listener = &boot->listeners[boot->listener_count];
	struct message_reader reader;
	uint32_t number;

	if (boot->listener_count == BOOT_LISTENERS_MAXIMUM)
		return false;
	message_reader_init(&reader, message);
	listener->kind = message_get_u8(&reader);
	number = message_get_u32(&reader);
	listener->fd = message_get_descriptor(&reader);
	if (number < boot->settings.listener_count)
		listener->settings = &boot->settings.listeners[number];
	boot->listener_count++;
	return message_reader_finish(&reader) &&
	       (listener->settings || number == LISTENER_OF_NONE);
}

static bool
take_crowd(struct boot *boot, struct message *message)
{
	struct message_reader reader;

	if (boot->crowd_fd >= 0)
		return false;
	message_reader_init(&reader, message);
	boot->crowd_fd = message_get_descriptor(&reader);
	return message_reader_finish(&reader);
}

static bool
take_stats(struct boot *boot, struct message *message)
{
	struct boot_stats *stats = &boot->stats[boot->stats_count];
	struct message_reader reader;

	if (boot->stats_count == BOOT_STATS_MAXIMUM)
		return false;
	message_reader_init(&reader, message);
	stats->role = message_get_u8(&reader);
	stats->number = message_get_u32(&reader);
	stats->fd = message_get_descriptor(&reader);
	boot->stats_count++;
	return message_reader_finish(&reader);
}

/* out->fd is the caller's, or -1, also when it is malformed. */
static bool
read_peer(struct message *message, struct boot_peer *out)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	out->role = message_get_u8(&reader);
	out->instance = message_get_u64(&reader);
	out->fd = message_get_descriptor(&reader);
	return message_reader_finish(&reader);
}

static bool
take_peer(struct boot *boot, struct message *message)
{
	return boot->peer_count < BOOT_PEERS_MAXIMUM &&
	       read_peer(message, &boot->peers[boot->peer_count++]);
}

bool
boot_take_ticket_keys(struct boot *boot, struct message *message)
{
	struct message_reader reader;
	struct bytes keys;

	message_reader_init(&reader, message);
	keys = message_get_bytes(&reader);
	if (!message_reader_finish(&reader) ||
		keys.octets != sizeof(boot->ticket_keys))
		return false;
	memcpy(boot->ticket_keys, keys.at, keys.octets);
	return true;
}

static bool
take_start(struct boot *boot, struct message *message)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	boot->number = message_get_u32(&reader);
	boot->instance = message_get_u64(&reader);
	return message_reader_finish(&reader);
}

static bool
take(struct boot *boot, struct message *message, struct buffer *text)
{
	bool is_whole;

	switch (message->type) {
	case MESSAGE_SETTINGS:
		return boot_settings_take(
			&boot->settings, message, text, &is_whole);
	case MESSAGE_CERTIFICATE:
		return boot_pems_take(&boot->certificates, message);
	case MESSAGE_CLIENT_CA:
		return boot_pems_take(&boot->client_ca, message);
	case MESSAGE_KEY:
		return boot_pems_take(&boot->keys, message);
	case MESSAGE_TICKET_KEYS:
		return boot_take_ticket_keys(boot, message);
	case MESSAGE_LISTENER:
		return take_listener(boot, message);
	case MESSAGE_CROWD:
		return take_crowd(boot, message);
	case MESSAGE_STATS:
		return take_stats(boot, message);
	case MESSAGE_PEER:
		return take_peer(boot, message);
	case MESSAGE_START:
		return take_start(boot, message);
	default:
		return false;
	}
}

struct boot *
boot_receive(void)
{
	struct boot *boot = calloc(1, sizeof(*boot));
	struct buffer text;
	struct message message;

	/* The terminal's signals go to all; the parent decides what they
	   mean. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (!boot)
		give_up("no memory");
	boot->crowd_fd = -1;
	server_settings_init(&boot->settings);
	buffer_init(&text, BOOT_PEM_MAXIMUM_OCTETS);
	message_init(&message, 0, 0);
	do {
		if (channel_receive_blocking(SPAWN_CHANNEL_FD, &message) != OK)
			give_up("the parent went before the start");
		if (!take(boot, &message, &text))
			give_up("malformed message at the start");
	} while (message.type != MESSAGE_START);
	message_release(&message);
	buffer_release(&text);
	return boot;
}

void
boot_free(struct boot **boot)
{
	if (!*boot)
		return;
	boot_pems_wipe(&(*boot)->certificates);
	boot_pems_wipe(&(*boot)->client_ca);
	boot_pems_wipe(&(*boot)->keys);
	if ((*boot)->was_reloaded)
		server_settings_release(&(*boot)->at_start);
	explicit_bzero((*boot)->ticket_keys, sizeof((*boot)->ticket_keys));
	server_settings_release(&(*boot)->settings);
	free(*boot);
	*boot = NULL;
}

void
boot_log_open(const struct boot *boot, const char *name)
{
	const char *target = boot->settings.log;

	log_set_format((enum log_format)boot->settings.log_format);
	log_open(strcmp(target, "syslog") == 0 ? LOG_TARGET_SYSLOG
					       : LOG_TARGET_STDERR,
		(enum log_level)boot->settings.log_level, name);
}

int
boot_state_directory(const struct boot *boot, const char *name)
{
	char path[PATH_MAX];
	int fd = -1;

	if (snprintf(path, sizeof(path), "%s/%s", boot->settings.state, name) <
		(int)sizeof(path))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		log_event(LOG_LEVEL_ERROR, "open-failed", "path=%s why=\"%s\"",
			path, strerror(errno));
		exit(EX_OSFILE);
	}
	return fd;
}

int
boot_empty_root(const struct boot *boot)
{
	return geteuid() == 0 ? boot_state_directory(boot, "empty") : -1;
}

struct stats *
boot_own_stats(struct boot *boot)
{
	struct stats *stats = NULL;

	if (boot->stats_count == 1)
		stats = stats_map(&boot->stats[0].fd, 1);
	if (!stats)
		give_up("no counters");
	return stats;
}

static void
drop(const char *user, struct privileges *privileges)
{
	char error[256];

	privileges->is_root = geteuid() == 0;
	privileges_raise_file_limit();
	if (privileges->is_root &&
		privileges_find_user(user, &privileges->uid, &privileges->gid,
			error, sizeof(error)) != OK)
		give_up(error);
	if (privileges_drop(privileges) != OK)
		give_up("cannot drop privileges");
}

void
boot_drop_privileges_keep(const char *user, const char *group)
{
	struct privileges privileges = {.root_fd = -1};

	if (group[0] && privileges_find_group(group, &privileges.group) != OK) {
		log_event(LOG_LEVEL_ERROR, "role-failed", "why=\"no group %s\"",
			group);
		exit(EX_CONFIG);
	}
	drop(user, &privileges);
}

/* On fault: stacks and allocations take no memory that they do not use. */
void
boot_lock_memory(void)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	bool may_all = setrlimit(RLIMIT_MEMLOCK, &all) == 0;

	if (mlockall(MCL_CURRENT | MCL_ONFAULT | (may_all ? MCL_FUTURE : 0)) <
		0)
		log_event(LOG_LEVEL_DEBUG, "memory", "swap=possible");
}

void
boot_drop_privileges(const char *user, int *root_fd)
{
	struct privileges privileges = {.root_fd = *root_fd};

	drop(user, &privileges);
	if (*root_fd >= 0)
		close(*root_fd);
	*root_fd = -1;
}

/* Whose each descriptor is, so that a peer that misbehaves can be named. */
static struct boot_peer handed_over[BOOT_PEERS_MAXIMUM];
static size_t handed_over_count;

static void
remember(const struct boot_peer *peer)
{
	size_t i = 0;

	while (i < handed_over_count && handed_over[i].fd != peer->fd)
		i++;
	if (i == BOOT_PEERS_MAXIMUM)
		return;
	if (i == handed_over_count)
		handed_over_count++;
	handed_over[i] = *peer;
}

/* The parent ends it, or us: one of the two is not what it was. */
static void
on_malformed(int fd)
{
	struct message message;

	for (size_t i = 0; i < handed_over_count; i++) {
		if (handed_over[i].fd != fd)
			continue;
		message_init(&message, MESSAGE_MALFORMED, 0);
		message_put_u8(&message, (uint8_t)handed_over[i].role);
		message_put_u64(&message, handed_over[i].instance);
		channel_send(parent_channel, &message);
		message_release(&message);
	}
}

static bool
hand_over(struct boot_peer *peer)
{
	bool is_known;

	remember(peer);
	is_known =
		parent_handler->on_peer(peer->role, peer->instance, &peer->fd);

	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
	return is_known;
}

static bool
on_peer(struct message *message)
{
	struct boot_peer peer;

	if (read_peer(message, &peer))
		return hand_over(&peer);
	if (peer.fd >= 0)
		close(peer.fd);
	return false;
}

static bool
on_parent_message(struct channel *channel, struct message *message)
{
	switch (message->type) {
	case MESSAGE_SETTINGS:
		return boot_settings_renew(message, parent_handler);
	case MESSAGE_SETTLE:
		return boot_settings_settle(message, channel);
	case MESSAGE_PEER:
		return on_peer(message);
	case MESSAGE_STOP:
		parent_handler->on_stop();
		return true;
	default:
		return parent_handler->on_message &&
		       parent_handler->on_message(message);
	}
}

static void
on_parent_closed(struct channel *channel, enum outcome why)
{
	give_up("the parent is gone");
}

void
boot_finish(
	struct boot *boot, uv_loop_t *loop, const struct boot_handler *handler)
{
	static const struct channel_handler channel_handler = {
		.on_message = on_parent_message, .on_closed = on_parent_closed};
	struct message ready;
	int fd = SPAWN_CHANNEL_FD;

	parent_handler = handler;
	parent_channel = channel_new(loop, &fd, &channel_handler, NULL);
	if (!parent_channel)
		give_up("no memory");
	channel_watch_malformed(on_malformed);
	for (size_t i = 0; i < boot->peer_count; i++)
		if (!hand_over(&boot->peers[i]))
			give_up("a peer that is none");
	boot->peer_count = 0;
	message_init(&ready, MESSAGE_READY, 0);
	if (channel_send(parent_channel, &ready) != OK)
		give_up("the parent is gone");
	message_release(&ready);
}

bool
boot_tell_parent(struct message *message)
{
	return parent_channel && channel_send(parent_channel, message) == OK;
}

void
boot_settle(void)
{
	while (parent_channel && channel_poll(parent_channel))
		continue;
}

void
boot_leave(void)
{
	/* _exit: nothing of a role needs more than the kernel's clean-up. */
	log_event(LOG_LEVEL_DEBUG, "role-ended", "%s", "");
	_exit(EX_OK);
}
