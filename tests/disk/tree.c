/* SPDX-License-Identifier: ISC */
/* Inodes, entries, and the order in which entries reach the disk. */
#include "disk_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void *
disk_allocate(size_t octets)
{
	void *memory = calloc(1, octets ? octets : 1);

	if (!memory)
		abort();
	return memory;
}

/* ---- inodes ---- */

struct inode *
inode_new(struct disk *disk, bool is_directory)
{
	struct inode *inode = disk_allocate(sizeof(*inode));

	inode->number = ++disk->next_inode;
	inode->is_directory = is_directory;
	inode->exported = -1;
	inode->last_write = &inode->writes;
	inode->next = disk->inodes;
	if (inode->next)
		inode->next->back = &inode->next;
	inode->back = &disk->inodes;
	disk->inodes = inode;
	inode_touch(disk, inode);
	inode->disk_changed_ns = inode->changed_ns;
	return inode;
}

void
inode_hold(struct inode *inode)
{
	inode->holds++;
}

void
inode_drop(struct disk *disk, struct inode *inode)
{
	if (--inode->holds > 0)
		return;
	entries_release(disk, &inode->now_entries);
	entries_release(disk, &inode->disk_entries);
	content_release(inode);
	disk->free_blocks += inode->blocks;
	*inode->back = inode->next;
	if (inode->next)
		inode->next->back = inode->back;
	free(inode);
}

void
inode_touch(struct disk *disk, struct inode *inode)
{
	uint64_t unit = disk->world.stamp_ns ? disk->world.stamp_ns : 1;

	inode->changed_ns = disk->world.now_ns() / unit * unit;
}

/* ---- entries ---- */

static struct entry *
find(const struct entries *entries, const char *name)
{
	for (unsigned i = 0; i < entries->count; i++)
		if (strcmp(entries->at[i].name, name) == 0)
			return &entries->at[i];
	return NULL;
}

struct inode *
entries_find(const struct entries *entries, const char *name)
{
	const struct entry *entry = find(entries, name);

	return entry ? entry->inode : NULL;
}

static struct entry *
add(struct entries *entries, const char *name)
{
	if (entries->count == entries->capacity) {
		entries->capacity = entries->capacity * 2 + 8;
		entries->at = realloc(
			entries->at, entries->capacity * sizeof(*entries->at));
		if (!entries->at)
			abort();
	}
	entries->at[entries->count] = (struct entry){.name = strdup(name)};
	if (!entries->at[entries->count].name)
		abort();
	return &entries->at[entries->count++];
}

void
entries_set(struct disk *disk, struct entries *entries, const char *name,
	struct inode *inode)
{
	struct entry *entry = find(entries, name);
	struct inode *old = entry ? entry->inode : NULL;

	if (inode) {
		inode_hold(inode);
		if (!entry)
			entry = add(entries, name);
		entry->inode = inode;
	} else if (entry) {
		free(entry->name);
		*entry = entries->at[--entries->count];
	}
	if (old)
		inode_drop(disk, old);
}

void
entries_release(struct disk *disk, struct entries *entries)
{
	for (unsigned i = 0; i < entries->count; i++) {
		free(entries->at[i].name);
		inode_drop(disk, entries->at[i].inode);
	}
	free(entries->at);
	*entries = (struct entries){0};
}

/* ---- changes ---- */

static void
apply(struct disk *disk, const struct change *c, bool is_disk)
{
	if (c->from)
		entries_set(disk,
			is_disk ? &c->from->disk_entries
				: &c->from->now_entries,
			c->from_name, NULL);
	if (c->to)
		entries_set(disk,
			is_disk ? &c->to->disk_entries : &c->to->now_entries,
			c->to_name, c->what);
}

static void
hold(struct inode *inode)
{
	if (inode)
		inode_hold(inode);
}

static void
drop(struct disk *disk, struct inode *inode)
{
	if (inode)
		inode_drop(disk, inode);
}

void
change_make(struct disk *disk, struct inode *from, const char *from_name,
	struct inode *to, const char *to_name, struct inode *what)
{
	struct change *c = disk_allocate(sizeof(*c));

	assert(from || to);
	*c = (struct change){.from = from, .to = to, .what = what};
	c->from_name = from ? strdup(from_name) : NULL;
	c->to_name = to ? strdup(to_name) : NULL;
	hold(from);
	hold(to);
	hold(what);
	apply(disk, c, false);
	*disk->last_change = c;
	disk->last_change = &c->next;
	if (from)
		inode_touch(disk, from);
	if (to)
		inode_touch(disk, to);
	c->at_ns = from ? from->changed_ns : to->changed_ns;
}

/* The time of a directory is where its entries are: it is not newer than what
   was lost. */
static void
note_end(struct inode *directory, const struct change *c, bool is_kept)
{
	if (!directory)
		return;
	directory->has_lost |= !is_kept;
	if (!directory->has_lost && directory->disk_changed_ns < c->at_ns)
		directory->disk_changed_ns = c->at_ns;
}

static void
end_change(struct disk *disk, struct change **at, bool is_kept)
{
	struct change *c = *at;

	*at = c->next;
	if (disk->last_change == &c->next)
		disk->last_change = at;
	if (is_kept)
		apply(disk, c, true);
	note_end(c->from, c, is_kept);
	note_end(c->to, c, is_kept);
	drop(disk, c->from);
	drop(disk, c->to);
	drop(disk, c->what);
	free(c->from_name);
	free(c->to_name);
	free(c);
}

static bool
has_lost(const struct inode *directory)
{
	return directory && directory->has_lost;
}

/* What comes behind a lost one in its directory is lost, too. */
void
changes_end_first(struct disk *disk, bool is_kept)
{
	const struct change *c = disk->changes;

	end_change(disk, &disk->changes,
		is_kept && !has_lost(c->from) && !has_lost(c->to));
}

static bool
touches(const struct change *c, const struct inode *directory)
{
	return directory && (c->from == directory || c->to == directory);
}

/* Before it, what was changed earlier in the same directories. */
static void
sync_with_earlier(struct disk *disk, struct change *c)
{
	struct change **at = &disk->changes;

	while (*at != c) {
		if (touches(*at, c->from) || touches(*at, c->to)) {
			sync_with_earlier(disk, *at);
			at = &disk->changes;
		} else {
			at = &(*at)->next;
		}
	}
	end_change(disk, at, true);
}

void
changes_sync(struct disk *disk, const struct inode *directory)
{
	struct change *c = disk->changes;

	while (c) {
		if (touches(c, directory)) {
			sync_with_earlier(disk, c);
			c = disk->changes;
		} else {
			c = c->next;
		}
	}
}
