/* SPDX-License-Identifier: ISC */
/* foreign - other programs that work in the same Maildirs: they deliver, set
   flags, move from new to cur, remove; on both machines. */
#ifndef TESTS_SIMULATION_FOREIGN_H
#define TESTS_SIMULATION_FOREIGN_H

void foreign_begin(void);
/* One of them does something with a server's Maildir. */
void foreign_act(unsigned mailbox);
/* A mail program marks something as read where it was collected. */
void foreign_read_collected(unsigned mailbox);

#endif
