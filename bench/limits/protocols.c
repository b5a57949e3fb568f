/* SPDX-License-Identifier: ISC */
#include "responder.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define SPOOL_OCTETS (64u << 20)

/* ---- POP3 ---- */

static bool
is(struct bytes line, const char *verb)
{
	return line.octets >= 4 && memcmp(line.at, verb, 4) == 0;
}

static void
send_message(struct peer *peer, uint64_t msgno)
{
	const struct box_message *m = &peer->box->messages[msgno - 1];
	char reply[64];

	box_load(peer->box);
	snprintf(reply, sizeof(reply), "+OK %" PRIu64 " octets\r\n", m->octets);
	peer_say(peer, reply);
	peer->segment = bytes_of(peer->box->memory + m->at, m->sent_octets);
	if (m->sent_octets < SENDFILE_LEAST_OCTETS &&
		buffer_append_bytes(&peer->out, peer->segment)) {
		peer->segment = BYTES_NONE;
		return;
	}
	peer->segment_fd = peer->box->fd;
	peer->segment_at = (off_t)m->at;
}

static void
send_text(struct peer *peer, const struct buffer *text)
{
	peer->segment = buffer_bytes(text);
	peer->segment_fd = -1;
}

static void
retrieve(struct peer *peer, struct bytes line)
{
	uint64_t msgno = 0;

	bytes_cut(&line, ' ');
	if (peer->box && bytes_to_number(line, peer->box->count, &msgno) &&
		msgno > 0)
		send_message(peer, msgno);
	else
		peer_say(peer, "-ERR\r\n");
}

static void
log_in(struct responder *responder, struct peer *peer, struct bytes line)
{
	char name[80] = "";

	bytes_cut(&line, ' ');
	bytes_to_string(line, name, sizeof(name));
	peer->box = box_find(responder->boxes, name);
	peer_say(peer, "+OK\r\n");
}

static void
answer(struct responder *responder, struct peer *peer, struct bytes line)
{
	char reply[64];

	if (is(line, "RETR")) {
		retrieve(peer, line);
	} else if (is(line, "USER")) {
		log_in(responder, peer, line);
	} else if (is(line, "STAT") && peer->box) {
		snprintf(reply, sizeof(reply), "+OK %zu %" PRIu64 "\r\n",
			peer->box->count, peer->box->octets);
		peer_say(peer, reply);
	} else if (is(line, "LIST") && peer->box) {
		send_text(peer, &peer->box->list);
	} else if (is(line, "UIDL") && peer->box) {
		send_text(peer, &peer->box->uidl);
	} else {
		peer_say(peer, "+OK\r\n");
		peer->ends = is(line, "QUIT");
	}
}

void
pop3_take(struct responder *responder, struct peer *peer)
{
	struct bytes line;

	while (!peer->segment.octets && !peer->ends &&
		buffer_room(&peer->out) > SENDFILE_LEAST_OCTETS + 64 &&
		peer_line(peer, &line))
		answer(responder, peer, line);
}

/* ---- LMTP ---- */

/* As a Maildir would have it, in one folder. */
static void
make_file(struct responder *responder, struct bytes message)
{
	char from[32], to[32];
	int fd;

	responder->files++;
	snprintf(from, sizeof(from), "tmp/%" PRIu64, responder->files);
	snprintf(to, sizeof(to), "new/%" PRIu64, responder->files);
	fd = openat(responder->folder, from,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (pwrite(fd, message.at, message.octets, 0) !=
			(ssize_t)message.octets ||
		renameat(responder->folder, from, responder->folder, to) < 0)
		err(EX_OSERR, "%s", to);
	close(fd);
}

static void
store(struct responder *responder, struct bytes message)
{
	make_file(responder, message);
	if (responder->spool_at + message.octets > SPOOL_OCTETS)
		responder->spool_at = 0;
	if (pwrite(responder->spool, message.at, message.octets,
		    (off_t)responder->spool_at) != (ssize_t)message.octets)
		err(EX_OSERR, "spool");
	responder->spool_at += message.octets;
}

/* False: the end of the message has not come. */
static bool
take_data(struct responder *responder, struct peer *peer)
{
	struct bytes in = buffer_bytes(&peer->in);
	const unsigned char *end =
		in.octets ? memmem(in.at, in.octets, "\r\n.\r\n", 5) : NULL;

	if (!end)
		return false;
	store(responder, bytes_of(in.at, (size_t)(end + 2 - in.at)));
	buffer_consume(&peer->in, (size_t)(end + 5 - in.at));
	peer->is_in_data = false;
	peer->waits = true;
	peer->next_waiting = responder->waiting;
	responder->waiting = peer;
	return true;
}

static void
answer_lmtp(struct peer *peer, struct bytes line)
{
	if (is(line, "LHLO")) {
		peer_say(peer, "250-limit\r\n250 PIPELINING\r\n");
	} else if (is(line, "DATA")) {
		peer_say(peer, "354 go on\r\n");
		peer->is_in_data = true;
	} else if (is(line, "QUIT")) {
		peer_say(peer, "221 bye\r\n");
		peer->ends = true;
	} else {
		peer_say(peer, "250 ok\r\n");
	}
}

void
lmtp_take(struct responder *responder, struct peer *peer)
{
	struct bytes line;

	while (!peer->waits && !peer->ends) {
		if (peer->is_in_data) {
			if (!take_data(responder, peer))
				return;
		} else if (peer_line(peer, &line)) {
			answer_lmtp(peer, line);
		} else {
			return;
		}
	}
}

void
lmtp_commit(struct responder *responder)
{
	struct peer *peer = responder->waiting;

	if (!peer)
		return;
	if (fdatasync(responder->spool) < 0)
		err(EX_OSERR, "fdatasync");
	responder->waiting = NULL;
	while (peer) {
		struct peer *next = peer->next_waiting;

		peer->waits = false;
		peer_say(peer, "250 stored\r\n");
		peer_go_on(responder, peer);
		peer = next;
	}
}
