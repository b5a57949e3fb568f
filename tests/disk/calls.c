/* SPDX-License-Identifier: ISC */
/* The calls of a process: struct files above the disk. */
#include "disk_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static struct disk_process *
process_of(struct files *files)
{
	return (struct disk_process *)files;
}

/* ---- faults ---- */

/* 0, or why this call fails. */
static int
enter(struct disk_process *process)
{
	if (process->is_dead)
		return -EIO;
	process->calls++;
	if (process->fails_at > 0 && --process->fails_at == 0) {
		process->failed++;
		return -process->error;
	}
	return 0;
}

static int
enter_change(struct disk_process *process)
{
	if (!process->is_dead) {
		process->changes++;
		process->is_dead =
			process->dies_at > 0 && --process->dies_at == 0;
	}
	return enter(process);
}

/* ---- calls ---- */

static int
open_path(struct disk_process *process, int directory, const char *path,
	int flags)
{
	struct disk *disk = process->disk;
	struct inode *parent, *inode;
	char name[256];
	int error;

	if (strcmp(path, BOOT_ID) == 0)
		return disk_open_inode(process, disk->boot_id);
	error = disk_walk(process, directory, path, &parent, name);
	if (error != 0)
		return error;
	inode = disk_step(parent, name);
	if (inode && (flags & O_EXCL))
		return -EEXIST;
	if (!inode && !(flags & O_CREAT))
		return -ENOENT;
	if (inode && (flags & O_DIRECTORY) && !inode->is_directory)
		return -ENOTDIR;
	if (!inode && disk->free_blocks == 0)
		return -ENOSPC;
	if (!inode) {
		inode = inode_new(disk, false);
		change_make(disk, NULL, NULL, parent, name, inode);
	}
	if (flags & O_TRUNC)
		content_cut(disk, inode, 0);
	return disk_open_inode(process, inode);
}

static int
disk_open(struct files *files, int directory, const char *path, int flags,
	mode_t mode)
{
	struct disk_process *process = process_of(files);
	int error = flags & O_CREAT ? enter_change(process) : enter(process);

	return error ? error : open_path(process, directory, path, flags);
}

/* Also when it is dead: then this only gives the memory back. */
static void
disk_close(struct files *files, int *fd)
{
	struct disk_process *process = process_of(files);

	if (*fd >= 0) {
		struct descriptor *d = disk_descriptor(process, *fd);
		struct inode *inode = d->inode;

		*d = (struct descriptor){0};
		process->open--;
		inode_drop(process->disk, inode);
	}
	*fd = -1;
}

static ssize_t
disk_read_at(
	struct files *files, int fd, void *to, size_t room, uint64_t offset)
{
	struct disk_process *process = process_of(files);
	const struct inode *inode = disk_inode(process, fd);
	int error = enter(process);
	size_t n;

	if (error != 0)
		return error;
	if (offset >= inode->now.octets)
		return 0;
	n = inode->now.octets - (size_t)offset;
	if (n > room)
		n = room;
	memcpy(to, inode->now.at + offset, n);
	return (ssize_t)n;
}

/* Who is killed in it has perhaps written the front. */
static ssize_t
disk_write_at(struct files *files, int fd, const void *from, size_t octets,
	uint64_t offset)
{
	struct disk_process *process = process_of(files);
	struct disk *disk = process->disk;
	struct inode *inode = disk_inode(process, fd);
	bool was_dead = process->is_dead;
	int error = enter_change(process);
	size_t front;

	if (process->is_dead && !was_dead && octets > 0) {
		front = (size_t)(disk->world.random() % (octets + 1));
		(void)content_write(disk, inode, from, front, offset);
	}
	if (error == 0)
		error = content_write(disk, inode, from, octets, offset);
	return error ? error : (ssize_t)octets;
}

/* Who is killed in a sync has not been told that it failed: what it was to write
   is still to be written. */
static bool
is_forgotten(const struct disk_process *process, int error)
{
	return error != 0 && process->is_forgetful && !process->is_dead;
}

