/* SPDX-License-Identifier: ISC */
/*
 * ledger - what was collected, so that nothing is collected twice: for every
 * message of an account its key, octets, SHA-256 and state. SQLite in WAL mode,
 * synchronised fully: what ledger_commit has returned for survives a power cut.
 *
 * Calls come from several threads; the ledger serialises them.
 */
#ifndef COLLECT_LEDGER_H
#define COLLECT_LEDGER_H

#include "base/buffer.h"
#include "base/outcome.h"
#include "collect/message_key.h"

#include <stdbool.h>

#define LEDGER_DIGEST_OCTETS 32
#define LEDGER_ERROR_SIZE    256

/* Numbers stand in the file: never renumber. */
enum ledger_state {
	LEDGER_UNKNOWN = 0,
	LEDGER_SEEN = 1,     /* began to arrive and broke; not here */
	LEDGER_STORED = 2,   /* durable here */
	LEDGER_DELETED = 3,  /* the server promised to remove it */
	LEDGER_HEADERS = 4,  /* its header alone is durable here */
	LEDGER_SKIPPED = 5,  /* a rule left it on the server; the digest begins
				with the mark of the rules that did */
	LEDGER_IMPORTED = 6, /* collected by another program before us */
	LEDGER_QUARANTINED = 7, /* whole, durable, and not where it should go */
};

struct ledger_message {
	struct message_key key;
	uint64_t octets; /* as the server listed it */
	unsigned char digest[LEDGER_DIGEST_OCTETS]; /* of what was received */
	unsigned char header[LEDGER_DIGEST_OCTETS]; /* of its header alone */
	int64_t stored_seconds;			    /* by the account's clock */
	int64_t born_seconds; /* by the account's clock; may be before it */
	enum ledger_state state;
};

struct ledger_entry {
	enum ledger_state state;
	uint64_t octets;
	uint32_t attempts;			    /* that broke */
	unsigned char digest[LEDGER_DIGEST_OCTETS]; /* zero unless stored */
	int64_t stored_seconds, born_seconds;
	int64_t at_seconds; /* when it got into this state; since 1970 */
};

struct ledger_run {
	char account[256];
	uint64_t at_seconds; /* of its end; since 1970 */
	uint64_t messages, octets, stored, on_server;
	bool is_good;
	/* Not all that is filed may be here; told to the next run alone. */
	bool is_interrupted;
	char detail[256]; /* for people; "" when good */
};

struct ledger;

/* directory: made with mode 0700 when it is not there. error: for people. */
enum outcome ledger_open(const char *directory, struct ledger **out,
	char error[LEDGER_ERROR_SIZE]);
void ledger_close(struct ledger **ledger);
/* Reads all of it. ERR_BROKEN: it is damaged; error: how, for people. */
enum outcome ledger_check(struct ledger *ledger, char error[LEDGER_ERROR_SIZE]);

/* *out_was_interrupted: the run before this one did not come to its end, or
 * ended as interrupted. */
enum outcome ledger_begin_run(
	struct ledger *ledger, const char *account, bool *out_was_interrupted);
enum outcome ledger_end_run(
	struct ledger *ledger, const struct ledger_run *run);

/* A key that is not there is LEDGER_UNKNOWN. */
enum outcome ledger_find(struct ledger *ledger, const char *account,
	const struct message_key *key, struct ledger_entry *out);
/* Is a message of this UIDL, whatever its place among those, and of this digest
 * stored here, or was it? */
bool ledger_holds(struct ledger *ledger, const char *account, struct bytes uidl,
	const unsigned char digest[LEDGER_DIGEST_OCTETS]);
/* Under whatever UIDL. */
bool ledger_holds_anywhere(struct ledger *ledger, const char *account,
	const unsigned char digest[LEDGER_DIGEST_OCTETS]);
/* Is there one that ledger_adopt would find for it? */
bool ledger_match(struct ledger *ledger, const char *account,
	const struct ledger_message *message,
	bool (*is_listed)(struct bytes uidl, void *context), void *context);
/*
 * Messages that are stored here under a UIDL that is listed no more, told by the
 * digest of their header and their size: each that is found gets the new key,
 * and out_is_found[i] is set. All or nothing, durable on return.
 */
enum outcome ledger_adopt(struct ledger *ledger, const char *account,
	const struct ledger_message *messages, size_t count,
	bool (*is_listed)(struct bytes uidl, void *context), void *context,
	bool *out_is_found);
/* Collected by another program, unless they are known; out_news: how many are
 * not. All or nothing, durable on return. */
enum outcome ledger_import(struct ledger *ledger, const char *account,
	const struct message_key *keys, size_t count, size_t *out_news);
/* Messages of an account in one state. */
uint64_t ledger_count(
	struct ledger *ledger, const char *account, enum ledger_state state);
/* The sizes of those that are stored here: uint64_t, the least first. */
#define LEDGER_SIZES_MAXIMUM_OCTETS (128u << 20)
enum outcome ledger_sizes(
	struct ledger *ledger, const char *account, struct buffer *out);
/* All or nothing, durable on return: these messages are in their state. */
enum outcome ledger_commit(struct ledger *ledger, const char *account,
	const struct ledger_message *messages, size_t count);
/* QUIT was answered +OK: these are gone from the server. */
enum outcome ledger_deleted(struct ledger *ledger, const char *account,
	const struct message_key *keys, size_t count);
/* The connection ended in the middle of this one. */
enum outcome ledger_broke(struct ledger *ledger, const char *account,
	const struct message_key *key, uint64_t octets);

/* Forgets messages deleted before `before_seconds` (since 1970) whose UIDL is, by
 * `is_listed`, on the server no more. */
enum outcome ledger_forget(struct ledger *ledger, const char *account,
	uint64_t before_seconds,
	bool (*is_listed)(struct bytes uidl, void *context), void *context);

/* False: there was no run of that account. */
bool ledger_last_run(
	struct ledger *ledger, const char *account, struct ledger_run *out);

/*
 * What is remembered of an account between two runs. Times are seconds since
 * 1970 but for those of the account's own clock (account_clock.h).
 */
#define LEDGER_SERVER_SIZE     320
#define LEDGER_MECHANISMS_SIZE 512

struct ledger_memory {
	/* the server, and what it said to CAPA when it was asked */
	char server[LEDGER_SERVER_SIZE];
	uint64_t asked_at_seconds; /* 0: not known */
	uint64_t capabilities, login_delay_seconds, expire_days;
	char mechanisms[LEDGER_MECHANISMS_SIZE];
	uint64_t lockstep_until_seconds; /* it lost pipelined commands */
	/* the mailbox as the last run left it; 0: not known */
	uint64_t listed_at_seconds; /* whole */
	uint64_t messages, octets;
	unsigned char uidl[MESSAGE_KEY_UIDL_MAXIMUM_OCTETS]; /* of the last */
	size_t uidl_octets;
	int64_t due_seconds; /* when one is to be deleted; 0: never */
	/* logins */
	uint64_t login_at_seconds;
	uint64_t refusals, refused_at_seconds, refused_mark;
	/* the account's clock, and the system's at that time */
	int64_t clock_seconds;
	uint64_t clock_wall_seconds;
	uint64_t settings_mark; /* of the rules and policies of the last run */
	bool is_steady; /* it did not jump between the last run and this one */
};

/* All zero when nothing is known. *out_is_running: as ledger_begin_run says. */
enum outcome ledger_recall(struct ledger *ledger, const char *account,
	struct ledger_memory *out, bool *out_is_running);
enum outcome ledger_remember(struct ledger *ledger, const char *account,
	const struct ledger_memory *memory);

#endif
