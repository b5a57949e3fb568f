/* SPDX-License-Identifier: ISC */
/*
 * memory_state - what the files of the memory store share. Nobody else
 * includes it.
 */
#ifndef STORE_MEMORY_MEMORY_STATE_H
#define STORE_MEMORY_MEMORY_STATE_H

#include "store/files.h"
#include "store/index_format.h"
#include "store/store.h"
#include "store/uidl.h"

struct message {
	uint64_t offset; /* in the mailbox's file */
	struct index_message index;
	char uidl[UIDL_OWN_OCTETS + 1];
	uint64_t arrived_ns;
	uint64_t retrieved_ns; /* first; 0: never */
};

struct mailbox {
	struct mailbox *next;
	int descriptor;
	uint64_t end; /* of what is committed in the file */
	struct message *messages;
	uint32_t count, capacity;
	uint64_t octets;
	struct store_session *session; /* that has it, or NULL */
	char name[STORE_MAILBOX_MAXIMUM_OCTETS];
};

struct memory_store {
	struct store store;
	struct files *files;
	struct mailbox *mailboxes;
	uint32_t lease_ms; /* 0: locks do not run out */
};

struct store_session {
	struct mailbox *mailbox;
	uint32_t count;
	uint64_t until_ns; /* of its lease */
};

void memory_answer(struct store_call *call, enum outcome outcome);
/* NULL: there is none. */
struct mailbox *memory_find(const struct memory_store *store, const char *name);

/* A session has the mailbox, and its lease has not run out. */
bool memory_is_held(
	const struct memory_store *store, const struct mailbox *mailbox);

/* ---- retention.c ---- */

void memory_note_retrieved(struct store *base, struct store_note_call *call);
void memory_expire(struct store *base, struct store_expire_call *call);

#endif
