/* SPDX-License-Identifier: ISC */
#include "store/maildir/group.h"

#include <stddef.h>
#include <stdlib.h>

#include "store/maildir/append.h"
#include "store/maildir/redeliver.h"

/* Octets of one group at most, when it is of more than one record. */
#define GROUP_OCTETS (1u << 20)
/* A group's files are made by so many threads at most. One that is woken for a
   single message costs more than the file does; one alone would keep the others
   waiting for the file system. */
#define PLACING_THREADS 2
#define PLACED_MINIMUM	4u /* messages for each */
/* Of the executor; no mailbox's by any likelihood. */
#define WRITING_KEY  0x72656c6976656421ull
#define EMPTYING_KEY 0x72656c6976656422ull

static struct maildir_store *
store_of(struct group *group)
{
	return (struct maildir_store *)((char *)group -
					offsetof(struct maildir_store, group));
}

static struct delivery_record
record_of(const struct store_append *append)
{
	return (struct delivery_record){
		.mailbox = bytes_of_string(append->slot->mailbox.name),
		.name = bytes_of_string(append->delivery.name.text),
		.message = buffer_bytes(&append->delivery.held),
	};
}

static size_t
octets_of(const struct store_append *append)
{
	struct delivery_record record = record_of(append);

	return delivery_record_octets(&record);
}

/* Within the mutex. */
static void
tell_oldest(struct group *group)
{
	uint64_t oldest = group->logs[0].oldest_seconds;

	if (group->logs[1].oldest_seconds < oldest)
		oldest = group->logs[1].oldest_seconds;
	atomic_store(&group->oldest_seconds, oldest);
}

/* ---- emptying ---- */

static struct group *
of_emptying(struct executor_job *job)
{
	return (struct group *)((char *)job - offsetof(struct group, emptying));
}

static enum outcome
make_durable(struct maildir_store *store, struct group_log *log)
{
	struct files *files = store->settings.files;
	enum outcome outcome = OK;

	if (log->is_distrusted)
		outcome = redeliver_rewrite(&log->log, &store->settings);
	if (outcome == OK)
		outcome = outcome_of_errno(-files->sync_file_system(
			files, store->settings.mail_root));
	return outcome;
}

static void
empty_work(struct executor_job *job)
{
	struct group *group = of_emptying(job);
	struct maildir_store *store = store_of(group);
	struct group_log *log = &group->logs[group->emptied];

	group->emptied_outcome = make_durable(store, log);
	group->is_synced = group->emptied_outcome == OK;
	if (group->is_synced)
		group->emptied_outcome =
			delivery_log_renew(&log->log, store->settings.boot);
}

static void go_on(struct maildir_store *store);

static void
empty_done(struct executor_job *job)
{
	struct group *group = of_emptying(job);
	struct maildir_store *store = store_of(group);
	struct group_log *log = &group->logs[group->emptied];

	group->is_emptying = false;
	/* It was to sync the messages of both. */
	for (unsigned i = 0; i < DELIVERY_LOGS && !group->is_synced; i++)
		group->logs[i].is_distrusted = true;
	if (group->emptied_outcome == OK) {
		log->is_distrusted = false;
		log->end = DELIVERY_LOG_START;
		log->has_records = log->is_closed = false;
		pthread_mutex_lock(&group->mutex);
		log->oldest_seconds = UINT64_MAX;
		tell_oldest(group);
		pthread_mutex_unlock(&group->mutex);
	} else {
		log->has_failed = true;
		if (store->notice)
			store->notice("-",
				"the mail's file system cannot be synced; the "
				"delivery journal is kept");
	}
	go_on(store);
	job_ended(store);
}

/* Only what nobody writes to, and whose messages have their files. */
static bool
may_empty(const struct group *group, unsigned number)
{
	const struct group_log *log = &group->logs[number];

	return !group->is_emptying && !log->has_failed &&
	       log->log.descriptor >= 0 && log->unplaced == 0 &&
	       (log->has_records || log->is_closed) &&
	       !(group->is_writing && group->active == number);
}

static void
empty(struct maildir_store *store, unsigned number)
{
	struct group *group = &store->group;

	if (!may_empty(group, number))
		return;
	group->is_emptying = true;
	group->emptied = number;
	group->logs[number].is_closed = true;
	group->emptying.work = empty_work;
	group->emptying.done = empty_done;
	store->jobs++;
	store->executor->run(store->executor, EMPTYING_KEY, &group->emptying);
}

/* ---- writing ---- */

static struct group *
of_writing(struct executor_job *job)
{
	return (struct group *)((char *)job - offsetof(struct group, writing));
}

