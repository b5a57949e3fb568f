/* SPDX-License-Identifier: ISC */
/* reader - people's mail programs: POP3 sessions of every kind. */
#ifndef TESTS_SIMULATION_READER_H
#define TESTS_SIMULATION_READER_H

#include <stdbool.h>

#define READERS 3

/* may_delete: bit i: messages of mailbox i. */
void readers_begin(unsigned sessions, unsigned may_delete);
/* No more sessions. True: those under way have ended. */
bool readers_rest(void);
/* One that reads all of a mailbox and deletes nothing; true once it has come to
   a good end. Called again until then. */
bool readers_look_through(unsigned mailbox);
/* Bit i: letter i was there; of the last look. */
const unsigned char *readers_seen(void);
void readers_end(void);

#endif
