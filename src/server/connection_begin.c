/* SPDX-License-Identifier: ISC */
#include "server/connection_begin.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/networks.h"
#include "net/proxy_header.h"
#include "server/connection_output.h"
#include "server/crowd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Lines in the log of one kind: who makes them chooses how often. */
#define SELDOM_MS 1000

/* ---- what the log says seldom ---- */

static void
tell_seldom(struct seldom *seldom, const char *event, const char *peer,
	const char *why)
{
	uint64_t now_ms = clock_monotonic_ms();

	if (seldom->told_ms > 0 && now_ms - seldom->told_ms < SELDOM_MS) {
		seldom->more++;
		return;
	}
	log_event(LOG_LEVEL_WARNING, event, "addr=%s why=\"%s\" more=%u", peer,
		why, seldom->more);
	*seldom = (struct seldom){.told_ms = now_ms};
}

/* ---- room ---- */

/* Full: the oldest that has not logged in makes room. False: there is none. */
static bool
make_room(struct session_role *role)
{
	if (role->connections.count < role->settings->all.maximum_connections)
		return true;
	if (!role->oldest)
		return false;
	connection_set_ending(role->oldest, ENDING_PRESSED);
	tell_seldom(&role->dropped, "connection-dropped", role->oldest->peer,
		"connections is reached, and it had not logged in");
	connection_close(role->oldest);
	return true;
}

static bool
is_limited(const struct session_listener *listener, const struct address *peer)
{
	const struct session_role *role = listener->role;
	char host[ADDRESS_TEXT_SIZE];

	return listener->protocol->has_login &&
	       role->settings->all.address_connections > 0 &&
	       peer->any.sa_family != AF_UNIX &&
	       !networks_hold(role->settings->exempt_networks,
		       address_host_text(peer, host));
}

/* One more that has not logged in, from there. False: they are too many. */
static bool
count_in(const struct session_listener *listener, const struct address *peer,
	uint32_t *out_place, bool *out_is_counted)
{
	struct session_role *role = listener->role;
	char network[ADDRESS_TEXT_SIZE], text[ADDRESS_TEXT_SIZE];

	if (!is_limited(listener, peer))
		return true;
	*out_is_counted = crowd_enter(role->crowd,
		bytes_of_string(address_network_text(peer, network)),
		(unsigned)role->settings->all.address_connections, out_place);
	if (!*out_is_counted) {
		stats_add(role->stats, refused_connections, 1);
		tell_seldom(&role->refused, "connection-refused",
			address_text(peer, text),
			"address-connections is reached");
	}
	return *out_is_counted;
}

/* RFC 3206: it is not the password, and it passes. Behind TLS a handshake would
   be needed to say so, which is just what is to be spared. */
static void
say_refused(const struct session_listener *listener, int fd)
{
	static const char text[] =
		"-ERR [SYS/TEMP] too many connections from your address, log "
		"in on them or try again later\r\n";
	unsigned char nowhere[512];

	if (listener->is_tls)
		return;
	send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	/* Unread input would make of the close a reset. */
	recv(fd, nowhere, sizeof(nowhere), MSG_DONTWAIT);
}

/* ---- the PROXY protocol ---- */

static bool
is_proxy(const struct session_listener *listener, const struct address *peer)
{
	const char *networks =
		listener->role->settings->listeners[listener->number]
			.proxy_networks;
	char host[ADDRESS_TEXT_SIZE];

	return networks[0] &&
	       networks_hold(networks, address_host_text(peer, host));
}

void
connection_forget_header(struct connection *c)
{
	if (c->header)
		proxy_header_release(c->header);
	free(c->header);
	c->header = NULL;
}

static bool
await_header(struct connection *c)
{
	c->header = malloc(sizeof(*c->header));
	if (!c->header)
		return false;
	proxy_header_init(c->header);
	return true;
}

/* From now on it is the client's, in the log, for penalties and limits. */
static bool
use_address(struct connection *c, const struct address *client)
{
	char text[ADDRESS_TEXT_SIZE];
	char *peer = strdup(address_text(client, text));

	if (!peer)
		return false;
	free(c->peer);
	c->peer = peer;
	if (count_in(c->listener, client, &c->crowd_place, &c->is_counted))
		return true;
	say_refused(c->listener, c->fd);
	return false;
}

static void
on_header(struct connection *c)
{
	/* Where the proxy speaks for itself there is nobody to count. */
	struct address client = c->header->client;

	connection_untouch(c);
	connection_forget_header(c);
	connection_touch(c);
	if (client.octets > 0 && !use_address(c, &client))
		connection_close(c);
	else
		connection_speak(c);
}

