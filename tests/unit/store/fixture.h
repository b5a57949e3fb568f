/* SPDX-License-Identifier: ISC */
/*
 * fixture - a store in a directory of its own, its operations as plain calls.
 * Every helper fails the test when the store's answer breaks the contract.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/files.h"
#include "store/registry.h"
#include "store/snapshot.h"
#include "store/store.h"

struct fixture {
	const char *kind;
	struct files *files; /* beneath the Maildir and mbox stores */
	bool is_shared;
	struct store_quota quota;
	uint32_t journal_octets; /* 0: the plain way */
	uint32_t lease_ms;	 /* of the memory store */
	char directory[64];	 /* holds mail/ and state/ */
	struct store *store;
	unsigned notices;
};

void fixture_open(struct fixture *fixture, const char *kind);
void fixture_close(struct fixture *fixture);
/* Stops the store and starts one on the same directory. */
void fixture_reopen(struct fixture *fixture);
void fixture_start(struct fixture *fixture);
void fixture_stop(struct fixture *fixture);
/* What the notice function of the last started store was told. */
unsigned fixture_notices(void);

/* Path below the fixture's directory; static memory, four at once. */
const char *fixture_path(const struct fixture *fixture, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void write_file(const char *path, const void *at, size_t octets);
void write_text(const char *path, const char *text);
size_t read_file(const char *path, void *to, size_t room);
/* Sets the time of a directory so far back that its stamp is trusted. */
void make_old(const char *path);
void remove_tree(const char *path);
/* The n-th entry, by name, of a directory; false when there is none. */
bool entry_at(const char *directory, unsigned n, char out[256]);
unsigned count_entries(const char *directory);

struct opened {
	enum outcome outcome;
	struct store_session *session;
	struct snapshot *snapshot;
	const struct maildrop *maildrop;
};

struct opened open_mailbox(struct fixture *fixture, const char *mailbox);
void close_mailbox(struct fixture *fixture, struct opened *opened);
/* What a session that opens it, which must work, finds there. */
uint32_t count_messages(struct fixture *fixture, const char *mailbox);

/* Appends in two chunks; the UIDL is copied when it worked. */
enum outcome append_octets(struct fixture *fixture, const char *mailbox,
	const void *at, size_t octets, char *out_uidl);
enum outcome append_text(struct fixture *fixture, const char *mailbox,
	const char *text, char *out_uidl);
enum append_step { APPEND_BEGIN, APPEND_WRITE, APPEND_COMMIT };
/* One step, which must work. */
void run_append(struct fixture *fixture, enum append_step step,
	struct store_append_call *call, const char *text);
/* What read gives; both ways are compared. -1 with *out_outcome. */
ssize_t read_message(struct fixture *fixture, struct opened *opened,
	uint32_t index, void *to, size_t room, enum outcome *out_outcome);
/* One call of read_at, as it is. */
enum outcome read_part(
	struct fixture *fixture, struct store_read_at_call *call);
/* What a client gets of the stored octets: CRLF at each line's end. `to` has
   room for twice as many and 2. */
size_t as_sent(const void *stored, size_t octets, unsigned char *to);
/* As sent. */
void assert_message(struct fixture *fixture, struct opened *opened,
	uint32_t index, const char *text);
void uidl_of(const struct opened *opened, uint32_t index, char out[71]);
/* Deletes `indexes`, ended by -1. */
enum outcome delete_messages(
	struct fixture *fixture, struct opened *opened, const int *indexes);
/* Notes `indexes`, ended by -1, as sent whole. */
enum outcome note_messages(
	struct fixture *fixture, struct opened *opened, const int *indexes);
struct store_expire_call expire_mailbox(struct fixture *fixture,
	const char *mailbox, uint64_t kept_seconds, bool is_from_retrieval);
struct store_mend_call mend_mailbox(
	struct fixture *fixture, const char *mailbox, bool is_repair);
enum outcome renew_session(struct fixture *fixture, struct opened *opened);
struct store_stat_call stat_mailbox(
	struct fixture *fixture, const char *mailbox);

#endif
