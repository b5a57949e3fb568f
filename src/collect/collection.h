/* SPDX-License-Identifier: ISC */
/*
 * collection - one account's run: what the files of the engine share. Data goes
 * connection.c -> collection.c -> session.c (login and lists) or messages.c
 * (what is asked for and deleted), heading.c (headers that are looked at first)
 * and arriving.c (what arrives, where sorting.c and routing.c say); storing.c
 * makes it durable.
 */
#ifndef COLLECT_COLLECTION_H
#define COLLECT_COLLECTION_H

#include "collect/connection.h"
#include "collect/engine.h"
#include "collect/login.h"
#include "collect/sink.h"
#include "collect/window.h"
#include "pop3/client/session.h"

#include <openssl/evp.h>

/* Ended and not durable yet: one flush at a time takes what has gathered. */
#define BATCH_MESSAGES 128
#define BATCH_OCTETS   (8u << 20)
#define BATCH_MAXIMUM  2048
/* What broke so often, and breaks again, is put into quarantine. */
#define QUARANTINE_ATTEMPTS 2
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
	STAGE_HEADERS, /* TOP */
	STAGE_MESSAGES,
	STAGE_QUITTING,
	STAGE_ENDED,
};

enum message_state {
	MESSAGE_LEFT,	   /* nothing to do with it */
	MESSAGE_WANTED,	   /* to be received */
	MESSAGE_ASKED,	   /* RETR sent */
	MESSAGE_RECEIVED,  /* whole, not durable */
	MESSAGE_STORED,	   /* durable, and in the ledger */
	MESSAGE_DELETING,  /* DELE sent, or about to be */
	MESSAGE_DELETED,   /* DELE answered +OK */
	MESSAGE_SKIPPED,   /* stays on the server, and that is well */
	MESSAGE_DISCARDED, /* a rule deletes it without having it */
};

/* What becomes of it by the rules. */
enum fate { FATE_FILE, FATE_SKIP, FATE_HEADERS, FATE_DELETE };

/* A message on its way into the sink. */
struct arrival {
	struct sink *sink;		/* of the delivery */
	struct sink_delivery *delivery; /* NULL: it is there already */
	struct sink_delivery *spare;	/* the same, for quarantine; or NULL */
	char *folder;			/* NULL: the usual one */
	bool is_header_only;
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
	bool is_twin;	    /* its UIDL stands in the list more than once */
	bool is_doubtful;   /* in the ledger, and perhaps not the same */
	bool wants_body;    /* its header is here */
	bool needs_note;    /* skipped, and the ledger does not know */
	unsigned char fate; /* enum fate */
};

/* A flush under way in the thread pool. */
struct flush {
	uv_work_t work;
	struct collection *collection;
	uint32_t *indexes; /* of `listed` */
	size_t count;
	enum outcome *outcomes;
	bool *are_quarantined; /* refused, and in quarantine */
	struct ledger_message *messages;
	enum outcome ledger_outcome;
	char error[SINK_ERROR_SIZE]; /* of the sink */
	const struct sink *failed;
};

/* "~" and what a digest is printed as; a NUL. */
#define NAME_OCTETS 28

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
	struct login login;
	enum outcome outcome;
	char reason[ENGINE_TEXT_SIZE];
	bool is_secured, has_pipelining, has_failed_messages;
	bool has_piped;	   /* more than one command was under way */
	bool is_run_open;  /* the ledger knows that it is under way */
	bool is_behind;	   /* the ledger may not know all that is filed */
	bool is_connected; /* its memory is still there */
	bool is_finished;
	bool only_looks;   /* a dry run, or an account that is observed */
	bool is_observing; /* every new message is told of */
	/* what the last run left, and what this one leaves */
	struct ledger_memory memory;
	char server[LEDGER_SERVER_SIZE];
	bool is_recalled, was_running;
	bool is_assumed;      /* the capabilities are those of an earlier run */
	bool skips_list;      /* STAT and the last UIDL stand for it */
	bool is_changed;      /* the mailbox, since the last run */
	bool wants_again;     /* another session, when this one is over */
	bool has_failed_once; /* and is tried again */
	unsigned sessions;
	uint64_t session_stored; /* stored_messages when it began */
	int64_t due_seconds; /* when the next one is to be deleted; 0: never */
	/* the listing; index = msgno - 1 */
	struct listed *listed;
	uint32_t listed_count;
	uint32_t *order; /* those with a UIDL, by it */
	uint32_t order_count;
	uint32_t known_count, unknown_count; /* to the ledger */
	struct buffer uidls;
	uint64_t stat_octets;
	unsigned lists_awaited;
	/* heading.c */
	bool has_no_uidl; /* the server: names are made of headers */
	bool is_naming;	  /* all headers are under way for that */
	bool is_renamed;  /* perhaps: what is here is listed by other UIDLs */
	char *names;	  /* NAME_OCTETS each */
	struct ledger_message *adoptions;
	uint32_t adoption_count;
	const struct engine_message *message; /* that is told of */
	/* what to receive, or to ask the header of, in order */
	uint32_t *plan;
	uint32_t plan_count, plan_next;
	struct window window;
	uint32_t asked_messages;
	uint64_t asked_octets;
	/* the message that arrives */
	bool is_receiving;
	uint32_t receiving; /* index */
	uint64_t received_octets;
	EVP_MD_CTX *digest, *header_digest;
	bool is_head_whole, is_filing; /* what begins with its header */
	struct rule_verdict verdict;   /* on it */
	/* sorting.c */
	uint64_t rules_mark;
	bool have_rules_age;
	/* routing.c; those of rules by their index */
	struct route **routes;
	size_t route_count;
	struct sink *quarantine;
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
	char sink_path[4096], spool_path[4096], quarantine_path[4096];
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
/* They are not as they were: CAPA is asked again. */
void remembering_doubt_capabilities(struct collection *c);
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
/* STAT, and what comes along with it. */
void session_ask_mailbox(struct collection *c);
/* False: the client could not queue a command, and the run has failed. */
bool session_asked(struct collection *c, enum outcome outcome);
/* The outcome that -ERR with its code stands for. */
enum outcome session_outcome(const struct collection *c);

