/* SPDX-License-Identifier: ISC */
/*
 * driver - plays the server to a pop3_client. A dialogue is a table of steps:
 * what is asked, what that must send, what the server says, and the events it
 * must become, one a line:
 *
 *	greeted TEXT             capable NAME... +MECHANISM...
 *	tls                      challenge OCTETS
 *	logged in                stat COUNT OCTETS
 *	uidl MSGNO UIDL          list MSGNO OCTETS
 *	end of list              message MSGNO
 *	octets WHAT-IT-IS        end of message
 *	deleted MSGNO            done
 *	quit                     refused REQUEST MSGNO CODE TEXT
 *	broken SENTENCE
 *
 * Octets of a message are put together whatever their chunks; a NUL is shown
 * as "%00". What is fed lies in memory of exactly its size.
 */
#ifndef TESTS_POP3_CLIENT_DRIVER_H
#define TESTS_POP3_CLIENT_DRIVER_H

#include "../check.h"

#include "base/buffer.h"
#include "pop3/client/session.h"

#define LOG_MAXIMUM_OCTETS (1u << 20)

struct step {
	enum outcome (*ask)(struct pop3_client *client); /* NULL: nothing */
	const char *sent;    /* the whole output then */
	struct bytes server; /* what it says to that */
	const char *events;
};

#define STEPS_MAXIMUM 16
struct dialogue {
	const char *name;
	struct step steps[STEPS_MAXIMUM]; /* up to one of zeros */
};

struct driver {
	struct pop3_client *client;
	struct buffer log;
	bool is_in_octets; /* the log ends in a message's octets */
	bool is_broken;
	bool stops_at_tls; /* what follows belongs to TLS */
	bool has_stopped;
	size_t fed_octets;   /* so far */
	size_t split;	     /* a chunk ends behind so many */
	size_t chunk_octets; /* at most in one chunk */
};

#define WHOLE SIZE_MAX

void driver_open(struct driver *driver, size_t split, size_t chunk_octets);
void driver_close(struct driver *driver);
void driver_feed(struct driver *driver, struct bytes server);
/* The log as a string; valid until the next feed. */
const char *driver_log(struct driver *driver);

/* Fails unless the output is `sent`; then consumes and wipes it. */
void driver_expect_sent(struct driver *driver, const char *sent);

/* Plays it whole, in single octets, and split behind each octet. */
void play_every_way(const struct dialogue *dialogue);
/* Octets the server says in all. */
size_t dialogue_octets(const struct dialogue *dialogue);
void play(const struct dialogue *dialogue, struct driver *driver);

#endif
