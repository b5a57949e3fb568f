/* SPDX-License-Identifier: ISC */
/*
 * collection - one account's run: what the files of the engine share. Data goes
 * connection.c -> collection.c -> session.c (login and lists) or messages.c
 * (the plan, what arrives, what is deleted); storing.c makes it durable.
 */
#ifndef COLLECT_COLLECTION_H
#define COLLECT_COLLECTION_H

#include "collect/connection.h"
#include "collect/engine.h"
#include "collect/sink.h"
#include "collect/window.h"
#include "pop3/client/session.h"

#include <openssl/evp.h>

/* Ended and not durable yet: one flush at a time takes what has gathered. */
#define BATCH_MESSAGES 128
#define BATCH_OCTETS   (8u << 20)
#define BATCH_MAXIMUM  2048
/* Of a message, kept in memory while it arrives. */
#define HEAD_MAXIMUM_OCTETS 65536

enum collection_stage {
	STAGE_CONNECTING,
	STAGE_GREETING,
	STAGE_CAPABILITIES,
	STAGE_STLS,
	STAGE_LOGIN,
	STAGE_LOOKING, /* whether anything has changed */
	STAGE_LISTING,
	STAGE_MESSAGES,
	STAGE_QUITTING,
	STAGE_ENDED,
};

enum message_state {
	MESSAGE_LEFT,	  /* nothing to do with it */
	MESSAGE_WANTED,	  /* to be received */
	MESSAGE_ASKED,	  /* RETR sent */
	MESSAGE_RECEIVED, /* whole, not durable */
	MESSAGE_STORED,	  /* durable, and in the ledger */
	MESSAGE_DELETING, /* DELE sent, or about to be */
	MESSAGE_DELETED,  /* DELE answered +OK */
};

/* A message on its way into the sink. */
struct arrival {
	struct sink_delivery *delivery;
	unsigned char digest[LEDGER_DIGEST_OCTETS]; /* once received */
	unsigned char header[LEDGER_DIGEST_OCTETS]; /* of its header */
};

struct listed {
	struct message_key key;
	uint64_t octets; /* as listed */
	struct arrival *arrival;
	enum message_state state;
	uint32_t attempts;		      /* that broke before */
	int64_t stored_seconds, born_seconds; /* by the account's clock */
	bool is_twin;	  /* its UIDL stands in the list more than once */
	bool is_doubtful; /* in the ledger, and perhaps not the same */
};

/* A flush under way in the thread pool. */
struct flush {
	uv_work_t work;
	struct collection *collection;
	uint32_t *indexes; /* of `listed` */
	size_t count;
	enum outcome *outcomes;
	struct ledger_message *messages;
	enum outcome ledger_outcome;
	char error[SINK_ERROR_SIZE]; /* of the sink */
};

struct collection {
	const struct engine_options *options;
	const struct collect_account *account;
	struct secret *password;
	struct ledger *ledger;
	uv_loop_t *loop;
	struct tls_context *tls;
	struct socks5_proxy proxy; /* of the account, when it has one */
	struct connection *connection;
	struct pop3_client *client;
	struct sink *sink;
	enum collection_stage stage;
	enum outcome outcome;
	char reason[ENGINE_TEXT_SIZE];
	bool is_secured, has_pipelining, has_failed_messages;
	bool has_piped;	   /* more than one command was under way */
	bool is_run_open;  /* the ledger knows that it is under way */
	bool is_behind;	   /* the ledger may not know all that is filed */
	bool is_connected; /* its memory is still there */
	bool is_finished;
	/* what the last run left, and what this one leaves */
	struct ledger_memory memory;
	char server[LEDGER_SERVER_SIZE];
	bool is_recalled, was_running;
	bool is_assumed;      /* the capabilities are those of an earlier run */
	bool is_changed;      /* the mailbox, since the last run */
	bool wants_again;     /* another session, when this one is over */
	bool has_failed_once; /* and is tried again */
	unsigned sessions;
	uint64_t session_stored; /* stored_messages when it began */
	int64_t due_seconds; /* when the next one is to be deleted; 0: never */
	/* the listing; index = msgno - 1 */
	struct listed *listed;
	uint32_t listed_count;
	struct buffer uidls;
	uint64_t stat_octets;
	unsigned lists_awaited;
	/* what to receive, in order */
	uint32_t *plan;
	uint32_t plan_count, plan_next;
	struct window window;
	uint32_t asked_messages;
	uint64_t asked_octets;
	/* the message that arrives */
	bool is_receiving;
	uint32_t receiving; /* index */
	uint64_t received_octets;
	EVP_MD_CTX *digest;
	/* received, waiting for a flush: indexes */
	uint32_t *waiting;
	uint32_t waiting_count;
	uint64_t waiting_octets;
	struct flush *flush; /* NULL: none under way */
	/* durable here, to be deleted there: indexes */
	uint32_t *deletable;
	uint32_t deletable_count, deletable_next;
	bool are_twins_judged;
	/* policy.c */
	uint32_t over_quota_count; /* the first so many are too much */
	uint64_t deletions;	   /* of this run */
	struct buffer head;	   /* of the message that arrives: its front */
	struct secret *deliver_password;
	struct tls_context *deliver_tls;
	char sink_path[4096], spool_path[4096];
	struct engine_event counts;
};

