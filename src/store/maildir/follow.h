/* SPDX-License-Identifier: ISC */
/*
 * follow - brings the index up to date by what inotify said, when that is
 * nothing but mail put in by others: a delivery into a mailbox of a million
 * costs what one into a mailbox of ten does.
 */
#ifndef STORE_MAILDIR_FOLLOW_H
#define STORE_MAILDIR_FOLLOW_H

#include "store/maildir/index_file.h"

/*
 * The watch says WATCH_FOREIGN and the index is loaded. False: what others did
 * was something else, or it failed; then a scan is due (must_scan).
 */
bool follow(struct mailbox *mailbox);

#endif
