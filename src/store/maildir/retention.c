/* SPDX-License-Identifier: ISC */
#include "store/maildir/retention.h"

#include <errno.h>

#include "store/maildir/ready.h"
#include "store/retrieved.h"

#define SECOND_NS 1000000000ull
/* Mail that others put in may be of any age: looked at so often. */
#define LOOK_NS (3600 * SECOND_NS)

static uint64_t
now_seconds(struct mailbox *mailbox)
{
	return mailbox->files->now_ns(mailbox->files) / SECOND_NS;
}

static bool
digest_of(struct index_view *view, uint32_t index, struct file_name *out_name,
	unsigned char out[UIDL_DIGEST_OCTETS], enum outcome *out_outcome)
{
	struct index_message message;
	uint32_t number;

	*out_outcome = index_view_message(view, index, &number, &message);
	if (*out_outcome == OK)
		*out_outcome = index_view_name(view, &message, out_name);
	if (*out_outcome == OK && !uidl_digest(file_name_base(out_name), out))
		*out_outcome = ERR_TRY_LATER;
	return *out_outcome == OK;
}

enum outcome
retention_note(struct session *session, const struct index_set *retrieved)
{
	struct mailbox *mailbox = session->mailbox;
	uint32_t count = session->view->trailer.count;
	uint64_t now = now_seconds(mailbox);
	uint32_t i = index_set_next(retrieved, 0);
	struct retrieved noted;
	enum outcome outcome = retrieved_open(&noted, &mailbox->state);

	if (outcome != OK)
		return outcome;
	for (; i < count && outcome == OK;
		i = index_set_next(retrieved, i + 1)) {
		unsigned char digest[UIDL_DIGEST_OCTETS];
		struct file_name name;

		if (digest_of(session->view, i, &name, digest, &outcome) &&
			!retrieved_note(&noted, digest, now))
			outcome = ERR_TRY_LATER;
	}
	if (outcome == OK)
		outcome = retrieved_write(&noted);
	retrieved_release(&noted);
	return outcome;
}

/* ---- what is due ---- */

struct expiry {
	struct session session;
	struct retrieved retrieved;
	struct index_set due;
	uint64_t kept_seconds, now, next; /* seconds */
	bool is_from_retrieval;
};

/* By the name, as Maildirs have it; a name without is as old as its file. */
static enum outcome
arrival(struct expiry *x, uint32_t index, struct file_name *name,
	uint64_t *out_seconds)
{
	struct index_message message;
	struct stat status;
	enum outcome outcome;

	if (file_name_time(name, out_seconds))
		return OK;
	outcome = session_find(&x->session, index, &message, name, &status);
	if (outcome == OK)
		*out_seconds = (uint64_t)status.st_mtim.tv_sec;
	return outcome;
}

/* Since when it is kept on the clock's account; false: it is not yet. */
static bool
kept_since(struct expiry *x, uint32_t index, uint64_t *out_seconds,
	enum outcome *out_outcome)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	struct file_name name;

	if (!digest_of(x->session.view, index, &name, digest, out_outcome))
		return false;
	if (x->is_from_retrieval)
		return retrieved_find(&x->retrieved, digest, out_seconds);
	*out_outcome = arrival(x, index, &name, out_seconds);
	if (*out_outcome != OK) {
		if (*out_outcome == ERR_GONE)
			*out_outcome = OK;
		return false;
	}
	return true;
}

static enum outcome
find_due(struct expiry *x)
{
	enum outcome outcome = OK;
	uint64_t since, due;

	for (uint32_t i = 0;
		i < x->session.view->trailer.count && outcome == OK; i++) {
		if (!kept_since(x, i, &since, &outcome))
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
remove_due(struct expiry *x, struct mailbox *mailbox)
{
	enum outcome outcome = OK;

	if (x->is_from_retrieval)
		outcome = retrieved_open(&x->retrieved, &mailbox->state);
	if (outcome == OK)
		outcome = find_due(x);
	if (outcome == OK)
		outcome = session_commit(&x->session, &x->due);
	if (outcome == OK && x->is_from_retrieval)
		outcome = retrieved_tidy(&x->retrieved);
	retrieved_release(&x->retrieved);
	return outcome;
}

bool
retention_is_nothing_due(struct mailbox *mailbox, uint64_t kept_seconds)
{
	uint64_t now = mailbox->files->now_ns(mailbox->files);

	return mailbox->expiry_seconds == kept_seconds &&
	       now < mailbox->next_expiry_ns &&
	       /* A clock that was set back must not stop it for years. */
	       mailbox->next_expiry_ns - now <= LOOK_NS;
}

enum outcome
retention_expire(struct mailbox *mailbox, struct store_expire_call *call)
{
	struct expiry x = {
		.now = now_seconds(mailbox),
		.kept_seconds = call->kept_seconds,
		.is_from_retrieval = call->is_from_retrieval,
	};
	struct index_view *view = NULL;
	enum outcome outcome;

	if (retention_is_nothing_due(mailbox, call->kept_seconds))
		return OK;
	x.next = x.now + LOOK_NS / SECOND_NS;
	outcome = mailbox_ready(mailbox, false, &view);
	if (outcome != OK)
		return outcome;
	x.session = (struct session){
		.mailbox = mailbox, .view = view, .read_at = -1};
	outcome = remove_due(&x, mailbox);
	if (outcome == OK) {
		call->removed = x.due.count;
		mailbox->expiry_seconds = call->kept_seconds;
		mailbox->next_expiry_ns = x.next * SECOND_NS;
	}
	index_set_release(&x.due);
	session_close(&x.session);
	return outcome;
}
