/* SPDX-License-Identifier: ISC */
#include "store/maildir/maildir.h"

#include <stdlib.h>

#include "store/maildir/job.h"
#include "store/maildir/mend.h"
#include "store/maildir/ready.h"
#include "store/maildir/retention.h"
#include "store/maildir/session.h"

struct store_session {
	struct session session; /* first */
	struct slot *slot;
	struct job release;
};

static enum outcome
open_work(struct job *job)
{
	struct store_open_call *call = (struct store_open_call *)job->call;

	return session_open(
		&job->session->session, &job->slot->mailbox, &call->snapshot);
}

static bool
may_open_kept(const struct job *job)
{
	return mailbox_is_as_kept(&job->slot->mailbox);
}

static enum outcome
open_kept_work(struct job *job)
{
	struct store_open_call *call = (struct store_open_call *)job->call;

	return session_open_kept(
		&job->session->session, &job->slot->mailbox, &call->snapshot);
}

static void
open_finish(struct job *job)
{
	struct store_open_call *call = (struct store_open_call *)job->call;
	struct store_session *session = job->session;

	if (job->outcome == OK) {
		call->session = session;
		return;
	}
	session->slot->is_held = false;
	slots_put(&job->store->slots, session->slot);
	free(session);
}

/* ERR_BUSY: a session has it open. */
static enum outcome
get_unheld(struct maildir_store *store, const char *mailbox, struct slot **out)
{
	struct slot *slot;
	enum outcome outcome = slots_get(&store->slots, mailbox, &slot);

	if (outcome != OK)
		return outcome;
	if (slot->is_held) {
		slots_put(&store->slots, slot);
		return ERR_BUSY;
	}
	*out = slot;
	return OK;
}

static enum outcome
lock_mailbox(struct maildir_store *store, const char *mailbox,
	struct store_session **out)
{
	struct store_session *session = calloc(1, sizeof(*session));
	enum outcome outcome;

	if (!session)
		return ERR_TRY_LATER;
	outcome = get_unheld(store, mailbox, &session->slot);
	if (outcome != OK) {
		free(session);
		return outcome;
	}
	session->slot->is_held = true;
	*out = session;
	return OK;
}

static void
maildir_open(struct store *base, struct store_open_call *call)
{
	struct maildir_store *store = (struct maildir_store *)base;
	struct job *job = calloc(1, sizeof(*job));
	struct store_session *session;
	enum outcome outcome = ERR_TRY_LATER;

	if (job)
		outcome = lock_mailbox(store, call->mailbox, &session);
	if (outcome != OK) {
		free(job);
		job_answer(&call->call, outcome);
		return;
	}
	job->call = &call->call;
	job->session = session;
	job->work = open_kept_work;
	job->finish = open_finish;
	if (job_do_here(store, job, session->slot, may_open_kept))
		return;
	job->work = open_work;
	job_start(store, job, session->slot);
}

static enum outcome
read_work(struct job *job)
{
	struct store_read_call *call = (struct store_read_call *)job->call;

	return session_read(&job->session->session, call);
}

static void
maildir_read(struct store *base, struct store_read_call *call)
{
	job_start_call((struct maildir_store *)base, call->session->slot,
		&call->call, call->session, NULL, read_work);
}

static enum outcome
read_at_work(struct job *job)
{
	struct store_read_at_call *call =
		(struct store_read_at_call *)job->call;

	return session_read_at(&job->session->session, call);
}

static void
maildir_read_at(struct store *base, struct store_read_at_call *call)
{
	job_start_call((struct maildir_store *)base, call->session->slot,
		&call->call, call->session, NULL, read_at_work);
}

static enum outcome
commit_work(struct job *job)
{
	struct store_commit_call *call = (struct store_commit_call *)job->call;

	return session_commit(&job->session->session, call->deleted);
}

static void
maildir_commit(struct store *base, struct store_commit_call *call)
{
	job_start_call((struct maildir_store *)base, call->session->slot,
		&call->call, call->session, NULL, commit_work);
}

static enum outcome
note_work(struct job *job)
{
	struct store_note_call *call = (struct store_note_call *)job->call;

	return retention_note(&job->session->session, call->retrieved);
}

static void
maildir_note_retrieved(struct store *base, struct store_note_call *call)
{
	job_start_call((struct maildir_store *)base, call->session->slot,
		&call->call, call->session, NULL, note_work);
}

/* Locks in memory live as long as the process: nothing runs out. */
static void
maildir_renew(struct store *base, struct store_renew_call *call)
{
	job_answer(&call->call, OK);
}

static bool
may_release_here(const struct job *job)
{
	return session_is_quickly_closed(&job->session->session);
}

static enum outcome
release_work(struct job *job)
{
	session_close(&job->session->session);
	return OK;
}

/* The job is part of what it frees. */
static void
release_finish(struct job *job)
{
	struct maildir_store *store = job->store;
	struct store_session *session = job->session;
	struct slot *slot = session->slot;

	free(session);
	slots_put(&store->slots, slot);
}

/* The lock goes at once: an open that comes now is carried out behind
   everything this session has under way. */
