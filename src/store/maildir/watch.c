/* SPDX-License-Identifier: ISC */
#include "store/maildir/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <xxhash.h>

#define EVENTS_OCTETS 16384
#define FETCHED_AHEAD 16
#define WATCHED                                                                \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |                 \
		IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* Which watch an inotify descriptor belongs to. */
struct place {
	int descriptor;
	enum maildir_directory directory;
	struct watch *watch;
	struct place *next;
};

#define BUCKETS 1024

struct watches {
	pthread_mutex_t mutex;
	int inotify;
	size_t known_octets; /* of all */
	struct place *buckets[BUCKETS];
};

static struct place **
bucket_of(struct watches *watches, int descriptor)
{
	return &watches->buckets[(unsigned)descriptor % BUCKETS];
}

struct watches *
watches_new(void)
{
	struct watches *watches = calloc(1, sizeof(*watches));

	if (!watches)
		return NULL;
	watches->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watches->inotify < 0) {
		free(watches);
		return NULL;
	}
	pthread_mutex_init(&watches->mutex, NULL);
	return watches;
}

void
watches_free(struct watches **watches)
{
	if (!*watches)
		return;
	close((*watches)->inotify);
	pthread_mutex_destroy(&(*watches)->mutex);
	free(*watches);
	*watches = NULL;
}

/* ---- events ---- */

static uint64_t
change_of(
	enum maildir_directory directory, enum change change, const char *name)
{
	return XXH3_64bits_withSeed(
		name, strlen(name), (unsigned)directory * 2 + (unsigned)change);
}

static bool
take_expected(struct watch *watch, uint64_t change)
{
	for (unsigned i = 0; i < watch->expected_count; i++)
		if (watch->expected[i] == change) {
			watch->expected[i] =
				watch->expected[--watch->expected_count];
			return true;
		}
	return false;
}

static void
soil(struct watch *watch)
{
	watch->is_dirty = true;
	buffer_release(&watch->foreign);
}

static void
all_dirty(struct watches *watches)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		for (struct place *p = watches->buckets[i]; p; p = p->next)
			soil(p->watch);
}

static void
on_change(struct place *place, const struct inotify_event *event)
{
	struct watch *watch = place->watch;
	bool arrives = event->mask & (IN_CREATE | IN_MOVED_TO);
	bool goes = event->mask & (IN_DELETE | IN_MOVED_FROM);
	enum change change = arrives ? CHANGE_ARRIVES : CHANGE_GOES;

	if ((!arrives && !goes) || event->len == 0) {
		soil(watch);
		return;
	}
	if (event->mask & (IN_MOVED_TO | IN_DELETE) &&
		take_expected(watch,
			change_of(place->directory, change, event->name)))
		return;
	if (!watch->is_dirty && !foreign_put(&watch->foreign, place->directory,
					change, event->name))
		soil(watch);
}

static void
on_event(struct watches *watches, const struct inotify_event *event)
{
	struct place *place = *bucket_of(watches, event->wd);

	if (event->mask & IN_Q_OVERFLOW) {
		all_dirty(watches);
		return;
	}
	while (place && place->descriptor != event->wd)
		place = place->next;
	/* None: of a watch that has ended. */
	if (place)
		on_change(place, event);
}

