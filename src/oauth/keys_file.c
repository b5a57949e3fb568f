/* SPDX-License-Identifier: ISC */
#include "oauth/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
read_whole(int fd, struct buffer *out)
{
	ssize_t got = 1;

	while (got > 0) {
		unsigned char *to = buffer_reserve(out, 4096);

		if (!to)
			errno = EFBIG;
		got = to ? read(fd, to, 4096) : -1;
		if (got > 0)
			buffer_grow(out, (size_t)got);
	}
	return got == 0;
}

struct oauth_keys *
oauth_keys_read(
	const char *file, struct stat *out_status, char *error, size_t size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct oauth_keys *keys = NULL;
	struct buffer text;

	buffer_init(&text, OAUTH_JWKS_MAXIMUM_OCTETS);
	if (fd < 0 || fstat(fd, out_status) < 0 || !read_whole(fd, &text))
		snprintf(error, size, "%s", strerror(errno));
	else
		keys = oauth_keys_parse(buffer_bytes(&text), error, size);
	buffer_release(&text);
	if (fd >= 0)
		close(fd);
	return keys;
}
