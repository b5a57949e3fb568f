/* SPDX-License-Identifier: ISC */
/* A disk's birth and end, and what a power cut leaves of it. */
#include "disk_state.h"

#include <stdio.h>
#include <stdlib.h>

static void
write_boot_id(struct disk *disk)
{
	char text[37];
	int n = snprintf(text, sizeof(text), "00000000-0000-4000-8000-%012u",
		disk->boots);

	content_write(disk, disk->boot_id, text, (size_t)n, 0);
	content_sync(disk->boot_id);
}

struct disk *
disk_new(const struct disk_world *world)
{
	struct disk *disk = disk_allocate(sizeof(*disk));

	disk->world = *world;
	disk->last_change = &disk->changes;
	disk->free_blocks = UINT64_MAX / 2;
	disk->root = inode_new(disk, true);
	disk->root->parent = disk->root;
	inode_hold(disk->root);
	disk->boot_id = inode_new(disk, false);
	inode_hold(disk->boot_id);
	write_boot_id(disk);
	return disk;
}

void
disk_free(struct disk **disk)
{
	struct disk *old = *disk;

	if (!old)
		return;
	while (old->changes)
		changes_end_first(old, false);
	inode_drop(old, old->root);
	inode_drop(old, old->boot_id);
	if (old->inodes) /* a descriptor was left open */
		abort();
	free(old->descriptors);
	free(old);
	*disk = NULL;
}

void
disk_set_room(struct disk *disk, uint64_t octets)
{
	disk->free_blocks = octets == UINT64_MAX ? UINT64_MAX / 2
						 : octets / DISK_BLOCK_OCTETS;
}

unsigned
disk_boots(const struct disk *disk)
{
	return disk->boots;
}

/* ---- a power cut ---- */

static bool
keeps_all(struct disk *disk, bool is_last_sector)
{
	return true;
}

static bool
keeps_some(struct disk *disk, bool is_last_sector)
{
	return disk->world.random() % 2 == 0;
}

static bool
keeps_front(struct disk *disk, bool is_last_sector)
{
	return !is_last_sector;
}

static void
lose_octets(struct disk *disk, struct inode *inode, enum disk_loss loss)
{
	while (inode->writes) {
		bool is_last = !inode->writes->next;

		switch (loss) {
		case DISK_LOSES_ENTRIES:
		case DISK_LOSES_NOTHING:
			content_end_first(inode, keeps_all, disk);
			break;
		case DISK_LOSES_LAST:
			content_end_first(
				inode, is_last ? keeps_front : keeps_all, disk);
			break;
		case DISK_LOSES_SOME:
			content_end_first(inode, keeps_some, disk);
			break;
		case DISK_LOSES_ALL:
		case DISK_LOSES_OCTETS:
		case DISK_LOSSES:
		default:
			content_end_first(inode, NULL, disk);
		}
	}
	content_power_cut(inode);
}

static bool
keeps_entry(struct disk *disk, enum disk_loss loss)
{
	if (loss == DISK_LOSES_SOME)
		return keeps_some(disk, false);
	return loss == DISK_LOSES_OCTETS || loss == DISK_LOSES_NOTHING ||
	       loss == DISK_LOSES_LAST;
}

static void
read_entries(struct disk *disk, struct inode *directory)
{
	const struct entries *from = &directory->disk_entries;

	entries_release(disk, &directory->now_entries);
	directory->changed_ns = directory->disk_changed_ns;
	directory->has_lost = false;
	for (unsigned i = 0; i < from->count; i++)
		entries_set(disk, &directory->now_entries, from->at[i].name,
			from->at[i].inode);
}

void
disk_power_cut(struct disk *disk, enum disk_loss loss)
{
	struct inode *next;

	while (disk->changes)
		changes_end_first(disk, keeps_entry(disk, loss));
	for (struct inode *i = disk->inodes; i; i = i->next) {
		inode_hold(i);
		if (!i->is_directory)
			lose_octets(disk, i, loss);
	}
	for (struct inode *i = disk->inodes; i; i = i->next)
		if (i->is_directory)
			read_entries(disk, i);
	for (struct inode *i = disk->inodes; i; i = next) {
		/* What it holds goes with it, but never the next one: that
		   one is held by us. */
		next = i->next;
		inode_drop(disk, i);
	}
	disk->boots++;
	write_boot_id(disk);
}
