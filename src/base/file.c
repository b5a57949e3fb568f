/* SPDX-License-Identifier: ISC */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_OCTETS 4096

bool
file_read(const char *path, struct buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : 1;
	int error;

	while (got > 0) {
		unsigned char *to = buffer_reserve(out, READ_OCTETS);

		if (!to)
			errno = EFBIG;
		got = to ? read(fd, to, READ_OCTETS) : -1;
		if (got > 0)
			buffer_grow(out, (size_t)got);
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return got == 0;
}
