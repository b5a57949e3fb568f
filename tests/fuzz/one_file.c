/* SPDX-License-Identifier: ISC */
#include "one_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned char memory[ONE_FILE_MAXIMUM_OCTETS];
static size_t length;

void
one_file_set(struct bytes content, uint64_t octets)
{
	if (content.octets > sizeof(memory))
		content.octets = sizeof(memory);
	memset(memory, 0, length);
	if (content.octets > 0)
		memcpy(memory, content.at, content.octets);
	length = content.octets > octets ? content.octets : (size_t)octets;
	if (length > sizeof(memory))
		abort();
}

struct bytes
one_file_content(void)
{
	return bytes_of(memory, length);
}

void
one_file_flip(uint64_t offset, uint8_t with)
{
	if (offset < length)
		memory[offset] ^= with;
}

static int
one_open(struct files *files, int directory, const char *path, int flags,
	mode_t mode)
{
	return ONE_FILE_DESCRIPTOR;
}

static void
one_close(struct files *files, int *descriptor)
{
	*descriptor = -1;
}

static ssize_t
one_read_at(struct files *files, int fd, void *to, size_t room, uint64_t offset)
{
	struct bytes rest = bytes_after(one_file_content(), offset);

	if (room > rest.octets)
		room = rest.octets;
	if (room > 0)
		memcpy(to, rest.at, room);
	return (ssize_t)room;
}

static ssize_t
one_write_at(struct files *files, int fd, const void *from, size_t octets,
	uint64_t offset)
{
	if (offset + octets > sizeof(memory))
		return -ENOSPC;
	memcpy(memory + offset, from, octets);
	if (length < offset + octets)
		length = (size_t)(offset + octets);
	return (ssize_t)octets;
}

static int
one_sync(struct files *files, int descriptor)
{
	return 0;
}

static int
one_allocate(struct files *files, int descriptor, uint64_t octets)
{
	if (octets > sizeof(memory))
		return -ENOSPC;
	if (length < octets)
		length = (size_t)octets;
	return 0;
}

static int
one_stat(struct files *files, int descriptor, struct stat *out)
{
	*out = (struct stat){.st_size = (off_t)length};
	return 0;
}

static int
one_unlink(struct files *files, int directory, const char *path)
{
	return 0;
}

static int
one_rename(struct files *files, int from, const char *from_path, int to,
	const char *to_path)
{
	return 0;
}

static int
one_mkdir(struct files *files, int directory, const char *path, mode_t mode)
{
	return -EEXIST;
}

struct files one_file = {
	.open = one_open,
	.close = one_close,
	.read_at = one_read_at,
	.write_at = one_write_at,
	.sync = one_sync,
	.sync_data = one_sync,
	.sync_file_system = one_sync,
	.allocate = one_allocate,
	.stat = one_stat,
	.unlink = one_unlink,
	.rename = one_rename,
	.mkdir = one_mkdir,
};
