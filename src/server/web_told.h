/* SPDX-License-Identifier: ISC */
/*
 * web_told - what auth and store last told the web role of penalties and of
 * mailboxes, for its pages. No I/O.
 */
#ifndef SERVER_WEB_TOLD_H
#define SERVER_WEB_TOLD_H

#include "accounts/accounts.h"
#include "net/address.h"
#include "process/message.h"
#include "server/protocol.h"
#include "store/survey.h"

struct web_penalty {
	char network[ADDRESS_TEXT_SIZE], account[ACCOUNT_NAME_SIZE];
	uint32_t failures, wait_seconds;
};

struct web_penalties {
	struct web_penalty rows[PENALTIES_TOLD_MAXIMUM]; /* the latest first */
	unsigned count;
	uint32_t all; /* that there are */
};

struct web_told {
	struct web_penalties penalties;
	struct survey survey;
};

/* From PENALTIES_TOLD and SURVEYED. False: malformed, nothing is changed. */
bool web_told_take_penalties(
	struct web_told *told, struct message_reader *reader);
bool web_told_take_survey(struct web_told *told, struct message_reader *reader);

#endif
