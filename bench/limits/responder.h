/* SPDX-License-Identifier: ISC */
/*
 * responder - what the machine could do: a POP3 and LMTP server that knows no
 * accounts, parses as little as it can, keeps nothing, and sends what lies
 * ready. Its figures are the "limit" of the report.
 *
 * POP3: replies from memory, messages by sendfile(2) or, with TLS, one write.
 * LMTP: messages go into one file, one fdatasync(2) for all that wait; each
 * becomes a file besides, by one rename(2), which nobody syncs.
 * One process, one thread, epoll.
 */
#ifndef LIMITS_RESPONDER_H
#define LIMITS_RESPONDER_H

#include "box.h"

#include "net/address.h"
#include "tls/tls.h"

#define INPUT_MAXIMUM_OCTETS  (256u << 10)
#define OUTPUT_MAXIMUM_OCTETS (1u << 20)
/* Below, copying costs less than a system call of its own. */
#define SENDFILE_LEAST_OCTETS 16384

enum protocol { PROTOCOL_POP3, PROTOCOL_POP3S, PROTOCOL_LMTP, PROTOCOLS };

struct peer {
	enum protocol protocol;
	int fd;
	struct tls *tls;
	bool is_ready, ends, wants_write, is_lost;
	struct buffer in, out;
	struct box *box;
	/* Goes out when `out` has: */
	struct bytes segment;
	int segment_fd;
	off_t segment_at;
	/* LMTP: */
	bool is_in_data, waits;
	struct peer *next_waiting;
};

struct responder {
	const char *boxes;
	struct tls_context *tls;
	int epoll;
	int listeners[PROTOCOLS];
	int spool;
	uint64_t spool_at;
	int folder; /* with tmp/ and new/ */
	uint64_t files;
	struct peer *waiting; /* for the disk */
};

/* Takes what it can of peer->in; replies go to peer->out and ->segment. */
void pop3_take(struct responder *responder, struct peer *peer);
void lmtp_take(struct responder *responder, struct peer *peer);
/* Syncs what came in this turn, answers those who wait. */
void lmtp_commit(struct responder *responder);
void peer_say(struct peer *peer, const char *text);
/* The next line without its CRLF; false: none is complete. */
bool peer_line(struct peer *peer, struct bytes *out);
void peer_go_on(struct responder *responder, struct peer *peer);

#endif