static void
drain(struct watches *watches)
{
	/* As aligned as an event must be. */
	struct inotify_event
		events[EVENTS_OCTETS / sizeof(struct inotify_event)];
	ssize_t n;

	while ((n = read(watches->inotify, events, sizeof(events))) > 0) {
		const char *at = (const char *)events;

		for (const char *end = at + n; at < end;) {
			const struct inotify_event *event = (const void *)at;

			on_event(watches, event);
			at += sizeof(*event) + event->len;
		}
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		all_dirty(watches);
}

void
watches_drain(struct watches *watches)
{
	pthread_mutex_lock(&watches->mutex);
	drain(watches);
	pthread_mutex_unlock(&watches->mutex);
}

/* ---- names ---- */

static void
forget_names(struct watch *watch)
{
	watch->watches->known_octets -= known_octets(&watch->known);
	known_release(&watch->known);
}

/* What is not known here must not look as if it were none of the index. */
static void
learn(struct watch *watch, struct bytes base_name)
{
	if (watch->known.marks &&
		!known_add(&watch->known, known_hash(base_name)))
		forget_names(watch);
}

static void
learn_all(struct watch *watch, const struct listing *listing)
{
	struct watches *watches = watch->watches;

	if (!known_init(&watch->known, listing->count))
		return;
	watches->known_octets += known_octets(&watch->known);
	if (watches->known_octets > WATCH_KNOWN_OCTETS)
		forget_names(watch);
	for (uint32_t i = 0; i < listing->count && watch->known.marks; i++) {
		if (i + FETCHED_AHEAD < listing->count)
			known_expect(&watch->known,
				listing->entries[i + FETCHED_AHEAD].hash);
		if (!known_add(&watch->known, listing->entries[i].hash))
			forget_names(watch);
	}
}

/* ---- one Maildir ---- */

static void
remove_place(struct watches *watches, int descriptor)
{
	struct place **at = bucket_of(watches, descriptor);
	struct place *gone;

	while (*at && (*at)->descriptor != descriptor)
		at = &(*at)->next;
	gone = *at;
	if (!gone)
		return;
	*at = gone->next;
	free(gone);
	inotify_rm_watch(watches->inotify, descriptor);
}

/* False: there is none, or another Maildir's (two names for one folder). */
static bool
add_place(struct watch *watch, struct watches *watches, int root,
	enum maildir_directory directory)
{
	const char *name = maildir_directory_names[directory];
	struct place *place = calloc(1, sizeof(*place));
	char path[64];
	struct stat status;
	int descriptor;

	if (!place)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", root, name);
	descriptor = inotify_add_watch(watches->inotify, path,
		WATCHED | IN_MASK_CREATE | IN_DONT_FOLLOW);
	if (descriptor < 0 ||
		fstatat(root, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		if (descriptor >= 0)
			inotify_rm_watch(watches->inotify, descriptor);
		free(place);
		return false;
	}
	*place = (struct place){.descriptor = descriptor,
		.directory = directory,
		.watch = watch,
		.next = *bucket_of(watches, descriptor)};
	*bucket_of(watches, descriptor) = place;
	watch->descriptors[directory] = descriptor;
	watch->inodes[directory] = status.st_ino;
	return true;
}

static void
end(struct watch *watch)
{
	for (unsigned i = 0; i < 2; i++)
		remove_place(watch->watches, watch->descriptors[i]);
	free(watch->expected);
	buffer_release(&watch->foreign);
	forget_names(watch);
	free(watch);
}

static bool
begin(struct watch *watch, struct watches *watches, int root)
{
	if (!add_place(watch, watches, root, DIRECTORY_NEW))
		return false;
	if (add_place(watch, watches, root, DIRECTORY_CUR))
		return true;
	remove_place(watches, watch->descriptors[0]);
	return false;
}

static struct watch *new (struct watches *watches, int root)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch || !begin(watch, watches, root)) {
		free(watch);
		return NULL;
	}
	watch->watches = watches;
	buffer_init(&watch->foreign, FOREIGN_MAXIMUM_OCTETS);
	return watch;
}

void
watch_end(struct watch **watch)
{
	struct watches *watches = *watch ? (*watch)->watches : NULL;

	if (!watches)
		return;
	pthread_mutex_lock(&watches->mutex);
	end(*watch);
	pthread_mutex_unlock(&watches->mutex);
	*watch = NULL;
}

/* A folder that another one has taken the place of is not the one that was
   watched; a dirty watch therefore begins anew. */