static uint64_t
start_of(const struct group_log *log)
{
	return (log->end + DELIVERY_GROUP_ALIGNED - 1) /
	       DELIVERY_GROUP_ALIGNED * DELIVERY_GROUP_ALIGNED;
}

/* The octets of what was taken: what fits behind the end of the active file. */
static size_t
take_waiting(struct group *group, struct group_log *log)
{
	struct store_append **last = &group->written;
	size_t octets = 0;

	while (group->first) {
		struct store_append *append = group->first;
		size_t more = octets_of(append);

		if (group->written_offset + octets + more > log->log.octets ||
			(octets > 0 && octets + more > GROUP_OCTETS))
			break;
		octets += more;
		group->first = append->next;
		*last = append;
		last = &append->next;
		if (append->delivery.seconds < log->oldest_seconds)
			log->oldest_seconds = append->delivery.seconds;
	}
	*last = NULL;
	if (!group->first)
		group->end = &group->first;
	return octets;
}

/* The names are told of before their records can be in the journal. */
static void
take(struct group *group)
{
	struct group_log *log = &group->logs[group->active];

	group->written_offset = start_of(log);
	pthread_mutex_lock(&group->mutex);
	group->written_octets = take_waiting(group, log);
	tell_oldest(group);
	pthread_mutex_unlock(&group->mutex);
}

static enum outcome
write_group(struct group *group)
{
	struct delivery_log *log = &group->logs[group->active].log;
	struct maildir_store *store = store_of(group);
	uint64_t offset = group->written_offset;
	unsigned char *octets;
	enum outcome outcome = OK;

	if (log->descriptor < 0)
		outcome = delivery_log_open(log, true, store->settings.boot);
	if (outcome != OK)
		return outcome;
	octets = malloc(group->written_octets);
	if (!octets)
		return ERR_TRY_LATER;
	for (struct store_append *a = group->written; a; a = a->next) {
		struct delivery_record record = record_of(a);

		a->log = group->active;
		a->offset = offset;
		delivery_record_encode(log, offset, &record,
			octets + (offset - group->written_offset));
		offset += delivery_record_octets(&record);
	}
	outcome = delivery_log_write(log, group->written_offset,
		bytes_of(octets, group->written_octets));
	free(octets);
	return outcome;
}

static void
write_work(struct executor_job *job)
{
	struct group *group = of_writing(job);

	take(group);
	group->written_outcome = write_group(group);
	/* For one alone no other thread is woken. */
	group->is_placed =
		group->written_outcome == OK && !group->written->next;
	if (group->is_placed)
		append_place_here(store_of(group), group->written);
}

/* Before any of them is started: it may end, and the group go on, at once. */
static unsigned
count_written(struct group *group, const struct store_append *written)
{
	struct group_log *log = &group->logs[group->active];
	unsigned count = 0;

	log->end = group->written_offset + group->written_octets;
	log->has_records = true;
	for (const struct store_append *a = written; a; a = a->next)
		count++;
	log->unplaced += count;
	return count;
}

static void
place_all(
	struct maildir_store *store, struct store_append *first, unsigned count)
{
	unsigned each = (count + PLACING_THREADS - 1) / PLACING_THREADS;

	if (each < PLACED_MINIMUM)
		each = PLACED_MINIMUM;
	while (first) {
		struct store_append *last = first, *rest;

		for (unsigned n = 1; n < each && last->next; n++)
			last = last->next;
		rest = last->next;
		last->next = NULL;
		append_place(store, first);
		first = rest;
	}
}

static void
store_plainly(struct maildir_store *store, struct store_append *next)
{
	while (next) {
		struct store_append *append = next;

		next = append->next;
		append_plainly(store, append);
	}
}

static void
write_done(struct executor_job *job)
{
	struct group *group = of_writing(job);
	struct maildir_store *store = store_of(group);
	struct store_append *written = group->written;

	group->is_writing = false;
	group->written = NULL;
	if (group->written_outcome == OK) {
		unsigned count = count_written(group, written);

		if (group->is_placed)
			append_placed(store, written);
		else
			place_all(store, written, count);
	} else {
		group->logs[group->active].is_closed = true;
		store_plainly(store, written);
	}
	go_on(store);
	job_ended(store);
}

static void
plainly(struct maildir_store *store)
{
	struct group *group = &store->group;
	struct store_append *first = group->first;

	group->first = NULL;
	group->end = &group->first;
	store_plainly(store, first);
}

static bool
has_room(const struct group_log *log, const struct store_append *append)
{
	return !log->is_closed &&
	       start_of(log) + octets_of(append) <= log->log.octets;
}

