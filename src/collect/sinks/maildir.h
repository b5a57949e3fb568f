/* SPDX-License-Identifier: ISC */
#ifndef COLLECT_SINKS_MAILDIR_H
#define COLLECT_SINKS_MAILDIR_H

#include "collect/sink.h"

extern const struct sink_ops sink_maildir;

/* The file of a message in a Maildir or one of its folders, by its name. False:
 * it is not there. */
bool maildir_find_message(const char *maildir, const char *account,
	const struct message_key *key, char *out, size_t size);

#endif
