/* SPDX-License-Identifier: ISC */
/*
 * maildir - the store over Maildir++ directories that other programs may share.
 * Docs: docs/formats/index.md, uidls.md, deletions.md.
 *
 * Memory: up to MAILDIR_IDLE_MAXIMUM mailboxes nobody uses stay known (about
 * 1 KiB each), so that opening one again costs no reading. Their indexes stay
 * open, two descriptors each, as far as there are enough descriptors.
 */
#ifndef STORE_MAILDIR_MAILDIR_H
#define STORE_MAILDIR_MAILDIR_H

#include "store/files.h"
#include "store/registry.h"

#define MAILDIR_IDLE_MAXIMUM 2048

/* As store_open, above any table of file operations (outlives the store). */
enum outcome maildir_store_new(
	struct store_options *options, struct files *files, struct store **out);

#endif
