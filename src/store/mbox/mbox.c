/* SPDX-License-Identifier: ISC */
#include "store/mbox/mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/mbox/job.h"
#include "store/mbox/retention.h"

/* ---- open and release ---- */

static void
free_session(struct mbox_store *store, struct store_session *session)
{
	locks_drop(&store->locks, &session->lock);
	free(session->release);
	free(session);
}

static enum outcome
open_work(struct mbox_job *job)
{
	struct store_open_call *call = (struct store_open_call *)job->call;

	return mbox_session_open(
		&job->session->session, &job->scan, &call->snapshot);
}

static void
open_finish(struct mbox_job *job)
{
	struct store_open_call *call = (struct store_open_call *)job->call;

	if (job->outcome == OK)
		call->session = job->session;
	else
		free_session(job->store, job->session);
}

static enum outcome
lock_mailbox(struct mbox_store *store, const char *mailbox,
	struct store_session *session)
{
	bool is_held = false;
	enum outcome outcome =
		mbox_init(&session->session.mbox, &store->settings, mailbox);

	if (outcome != OK)
		return outcome;
	session->key = mbox_key(mailbox);
	session->session.descriptor = -1;
	session->lock = locks_take(&store->locks, mailbox, &is_held);
	if (session->lock)
		return OK;
	return is_held ? ERR_BUSY : ERR_TRY_LATER;
}

static void
mbox_open(struct store *base, struct store_open_call *call)
{
	struct mbox_store *store = (struct mbox_store *)base;
	struct store_session *session = calloc(1, sizeof(*session));
	struct mbox_job *job = calloc(1, sizeof(*job));
	enum outcome outcome = ERR_TRY_LATER;

	if (session)
		session->release = calloc(1, sizeof(*session->release));
	if (session && session->release && job)
		outcome = lock_mailbox(store, call->mailbox, session);
	if (outcome != OK) {
		free(job);
		if (session)
			free_session(store, session);
		mbox_answer(&call->call, outcome);
		return;
	}
	*job = (struct mbox_job){
		.call = &call->call,
		.session = session,
		.work = open_work,
		.finish = open_finish,
		.scan = mbox_kept_take(store, call->mailbox),
	};
	mbox_job_start(store, job, &session->session.mbox, session->key);
}

/* What it knows of the file is kept for the next one. */
static enum outcome
release_work(struct mbox_job *job)
{
	job->scan = job->session->session.scan;
	job->session->session.scan = NULL;
	mbox_session_close(&job->session->session);
	return OK;
}

static void
release_finish(struct mbox_job *job)
{
	free(job->session);
}

/* The lock goes at once: an open that comes now is carried out behind
   everything this session has under way. */
static void
mbox_release(struct store *base, struct store_session **session)
{
	struct mbox_store *store = (struct mbox_store *)base;
	struct store_session *gone = *session;
	struct mbox_job *job;

	if (!gone)
		return;
	*session = NULL;
	locks_drop(&store->locks, &gone->lock);
	job = gone->release;
	*job = (struct mbox_job){
		.session = gone,
		.work = release_work,
		.finish = release_finish,
	};
	mbox_job_start(store, job, &gone->session.mbox, gone->key);
}

/* Locks in memory live as long as the process: nothing runs out. */
static void
mbox_renew(struct store *base, struct store_renew_call *call)
{
	mbox_answer(&call->call, OK);
}

/* ---- reading and deleting ---- */

/* There is no file that could be handed out: others write to it. */
static void
mbox_read(struct store *base, struct store_read_call *call)
{
	const struct mbox_scan *scan = call->session->session.scan;

	if (call->index >= scan->count) {
		mbox_answer(&call->call, ERR_PEER);
		return;
	}
	call->descriptor = -1;
	call->offset = 0;
	call->octets = scan->messages[call->index].index.stored_octets;
	mbox_answer(&call->call, OK);
}

static enum outcome
read_at_work(struct mbox_job *job)
{
	return mbox_session_read_at(
		&job->session->session, (struct store_read_at_call *)job->call);
}

static void
mbox_read_at(struct store *base, struct store_read_at_call *call)
{
	mbox_job_start_call((struct mbox_store *)base, &call->call,
		call->session, NULL, read_at_work);
}

static enum outcome
commit_work(struct mbox_job *job)
{
	struct store_commit_call *call = (struct store_commit_call *)job->call;

	return mbox_session_commit(&job->session->session, call->deleted);
}

static void
mbox_commit(struct store *base, struct store_commit_call *call)
{
	mbox_job_start_call((struct mbox_store *)base, &call->call,
		call->session, NULL, commit_work);
}

static enum outcome
note_work(struct mbox_job *job)
{
	struct store_note_call *call = (struct store_note_call *)job->call;

	return mbox_retention_note(&job->session->session, call->retrieved);
}

static void
mbox_note_retrieved(struct store *base, struct store_note_call *call)
{
	mbox_job_start_call((struct mbox_store *)base, &call->call,
		call->session, NULL, note_work);
}

/* ---- without a session ---- */

/* A job with a mailbox of its own; NULL: answered. */
static struct mbox_job *
make_own(struct mbox_store *store, const char *mailbox, struct store_call *call)
{
	struct mbox_job *job = calloc(1, sizeof(*job));
	enum outcome outcome = ERR_TRY_LATER;

	if (job)
		outcome = mbox_init(&job->own, &store->settings, mailbox);
	if (outcome == OK) {
		job->call = call;
		return job;
	}
	free(job);
	mbox_answer(call, outcome);
	return NULL;
}

