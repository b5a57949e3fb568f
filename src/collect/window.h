/* SPDX-License-Identifier: ISC */
/*
 * window - how many octets of messages may be asked for and not be here yet.
 *
 * It begins large enough for a thousand small messages in one round trip,
 * follows twice what the line carries in one, and so neither leaves a fast line
 * idle nor queues minutes of mail on a slow one. Pure: the time goes in.
 */
#ifndef COLLECT_WINDOW_H
#define COLLECT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_START_OCTETS   (8u << 20)
#define WINDOW_MINIMUM_OCTETS (256u << 10)
#define WINDOW_MAXIMUM_OCTETS (64u << 20)
/* RETR under way; without PIPELINING, one. */
#define WINDOW_MESSAGES 1024

struct window {
	uint64_t octets;
	uint64_t round_trip_ms; /* the least seen; 0: none yet */
	uint64_t asked_at_ms;	/* when nothing was under way; 0: no */
	/* of the measurement that runs */
	uint64_t since_ms, received_octets;
};

void window_init(struct window *window);
/* A request went out. is_first: nothing was under way before it. */
void window_asked(struct window *window, uint64_t now_ms, bool is_first);
/* `octets` of messages came; 0 for a reply's first line. */
void window_received(struct window *window, uint64_t now_ms, uint64_t octets);

#endif
