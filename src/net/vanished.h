/* SPDX-License-Identifier: ISC */
/*
 * vanished - peers that are gone and have not said so: a phone in a tunnel, a
 * NAT that forgot, a machine without power. TCP alone takes two hours when it
 * is silent, and a quarter of one when it has something to send.
 *
 * One that is there and reads nothing has not vanished: its kernel answers.
 */
#ifndef NET_VANISHED_H
#define NET_VANISHED_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A silent peer is asked by TCP whether it is there; one that does not answer
 * for so many seconds ends the connection (ETIMEDOUT). What a listening socket
 * accepts has it too. 0 seconds: it is not asked. Other sockets than TCP's: does
 * nothing.
 */
void vanished_ask(int fd, uint64_t seconds);

/* Whether that is why the connection is over. */
bool vanished_was(int fd);

/* Nothing is heard of the peer for so long, of what was sent again and again:
   TCP asks no silent peer while it has something to send. */
bool vanished_is(int fd, uint64_t seconds);

#endif
