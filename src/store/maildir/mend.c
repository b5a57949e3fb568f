/* SPDX-License-Identifier: ISC */
#include "store/maildir/mend.h"

#include "store/maildir/check.h"
#include "store/maildir/ready.h"
#include "store/maildir/uidls.h"

/* ---- UIDLs ---- */

/* The index knows what the journal no longer says. `may_lack_last`: of a name
   that it says is gone, too. */
static enum outcome
restore_uidl(struct uidls *uidls, struct index_view *view,
	const struct index_message *message, const struct file_name *name,
	bool may_lack_last, struct store_mend_call *call)
{
	unsigned char digest[UIDL_DIGEST_OCTETS], uidl[UIDL_MAXIMUM_OCTETS];
	char own[UIDL_MAXIMUM_OCTETS + 1];
	enum uidls_kind kind = UIDLS_NONE;
	enum outcome outcome;
	size_t octets;

	outcome = index_view_uidl(view, message, uidl, &octets);
	if (outcome == OK && !uidl_digest(file_name_base(name), digest))
		outcome = ERR_TRY_LATER;
	if (outcome == OK)
		outcome = uidls_find(uidls, digest, &kind, own);
	if (outcome != OK || kind == UIDLS_GIVEN ||
		(kind == UIDLS_GONE && !may_lack_last))
		return outcome;
	uidl_print(digest, own);
	if (bytes_equal(bytes_of(uidl, octets), bytes_of_string(own)))
		return OK;
	call->uidls_restored++;
	return uidls_give(uidls, digest, bytes_of(uidl, octets));
}

/* An index that is not behind shows which UIDL a name was given after its
   message was deleted, even when the journal's last word of it is damaged. */
static bool
may_lack_last(const struct uidls *uidls)
{
	return uidls->damaged_octets > 0 && uidls->mailbox->is_checked;
}

/* Every record has a checksum of its own: what others say counts although
   some are damaged. */
static enum outcome
walk(struct uidls *uidls, struct index_view *view, struct store_mend_call *call)
{
	for (uint32_t i = 0; i < view->trailer.count; i++) {
		struct index_message message;
		struct file_name name;
		uint32_t number;
		enum outcome outcome =
			index_view_message(view, i, &number, &message);

		if (outcome == OK)
			outcome = index_view_name(view, &message, &name);
		if (outcome == OK)
			outcome = restore_uidl(uidls, view, &message, &name,
				may_lack_last(uidls), call);
		if (outcome == ERR_BROKEN)
			call->was_damaged = true;
		else if (outcome != OK)
			return outcome;
	}
	return OK;
}

static enum outcome
restore_uidls(struct mailbox *mailbox, struct uidls *uidls,
	struct store_mend_call *call)
{
	struct index_view *view = NULL;
	enum outcome outcome = index_view_open(mailbox, &view);

	call->was_damaged = outcome == ERR_BROKEN;
	call->was_missing = outcome == ERR_GONE;
	if (outcome == ERR_BROKEN || outcome == ERR_GONE)
		return OK;
	if (outcome == OK)
		outcome = walk(uidls, view, call);
	index_view_free(mailbox->files, &view);
	return outcome;
}

static enum outcome
mend_uidls(struct mailbox *mailbox, struct store_mend_call *call)
{
	struct uidls uidls;
	enum outcome outcome = uidls_open(&uidls, mailbox);

	if (outcome != OK)
		return outcome;
	call->uidls_set_aside_octets = uidls.damaged_octets;
	outcome = restore_uidls(mailbox, &uidls, call);
	if (outcome == OK)
		outcome = uidls_sync(&uidls);
	uidls_release(&uidls);
	if (outcome != OK || call->uidls_set_aside_octets == 0)
		return outcome;
	return uidls_set_aside(mailbox);
}

/* ---- the index ---- */

static void
ignore(struct store_check_teller *teller, const char *name, const char *what)
{
}

/* Whether it says of a message what is not so. What cannot be read now must
   not look like deleted to clients: it stays. */
static enum outcome
compare(struct mailbox *mailbox, struct store_mend_call *call, bool *out)
{
	struct store_check_teller teller = {.wrong = ignore};
	struct store_check found = {0};
	enum outcome outcome = maildir_check_mailbox(mailbox, &teller, &found);

	if (outcome == ERR_BROKEN) {
		call->was_damaged = *out = true;
		return OK;
	}
	call->wrong = found.wrong;
	*out = outcome == OK && found.wrong > found.unreadable;
	return outcome;
}

/* Reads what is new, or everything when the index is damaged or missing. */
static enum outcome
look(struct mailbox *mailbox, struct store_mend_call *call)
{
	struct index_view *view = NULL;
	enum outcome outcome = mailbox_ready(mailbox, false, &view);

	if (outcome == OK) {
		call->count = view->trailer.count;
		call->octets = view->trailer.octets;
	}
	index_view_free(mailbox->files, &view);
	/* One in memory, for one session, is not what was asked for. */
	if (outcome == OK && !mailbox->index.is_loaded)
		outcome = ERR_TRY_LATER;
	return outcome;
}

static enum outcome
make_anew(struct mailbox *mailbox, struct store_mend_call *call)
{
	enum outcome outcome;

	mailbox->must_rebuild = true;
	outcome = look(mailbox, call);
	call->was_made_anew = outcome == OK;
	return outcome;
}

static enum outcome
mend_index(struct mailbox *mailbox, struct store_mend_call *call)
{
	bool is_there = !call->was_damaged && !call->was_missing;
	bool must = !call->is_repair || !is_there;
	enum outcome outcome = OK;

	/* First what others removed, whose names are noted. */
	if (is_there) {
		mailbox->must_scan = true;
		outcome = look(mailbox, call);
	}
	if (outcome == OK && !must)
		outcome = compare(mailbox, call, &must);
	if (outcome == OK && must)
		outcome = make_anew(mailbox, call);
	return outcome;
}

enum outcome
mailbox_mend(struct mailbox *mailbox, struct store_mend_call *call)
{
	enum outcome outcome = mailbox_open_root(mailbox, false);

	if (outcome != OK)
		return outcome;
	mailbox->mending = call;
	mailbox->index.is_loaded = false; /* what is on disk counts */
	call->leftovers = mailbox_sweep_again(mailbox);
	outcome = mend_uidls(mailbox, call);
	if (outcome == OK)
		outcome = mend_index(mailbox, call);
	mailbox->mending = NULL;
	return outcome;
}
