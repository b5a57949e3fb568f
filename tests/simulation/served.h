/* SPDX-License-Identifier: ISC */
/* served - what the files of the session process share. */
#ifndef TESTS_SIMULATION_SERVED_H
#define TESTS_SIMULATION_SERVED_H

#include "clock.h"
#include "network.h"
#include "office.h"

#include "base/buffer.h"

#define SERVED_IDLE_NS (10 * MINUTE)

enum advance {
	ADVANCE_READ,
	ADVANCE_WRITE,
	ADVANCE_AGAIN,
	ADVANCE_WAIT, /* for the store */
	ADVANCE_CLOSE,
};

struct served;

struct served_protocol {
	const char *name;
	size_t octets;
	bool (*start)(struct served *served);
	enum advance (*advance)(struct served *served, struct bytes *in);
	/* The idle timer. */
	void (*expire)(struct served *served);
	/* The store is gone: what is held of it is released, now. */
	void (*lost)(struct served *served);
	/* The connection is over. Calls may be under way. */
	void (*end)(struct served *served);
	/* None is any more. */
	void (*release)(struct served *served);
};

extern const struct served_protocol served_pop3, served_lmtp;

struct served {
	const struct served_protocol *protocol;
	struct served *next, **back;
	struct wire *wire; /* NULL: over */
	struct buffer in, out;
	struct event idle, pump;
	unsigned calls; /* of the store, under way */
	bool is_closing;
	uint64_t number;
};

/* Before and after each call of the store; _ended says whether the connection
   is still there and will go on. What is left of one that is not is freed. */
void served_call_begins(struct served *served);
bool served_call_ended(struct served *served);

#endif
