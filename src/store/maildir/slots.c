/* SPDX-License-Identifier: ISC */
#include "store/maildir/slots.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/maildir/index_file.h"

#define FIRST_BUCKETS 256

void
slot_enter(struct slot *slot)
{
	pthread_mutex_lock(&slot->mutex);
}

bool
slot_try_enter(struct slot *slot)
{
	return pthread_mutex_trylock(&slot->mutex) == 0;
}

void
slot_leave(struct slot *slot)
{
	pthread_mutex_unlock(&slot->mutex);
}

static void
free_slot(struct slot *slot)
{
	mailbox_end(&slot->mailbox);
	pthread_mutex_destroy(&slot->mutex);
	free(slot);
}

bool
slots_init(struct slots *slots, const struct maildir_settings *settings,
	size_t idle_maximum, size_t kept_maximum)
{
	*slots = (struct slots){
		.settings = settings,
		.idle_maximum = idle_maximum,
		.kept_maximum = kept_maximum,
		.bucket_count = FIRST_BUCKETS,
		.buckets = calloc(FIRST_BUCKETS, sizeof(struct slot *)),
	};
	return slots->buckets != NULL;
}

void
slots_release(struct slots *slots)
{
	for (size_t i = 0; i < slots->bucket_count && slots->buckets; i++)
		while (slots->buckets[i]) {
			struct slot *slot = slots->buckets[i];

			slots->buckets[i] = slot->next;
			free_slot(slot);
		}
	free(slots->buckets);
	slots->buckets = NULL;
}

static struct slot **
bucket_of(struct slots *slots, uint64_t key)
{
	return &slots->buckets[key & (slots->bucket_count - 1)];
}

/* Without memory for more buckets the chains only get longer. */
static void
grow(struct slots *slots)
{
	struct slots old = *slots;

	slots->bucket_count = old.bucket_count * 2;
	slots->buckets = calloc(slots->bucket_count, sizeof(struct slot *));
	if (!slots->buckets) {
		*slots = old;
		return;
	}
	for (size_t i = 0; i < old.bucket_count; i++)
		while (old.buckets[i]) {
			struct slot *slot = old.buckets[i];
			struct slot **bucket = bucket_of(slots, slot->key);

			old.buckets[i] = slot->next;
			slot->next = *bucket;
			*bucket = slot;
		}
	free(old.buckets);
}

/* This one, or the next that was used later. */
static struct slot *
kept_from(struct slot *slot)
{
	while (slot && !slot->mailbox.kept)
		slot = slot->newer;
	return slot;
}

static void
count_kept(struct slots *slots, struct slot *slot)
{
	if (!slot->mailbox.kept)
		return;
	if (slots->kept_count++ == 0)
		slots->oldest_kept = slot;
	if (slots->kept_count <= slots->kept_maximum)
		return;
	slot = slots->oldest_kept;
	index_view_free(slot->mailbox.files, &slot->mailbox.kept);
	slots->oldest_kept = kept_from(slot);
	slots->kept_count--;
}

static void
discount_kept(struct slots *slots, struct slot *slot)
{
	if (!slot->mailbox.kept)
		return;
	slots->kept_count--;
	if (slots->oldest_kept == slot)
		slots->oldest_kept = kept_from(slot->newer);
}

static void
leave_idle(struct slots *slots, struct slot *slot)
{
	discount_kept(slots, slot);
	*(slot->newer ? &slot->newer->older : &slots->newest) = slot->older;
	*(slot->older ? &slot->older->newer : &slots->oldest) = slot->newer;
	slot->newer = slot->older = NULL;
	slots->idle_count--;
}

static void
join_idle(struct slots *slots, struct slot *slot)
{
	slot->older = slots->newest;
	*(slot->older ? &slot->older->newer : &slots->oldest) = slot;
	slots->newest = slot;
	slots->idle_count++;
	count_kept(slots, slot);
}

static void
forget(struct slots *slots, struct slot *slot)
{
	struct slot **at = bucket_of(slots, slot->key);

	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	slots->count--;
	free_slot(slot);
}

static enum outcome
add(struct slots *slots, const char *mailbox, uint64_t key, struct slot **out)
{
	struct slot *slot = calloc(1, sizeof(*slot));
	enum outcome outcome;

	if (!slot)
		return ERR_TRY_LATER;
	outcome = mailbox_init(&slot->mailbox, slots->settings, mailbox);
	if (outcome != OK) {
		free(slot);
		return outcome;
	}
	pthread_mutex_init(&slot->mutex, NULL);
	if (slots->count >= slots->bucket_count)
		grow(slots);
	slot->key = key;
	slot->next = *bucket_of(slots, key);
	*bucket_of(slots, key) = slot;
	slots->count++;
	*out = slot;
	return OK;
}

enum outcome
slots_get(struct slots *slots, const char *mailbox, struct slot **out)
{
	uint64_t key = XXH3_64bits(mailbox, strlen(mailbox));
	struct slot *slot = *bucket_of(slots, key);

	while (slot && strcmp(slot->mailbox.name, mailbox))
		slot = slot->next;
	if (!slot) {
		enum outcome outcome = add(slots, mailbox, key, &slot);

		if (outcome != OK)
			return outcome;
	} else if (slot->users == 0) {
		leave_idle(slots, slot);
	}
	slot->users++;
	*out = slot;
	return OK;
}

void
slots_put(struct slots *slots, struct slot *slot)
{
	if (--slot->users > 0)
		return;
	mailbox_rest(&slot->mailbox);
	join_idle(slots, slot);
	if (slots->idle_count > slots->idle_maximum) {
		struct slot *oldest = slots->oldest;

		leave_idle(slots, oldest);
		forget(slots, oldest);
	}
}
