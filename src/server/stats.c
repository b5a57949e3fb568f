/* SPDX-License-Identifier: ISC */
#include "server/stats.h"

#include <sys/mman.h>
#include <unistd.h>

int
stats_make(void)
{
	int fd = memfd_create("restante-stats", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, sizeof(struct stats)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

struct stats *
stats_map(int *fd, int is_writable)
{
	int protection = PROT_READ | (is_writable ? PROT_WRITE : 0);
	void *at;

	at = mmap(NULL, sizeof(struct stats), protection, MAP_SHARED, *fd, 0);
	close(*fd);
	*fd = -1;
	return at == MAP_FAILED ? NULL : at;
}
