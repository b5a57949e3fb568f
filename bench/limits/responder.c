/* SPDX-License-Identifier: ISC */
#include "responder.h"
#include "net/listener.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define EVENTS		   256
#define READ_OCTETS	   (64u << 10)
#define SPOOL_OCTETS	   (64u << 20)
#define PEM_MAXIMUM_OCTETS 65536
#define TURN_OCTETS	   (1u << 20)

/* ---- octets ---- */

void
peer_say(struct peer *peer, const char *text)
{
	if (!buffer_append_string(&peer->out, text))
		peer->is_lost = true;
}

bool
peer_line(struct peer *peer, struct bytes *out)
{
	struct bytes in = buffer_bytes(&peer->in);
	const unsigned char *feed =
		in.octets ? memchr(in.at, '\n', in.octets) : NULL;

	if (!feed || feed == in.at)
		return false;
	*out = bytes_of(in.at, (size_t)(feed - in.at) - 1);
	/* What was consumed stays where it is until more comes. */
	buffer_consume(&peer->in, (size_t)(feed + 1 - in.at));
	return true;
}

/* As send(2) and recv(2) say it. */
static ssize_t
tls_octets(enum tls_result result, const size_t *octets)
{
	if (result == TLS_DONE)
		return (ssize_t)*octets;
	errno = result == TLS_WANT_READ || result == TLS_WANT_WRITE ? EAGAIN
								    : EPIPE;
	return -1;
}

static ssize_t
write_bytes(struct peer *peer, struct bytes bytes, bool has_more)
{
	size_t octets = 0;

	if (peer->tls)
		return tls_octets(
			tls_write(peer->tls, bytes, &octets), &octets);
	return send(peer->fd, bytes.at, bytes.octets,
		MSG_NOSIGNAL | (has_more ? MSG_MORE : 0));
}

static ssize_t
write_segment(struct peer *peer)
{
	size_t most = peer->segment.octets < TURN_OCTETS ? peer->segment.octets
							 : TURN_OCTETS;
	ssize_t octets;

	if (peer->segment_fd >= 0 && !peer->tls)
		octets = sendfile(
			peer->fd, peer->segment_fd, &peer->segment_at, most);
	else
		octets = write_bytes(
			peer, bytes_of(peer->segment.at, most), false);
	if (octets > 0)
		peer->segment = bytes_after(peer->segment, (size_t)octets);
	return octets;
}

/* False: the socket is full, or the peer lost. */
static bool
flush(struct peer *peer)
{
	while (peer->out.octets || peer->segment.octets) {
		bool is_out = peer->out.octets > 0;
		ssize_t octets =
			is_out ? write_bytes(peer, buffer_bytes(&peer->out),
					 peer->segment.octets > 0)
			       : write_segment(peer);

		if (octets < 0) {
			peer->is_lost |= errno != EAGAIN;
			return false;
		}
		if (is_out)
			buffer_consume(&peer->out, (size_t)octets);
	}
	return true;
}

/* ---- a peer's life ---- */

