/* SPDX-License-Identifier: ISC */
/*
 * on_disk - a Maildir store, with the mailbox alice, on a disk whose power can
 * be cut; one process at a time.
 */
#ifndef TESTS_STORE_ON_DISK_H
#define TESTS_STORE_ON_DISK_H

#include "fixture.h"

#include "disk.h"

#define CUTS_MAXIMUM 2000
#define NAME	     "1790000000.M1.elsewhere"

extern struct disk *disk;
extern struct disk_process process;
extern struct store *store;
/* The call of maildir_store_new that fails for want of room; 0: none. */
extern unsigned start_fails_at;

void make_disk(void);
void start(uint32_t journal_octets, bool is_shared);
/* It left no descriptor open. */
void stop(void);
/* And with it the process. */
void cut_the_power(enum disk_loss loss);
int open_below(const char *name);
void sync_all(void);

void ignore(struct store_call *call);
enum outcome deliver(const char *text);
/* How many there are; all are deleted when `deletes`, and the first one's UIDL
   goes to uidl. */
unsigned look(bool deletes, char uidl[UIDL_MAXIMUM_OCTETS + 1]);

/* Another program delivers NAME, durably. */
void put_file(const char *text);
void move(const char *from, const char *to);
bool is_there(const char *path);

#endif