static void
refuse_header(struct connection *c, const char *why)
{
	tell_seldom(&c->role->unannounced, "proxy-refused", c->peer, why);
	connection_close(c);
}

/*
 * Looks at what has come, then takes the header's octets and leaves the rest,
 * a TLS handshake perhaps. The header takes all of it while it goes on, so the
 * socket does not stay readable for nothing.
 */
void
connection_take_header(struct connection *c)
{
	unsigned char octets[PROXY_HEADER_MAXIMUM_OCTETS];
	ssize_t got =
		recv(c->fd, octets, sizeof(octets), MSG_PEEK | MSG_DONTWAIT);
	struct bytes rest = {octets, got > 0 ? (size_t)got : 0};
	enum proxy_result result;

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		connection_watch(c, UV_READABLE);
		return;
	}
	if (got <= 0) {
		refuse_header(c, "the proxy left before it said whose it is");
		return;
	}
	result = proxy_header_take(c->header, &rest);
	recv(c->fd, octets, (size_t)got - rest.octets, MSG_DONTWAIT);
	if (result == PROXY_DONE)
		on_header(c);
	else if (result == PROXY_FAILED)
		refuse_header(c, c->header->error);
	else
		connection_watch(c, UV_READABLE);
}

/* ---- accepting ---- */

static struct connection *
make(const struct session_listener *listener, int fd,
	const struct address *peer)
{
	struct connection *c = calloc(1, listener->protocol->octets);
	char text[ADDRESS_TEXT_SIZE];

	if (!c)
		return NULL;
	c->role = listener->role;
	c->protocol = listener->protocol;
	c->listener = listener;
	c->settings = session_settings_hold(listener->role->settings);
	c->fd = fd;
	c->file = -1;
	/* A client waits for the greeting, or speaks TLS first. */
	c->may_have_more = listener->is_tls;
	buffer_init(&c->in, CONNECTION_INPUT_MAXIMUM_OCTETS * 2);
	buffer_init(&c->out, CONNECTION_OUTPUT_MAXIMUM_OCTETS);
	c->peer = strdup(address_text(peer, text));
	if (!c->peer || !c->protocol->start(c, listener->is_tls)) {
		session_settings_drop(&c->settings);
		free(c->peer);
		free(c);
		return NULL;
	}
	return c;
}

/* Makes it known to the role and to libuv, or to neither. */
static bool
introduce(struct connection *c)
{
	struct session_role *role = c->role;

	if (!table_add(&role->connections, &c->entry, ++role->next_id))
		return false;
	if (role->most_connections < role->connections.count)
		role->most_connections = role->connections.count;
	session_id_text(role->boot->instance, c->entry.id, c->id);
	c->since_ms = clock_monotonic_ms();
	c->poll = watchers_get(&role->watchers, &role->loop, c->fd);
	if (!c->poll) {
		table_remove(&role->connections, &c->entry);
		return false;
	}
	c->poll->data = c;
	return true;
}

static struct connection *
add(const struct session_listener *listener, int fd, const struct address *peer)
{
	struct connection *c = NULL;

	if (make_room(listener->role))
		c = make(listener, fd, peer);
	if (!c)
		return NULL;
	if ((!is_proxy(listener, peer) || await_header(c)) && introduce(c))
		return c;
	connection_forget_header(c);
	c->protocol->end(c);
	session_settings_drop(&c->settings);
	free(c->peer);
	free(c);
	return NULL;
}

void
connection_accept(const struct session_listener *listener, int fd,
	const struct address *peer)
{
	struct session_role *role = listener->role;
	bool is_counted = false;
	uint32_t place = 0;
	struct connection *c;

	/* Before room is made for it: nobody else goes for one that may not
	   stay. */
	if (!is_proxy(listener, peer) &&
		!count_in(listener, peer, &place, &is_counted)) {
		say_refused(listener, fd);
		close(fd);
		return;
	}
	c = add(listener, fd, peer);
	if (!c) {
		if (is_counted)
			crowd_leave(role->crowd, place);
		close(fd);
		return;
	}
	c->is_counted = is_counted;
	c->crowd_place = place;
	stats_add(role->stats, connections, 1);
	if (c->protocol->has_login)
		connection_is_fresh(c);
	connection_touch(c);
	if (c->header)
		connection_take_header(c);
	else
		connection_speak(c);
}
