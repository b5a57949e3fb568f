/* SPDX-License-Identifier: ISC */
#include "store/mbox/retention.h"

#include "store/little_endian.h"
#include "store/retrieved.h"

#define SECOND_NS    1000000000ull
#define LOOK_SECONDS 3600u
/* A From_ line is in the local time of who wrote it, which we take for UTC:
   so much later it may have come. Kept longer, never shorter. */
#define ZONE_SECONDS (14u * 3600u)

/* What names a message, with its number. */
static bool
name_of(const struct mbox_message *message,
	unsigned char out[UIDL_DIGEST_OCTETS])
{
	unsigned char both[UIDL_DIGEST_OCTETS + 8];

	memcpy(both, message->digest, UIDL_DIGEST_OCTETS);
	little_put(both + UIDL_DIGEST_OCTETS, 8, message->number);
	return uidl_digest(bytes_of(both, sizeof(both)), out);
}

enum outcome
mbox_retention_note(
	struct mbox_session *session, const struct index_set *retrieved)
{
	const struct mbox_scan *scan = session->scan;
	struct files *files = session->mbox.files;
	uint64_t now = files->now_ns(files) / SECOND_NS;
	uint32_t i = index_set_next(retrieved, 0);
	struct retrieved noted;
	enum outcome outcome = retrieved_open(&noted, &session->mbox.state);

	if (outcome != OK)
		return outcome;
	for (; i < scan->count && outcome == OK;
		i = index_set_next(retrieved, i + 1)) {
		unsigned char name[UIDL_DIGEST_OCTETS];

		if (!name_of(&scan->messages[i], name) ||
			!retrieved_note(&noted, name, now))
			outcome = ERR_TRY_LATER;
	}
	if (outcome == OK)
		outcome = retrieved_write(&noted);
	retrieved_release(&noted);
	return outcome;
}

/* ---- what is due ---- */

struct expiry {
	const struct mbox_scan *scan;
	struct retrieved retrieved;
	struct index_set due;
	uint64_t kept_seconds, now, next; /* seconds */
	bool is_from_retrieval;
};

/* False: its time has not begun. Without a date it is as old as the file's
   last change, at most. */
static bool
kept_since(struct expiry *x, const struct mbox_message *message,
	uint64_t *out_seconds, enum outcome *out_outcome)
{
	unsigned char name[UIDL_DIGEST_OCTETS];

	if (!x->is_from_retrieval) {
		*out_seconds = message->arrived_seconds
				       ? message->arrived_seconds
				       : x->scan->stamp.modified_ns / SECOND_NS;
		/* What we wrote is in UTC. */
		if (message->number >> 63 == 0)
			*out_seconds += ZONE_SECONDS;
		return true;
	}
	if (!name_of(message, name))
		*out_outcome = ERR_TRY_LATER;
	return *out_outcome == OK &&
	       retrieved_find(&x->retrieved, name, out_seconds);
}

static enum outcome
find_due(struct expiry *x)
{
	enum outcome outcome = OK;
	uint64_t since, due;

	for (uint32_t i = 0; i < x->scan->count && outcome == OK; i++) {
		if (!kept_since(x, &x->scan->messages[i], &since, &outcome))
			continue;
		due = since > UINT64_MAX - x->kept_seconds
			      ? UINT64_MAX
			      : since + x->kept_seconds;
		if (due > x->now) {
			if (due < x->next)
				x->next = due;
			continue;
		}
		if (!index_set_add(&x->due, i))
			outcome = ERR_TRY_LATER;
	}
	return outcome;
}

static enum outcome
remove_due(struct expiry *x, struct mbox *mbox)
{
	enum outcome outcome = OK;

	if (x->is_from_retrieval)
		outcome = retrieved_open(&x->retrieved, &mbox->state);
	if (outcome == OK)
		outcome = find_due(x);
	if (outcome == OK && x->due.count > 0)
		outcome = mbox_delete(mbox, x->scan, &x->due);
	if (outcome == OK && x->is_from_retrieval)
		outcome = retrieved_tidy(&x->retrieved);
	if (x->is_from_retrieval)
		retrieved_release(&x->retrieved);
	return outcome;
}

enum outcome
mbox_retention_expire(struct mbox *mbox, struct mbox_scan **kept,
	struct store_expire_call *call, uint64_t *out_next_ns)
{
	uint64_t now = mbox->files->now_ns(mbox->files) / SECOND_NS;
	struct expiry x = {
		.now = now,
		.next = now + LOOK_SECONDS,
		.kept_seconds = call->kept_seconds,
		.is_from_retrieval = call->is_from_retrieval,
	};
	enum outcome outcome = mbox_lock(mbox, false);

	if (outcome != OK)
		return outcome;
	outcome = mbox_look(mbox, kept);
	x.scan = *kept;
	if (outcome == OK)
		outcome = remove_due(&x, mbox);
	mbox_unlock(mbox);
	if (outcome == OK) {
		call->removed = x.due.count;
		*out_next_ns = x.next * SECOND_NS;
	}
	index_set_release(&x.due);
	return outcome;
}