static void
maildir_release(struct store *base, struct store_session **session)
{
	struct maildir_store *store = (struct maildir_store *)base;
	struct store_session *gone = *session;

	if (!gone)
		return;
	*session = NULL;
	gone->slot->is_held = false;
	gone->release = (struct job){
		.session = gone,
		.work = release_work,
		.finish = release_finish,
		.is_embedded = true,
	};
	if (!job_do_here(store, &gone->release, gone->slot, may_release_here))
		job_start(store, &gone->release, gone->slot);
}

/* A session's records must stay where they are: no scan while one is open. */
static enum outcome
look_at_index(struct mailbox *mailbox)
{
	int fd = -1;
	enum outcome outcome = mailbox_open_root(mailbox, false);

	if (outcome == OK)
		outcome = index_file_open(mailbox, &fd);
	mailbox->files->close(mailbox->files, &fd);
	return outcome == ERR_GONE ? ERR_TRY_LATER : outcome;
}

static enum outcome
stat_work(struct job *job)
{
	struct store_stat_call *call = (struct store_stat_call *)job->call;
	struct mailbox *mailbox = &job->slot->mailbox;
	struct index_view *view = NULL;
	struct index_trailer trailer;
	enum outcome outcome;

	if (job->is_open) {
		outcome = look_at_index(mailbox);
		trailer = mailbox->index.trailer;
	} else {
		outcome = mailbox_ready(mailbox, false, &view);
		if (outcome == OK)
			trailer = view->trailer;
		index_view_free(mailbox->files, &view);
	}
	if (outcome != OK)
		return outcome;
	call->count = trailer.count;
	call->octets = trailer.octets;
	call->is_open = job->is_open;
	return OK;
}

static void
maildir_stat(struct store *base, struct store_stat_call *call)
{
	struct maildir_store *store = (struct maildir_store *)base;
	struct job *job = calloc(1, sizeof(*job));
	struct slot *slot;
	enum outcome outcome = ERR_TRY_LATER;

	if (job)
		outcome = slots_get(&store->slots, call->mailbox, &slot);
	if (outcome != OK) {
		free(job);
		job_answer(&call->call, outcome);
		return;
	}
	job->call = &call->call;
	job->work = stat_work;
	job->is_open = slot->is_held;
	job_start(store, job, slot);
	slots_put(&store->slots, slot);
}

static enum outcome
expire_work(struct job *job)
{
	return retention_expire(
		&job->slot->mailbox, (struct store_expire_call *)job->call);
}

/* A job would be for nothing. */
static bool
is_nothing_due(struct slot *slot, uint64_t kept_seconds)
{
	bool is_nothing;

	if (!slot_try_enter(slot))
		return false;
	is_nothing = retention_is_nothing_due(&slot->mailbox, kept_seconds);
	slot_leave(slot);
	return is_nothing;
}

/* Needs no lock: a session that opens meanwhile is carried out behind it. */
static void
maildir_expire(struct store *base, struct store_expire_call *call)
{
	struct maildir_store *store = (struct maildir_store *)base;
	enum outcome outcome;
	struct slot *slot;

	call->removed = 0;
	outcome = get_unheld(store, call->mailbox, &slot);
	if (outcome != OK) {
		job_answer(&call->call, outcome);
		return;
	}
	if (is_nothing_due(slot, call->kept_seconds)) {
		slots_put(&store->slots, slot);
		job_answer(&call->call, OK);
		return;
	}
	job_start_call(store, slot, &call->call, NULL, NULL, expire_work);
	slots_put(&store->slots, slot);
}

static enum outcome
mend_work(struct job *job)
{
	return mailbox_mend(
		&job->slot->mailbox, (struct store_mend_call *)job->call);
}

/* As expire. */
static void
maildir_mend(struct store *base, struct store_mend_call *call)
{
	struct maildir_store *store = (struct maildir_store *)base;
	struct slot *slot;
	enum outcome outcome = get_unheld(store, call->mailbox, &slot);

	if (outcome != OK) {
		job_answer(&call->call, outcome);
		return;
	}
	job_start_call(store, slot, &call->call, NULL, NULL, mend_work);
	slots_put(&store->slots, slot);
}

static bool
maildir_tend(struct store *base)
{
	struct maildir_store *store = (struct maildir_store *)base;

	if (store->watches)
		watches_drain(store->watches);
	return group_tend(store);
}

static void
maildir_free(struct store **base)
{
	struct maildir_store *store = (struct maildir_store *)*base;

	if (!store)
		return;
	*base = NULL;
	if (store->jobs > 0)
		store->is_ending = true;
	else
		job_free_store(store);
}

const struct store_ops maildir_ops = {
	.name = "maildir",
	.open = maildir_open,
	.read = maildir_read,
	.read_at = maildir_read_at,
	.commit = maildir_commit,
	.note_retrieved = maildir_note_retrieved,
	.expire = maildir_expire,
	.mend = maildir_mend,
	.renew = maildir_renew,
	.release = maildir_release,
	.stat = maildir_stat,
	.append_begin = maildir_append_begin,
	.append_write = maildir_append_write,
	.append_commit = maildir_append_commit,
	.append_abort = maildir_append_abort,
	.tend = maildir_tend,
	.free = maildir_free,
};