static enum outcome
stat_work(struct mbox_job *job)
{
	struct store_stat_call *call = (struct store_stat_call *)job->call;
	struct mbox *mbox = &job->own;
	enum outcome outcome = OK;
	int fd = mbox_open_file(mbox, O_RDONLY, false);

	if (fd == -ENOENT)
		outcome = ERR_DENIED;
	else if (fd < 0)
		outcome = mbox_trouble(mbox, fd);
	if (outcome == OK) {
		/* No lock, so it may be a moment's count. */
		mbox->descriptor = fd;
		outcome = mbox_look(mbox, &job->scan);
	}
	mbox_unlock(mbox);
	if (outcome != OK)
		return outcome;
	call->count = job->scan->count;
	call->octets = job->scan->octets;
	return OK;
}

static void
mbox_stat(struct store *base, struct store_stat_call *call)
{
	struct mbox_store *store = (struct mbox_store *)base;
	struct mbox_job *job = make_own(store, call->mailbox, &call->call);

	if (!job)
		return;
	call->is_open = locks_is_held(&store->locks, call->mailbox);
	job->work = stat_work;
	job->scan = mbox_kept_take(store, call->mailbox);
	mbox_job_start(store, job, &job->own, mbox_key(call->mailbox));
}

static enum outcome
expire_work(struct mbox_job *job)
{
	return mbox_retention_expire(&job->own, &job->scan,
		(struct store_expire_call *)job->call, &job->next_expiry_ns);
}

static void
expire_finish(struct mbox_job *job)
{
	struct store_expire_call *call = (struct store_expire_call *)job->call;
	struct mbox_kept *kept = mbox_kept_get(job->store, job->own.name);

	if (job->outcome != OK)
		return;
	kept->next_expiry_ns = job->next_expiry_ns;
	kept->expiry_seconds = call->kept_seconds;
}

static bool
is_nothing_due(struct mbox_store *store, const struct store_expire_call *call)
{
	const struct mbox_kept *kept = mbox_kept_get(store, call->mailbox);
	uint64_t now = store->settings.files->now_ns(store->settings.files);

	return kept->expiry_seconds == call->kept_seconds &&
	       now < kept->next_expiry_ns &&
	       /* A clock that was set back must not stop it for years. */
	       kept->next_expiry_ns - now <= 3600ull * 1000000000;
}

/* Needs no lock of ours: a session that opens meanwhile is carried out behind
   it. */
static void
mbox_expire(struct store *base, struct store_expire_call *call)
{
	struct mbox_store *store = (struct mbox_store *)base;
	struct mbox_job *job;

	call->removed = 0;
	if (locks_is_held(&store->locks, call->mailbox)) {
		mbox_answer(&call->call, ERR_BUSY);
		return;
	}
	if (is_nothing_due(store, call)) {
		mbox_answer(&call->call, OK);
		return;
	}
	job = make_own(store, call->mailbox, &call->call);
	if (!job)
		return;
	job->work = expire_work;
	job->finish = expire_finish;
	job->scan = mbox_kept_take(store, call->mailbox);
	mbox_job_start(store, job, &job->own, mbox_key(call->mailbox));
}

static bool
mbox_tend(struct store *base)
{
	return false;
}

static void
mbox_free(struct store **base)
{
	struct mbox_store *store = (struct mbox_store *)*base;

	if (!store)
		return;
	*base = NULL;
	if (store->jobs > 0)
		store->is_ending = true;
	else
		mbox_job_free_store(store);
}

static const struct store_ops mbox_ops = {
	.name = "mbox",
	.open = mbox_open,
	.read = mbox_read,
	.read_at = mbox_read_at,
	.commit = mbox_commit,
	.note_retrieved = mbox_note_retrieved,
	.expire = mbox_expire,
	.renew = mbox_renew,
	.release = mbox_release,
	.stat = mbox_stat,
	.append_begin = mbox_append_begin,
	.append_write = mbox_append_write,
	.append_commit = mbox_append_commit,
	.append_abort = mbox_append_abort,
	.tend = mbox_tend,
	.free = mbox_free,
};

enum outcome
mbox_store_new(
	struct store_options *options, struct files *files, struct store **out)
{
	struct mbox_store *store = calloc(1, sizeof(*store));

	if (!store)
		return ERR_TRY_LATER;
	*store = (struct mbox_store){
		.store.ops = &mbox_ops,
		.executor = options->executor,
		.notice = options->notice,
		.template = strdup(options->mail_template),
		.hostname = strdup(options->hostname ? options->hostname : ""),
		.kept = calloc(MBOX_KEPT_MAXIMUM, sizeof(struct mbox_kept)),
		.locks = LOCKS_EMPTY,
	};
	store->settings = (struct mbox_settings){
		.files = files,
		.mail_root = -1,
		.state_root = -1,
		.template = store->template,
		.hostname = store->hostname,
		.quota = options->quota,
		.lock_wait_ms = options->lock_wait_ms ? options->lock_wait_ms
						      : MBOX_LOCK_WAIT_MS,
	};
	if (!store->template || !store->hostname || !store->kept) {
		mbox_job_free_store(store);
		return ERR_TRY_LATER;
	}
	store->settings.mail_root = options->mail_root;
	store->settings.state_root = options->state_root;
	options->mail_root = options->state_root = -1;
	*out = &store->store;
	return OK;
}
