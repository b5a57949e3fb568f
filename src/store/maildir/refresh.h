/* SPDX-License-Identifier: ISC */
/*
 * refresh - brings the index to what lies in the Maildir: mail that others put
 * in is measured once and appended, what they removed gets tombstones, what
 * they renamed keeps its identity.
 */
#ifndef STORE_MAILDIR_REFRESH_H
#define STORE_MAILDIR_REFRESH_H

#include "store/maildir/index_file.h"

/* Takes *old, the index as it was (left NULL; may be NULL).
   Errors  ERR_NO_SPACE, ERR_TRY_LATER, ERR_BROKEN */
enum outcome refresh_index(struct mailbox *mailbox, struct index_view **old);

/* An index with so many messages holds too much else. */
bool refresh_is_wasteful(const struct mailbox *mailbox, uint32_t count);

#endif
