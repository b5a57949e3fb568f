/* SPDX-License-Identifier: ISC */
/* sender - programs that deliver by LMTP, one message after the other. */
#ifndef TESTS_SIMULATION_SENDER_H
#define TESTS_SIMULATION_SENDER_H

#include <stdbool.h>

#define SENDERS 3

/* So many messages in all. */
void senders_begin(unsigned messages);
/* No more. True: what was under way has ended. */
bool senders_rest(void);
void senders_end(void);

#endif
