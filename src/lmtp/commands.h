/* SPDX-License-Identifier: ISC */
/*
 * commands - LMTP's command table: one row owns every fact about a command.
 */
#ifndef LMTP_COMMANDS_H
#define LMTP_COMMANDS_H

#include "base/bytes.h"

struct lmtp_session;

struct lmtp_command {
	const char *verb;
	void (*handle)(struct lmtp_session *session, struct bytes arguments);
	const char *source;
};

extern const struct lmtp_command lmtp_commands[];
extern const unsigned lmtp_command_count;

/* In any case of letters; NULL when unknown. */
const struct lmtp_command *lmtp_find_command(struct bytes verb);

#endif
