/* SPDX-License-Identifier: ISC */
/*
 * pair - two ends in one process: both as channels of one loop, or one of them
 * as the bare socket of a role that does not keep to the rules.
 */
#ifndef TESTS_PROCESS_PAIR_H
#define TESTS_PROCESS_PAIR_H

#include "../check.h"
#include "descriptors.h"

#include "process/channel.h"

#define PAYLOAD_MOST (MESSAGE_MAXIMUM_OCTETS - MESSAGE_HEADER_OCTETS)

struct end {
	struct channel *channel;
	/* Called for each message; NULL: they are only counted. */
	bool (*take)(struct end *end, struct message *message);
	unsigned count, closed_count;
	enum outcome why;
	bool frees_when_closed;
	struct bytes wanted; /* payload, for `take` */
};

struct pair {
	uv_loop_t loop;
	struct end here, there;
	int bare; /* the other end of here, when there is none */
	unsigned descriptors;
};

/* here is a channel; there is one too, unless the test wants the bare end. */
void pair_open(struct pair *pair, bool is_bare);
/* Fails when a handle or a descriptor is left. */
void pair_close(struct pair *pair);

void turn(struct pair *pair, int times);
/* Turns the loop until *number, which an end counts, is `wanted`. */
void turn_until(struct pair *pair, const unsigned *number, unsigned wanted);

enum outcome send_number(struct channel *channel, uint32_t number);
/* For `take`: 0, 1, 2... as send_number sent them, with nothing lost. */
bool take_number(struct end *end, struct message *message);

#endif
