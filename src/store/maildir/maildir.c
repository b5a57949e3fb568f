/* SPDX-License-Identifier: ISC */
#include "store/maildir/maildir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/locks.h"
#include "store/maildir/delivery.h"
#include "store/maildir/refresh.h"
#include "store/maildir/session.h"
#include "store/maildir/slots.h"

struct maildir_store {
	struct store store; /* first */
	struct maildir_settings settings;
	struct executor *executor;
	void (*notice)(const char *mailbox, const char *text);
	struct slots slots;
	struct locks locks;
	unsigned jobs; /* under way */
	bool is_ending;
	char *template, *hostname;
};

/* An operation under way. `work` runs where the executor likes, `finish` on
   the thread that started it. */
struct job {
	struct executor_job executor_job; /* first */
	struct maildir_store *store;
	struct slot *slot;
	struct store_call *call; /* NULL: nobody waits */
	enum outcome outcome;
	enum outcome (*work)(struct job *job);
	void (*finish)(struct job *job); /* may be NULL */
	struct store_session *session;
	struct store_append *append;
	bool is_open;	  /* stat: when it was asked */
	bool is_embedded; /* in the session or append, which finish frees */
	char notice[MAILBOX_NOTICE_OCTETS];
};

struct store_session {
	struct session session; /* first */
	struct slot *slot;
	struct lock *lock;
	struct job release;
};

struct store_append {
	struct delivery delivery; /* first */
	struct slot *slot;
	struct job end; /* commit or abort */
};

static void
free_store(struct maildir_store *store)
{
	slots_release(&store->slots);
	locks_release(&store->locks);
	store->settings.files->close(
		store->settings.files, &store->settings.mail_root);
	store->settings.files->close(
		store->settings.files, &store->settings.state_root);
	free(store->template);
	free(store->hostname);
	free(store);
}

static void
answer(struct store_call *call, enum outcome outcome)
{
	call->outcome = outcome;
	call->done(call);
}

/* The notice is taken along: another job of the mailbox may be at work by the
   time `finish` runs. */
static void
job_work(struct executor_job *executor_job)
{
	struct job *job = (struct job *)executor_job;
	struct mailbox *mailbox = &job->slot->mailbox;

	job->outcome = job->work(job);
	memcpy(job->notice, mailbox->notice, sizeof(job->notice));
	mailbox->notice[0] = '\0';
}

static void
job_done(struct executor_job *executor_job)
{
	struct job *job = (struct job *)executor_job;
	struct maildir_store *store = job->store;
	struct store_call *call = job->call;
	enum outcome outcome = job->outcome;
	struct slot *slot = job->slot;
	bool is_embedded = job->is_embedded;

	if (job->notice[0] != '\0' && store->notice)
		store->notice(slot->mailbox.name, job->notice);
	if (job->finish)
		job->finish(job);
	if (!is_embedded)
		free(job);
	slots_put(&store->slots, slot);
	if (call)
		answer(call, outcome);
	if (--store->jobs == 0 && store->is_ending)
		free_store(store);
}

/* Every job counts as a user of its slot. */
static void
start(struct maildir_store *store, struct job *job, struct slot *slot)
{
	job->executor_job.work = job_work;
	job->executor_job.done = job_done;
	job->store = store;
	job->slot = slot;
	job->notice[0] = '\0';
	slot->users++;
	store->jobs++;
	store->executor->run(store->executor, slot->key, &job->executor_job);
}

static void
start_call(struct maildir_store *store, struct slot *slot,
	struct store_call *call, enum outcome (*work)(struct job *job))
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		answer(call, ERR_TRY_LATER);
		return;
	}
	job->call = call;
	job->work = work;
	start(store, job, slot);
}

static enum outcome
open_work(struct job *job)
{
	struct store_open_call *call = (struct store_open_call *)job->call;

	return session_open(
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
	locks_drop(&job->store->locks, &session->lock);
	slots_put(&job->store->slots, session->slot);
	free(session);
}

static enum outcome
lock_mailbox(struct maildir_store *store, const char *mailbox,
	struct store_session **out)
{
	struct store_session *session = calloc(1, sizeof(*session));
	enum outcome outcome;
	bool is_held = false;

	if (!session)
		return ERR_TRY_LATER;
	outcome = slots_get(&store->slots, mailbox, &session->slot);
	if (outcome != OK) {
		free(session);
		return outcome;
	}
	session->lock = locks_take(&store->locks, mailbox, &is_held);
	if (session->lock) {
		*out = session;
		return OK;
	}
	slots_put(&store->slots, session->slot);
	free(session);
	return is_held ? ERR_BUSY : ERR_TRY_LATER;
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
		answer(&call->call, outcome);
		return;
	}
	job->call = &call->call;
	job->session = session;
	job->work = open_work;
	job->finish = open_finish;
	start(store, job, session->slot);
}

static enum outcome
read_work(struct job *job)
{
	struct store_read_call *call = (struct store_read_call *)job->call;

	return session_read(&call->session->session, call);
}

static void
maildir_read(struct store *base, struct store_read_call *call)
{
	start_call((struct maildir_store *)base, call->session->slot,
		&call->call, read_work);
}

static enum outcome
read_at_work(struct job *job)
{
	struct store_read_at_call *call =
		(struct store_read_at_call *)job->call;

	return session_read_at(&call->session->session, call);
}

static void
maildir_read_at(struct store *base, struct store_read_at_call *call)
{
	start_call((struct maildir_store *)base, call->session->slot,
		&call->call, read_at_work);
}

static enum outcome
commit_work(struct job *job)
{
	struct store_commit_call *call = (struct store_commit_call *)job->call;

	return session_commit(&call->session->session, call->deleted);
}

