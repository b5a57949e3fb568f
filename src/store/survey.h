/* SPDX-License-Identifier: ISC */
/*
 * survey - which mailboxes are the largest, and which nothing was done with for
 * the longest time, by the last trailer of each index. No mail is looked at, no
 * mailbox opened: a mailbox that was never used, or one of a store without
 * indexes, is not there, and what others put in since the last look is not
 * counted.
 */
#ifndef STORE_SURVEY_H
#define STORE_SURVEY_H

#include "store/files.h"
#include "store/store.h"

/* Of each list. */
#define SURVEY_ROWS 10

struct survey_row {
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
	uint32_t messages;
	uint64_t octets;
	uint64_t changed_seconds; /* since 1970 */
};

struct survey_list {
	struct survey_row rows[SURVEY_ROWS]; /* those that matter most first */
	unsigned count;
};

struct survey {
	uint32_t mailboxes;
	uint64_t messages, octets;
	struct survey_list largest, stillest;
};

/* Blocks for about 20 us a mailbox. Nothing is found where nothing is. */
void survey_take(struct files *files, int state_root, struct survey *out);

/* The name of a mailbox by that of its folder (path_of_state); one that was cut
   stays as it is. False: it is none. */
bool survey_name(const char *folder, char out[STORE_MAILBOX_MAXIMUM_OCTETS]);

#endif
