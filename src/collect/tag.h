/* SPDX-License-Identifier: ISC */
/*
 * tag - 26 characters made of account and key: the same for the same message
 * every time. A file's name in a Maildir, and X-Restante-ID where the other
 * side's answer can be lost.
 */
#ifndef COLLECT_TAG_H
#define COLLECT_TAG_H

#include "collect/message_key.h"
#include "store/uidl.h"

#define TAG_SIZE (UIDL_OWN_OCTETS + 1)

/* False: no memory. */
bool tag_make(
	const char *account, const struct message_key *key, char out[TAG_SIZE]);

#endif