/* ---- messages.c ---- */

/* The lists are whole. */
void messages_begin(struct collection *c);
/* All messages that can have one have a key. */
void messages_listed(struct collection *c);
/* What is wanted of them is known. */
void messages_plan(struct collection *c);
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
/* Finds out from the ledger what is wanted. */
bool listing_end(struct collection *c);
/* What is wanted becomes the plan. */
void listing_plan(struct collection *c);
/* The same for one whose key or entry has changed. */
bool listing_look_up(struct collection *c, struct listed *one);
/* It is under way already: only its doubts. */
bool listing_doubt(struct collection *c, struct listed *one);
/* context: the collection. */
bool listing_has(struct bytes uidl, void *context);
void listing_forget(struct collection *c);

/* ---- policy.c ---- */

void policy_begin(struct collection *c);
/* It is stored here: may it go? Counts against maximum-deletions when it may. */
bool policy_may_delete(struct collection *c, uint32_t index);
/* The same for one that a rule deletes unseen. */
bool policy_may_discard(struct collection *c);
/* Of a dry run: counts what would be deleted. */
void policy_plan(struct collection *c);

/* ---- heading.c ---- */

/* Asks for the headers that are needed; then messages_plan, or messages_listed
 * when it was for names. */
void heading_begin(struct collection *c);
void heading_go_on(struct collection *c);
void heading_event(struct collection *c, enum pop3_client_event event);
void heading_refused(struct collection *c);
void heading_release(struct collection *c);
/* The header of a message without a key is here; false: the run has failed. */
bool naming_late(struct collection *c, uint32_t index);

/* ---- arriving.c: a message, from +OK to its end ---- */

void arriving_begin(struct collection *c);
void arriving_octets(struct collection *c);
void arriving_end(struct collection *c);
void arriving_keep_head(struct collection *c, struct bytes octets);
void arriving_digest_header(
	struct collection *c, unsigned char out[LEDGER_DIGEST_OCTETS]);
/* Begins its delivery as the verdict says; `key` is what the sink knows it by. */
enum outcome arriving_open(struct collection *c, struct listed *one,
	const struct message_key *key);
void arriving_sink_failed(
	struct collection *c, const struct sink *sink, enum outcome outcome);
void arriving_drop_deliveries(struct collection *c, struct arrival *arrival);
/* Leaves no trace of it. */
void arriving_free(struct collection *c, struct listed *one);

/* ---- sorting.c ---- */

void sorting_begin(struct collection *c);
/* Sets the verdict and the message's fate; its header is in `head`, or not. */
void sorting_ask(struct collection *c, uint32_t index, bool has_header);
/* Its fate is not to be collected whole. */
void sorting_settle(struct collection *c, uint32_t index);
/* The header alone of it is here, and goes when the whole is, where the sink
 * can. */
enum outcome sorting_replace_stub(const struct listed *one);
/* Was it skipped by the rules of today? */
bool sorting_is_skipped(
	const struct collection *c, const struct ledger_entry *entry);
/* The ledger learns what was skipped; false: the run has failed. */
bool sorting_note(struct collection *c);

/* ---- routing.c; NULL, false: the run has failed ---- */

bool routing_open(struct collection *c);
struct sink *routing_sink(struct collection *c, const struct rule *rule);
struct sink *routing_quarantine(struct collection *c);
/* What people call it. */
const char *routing_place(const struct collection *c, const struct sink *sink);
void routing_close(struct collection *c);

/* ---- storing.c ---- */

/* Received whole: waits for the next flush. */
void storing_add(struct collection *c, uint32_t index);
/* Begins a flush when there is enough, or `all`, and none is under way. */
void storing_flush(struct collection *c, bool all);

#endif
