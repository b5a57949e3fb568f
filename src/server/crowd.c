/* SPDX-License-Identifier: ISC */
#include "server/crowd.h"
#include "base/siphash.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct row {
	_Atomic uint16_t counters[CROWD_COUNTERS];
};

/* A page of its own, so that rows begin at one. */
struct head {
	unsigned char key[SIPHASH_KEY_OCTETS];
	unsigned char unused[4096 - SIPHASH_KEY_OCTETS];
};

struct crowd {
	unsigned char key[SIPHASH_KEY_OCTETS];
	void *map;
	size_t map_octets;
	struct row *rows, *own;
	unsigned count;
};

static size_t
octets_of(unsigned rows)
{
	return sizeof(struct head) + rows * sizeof(struct row);
}

int
crowd_make(unsigned rows)
{
	unsigned char key[SIPHASH_KEY_OCTETS];
	int fd =
		memfd_create("restante-crowd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)octets_of(rows)) == 0 &&
		getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
		pwrite(fd, key, sizeof(key), 0) == (ssize_t)sizeof(key) &&
		/* Nobody takes from others what they have mapped. */
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
map(struct crowd *crowd, int fd)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0 || stat.st_size < (off_t)octets_of(1))
		return false;
	crowd->map_octets = (size_t)stat.st_size;
	crowd->count = (unsigned)((crowd->map_octets - sizeof(struct head)) /
				  sizeof(struct row));
	crowd->map = mmap(NULL, crowd->map_octets, PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	if (crowd->map == MAP_FAILED)
		crowd->map = NULL;
	return crowd->map != NULL;
}

struct crowd *
crowd_map(int *fd, unsigned row)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	bool is_mapped = crowd && map(crowd, *fd);

	close(*fd);
	*fd = -1;
	if (!is_mapped || row >= crowd->count) {
		crowd_free(&crowd);
		return NULL;
	}
	memcpy(crowd->key, ((struct head *)crowd->map)->key,
		sizeof(crowd->key));
	crowd->rows = (struct row *)((struct head *)crowd->map + 1);
	crowd->own = &crowd->rows[row];
	for (size_t i = 0; i < CROWD_COUNTERS; i++)
		/* A page that was never touched stays away. */
		if (crowd->own->counters[i])
			crowd->own->counters[i] = 0;
	return crowd;
}

void
crowd_free(struct crowd **crowd)
{
	if (*crowd && (*crowd)->map)
		munmap((*crowd)->map, (*crowd)->map_octets);
	free(*crowd);
	*crowd = NULL;
}

static unsigned
count(const struct crowd *crowd, uint32_t place)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < crowd->count; i++)
		sum += crowd->rows[i].counters[place];
	return sum;
}

bool
crowd_enter(struct crowd *crowd, struct bytes network, unsigned maximum,
	uint32_t *out_place)
{
	uint32_t place =
		(uint32_t)(siphash(crowd->key, network) % CROWD_COUNTERS);

	/* Counted first: of two that come at once not both may see room. */
	if (crowd->own->counters[place] < UINT16_MAX) {
		crowd->own->counters[place]++;
		if (count(crowd, place) <= maximum) {
			*out_place = place;
			return true;
		}
		crowd->own->counters[place]--;
	}
	return false;
}

void
crowd_leave(struct crowd *crowd, uint32_t place)
{
	crowd->own->counters[place]--;
}
