/* SPDX-License-Identifier: ISC */
/*
 * engine - collects the mail of many accounts at once in one event loop.
 *
 * For each account: what the server lists and the ledger does not know is
 * received, made durable by the account's sink, entered in the ledger, and only
 * then deleted on the server (unless it is kept there). Killed at any point and
 * run again, nothing is lost and nothing filed twice.
 */
#ifndef COLLECT_ENGINE_H
#define COLLECT_ENGINE_H

#include "base/secret.h"
#include "collect/account.h"
#include "collect/ledger.h"
#include "store/files.h"

#define ENGINE_TEXT_SIZE 320

enum engine_event_kind {
	ENGINE_CONNECTED, /* text: how, e.g. "TLSv1.3/..." */
	ENGINE_PLANNED,	  /* listed, and known what is to come */
	ENGINE_PROGRESS,  /* more octets */
	ENGINE_STORED,	  /* more messages are durable here */
	ENGINE_WARNING,	  /* text; the run goes on */
	ENGINE_ENDED,	  /* outcome; text when it is not OK */
};

struct engine_event {
	enum engine_event_kind kind;
	const char *account;
	const char *text; /* "" without */
	enum outcome outcome;
	/* So far. */
	uint64_t listed_messages, listed_octets; /* on the server */
	uint64_t planned_messages, planned_octets;
	uint64_t received_messages, received_octets;
	uint64_t stored_messages;
	uint64_t deleted_messages;   /* promised by QUIT's +OK */
	uint64_t to_delete_messages; /* of a dry run's plan, new ones too */
};

struct engine_account {
	const struct collect_account *account;
	struct secret *password;	 /* wiped when the run is over */
	struct secret *deliver_password; /* for the sink; {0} without */
};

struct engine_options {
	struct files *files; /* beneath the Maildir; NULL: the system's */
	const char *state;   /* directory of the ledger and the locks */
	bool is_dry_run;     /* lists and plans, changes nothing anywhere */
	bool is_retry;	     /* also when a login should wait */
	bool is_login_only;  /* logs in and out again; needs no ledger */
	void (*on_event)(const struct engine_event *event, void *context);
	void *context;
};

/*
 * Returns when every account has ended; outcomes[i] says how.
 * error     set when it returns anything but OK: nothing was begun
 */
enum outcome engine_run(const struct engine_options *options,
	struct ledger *ledger, const struct engine_account *accounts,
	size_t count, enum outcome *outcomes, char error[ENGINE_TEXT_SIZE]);

#endif
