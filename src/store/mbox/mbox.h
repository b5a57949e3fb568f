/* SPDX-License-Identifier: ISC */
/*
 * mbox - the store of classic mbox files (/var/mail/USER), which other programs
 * read and write too; docs/formats/mbox.md. A maildrop is one file. It is
 * read and written under fcntl(2) locks and lock files, changed in place, and
 * its messages are streamed, not handed out as descriptors.
 */
#ifndef STORE_MBOX_MBOX_H
#define STORE_MBOX_MBOX_H

#include "store/files.h"
#include "store/registry.h"

/* As store_open, above any table of file operations (outlives the store). */
enum outcome mbox_store_new(
	struct store_options *options, struct files *files, struct store **out);

#endif
