/* SPDX-License-Identifier: ISC */
/* Descriptors of processes, and paths. */
#include "disk_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- descriptors ---- */

int
disk_open_inode(struct disk_process *process, struct inode *inode)
{
	struct disk *disk = process->disk;
	unsigned i = 0;

	while (i < disk->descriptor_count && disk->descriptors[i].inode)
		i++;
	if (i == disk->descriptor_count) {
		disk->descriptor_count = i * 2 + 16;
		disk->descriptors = realloc(disk->descriptors,
			disk->descriptor_count * sizeof(*disk->descriptors));
		if (!disk->descriptors)
			abort();
		memset(disk->descriptors + i, 0,
			(disk->descriptor_count - i) *
				sizeof(*disk->descriptors));
	}
	disk->descriptors[i] = (struct descriptor){inode, process};
	inode_hold(inode);
	process->open++;
	return DISK_FIRST_DESCRIPTOR + (int)i;
}

struct descriptor *
disk_descriptor(struct disk_process *process, int fd)
{
	unsigned i = (unsigned)(fd - DISK_FIRST_DESCRIPTOR);

	if (fd < DISK_FIRST_DESCRIPTOR ||
		i >= process->disk->descriptor_count ||
		process->disk->descriptors[i].owner != process)
		abort(); /* closed, or another one's */
	return &process->disk->descriptors[i];
}

struct inode *
disk_inode(struct disk_process *process, int fd)
{
	return disk_descriptor(process, fd)->inode;
}

/* ---- paths ---- */

static struct inode *
directory_of(struct disk_process *process, int fd, const char *path)
{
	if (fd == AT_FDCWD || path[0] == '/')
		return process->disk->root;
	return disk_inode(process, fd);
}

struct inode *
disk_step(struct inode *directory, const char *name)
{
	if (!name[0] || strcmp(name, ".") == 0)
		return directory;
	if (strcmp(name, "..") == 0)
		return directory->parent;
	return entries_find(&directory->now_entries, name);
}

int
disk_walk(struct disk_process *process, int fd, const char *path,
	struct inode **out, char out_name[256])
{
	struct inode *at = directory_of(process, fd, path);
	const char *slash;

	while ((slash = strchr(path, '/'))) {
		char name[256];
		size_t octets = (size_t)(slash - path);

		if (octets >= sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, path, octets);
		name[octets] = '\0';
		at = disk_step(at, name);
		if (!at)
			return -ENOENT;
		if (!at->is_directory)
			return -ENOTDIR;
		path = slash + 1;
	}
	if (strlen(path) > 255)
		return -ENAMETOOLONG;
	if (!at->is_directory)
		return -ENOTDIR;
	strncpy(out_name, path, 255);
	out_name[255] = '\0';
	*out = at;
	return 0;
}

struct inode *
disk_find(
	struct disk_process *process, int fd, const char *path, int *out_error)
{
	struct inode *directory, *found;
	char name[256];

	*out_error = disk_walk(process, fd, path, &directory, name);
	if (*out_error != 0)
		return NULL;
	found = disk_step(directory, name);
	*out_error = found ? 0 : -ENOENT;
	return found;
}