/* The file that can be written to, if one can. */
static bool
choose(struct group *group)
{
	for (unsigned i = 0; i < DELIVERY_LOGS; i++) {
		if (has_room(&group->logs[group->active], group->first))
			return true;
		group->active = !group->active;
	}
	return false;
}

static void
start_writing(struct maildir_store *store)
{
	struct group *group = &store->group;

	group->is_writing = true;
	group->writing.work = write_work;
	group->writing.done = write_done;
	store->jobs++;
	store->executor->run(store->executor, WRITING_KEY, &group->writing);
}

/*
 * Those that find no room wait while a file is being emptied, or will be when
 * its messages have their files; when neither is so the journal cannot be used.
 */
static void
go_on(struct maildir_store *store)
{
	struct group *group = &store->group;
	unsigned unplaced = 0;

	if (group->is_writing || !group->first)
		return;
	if (choose(group)) {
		start_writing(store);
		return;
	}
	for (unsigned i = 0; i < DELIVERY_LOGS; i++) {
		empty(store, i);
		unplaced += group->logs[i].unplaced;
	}
	/* An executor that works at once has answered by now. */
	if (group->first && !group->is_writing && !group->is_emptying &&
		unplaced == 0)
		plainly(store);
}

void
group_join(struct maildir_store *store, struct store_append *append)
{
	struct group *group = &store->group;

	append->next = NULL;
	pthread_mutex_lock(&group->mutex);
	*group->end = append;
	group->end = &append->next;
	pthread_mutex_unlock(&group->mutex);
	go_on(store);
}

void
group_placed(struct maildir_store *store, unsigned log)
{
	store->group.logs[log].unplaced--;
	go_on(store);
}

bool
group_tend(struct maildir_store *store)
{
	struct group *group = &store->group;
	unsigned active = group->active;

	/* The file that took records until now is emptied, the other one goes
	   on; what is still waiting for its file comes at the next call. */
	if (!group->is_writing && group->logs[active].has_records &&
		!group->logs[!active].has_records)
		group->active = !active;
	for (unsigned i = 0; i < DELIVERY_LOGS; i++) {
		struct group_log *log = &group->logs[i];

		/* What failed is tried again. */
		log->has_failed = false;
		if (log->log.descriptor < 0 && !log->is_unusable)
			log->is_closed = false;
		if (i != group->active || log->is_closed)
			empty(store, i);
	}
	return group->logs[0].has_records || group->logs[1].has_records ||
	       group->is_emptying;
}

/* ---- start and end ---- */

/* One that holds what could not be delivered stays as it is. */
static void
start_log(struct group_log *log, const struct maildir_settings *settings,
	uint32_t wanted, void (*notice)(const char *mailbox, const char *text))
{
	enum outcome outcome =
		delivery_log_open(&log->log, false, settings->boot);

	if (outcome == OK)
		outcome = redeliver(&log->log, settings);
	if (outcome == OK && log->log.octets != wanted)
		delivery_log_remove(&log->log);
	log->is_closed = log->is_unusable = wanted == 0;
	log->log.octets = log->log.descriptor >= 0 ? log->log.octets : wanted;
	if (outcome == OK || outcome == ERR_GONE)
		return;
	delivery_log_close(&log->log);
	if (outcome != ERR_BROKEN) {
		log->is_closed = log->is_unusable = true;
		log->oldest_seconds = 0;
	}
	if (notice)
		notice("-", outcome == ERR_BROKEN
				    ? "a file of the delivery journal is "
				      "damaged; it was set aside"
				    : "the delivery journal holds mail that "
				      "cannot be filed now; start again when "
				      "the disk has room, and what is missing "
				      "is mounted");
}

void
group_start(struct group *group, const struct maildir_settings *settings,
	uint32_t octets, void (*notice)(const char *mailbox, const char *text))
{
	group->end = &group->first;
	pthread_mutex_init(&group->mutex, NULL);
	for (unsigned i = 0; i < DELIVERY_LOGS; i++) {
		struct group_log *log = &group->logs[i];

		*log = (struct group_log){
			.log = {.files = settings->files,
				.state_root = settings->state_root,
				.number = i,
				.descriptor = -1},
			.end = DELIVERY_LOG_START,
			.oldest_seconds = UINT64_MAX,
		};
		start_log(log, settings, octets, notice);
	}
	tell_oldest(group);
}

void
group_close(struct group *group)
{
	for (unsigned i = 0; i < DELIVERY_LOGS; i++)
		if (group->logs[i].log.files)
			delivery_log_close(&group->logs[i].log);
	if (group->end)
		pthread_mutex_destroy(&group->mutex);
}
