/* SPDX-License-Identifier: ISC */
/*
 * losing_files - the real file system with a memory of what would be on the
 * disk: contents of a file as of its last sync, entries of a directory as of
 * its last sync. At the n-th call that changes something the power goes: it and
 * every later call fail. losing_files_rebuild then makes the tree that a disk
 * would have, in which the store is started again.
 *
 * What has no sync may be lost or not, in any order; the ways below are the
 * corners of that.
 */
#ifndef TESTS_STORE_LOSING_FILES_H
#define TESTS_STORE_LOSING_FILES_H

#include "store/files.h"

extern struct files losing_files;

enum loss {
	LOSS_ALL,     /* nothing is kept but what was synced */
	LOSS_OCTETS,  /* entries are kept, octets are not: torsos */
	LOSS_ENTRIES, /* octets are kept, entries are not */
	LOSS_NONE,    /* all is kept: the process was killed */
	LOSSES,
};

/* `directory` holds "mail" and "state", empty. n from 1; 0: never. */
void losing_files_begin(const char *directory, unsigned n);
/* Forgets everything; files that are open stay so. */
void losing_files_end(void);
bool losing_files_is_lost(void);
/* Calls so far that changed something. */
unsigned losing_files_changes(void);
/* "mail" and "state" below `to`, which is empty. */
void losing_files_rebuild(enum loss loss, const char *to);
/* A disk keeps inode numbers; what was rebuilt has others. */
ino_t losing_files_inode(ino_t rebuilt);
/* The id that the next start of the system has. */
void losing_files_set_boot(unsigned boot);

#endif
