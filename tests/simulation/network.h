/* SPDX-License-Identifier: ISC */
/*
 * network - connections whose octets arrive late, in pieces, and perhaps never.
 * What one end sends comes in its order; connections know nothing of each
 * other. A connection may be cut after any octet: both ends learn of it, or
 * one, or none.
 */
#ifndef TESTS_SIMULATION_NETWORK_H
#define TESTS_SIMULATION_NETWORK_H

#include "base/bytes.h"

#define WIRE_WINDOW_OCTETS 16384 /* under way and unread, in one direction */

enum port { PORT_POP3, PORT_LMTP, PORTS };

struct wire; /* one end */

void network_begin(void);
void network_end(void);
/* One connection in n is cut some time; 0: none, and old ones get well. */
void network_set_cuts(unsigned n);
/* accepted NULL: nobody listens. */
void network_listen(enum port port, void (*accepted)(struct wire *wire));

/*
 * woken is told, never from within a call, that there is something to read, or
 * room to write, or that it is over. NULL: nobody listens.
 */
struct wire *wire_connect(
	enum port port, void (*woken)(void *context), void *context);
/* Of the end that was accepted. */
void wire_own(struct wire *wire, void (*woken)(void *context), void *context);
uint64_t wire_number(const struct wire *wire); /* the same at both ends */

/* How many of them were taken. */
size_t wire_send(struct wire *wire, struct bytes octets);
/* What has come; wire_take drops it from the front. */
struct bytes wire_received(const struct wire *wire);
void wire_take(struct wire *wire, size_t octets);
/* Nothing more will come, nor go. */
bool wire_is_over(const struct wire *wire);

/* What was sent still arrives, then the end. Sets NULL. */
void wire_close(struct wire **wire);
/* Its process died: what is under way may be lost, and the other end may not
   be told. */
void wire_break(struct wire **wire, bool is_told);

#endif
