/* SPDX-License-Identifier: ISC */
/*
 * import - notes the UIDLs that another server gave to the messages of a Maildir,
 * so that clients do not collect them again. Not while a server runs.
 *
 * The index, a cache, goes: it may hold other UIDLs. What has such a UIDL noted
 * already keeps it.
 */
#ifndef STORE_MAILDIR_IMPORT_H
#define STORE_MAILDIR_IMPORT_H

#include "store/registry.h"
#include "store/uidlist.h"

struct maildir_import {
	uint32_t messages; /* in the Maildir */
	uint32_t given;	   /* of them, now */
	uint32_t kept;	   /* of them, had one noted before */
	uint32_t absent;   /* in the list, and not in the Maildir */
};

/*
 * options  mail_root, mail_template, state_root and hostname count
 * Errors   ERR_DENIED (there is no such Maildir), ERR_PEER (another message has
 *          one of the UIDLs: nothing was noted), ERR_BROKEN, ERR_NO_SPACE,
 *          ERR_TRY_LATER
 */
enum outcome maildir_import_uidls(const struct store_options *options,
	const char *mailbox, const struct uidlist *list,
	struct maildir_import *out);

#endif
