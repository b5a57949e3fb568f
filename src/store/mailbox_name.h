/* SPDX-License-Identifier: ISC */
/*
 * mailbox_name - which account names may name a mailbox. A name becomes part of
 * a path in some stores, so every store refuses the same ones.
 */
#ifndef STORE_MAILBOX_NAME_H
#define STORE_MAILBOX_NAME_H

#include <stdbool.h>

/*
 * 1 to STORE_MAILBOX_MAXIMUM_OCTETS - 1 octets, no "/", no control character,
 * neither the name nor its domain empty or beginning with "." (Maildir++
 * folders and ".." begin so).
 */
bool mailbox_name_is_usable(const char *name);

#endif
