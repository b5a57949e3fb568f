/* SPDX-License-Identifier: ISC */
/*
 * commands - the command table: one row owns every fact about a command.
 * Dispatch and CAPA derive from it, and so do dictionaries and documents.
 */
#ifndef POP3_COMMANDS_H
#define POP3_COMMANDS_H

#include "base/bytes.h"

struct pop3_session;

enum pop3_state { POP3_AUTHORIZATION = 1, POP3_TRANSACTION = 2 };

enum pop3_arguments {
	POP3_NO_ARGUMENT,
	POP3_OPTIONAL_MSGNO,
	POP3_MSGNO,
	POP3_MSGNO_LINES,
	POP3_TEXT, /* the rest of the line, verbatim */
	POP3_OPTIONAL_TEXT,
};

/* What a handler is given; only what the row's arguments say is set. */
struct pop3_command_input {
	bool has_msgno;
	uint32_t index; /* of the message, checked: in range, not deleted */
	uint64_t lines;
	struct bytes text;
};

struct pop3_command {
	const char *verb;
	unsigned states; /* enum pop3_state, or'ed */
	enum pop3_arguments arguments;
	/* Replies or leaves a request; see pop3/state.h. */
	void (*handle)(struct pop3_session *session,
		const struct pop3_command_input *input);
	/* NULL: always there. */
	bool (*is_offered)(const struct pop3_session *session);
	/* Its line in CAPA, NULL for none. is_announced NULL: when offered. */
	const char *capability;
	bool (*is_announced)(const struct pop3_session *session);
	const char *source;
	const char *help;
	bool has_secret; /* in its arguments: no observer sees them */
};

extern const struct pop3_command pop3_commands[];
extern const unsigned pop3_command_count;

/* Capabilities that are no command's: RESP-CODES, PIPELINING and so on. */
extern const char *const pop3_plain_capabilities[];

/* In any case of letters; NULL when unknown or not offered. */
const struct pop3_command *pop3_find_command(
	const struct pop3_session *session, struct bytes verb);

#endif