static void
watch(struct responder *responder, struct peer *peer, bool wants_write)
{
	struct epoll_event event = {
		wants_write ? EPOLLOUT : EPOLLIN, {.ptr = peer}};

	if (peer->wants_write == wants_write)
		return;
	peer->wants_write = wants_write;
	epoll_ctl(responder->epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

static void
drop(struct peer *peer)
{
	if (peer->tls)
		tls_shutdown(peer->tls);
	tls_free(&peer->tls);
	close(peer->fd);
	buffer_release(&peer->in);
	buffer_release(&peer->out);
	free(peer);
}

void
peer_go_on(struct responder *responder, struct peer *peer)
{
	bool is_flushed;

	do {
		if (peer->protocol == PROTOCOL_LMTP)
			lmtp_take(responder, peer);
		else
			pop3_take(responder, peer);
		is_flushed = peer->out.octets || peer->segment.octets;
		if (is_flushed && !flush(peer))
			break;
	} while (is_flushed && !peer->ends);
	if (peer->waits)
		return;
	if (peer->is_lost || (peer->ends && !peer->out.octets)) {
		drop(peer);
		return;
	}
	watch(responder, peer, peer->out.octets || peer->segment.octets);
	buffer_trim(&peer->in);
	buffer_trim(&peer->out);
}

/* False: nothing came, or the peer is lost. */
static bool
receive(struct peer *peer)
{
	static unsigned char room[READ_OCTETS];
	size_t octets = 0;
	ssize_t got;

	if (peer->tls)
		got = tls_octets(
			tls_read(peer->tls, room, sizeof(room), &octets),
			&octets);
	else
		got = recv(peer->fd, room, sizeof(room), 0);
	if (got > 0 && buffer_append(&peer->in, room, (size_t)got))
		return true;
	peer->is_lost |= got >= 0 || errno != EAGAIN;
	return false;
}

/* False: the handshake goes on. */
static bool
shake_hands(struct responder *responder, struct peer *peer)
{
	enum tls_result result = tls_handshake(peer->tls);

	if (result == TLS_WANT_READ || result == TLS_WANT_WRITE) {
		watch(responder, peer, result == TLS_WANT_WRITE);
		return false;
	}
	peer->is_lost = result != TLS_DONE;
	peer->is_ready = true;
	peer_say(peer, "+OK\r\n");
	return true;
}

static void
on_event(struct responder *responder, struct peer *peer)
{
	if (!peer->is_ready && !shake_hands(responder, peer))
		return;
	if (!peer->wants_write)
		while (!peer->is_lost && receive(peer) && peer->tls)
			;
	peer_go_on(responder, peer);
}

static void
take_in(struct responder *responder, enum protocol protocol, int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct epoll_event event = {EPOLLIN, {.ptr = peer}};

	if (!peer)
		err(EX_OSERR, "a peer");
	peer->protocol = protocol;
	peer->fd = fd;
	peer->is_ready = protocol != PROTOCOL_POP3S;
	buffer_init(&peer->in, INPUT_MAXIMUM_OCTETS);
	buffer_init(&peer->out, OUTPUT_MAXIMUM_OCTETS);
	if (!peer->is_ready)
		peer->tls = tls_accept(responder->tls, fd);
	else
		peer_say(peer, protocol == PROTOCOL_LMTP ? "220 limit\r\n"
							 : "+OK\r\n");
	if (epoll_ctl(responder->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		err(EX_OSERR, "epoll_ctl");
	if (peer->is_ready)
		peer_go_on(responder, peer);
}

/* ---- the run ---- */

static void
accept_all(struct responder *responder, enum protocol protocol)
{
	struct address peer;
	int fd;

	while ((fd = listener_accept(responder->listeners[protocol], &peer)) >=
		0)
		take_in(responder, protocol, fd);
}

static void
turn(struct responder *responder)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(responder->epoll, events, EVENTS, -1);

	for (int i = 0; i < count; i++) {
		int *listener = events[i].data.ptr;

		if (listener >= responder->listeners &&
			listener < responder->listeners + PROTOCOLS)
			accept_all(responder,
				(enum protocol)(
					listener - responder->listeners));
		else
			on_event(responder, events[i].data.ptr);
	}
	lmtp_commit(responder);
}

static struct bytes
read_pem(const char *path, unsigned char room[PEM_MAXIMUM_OCTETS])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t octets = fd < 0 ? -1 : read(fd, room, PEM_MAXIMUM_OCTETS);

	if (octets < 0)
		err(EX_NOINPUT, "%s", path);
	close(fd);
	return bytes_of(room, (size_t)octets);
}

static void
set_up_tls(
	struct responder *responder, const char *certificate, const char *key)
{
	static unsigned char rooms[2][PEM_MAXIMUM_OCTETS];
	char error[TLS_ERROR_SIZE];
	const struct tls_pair pair = {.name = "",
		.certificate = read_pem(certificate, rooms[0]),
		.key = read_pem(key, rooms[1])};

	if (tls_server_context_new(&pair, &responder->tls, error) != OK)
		errx(EX_CONFIG, "%s", error);
}

/* Written once, so that a sync has no block to find. */
static void
set_up_spool(struct responder *responder, const char *path)
{
	static unsigned char zeros[1 << 20];

	responder->spool = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (off_t at = 0; at < SPOOL_OCTETS; at += (off_t)sizeof(zeros))
		if (pwrite(responder->spool, zeros, sizeof(zeros), at) < 0)
			err(EX_CANTCREAT, "%s", path);
	fsync(responder->spool);
}

static void
set_up_folder(struct responder *responder, const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		err(EX_CANTCREAT, "%s", path);
	responder->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(responder->folder, "tmp", 0700);
	mkdirat(responder->folder, "new", 0700);
}

static void
listen_at(struct responder *responder, enum protocol protocol,
	const char *address)
{
	int *fd = &responder->listeners[protocol];
	struct epoll_event event = {EPOLLIN, {.ptr = fd}};
	char error[256];

	if (listener_open(bytes_of_string(address), false, fd, error,
		    sizeof(error)) != OK)
		errx(EX_UNAVAILABLE, "%s", error);
	if (epoll_ctl(responder->epoll, EPOLL_CTL_ADD, *fd, &event) < 0)
		err(EX_OSERR, "epoll_ctl");
}

int
main(int argc, char **argv)
{
	static struct responder responder;

	if (argc != 9)
		errx(EX_USAGE,
			"POP3 POP3S LMTP CERTIFICATE KEY BOXES SPOOL FOLDER");
	responder.epoll = epoll_create1(EPOLL_CLOEXEC);
	responder.boxes = argv[6];
	set_up_tls(&responder, argv[4], argv[5]);
	set_up_spool(&responder, argv[7]);
	set_up_folder(&responder, argv[8]);
	for (int i = 0; i < PROTOCOLS; i++)
		listen_at(&responder, (enum protocol)i, argv[1 + i]);
	for (;;)
		turn(&responder);
}
