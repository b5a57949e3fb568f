/* SPDX-License-Identifier: ISC */
#include "collect/schedule.h"
#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_NAME	    "daemon"
#define TEXT_MAXIMUM_OCTETS (512u << 10) /* of 1,000 accounts */
#define DOUBLINGS_MAXIMUM   16

struct schedule_file {
	int fd;
};

uint64_t
schedule_wait_ms(uint64_t interval_seconds, unsigned failures, uint64_t random)
{
	uint64_t seconds = interval_seconds, spread_ms;

	if (failures > 0 && seconds < SCHEDULE_MINIMUM_SECONDS)
		seconds = SCHEDULE_MINIMUM_SECONDS;
	for (unsigned i = 0; i < failures && i < DOUBLINGS_MAXIMUM; i++)
		if (seconds < SCHEDULE_MAXIMUM_SECONDS)
			seconds *= 2;
	/* An interval that is longer by itself stays as it is. */
	if (failures > 0 && seconds > SCHEDULE_MAXIMUM_SECONDS &&
		interval_seconds < SCHEDULE_MAXIMUM_SECONDS)
		seconds = SCHEDULE_MAXIMUM_SECONDS;
	else if (seconds < interval_seconds ||
		 interval_seconds >= SCHEDULE_MAXIMUM_SECONDS)
		seconds = interval_seconds;
	spread_ms = seconds * 200;
	return seconds * 900 + (spread_ms > 0 ? random % spread_ms : 0);
}

/* ---- the file ---- */

enum outcome
schedule_file_open(const char *state, struct schedule_file **out,
	char error[SCHEDULE_ERROR_SIZE])
{
	struct schedule_file *file = calloc(1, sizeof(*file));
	char path[PATH_MAX];

	snprintf(error, SCHEDULE_ERROR_SIZE, "no memory");
	if (!file)
		return ERR_TRY_LATER;
	snprintf(path, sizeof(path), "%s/" FILE_NAME, state);
	file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd >= 0 && flock(file->fd, LOCK_EX | LOCK_NB) == 0) {
		*out = file;
		return OK;
	}
	snprintf(error, SCHEDULE_ERROR_SIZE, "%.150s: %s", path,
		file->fd < 0 ? strerror(errno)
			     : "another restante fetch --daemon runs");
	if (file->fd < 0) {
		free(file);
		return ERR_TRY_LATER;
	}
	schedule_file_close(&file);
	return ERR_BUSY;
}

void
schedule_file_close(struct schedule_file **file)
{
	if (!*file)
		return;
	close((*file)->fd);
	free(*file);
	*file = NULL;
}

bool
schedule_file_write(struct schedule_file *file,
	const struct schedule_entry *entries, size_t count)
{
	struct buffer text;
	struct bytes all;
	bool is_good = true;

	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	for (size_t i = 0; i < count && is_good; i++)
		is_good =
			buffer_printf(&text, "%s %llu %d\n", entries[i].account,
				(unsigned long long)entries[i].next_seconds,
				(int)entries[i].is_running);
	all = buffer_bytes(&text);
	/* A reader between the two sees less; nobody acts on it. */
	is_good =
		is_good && ftruncate(file->fd, 0) == 0 &&
		pwrite(file->fd, all.at, all.octets, 0) == (ssize_t)all.octets;
	buffer_release(&text);
	return is_good;
}

/* "NAME SECONDS RUNNING" */
static bool
read_line(struct bytes line, const char *account, struct schedule_entry *out)
{
	struct bytes name = bytes_cut(&line, ' ');
	struct bytes seconds = bytes_cut(&line, ' ');

	if (!bytes_equal(name, bytes_of_string(account)) ||
		!bytes_to_number(seconds, UINT32_MAX, &out->next_seconds))
		return false;
	out->is_running = bytes_equal(line, bytes_of_string("1"));
	return true;
}

static bool
search(int fd, const char *account, struct schedule_entry *out)
{
	struct buffer text;
	struct bytes rest;
	unsigned char *room;
	ssize_t got = 0;
	bool is_there = false;

	buffer_init(&text, TEXT_MAXIMUM_OCTETS);
	while ((room = buffer_reserve(&text, 4096)) &&
		(got = read(fd, room, 4096)) > 0)
		buffer_grow(&text, (size_t)got);
	rest = buffer_bytes(&text);
	while (rest.octets > 0 && !is_there)
		is_there = read_line(bytes_cut(&rest, '\n'), account, out);
	buffer_release(&text);
	return is_there;
}

bool
schedule_read(
	const char *state, const char *account, struct schedule_entry *out)
{
	char path[PATH_MAX];
	bool is_there = false;
	int fd;

	snprintf(path, sizeof(path), "%s/" FILE_NAME, state);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	/* Nobody holds it: what it says is of a daemon that is no more. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		is_there = search(fd, account, out);
	close(fd);
	return is_there;
}