static int
disk_sync(struct files *files, int fd)
{
	struct disk_process *process = process_of(files);
	struct inode *inode = disk_inode(process, fd);
	int error = enter_change(process);

	if (is_forgotten(process, error) && !inode->is_directory)
		content_give_up(inode);
	if (error != 0)
		return error;
	if (inode->is_directory)
		changes_sync(process->disk, inode);
	else
		content_sync(inode);
	return 0;
}

static int
disk_sync_file_system(struct files *files, int fd)
{
	struct disk_process *process = process_of(files);
	struct disk *disk = process->disk;
	int error = enter_change(process);

	for (struct inode *i = disk->inodes; i && is_forgotten(process, error);
		i = i->next)
		content_give_up(i);
	if (error != 0)
		return error;
	while (disk->changes)
		changes_end_first(disk, true);
	for (struct inode *i = disk->inodes; i; i = i->next)
		content_sync(i);
	return 0;
}

static int
disk_allocate_blocks(struct files *files, int fd, uint64_t octets)
{
	struct disk_process *process = process_of(files);
	struct inode *inode = disk_inode(process, fd);
	int error = enter_change(process);

	return error ? error : content_grow(process->disk, inode, octets);
}

static int
disk_truncate(struct files *files, int fd, uint64_t octets)
{
	struct disk_process *process = process_of(files);
	struct inode *inode = disk_inode(process, fd);
	int error = enter_change(process);

	if (error == 0)
		content_cut(process->disk, inode, octets);
	return error;
}

static int
disk_lock(struct files *files, int fd, bool is_for_writing)
{
	struct disk_process *process = process_of(files);

	disk_inode(process, fd);
	return enter(process);
}

static int
disk_link(struct files *files, int from, const char *from_path, int to,
	const char *to_path)
{
	struct disk_process *process = process_of(files);
	int error = enter_change(process);
	struct inode *what = NULL, *parent;
	char name[256];

	if (error == 0)
		what = disk_find(process, from, from_path, &error);
	if (error == 0)
		error = disk_walk(process, to, to_path, &parent, name);
	if (error != 0)
		return error;
	if (entries_find(&parent->now_entries, name))
		return -EEXIST;
	change_make(process->disk, NULL, NULL, parent, name, what);
	return 0;
}

static int
disk_rename(struct files *files, int from, const char *from_path, int to,
	const char *to_path)
{
	struct disk_process *process = process_of(files);
	int error = enter_change(process);
	struct inode *what = NULL, *source, *target;
	char from_name[256], to_name[256];

	if (error == 0)
		what = disk_find(process, from, from_path, &error);
	if (error == 0)
		error = disk_walk(process, from, from_path, &source, from_name);
	if (error == 0)
		error = disk_walk(process, to, to_path, &target, to_name);
	if (error == 0)
		change_make(process->disk, source, from_name, target, to_name,
			what);
	return error;
}

static int
disk_unlink(struct files *files, int directory, const char *path)
{
	struct disk_process *process = process_of(files);
	int error = enter_change(process);
	struct inode *what = NULL, *parent;
	char name[256];

	if (error == 0)
		what = disk_find(process, directory, path, &error);
	if (error == 0 && what->is_directory)
		error = -EISDIR;
	if (error == 0)
		error = disk_walk(process, directory, path, &parent, name);
	if (error == 0)
		change_make(process->disk, parent, name, NULL, NULL, NULL);
	return error;
}

static int
disk_mkdir(struct files *files, int directory, const char *path, mode_t mode)
{
	struct disk_process *process = process_of(files);
	int error = enter_change(process);
	struct inode *parent, *made;
	char name[256];

	if (error == 0)
		error = disk_walk(process, directory, path, &parent, name);
	if (error != 0)
		return error;
	if (disk_step(parent, name))
		return -EEXIST;
	if (process->disk->free_blocks == 0)
		return -ENOSPC;
	made = inode_new(process->disk, true);
	made->parent = parent;
	change_make(process->disk, NULL, NULL, parent, name, made);
	return 0;
}

static void
tell(const struct inode *inode, struct stat *out)
{
	*out = (struct stat){
		.st_dev = 1,
		.st_ino = inode->number,
		.st_mode =
			inode->is_directory ? S_IFDIR | 0700 : S_IFREG | 0600,
		.st_nlink = 1,
		.st_size = (off_t)inode->now.octets,
		.st_mtim.tv_sec = (time_t)(inode->changed_ns / 1000000000),
		.st_mtim.tv_nsec = (long)(inode->changed_ns % 1000000000),
	};
	out->st_ctim = out->st_mtim;
}

