/* SPDX-License-Identifier: ISC */
/* mbox_file - the file of an mbox, locked while it is open. */
#ifndef COLLECT_SINKS_MBOX_FILE_H
#define COLLECT_SINKS_MBOX_FILE_H

#include "base/outcome.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define MBOX_PATH_SIZE 4096

struct mbox_file {
	int fd;
	bool was_made;
	off_t octets;
	char path[MBOX_PATH_SIZE], lock[MBOX_PATH_SIZE + 8];
};

enum mbox_tail {
	MBOX_TAIL_OTHER, /* nothing behind, or something else */
	MBOX_TAIL_PART,	 /* the batch began, and is not whole */
	MBOX_TAIL_WHOLE, /* the batch, and perhaps more behind */
};

/* A folder stands beside the mbox. False: too long, or no name. */
bool mbox_file_path(
	const char *target, const char *folder, char *out, size_t size);
/* Waits for the locks, not for ever. errno says what is wrong. */
enum outcome mbox_file_open(struct mbox_file *file, const char *path);
void mbox_file_close(struct mbox_file *file);
/* All of `body`, synced; when that fails the file is as it was. */
enum outcome mbox_file_append(struct mbox_file *file, FILE *body);
/* What is behind `length`, beside the rest of `batch`. */
enum mbox_tail mbox_file_compare(
	struct mbox_file *file, off_t length, FILE *batch);
enum outcome mbox_file_cut(struct mbox_file *file, off_t length);
/* All of `from` behind what `to` has. */
bool mbox_file_copy(FILE *from, FILE *to);

#endif
