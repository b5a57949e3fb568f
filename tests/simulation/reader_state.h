/* SPDX-License-Identifier: ISC */
/* reader_state - what the files of the readers share. */
#ifndef TESTS_SIMULATION_READER_STATE_H
#define TESTS_SIMULATION_READER_STATE_H

#include "clock.h"
#include "model.h"
#include "network.h"
#include "reader.h"

#include "pop3/client/session.h"

#define MESSAGES_MAXIMUM 1024

enum stage { GREETING, LOGIN, LISTS, BUSY, QUITTING, RESTING };

struct known {
	char uidl[UIDL_MAXIMUM_OCTETS + 1];
	uint64_t octets; /* a power cut may leave none of a foreign letter */
	bool is_listed;
	struct letter *letter; /* once it was read */
	bool is_deleted;
};

struct reader {
	struct wire *wire;
	struct pop3_client *client;
	struct event event;
	enum stage stage;
	unsigned mailbox;
	bool reads_all, is_looking, has_failed, awaits_list;
	unsigned failures, failed_calls; /* of the office, when it began */
	unsigned wishes;		 /* commands still to be thought of */
	uint32_t count, listed, next;
	uint64_t octets; /* of STAT */
	struct known *known;
	struct incoming incoming;
	struct expectation expected;
	unsigned leaving;
	char who[24];
};

/* ---- reader_checks.c: what a reader is told, compared with what it was told
   before and with the model ---- */

void reader_stat(struct reader *r);
void reader_uidl(struct reader *r);
void reader_list(struct reader *r);
/* A list has ended. */
void reader_check_count(struct reader *r);
/* All lists are here for the first time. */
void reader_begin_reading(struct reader *r);
void reader_message_end(struct reader *r);

#endif