/*
 * Begins; `c` is zero but for options, account, password, ledger, loop and tls.
 * It ends with ENGINE_ENDED; then collection_release.
 */
void collection_start(struct collection *c);
void collection_release(struct collection *c);

/* ---- collection.c ---- */

/* Sends what the session queued and sets the clock. */
void collection_send(struct collection *c);
/* Tells the owner; text NULL: none. */
void collection_tell(
	struct collection *c, enum engine_event_kind kind, const char *text);
/* Ends the run; what is stored stays stored. */
__attribute__((format(printf, 3, 4))) void collection_fail(
	struct collection *c, enum outcome outcome, const char *format, ...);
/* It came to its end. */
void collection_end(struct collection *c);
/* A flush is done: what waited for it goes on. */
void collection_flushed(struct collection *c);

/* ---- remembering.c ---- */

/* False: the login must wait, and the run has failed. */
bool remembering_begin(struct collection *c);
bool remembering_assume_capabilities(struct collection *c);
void remembering_capabilities(struct collection *c);
bool remembering_is_lockstep(const struct collection *c);
void remembering_lost_pipeline(struct collection *c);
void remembering_logged_in(struct collection *c);
void remembering_refused(struct collection *c);
/* May an equal STAT and an equal last UIDL stand for the whole list? */
bool remembering_may_skip_list(const struct collection *c);
/* The session has come to a good end: what it leaves on the server. */
void remembering_listing(struct collection *c);
void remembering_end(struct collection *c);

/* ---- session.c ---- */

void session_event(struct collection *c, enum pop3_client_event event);
/* CAPA, or what an earlier run was told. */
void session_ask_capabilities(struct collection *c, bool is_secured);
/* False: the client could not queue a command, and the run has failed. */
bool session_asked(struct collection *c, enum outcome outcome);
/* The outcome that -ERR with its code stands for. */
enum outcome session_outcome(const struct collection *c);

/* ---- messages.c ---- */

/* The lists are whole. */
void messages_begin(struct collection *c);
void messages_event(struct collection *c, enum pop3_client_event event);
/* -ERR to RETR or DELE: the others go on. False: it was to another command. */
bool messages_refused(struct collection *c);
/* Nothing is new: the session is over. */
void messages_quit(struct collection *c);
/* Asks for more, has it stored, deletes, quits: whatever is next. */
void messages_go_on(struct collection *c);
/* The connection is gone: drops what is half here. */
void messages_break(struct collection *c);

/* ---- listing.c; false: the run has failed ---- */

bool listing_begin(struct collection *c, uint32_t count);
bool listing_add_uidl(struct collection *c, uint32_t msgno, struct bytes uidl);
bool listing_add_octets(struct collection *c, uint32_t msgno, uint64_t octets);
/* Finds out from the ledger what is wanted, and makes the plan. */
bool listing_end(struct collection *c);
void listing_release(struct collection *c);

/* ---- policy.c ---- */

void policy_begin(struct collection *c);
/* It is stored here: may it go? Counts against maximum-deletions when it may. */
bool policy_may_delete(struct collection *c, uint32_t index);
/* Of a dry run: counts what would be deleted. */
void policy_plan(struct collection *c);

/* ---- delivering.c ---- */

/* False: the run has failed. */
bool delivering_open(struct collection *c);
/* ---- storing.c ---- */

/* Received whole: waits for the next flush. */
void storing_add(struct collection *c, uint32_t index);
/* Begins a flush when there is enough, or `all`, and none is under way. */
void storing_flush(struct collection *c, bool all);

#endif