static void
maildir_commit(struct store *base, struct store_commit_call *call)
{
	start_call((struct maildir_store *)base, call->session->slot,
		&call->call, commit_work);
}

/* Locks in memory live as long as the process: nothing runs out. */
static void
maildir_renew(struct store *base, struct store_session *session)
{
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
	locks_drop(&store->locks, &gone->lock);
	gone->release = (struct job){
		.session = gone,
		.work = release_work,
		.finish = release_finish,
		.is_embedded = true,
	};
	start(store, &gone->release, gone->slot);
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
		answer(&call->call, outcome);
		return;
	}
	job->call = &call->call;
	job->work = stat_work;
	job->is_open = locks_is_held(&store->locks, call->mailbox);
	start(store, job, slot);
	slots_put(&store->slots, slot);
}

static enum outcome
append_begin_work(struct job *job)
{
	return delivery_begin(&job->append->delivery, &job->slot->mailbox);
}

static void
append_begin_finish(struct job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;
	struct store_append *append = job->append;

	if (job->outcome == OK) {
		call->append = append;
		return;
	}
	slots_put(&job->store->slots, append->slot);
	free(append);
}

static void
maildir_append_begin(struct store *base, struct store_append_call *call)
{
	struct maildir_store *store = (struct maildir_store *)base;
	struct job *job = calloc(1, sizeof(*job));
	struct store_append *append = calloc(1, sizeof(*append));
	enum outcome outcome = ERR_TRY_LATER;

	if (job && append)
		outcome =
			slots_get(&store->slots, call->mailbox, &append->slot);
	if (outcome != OK) {
		free(job);
		free(append);
		answer(&call->call, outcome);
		return;
	}
	job->call = &call->call;
	job->append = append;
	job->work = append_begin_work;
	job->finish = append_begin_finish;
	start(store, job, append->slot);
}

static enum outcome
append_write_work(struct job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;

	return delivery_write(&call->append->delivery, call->chunk);
}

static void
maildir_append_write(struct store *base, struct store_append_call *call)
{
	start_call((struct maildir_store *)base, call->append->slot,
		&call->call, append_write_work);
}

static void
append_end(struct job *job)
{
	struct maildir_store *store = job->store;
	struct store_append *append = job->append;
	struct slot *slot = append->slot;

	free(append);
	slots_put(&store->slots, slot);
}

static enum outcome
append_commit_work(struct job *job)
{
	struct store_append_call *call = (struct store_append_call *)job->call;

	return delivery_commit(&job->append->delivery, call->uidl);
}

/* The job is part of the append: ending one never lacks memory. */
static void
end_append(struct maildir_store *store, struct store_append *append,
	struct store_call *call, enum outcome (*work)(struct job *job))
{
	append->end = (struct job){
		.append = append,
		.call = call,
		.work = work,
		.finish = append_end,
		.is_embedded = true,
	};
	start(store, &append->end, append->slot);
}

static void
maildir_append_commit(struct store *base, struct store_append_call *call)
{
	struct store_append *append = call->append;

	call->append = NULL;
	end_append((struct maildir_store *)base, append, &call->call,
		append_commit_work);
}

static enum outcome
append_abort_work(struct job *job)
{
	delivery_abort(&job->append->delivery);
	return OK;
}

static void
maildir_append_abort(struct store *base, struct store_append **append)
{
	struct store_append *gone = *append;

	if (!gone)
		return;
	*append = NULL;
	end_append((struct maildir_store *)base, gone, NULL, append_abort_work);
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
		free_store(store);
}

static const struct store_ops maildir_ops = {
	.name = "maildir",
	.open = maildir_open,
	.read = maildir_read,
	.read_at = maildir_read_at,
	.commit = maildir_commit,
	.renew = maildir_renew,
	.release = maildir_release,
	.stat = maildir_stat,
	.append_begin = maildir_append_begin,
	.append_write = maildir_append_write,
	.append_commit = maildir_append_commit,
	.append_abort = maildir_append_abort,
	.free = maildir_free,
};

/* Differs after each start of the system; by chance alone where it has no
   such id, which only costs reading what was not synced once more. */
static uint32_t
read_boot(struct files *files)
{
	unsigned char id[64];
	ssize_t n = 0;
	int fd = files->open(files, AT_FDCWD, "/proc/sys/kernel/random/boot_id",
		O_RDONLY, 0);

	if (fd >= 0)
		n = files_read_all(files, fd, id, sizeof(id), 0);
	files->close(files, &fd);
	if (n <= 0) {
		n = 16;
		if (files->random(files, id, (size_t)n) != 0)
			return 0;
	}
	return (uint32_t)XXH3_64bits(id, (size_t)n);
}

enum outcome
maildir_store_new(
	struct store_options *options, struct files *files, struct store **out)
{
	struct maildir_store *store = calloc(1, sizeof(*store));

	if (!store)
		return ERR_TRY_LATER;
	store->store.ops = &maildir_ops;
	store->executor = options->executor;
	store->notice = options->notice;
	store->template = strdup(options->mail_template);
	store->hostname = strdup(options->hostname);
	store->settings = (struct maildir_settings){
		.files = files,
		.mail_root = -1,
		.state_root = -1,
		.template = store->template,
		.hostname = store->hostname,
		.is_shared = options->is_shared,
		.boot = read_boot(files),
	};
	if (!store->template || !store->hostname ||
		!slots_init(&store->slots, &store->settings,
			MAILDIR_IDLE_MAXIMUM)) {
		free_store(store);
		return ERR_TRY_LATER;
	}
	store->settings.mail_root = options->mail_root;
	store->settings.state_root = options->state_root;
	options->mail_root = options->state_root = -1;
	*out = &store->store;
	return OK;
}
