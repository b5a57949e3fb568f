/* SPDX-License-Identifier: ISC */
#include "store/files.h"

#include <errno.h>

int
files_write_all(
	struct files *files, int descriptor, struct bytes from, uint64_t offset)
{
	while (from.octets > 0) {
		ssize_t n = files->write_at(
			files, descriptor, from.at, from.octets, offset);

		if (n == 0)
			return -ENOSPC;
		if (n < 0)
			return (int)n;
		from = bytes_after(from, (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

ssize_t
files_read_all(struct files *files, int descriptor, void *to, size_t room,
	uint64_t offset)
{
	size_t done = 0;

	while (done < room) {
		ssize_t n = files->read_at(files, descriptor,
			(unsigned char *)to + done, room - done, offset + done);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}
