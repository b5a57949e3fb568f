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

#include <uv.h>

#define ENGINE_TEXT_SIZE 512

enum engine_event_kind {
	ENGINE_CONNECTED, /* text: how, e.g. "TLSv1.3/..." */
	ENGINE_PLANNED,	  /* listed, and known what is to come */
	ENGINE_MESSAGE,	  /* a new one, of an account that is observed */
	ENGINE_PROGRESS,  /* more octets */
	ENGINE_STORED,	  /* more messages are durable here */
	ENGINE_WARNING,	  /* text; the run goes on */
	ENGINE_ENDED,	  /* outcome; text when it is not OK */
};

/* What its header says; "" where it says nothing. */
struct engine_message {
	uint32_t number;
	uint64_t octets;
	const char *uidl, *from, *subject, *date;
	const char *rule, *action, *folder; /* "": no rule holds */
	struct bytes header; /* its front alone when that is over 64 KiB */
	bool has_header;     /* else the server does not give it */
};

struct engine_event {
	enum engine_event_kind kind;
	const char *account;
	const char *text;		      /* "" without */
	const struct engine_message *message; /* of ENGINE_MESSAGE */
	enum outcome outcome;
	/* So far. */
	uint64_t listed_messages, listed_octets; /* on the server */
	uint64_t planned_messages, planned_octets;
	uint64_t received_messages, received_octets;
	uint64_t stored_messages;
	uint64_t deleted_messages;   /* promised by QUIT's +OK */
	uint64_t to_delete_messages; /* of a dry run's plan, new ones too */
	/* By rules: left on the server, by their header alone, deleted there
	   unseen; and put into quarantine. */
	uint64_t skipped_messages, header_messages, discarded_messages;
	uint64_t quarantined_messages;
};

struct engine_account {
	const struct collect_account *account; /* borrowed until it has ended */
	/* A password that is known already, else empty: then the account's
	   source is asked. Its octets go to the engine, which wipes them. */
	struct secret *password;
	enum outcome *out_outcome; /* set before ENGINE_ENDED; NULL: no wish */
};

struct engine_options {
	struct files *files;	/* beneath the Maildir; NULL: the system's */
	const char *state;	/* directory of the ledger and the locks */
	bool is_dry_run;	/* lists and plans, changes nothing anywhere */
	bool is_retry;		/* also when a login should wait */
	bool is_login_only;	/* logs in and out again; needs no ledger */
	bool is_observing;	/* tells of every new message, as a dry run */
	struct bytes only_uidl; /* then: of this one alone, also an old one */
	bool wants_bodies;	/* of messages whose header alone is here */
	bool wants_quarantined; /* tries again what is in quarantine */
	bool accepts_new_uidls; /* receives again what may be here */
	const struct rules *rules; /* NULL: none */
	void (*on_event)(const struct engine_event *event, void *context);
	void *context;
};

/* Where an account's quarantine is, a Maildir; false: the path is too long. */
bool engine_quarantine_path(
	const char *state, const char *account, char *out, size_t size);

struct engine;

/* Borrows all of them for its life. NULL: no memory. */
struct engine *engine_new(uv_loop_t *loop, const struct engine_options *options,
	struct ledger *ledger);
/*
 * Begins an account's run; it ends with ENGINE_ENDED, which may come within this
 * call. False: no memory; nothing was begun.
 */
bool engine_begin(struct engine *engine, const struct engine_account *account);
/* How many runs have not given their memory back. */
size_t engine_count(const struct engine *engine);
/* All runs end soon: what is received whole is stored; one that has asked the
 * server to delete waits a little for its answer. */
void engine_stop(struct engine *engine);
/* None may be under way. Accepts NULL. */
void engine_free(struct engine **engine);

/*
 * All of them at once, in a loop of its own. Returns when every account has
 * ended.
 * error     set when it returns anything but OK: nothing was begun
 */
enum outcome engine_run(const struct engine_options *options,
	struct ledger *ledger, const struct engine_account *accounts,
	size_t count, char error[ENGINE_TEXT_SIZE]);

#endif
