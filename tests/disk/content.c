/* SPDX-License-Identifier: ISC */
/* Octets of files, and the order in which they reach the disk. */
#include "disk_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
reserve(struct content *content, size_t octets)
{
	size_t capacity = content->capacity;

	if (octets <= capacity)
		return;
	while (capacity < octets)
		capacity = capacity * 2 + 512;
	content->at = realloc(content->at, capacity);
	if (!content->at)
		abort();
	content->capacity = capacity;
}

static void
set_length(struct content *content, size_t octets)
{
	reserve(content, octets);
	if (octets > content->octets)
		memset(content->at + content->octets, 0,
			octets - content->octets);
	content->octets = octets;
}

static void
put(struct content *content, const void *from, size_t octets, uint64_t offset)
{
	if (content->octets < offset + octets)
		set_length(content, (size_t)offset + octets);
	if (octets > 0)
		memcpy(content->at + offset, from, octets);
}

static void
queue(struct inode *inode, enum write_kind kind, const void *from,
	size_t octets, uint64_t offset)
{
	struct write *write = disk_allocate(
		sizeof(*write) + (kind == WRITE_OCTETS ? octets : 0));

	write->kind = kind;
	write->offset = offset;
	write->octets = octets;
	if (kind == WRITE_OCTETS && octets > 0)
		memcpy(write->at, from, octets);
	*inode->last_write = write;
	inode->last_write = &write->next;
}

/* Blocks up to `octets`; false: the disk is full. */
static bool
take_blocks(struct disk *disk, struct inode *inode, uint64_t octets)
{
	uint64_t wanted = (octets + DISK_BLOCK_OCTETS - 1) / DISK_BLOCK_OCTETS;
	uint64_t more = wanted > inode->blocks ? wanted - inode->blocks : 0;

	if (more > disk->free_blocks)
		return false;
	disk->free_blocks -= more;
	inode->blocks += more;
	return true;
}

static void
show(struct inode *inode, const void *from, size_t octets, uint64_t offset)
{
	if (inode->exported >= 0 && pwrite(inode->exported, from, octets,
					    (off_t)offset) != (ssize_t)octets)
		abort();
}

int
content_write(struct disk *disk, struct inode *inode, const void *from,
	size_t octets, uint64_t offset)
{
	if (!take_blocks(disk, inode, offset + octets))
		return -ENOSPC;
	put(&inode->now, from, octets, offset);
	show(inode, from, octets, offset);
	queue(inode, WRITE_OCTETS, from, octets, offset);
	inode_touch(disk, inode);
	return 0;
}

int
content_grow(struct disk *disk, struct inode *inode, uint64_t octets)
{
	if (!take_blocks(disk, inode, octets))
		return -ENOSPC;
	if (inode->now.octets < octets)
		set_length(&inode->now, (size_t)octets);
	if (inode->exported >= 0 &&
		ftruncate(inode->exported, (off_t)inode->now.octets) != 0)
		abort();
	queue(inode, WRITE_GROW, NULL, 0, octets);
	return 0;
}

void
content_cut(struct disk *disk, struct inode *inode, uint64_t octets)
{
	set_length(&inode->now, (size_t)octets);
	if (inode->exported >= 0 &&
		ftruncate(inode->exported, (off_t)octets) != 0)
		abort();
	queue(inode, WRITE_CUT, NULL, 0, octets);
	inode_touch(disk, inode);
}

/* ---- to the disk ---- */

static void
put_sectors(struct inode *inode, const struct write *write,
	bool (*keeps)(struct disk *disk, bool is_last_sector),
	struct disk *disk)
{
	for (size_t done = 0; done < write->octets;) {
		uint64_t at = write->offset + done;
		size_t most = DISK_SECTOR_OCTETS - at % DISK_SECTOR_OCTETS;
		size_t n = write->octets - done;
		bool is_last = n <= most;

		if (n > most)
			n = most;
		if (keeps(disk, is_last))
			put(&inode->disk, write->at + done, n, at);
		done += n;
	}
}

static bool
keep(struct disk *disk, bool is_last_sector)
{
	return true;
}

void
content_end_first(struct inode *inode,
	bool (*keeps)(struct disk *disk, bool is_last_sector),
	struct disk *disk)
{
	struct write *write = inode->writes;

	if (keeps && write->kind == WRITE_CUT)
		set_length(&inode->disk, (size_t)write->offset);
	else if (keeps && write->kind == WRITE_GROW)
		put(&inode->disk, NULL, 0, write->offset);
	else if (keeps == keep)
		put(&inode->disk, write->at, write->octets, write->offset);
	else if (keeps)
		put_sectors(inode, write, keeps, disk);
	inode->writes = write->next;
	if (!inode->writes)
		inode->last_write = &inode->writes;
	free(write);
}

void
content_sync(struct inode *inode)
{
	while (inode->writes)
		content_end_first(inode, keep, NULL);
}

void
content_give_up(struct inode *inode)
{
	struct write *write = inode->writes;

	for (; write; write = write->next)
		if (write->kind == WRITE_OCTETS) {
			write->kind = WRITE_GROW;
			write->offset += write->octets;
			write->octets = 0;
		}
}

void
content_power_cut(struct inode *inode)
{
	set_length(&inode->now, 0);
	put(&inode->now, inode->disk.at, inode->disk.octets, 0);
	if (inode->exported >= 0)
		close(inode->exported);
	inode->exported = -1;
}

void
content_release(struct inode *inode)
{
	while (inode->writes)
		content_end_first(inode, NULL, NULL);
	free(inode->now.at);
	free(inode->disk.at);
	if (inode->exported >= 0)
		close(inode->exported);
}

void
content_export(struct inode *inode)
{
	if (inode->exported >= 0)
		return;
	inode->exported = memfd_create("disk", MFD_CLOEXEC);
	if (inode->exported < 0)
		abort();
	show(inode, inode->now.at, inode->now.octets, 0);
}