static int
disk_stat(struct files *files, int fd, struct stat *out)
{
	struct disk_process *process = process_of(files);
	int error = enter(process);

	if (error == 0)
		tell(disk_inode(process, fd), out);
	return error;
}

static int
disk_stat_at(
	struct files *files, int directory, const char *path, struct stat *out)
{
	struct disk_process *process = process_of(files);
	int error = enter(process);
	const struct inode *inode = NULL;

	if (error == 0)
		inode = disk_find(process, directory, path, &error);
	if (error == 0)
		tell(inode, out);
	return error;
}

/* As it was when it began; who is called may change it. */
static int
disk_list(struct files *files, int directory, const char *path,
	bool (*each)(void *context, const char *name), void *context)
{
	struct disk_process *process = process_of(files);
	int error = enter(process);
	const struct inode *inode = NULL;
	unsigned count, first;
	char **names;
	bool goes_on = true;

	if (error == 0)
		inode = disk_find(process, directory, path, &error);
	if (error == 0 && !inode->is_directory)
		error = -ENOTDIR;
	if (error != 0)
		return error;
	count = inode->now_entries.count;
	names = disk_allocate(count * sizeof(*names));
	for (unsigned i = 0; i < count; i++) {
		names[i] = strdup(inode->now_entries.at[i].name);
		if (!names[i])
			abort();
	}
	first = count ? (unsigned)(process->disk->world.random() % count) : 0;
	for (unsigned i = 0; i < count; i++) {
		char *name = names[(first + i) % count];

		goes_on = goes_on && each(context, name);
		free(name);
	}
	free(names);
	return 0;
}

static int
disk_memory(struct files *files, const char *label)
{
	struct disk_process *process = process_of(files);
	int error = enter(process);

	return error ? error
		     : disk_open_inode(
			       process, inode_new(process->disk, false));
}

static int
disk_seal(struct files *files, int fd)
{
	return enter(process_of(files));
}

static int
disk_duplicate(struct files *files, int fd)
{
	struct disk_process *process = process_of(files);
	int error = enter(process);

	return error ? error
		     : disk_open_inode(process, disk_inode(process, fd));
}

static uint64_t
disk_now_ns(struct files *files)
{
	return process_of(files)->disk->world.now_ns();
}

static int
disk_random(struct files *files, void *to, size_t octets)
{
	struct disk_process *process = process_of(files);
	unsigned char *at = to;
	int error = enter(process);

	for (size_t i = 0; i < octets && error == 0; i++)
		at[i] = (unsigned char)(process->disk->world.random() >> 32);
	return error;
}

static bool
disk_is_local(struct files *files, int fd)
{
	return true;
}

static const struct files calls = {
	.open = disk_open,
	.close = disk_close,
	.read_at = disk_read_at,
	.write_at = disk_write_at,
	.sync = disk_sync,
	.sync_data = disk_sync,
	.sync_file_system = disk_sync_file_system,
	.allocate = disk_allocate_blocks,
	.truncate = disk_truncate,
	.lock = disk_lock,
	.link = disk_link,
	.rename = disk_rename,
	.unlink = disk_unlink,
	.mkdir = disk_mkdir,
	.stat = disk_stat,
	.stat_at = disk_stat_at,
	.list = disk_list,
	.memory = disk_memory,
	.seal = disk_seal,
	.duplicate = disk_duplicate,
	.is_local = disk_is_local,
	.now_ns = disk_now_ns,
	.random = disk_random,
};

void
disk_process_init(struct disk_process *process, struct disk *disk)
{
	*process = (struct disk_process){.files = calls, .disk = disk};
}

int
disk_export(struct disk_process *process, int fd)
{
	struct inode *inode = disk_inode(process, fd);
	int out;

	content_export(inode);
	out = dup(inode->exported);
	return out < 0 ? -errno : out;
}

int
disk_hand_over(struct disk_process *from, int *fd, struct disk_process *to)
{
	int out = disk_open_inode(to, disk_inode(from, *fd));

	disk_close(&from->files, fd);
	return out;
}
