/* SPDX-License-Identifier: ISC */
/*
 * load - work for a POP3 or LMTP server, many connections at once, and what it
 * did as one line of JSON. Whatever the server does against its protocol ends
 * the run: a figure of a server that does something else means nothing.
 *
 * load.c reads the command line, client.c moves octets, pop3.c logs in; every
 * mode has a file and a `struct mode`.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "body.h"

#include "base/buffer.h"
#include "net/address.h"
#include "tls/tls.h"
#include "wire/line_reader.h"

#define USER_SIZE	   80
#define REPLY_OCTETS	   512 /* RFC 2449 section 4 */
#define COMMANDS_OCTETS	   (1u << 20)
#define CONNECTIONS_MOST   20000
#define SILENCE_SECONDS	   120
#define SIMULTANEOUS_LOGIN 32 /* mode idle: connections not logged in yet */

struct client;

struct options {
	struct address to;
	const char *ca_file; /* NULL: no TLS */
	const char *user;    /* its name up to the number */
	const char *password;
	uint64_t users;
	uint64_t connections; /* at once */
	uint64_t count;	      /* sessions; mode lmtp: messages */
	uint64_t window;      /* commands that wait for their reply */
	uint64_t octets;      /* mode lmtp: of one message */
	bool deletes;	      /* mode retr: DELE behind every RETR */
	bool has_loose_sizes; /* sizes announced need not be exact */
};

struct totals {
	uint64_t sessions, messages, octets;
	uint64_t digest; /* sum over messages: their order does not matter */
	uint64_t first_ns, last_ns;
};

struct mode {
	const char *name;
	bool is_repeated;    /* a session that ended is followed by another */
	bool times_sessions; /* else the mode calls load_timed itself */
	void (*greeted)(struct client *client, struct bytes line);
	/* POP3: after PASS. */
	void (*logged_in)(struct client *client);
	/* A multi-line response announced by client_expect_body has ended. */
	void (*body_ended)(struct client *client);
};

struct load {
	struct options options;
	const struct mode *mode;
	struct tls_context *tls;
	struct client *clients;
	int epoll;
	uint64_t started; /* sessions; mode lmtp: messages */
	uint64_t open;	  /* connections */
	struct totals totals;
	uint64_t *durations_ns; /* of sessions or messages, `timed` of them */
	uint64_t timed;
};

struct client {
	struct load *load;
	uint64_t slot, turn; /* the turn-th session of this slot, from 0 */
	int fd;
	struct tls *tls;
	bool is_ready, wants_write, may_end, is_in_body;
	char user[USER_SIZE];
	struct buffer out;
	struct line_reader lines;
	struct body body;
	void (*on_line)(struct client *client, struct bytes line);
	uint64_t began_ns;
	/* what STAT said: */
	uint64_t messages, octets;
	/* modes retr and listing: */
	uint64_t asked, answered, waiting, sum_octets, announced_octets;
	uint64_t *digests;
};

extern const struct mode mode_login, mode_retr, mode_listing, mode_idle,
	mode_lmtp;

/* ---- load.c ---- */

/* Says who, where and what, and ends the run. */
__attribute__((noreturn, format(printf, 2, 3))) void fail(
	const struct client *client, const char *format, ...);
uint64_t now_ns(void);
/* One duration for median and 99th percentile. */
void load_timed(struct load *load, uint64_t duration_ns);

/* ---- client.c ---- */

/* Connects; the mode goes on with the greeting. */
void client_begin(struct client *client);
/* Returns when no connection is open, or after one turn. */
void clients_run(struct load *load);
void clients_turn(struct load *load);
__attribute__((format(printf, 2, 3))) void client_send(
	struct client *client, const char *format, ...);
void client_send_bytes(struct client *client, struct bytes bytes);
void client_flush(struct client *client);
/* What comes next is a multi-line response, checked as a message. */
void client_expect_body(struct client *client);
/* The server must close now; the next session of this slot follows. */
void client_expect_end(struct client *client);

/* ---- pop3.c ---- */

void pop3_greeted(struct client *client, struct bytes line);
void pop3_expect_ok(
	struct client *client, struct bytes line, const char *command);
/* "+OK nn mm" of STAT into client->messages and ->octets. */
void pop3_take_stat(struct client *client, struct bytes line);
void pop3_quit(struct client *client);

#endif
