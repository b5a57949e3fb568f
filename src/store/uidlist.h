/* SPDX-License-Identifier: ISC */
/*
 * uidlist - the UIDLs that another server gave, read from its own file in a
 * Maildir: dovecot-uidlist (versions 1 and 3) or courierpop3dsizelist (2 and 3).
 *
 * Memory: 120 octets a message; names borrow from the text.
 * Source: Dovecot 2.3 maildir-uidlist.c and pop3-client.c, Courier 1.0
 *         pop3dserver.c, and what both write.
 */
#ifndef STORE_UIDLIST_H
#define STORE_UIDLIST_H

#include "base/outcome.h"
#include "message/maildrop.h"

#define UIDLIST_MAXIMUM_ENTRIES (1u << 24)
#define UIDLIST_ERROR_SIZE	200
/* What Dovecot takes when nothing else is set. */
#define UIDLIST_DOVECOT_FORMAT "%08Xu%08Xv"

struct uidlist_entry {
	struct bytes name; /* of the file, as it stands there */
	char uidl[UIDL_MAXIMUM_OCTETS + 1];
};

/* In the order of the UIDLs; no two are alike. */
struct uidlist {
	struct uidlist_entry *entries;
	uint32_t count, capacity;
};

#define UIDLIST_EMPTY ((struct uidlist){NULL, 0, 0})

/*
 * format  Dovecot's pop3_uidl_format, of %u, %v and %f with 0, a width and X;
 *         Courier's file needs none
 * error   for people: the line and what is wrong
 * Errors  ERR_PEER, ERR_TRY_LATER (memory)
 */
enum outcome uidlist_read(struct bytes text, const char *format,
	struct uidlist *out, char error[UIDLIST_ERROR_SIZE]);
void uidlist_release(struct uidlist *list);
const struct uidlist_entry *uidlist_find(
	const struct uidlist *list, struct bytes uidl);

#endif