void
watch_begin(struct watch **watch, struct watches *watches, int root)
{
	if (!watches)
		return;
	pthread_mutex_lock(&watches->mutex);
	drain(watches);
	if (*watch)
		end(*watch);
	*watch = new (watches, root);
	pthread_mutex_unlock(&watches->mutex);
}

void
watch_scanned(struct watch *watch, const struct listing *listing)
{
	struct watches *watches = watch ? watch->watches : NULL;

	if (!watches)
		return;
	pthread_mutex_lock(&watches->mutex);
	watch->is_complete = true;
	drain(watches);
	learn_all(watch, listing);
	foreign_drop_found(&watch->foreign, listing);
	pthread_mutex_unlock(&watches->mutex);
}

void
watch_spoil(struct watch *watch)
{
	struct watches *watches = watch ? watch->watches : NULL;

	if (!watches)
		return;
	pthread_mutex_lock(&watches->mutex);
	soil(watch);
	pthread_mutex_unlock(&watches->mutex);
}

static bool
expect(struct watch *watch, uint64_t change)
{
	if (watch->expected_count == WATCH_EXPECTED_MAXIMUM)
		drain(watch->watches);
	if (watch->expected_count == WATCH_EXPECTED_MAXIMUM)
		return false;
	if (watch->expected_count == watch->expected_capacity) {
		unsigned capacity = watch->expected_capacity * 2 + 8;
		uint64_t *more =
			realloc(watch->expected, capacity * sizeof(*more));

		if (!more)
			return false;
		watch->expected = more;
		watch->expected_capacity = capacity;
	}
	watch->expected[watch->expected_count++] = change;
	return true;
}

void
watch_expect(struct watch *watch, enum maildir_directory directory,
	enum change change, const char *name)
{
	struct watches *watches = watch ? watch->watches : NULL;

	if (!watches)
		return;
	pthread_mutex_lock(&watches->mutex);
	if (!watch->is_dirty &&
		!expect(watch, change_of(directory, change, name)))
		soil(watch);
	if (change == CHANGE_ARRIVES)
		learn(watch, bytes_of(name, strcspn(name, ",:")));
	pthread_mutex_unlock(&watches->mutex);
}

static enum watch_state
state_of(const struct watch *watch, const ino_t inodes[2])
{
	if (watch->is_dirty || watch->inodes[0] != inodes[0] ||
		watch->inodes[1] != inodes[1])
		return WATCH_DIRTY;
	if (watch->foreign.octets == 0)
		return WATCH_CLEAN;
	return watch->known.marks ? WATCH_FOREIGN : WATCH_DIRTY;
}

enum watch_state
watch_look(struct watch *watch, const ino_t inodes[2])
{
	struct watches *watches = watch ? watch->watches : NULL;
	enum watch_state state;

	if (!watches || !watch->is_complete)
		return WATCH_DIRTY;
	pthread_mutex_lock(&watches->mutex);
	drain(watches);
	state = state_of(watch, inodes);
	pthread_mutex_unlock(&watches->mutex);
	return state;
}

void
watch_take(struct watch *watch, struct buffer *out)
{
	pthread_mutex_lock(&watch->watches->mutex);
	*out = watch->foreign;
	buffer_init(&watch->foreign, FOREIGN_MAXIMUM_OCTETS);
	pthread_mutex_unlock(&watch->watches->mutex);
}

bool
watch_knows(struct watch *watch, struct bytes base_name)
{
	bool is_known;

	pthread_mutex_lock(&watch->watches->mutex);
	is_known = known_has(&watch->known, known_hash(base_name));
	pthread_mutex_unlock(&watch->watches->mutex);
	return is_known;
}

void
watch_learn(struct watch *watch, struct bytes base_name)
{
	pthread_mutex_lock(&watch->watches->mutex);
	learn(watch, base_name);
	pthread_mutex_unlock(&watch->watches->mutex);
}
