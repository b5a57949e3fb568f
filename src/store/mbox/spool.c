/* SPDX-License-Identifier: ISC */
#include "store/mbox/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define READ_OCTETS 65536

void
mbox_spool_init(struct mbox_spool *spool, const struct state_folder *state)
{
	*spool = (struct mbox_spool){.state = state, .descriptor = -1};
	buffer_init(&spool->held, SPOOL_MEMORY_OCTETS);
}

void
mbox_spool_release(struct mbox_spool *spool)
{
	buffer_release(&spool->held);
	spool->state->files->close(spool->state->files, &spool->descriptor);
}

static int
make_file(struct mbox_spool *spool)
{
	const struct state_folder *state = spool->state;
	struct files *files = state->files;
	char name[32], path[STATE_PATH_OCTETS];
	uint64_t random;
	int error = files->random(files, &random, sizeof(random));

	if (error != 0)
		return error;
	snprintf(name, sizeof(name), "arriving.%016" PRIx64, random);
	spool->descriptor =
		state_open(state, "mailbox", name, O_RDWR | O_CREAT | O_EXCL);
	if (spool->descriptor < 0)
		return spool->descriptor;
	state_path(state, "mailbox", name, path);
	return files->unlink(files, state->root, path);
}

static int
write_out(struct mbox_spool *spool)
{
	struct files *files = spool->state->files;
	struct bytes held = buffer_bytes(&spool->held);
	int error = spool->descriptor >= 0 ? 0 : make_file(spool);

	if (error == 0)
		error = files_write_all(
			files, spool->descriptor, held, spool->written);
	if (error != 0)
		return error;
	spool->written += held.octets;
	buffer_clear(&spool->held);
	return 0;
}

enum outcome
mbox_spool_put(struct mbox_spool *spool, struct bytes octets)
{
	spool->octets += octets.octets;
	while (octets.octets > 0) {
		size_t room = buffer_room(&spool->held);
		size_t most = octets.octets < room ? octets.octets : room;

		if (!buffer_append(&spool->held, octets.at, most))
			return ERR_TRY_LATER;
		octets = bytes_after(octets, most);
		if (buffer_room(&spool->held) == 0) {
			int error = write_out(spool);

			if (error != 0)
				return outcome_of_errno(-error);
		}
	}
	return OK;
}

int
mbox_spool_each(struct mbox_spool *spool,
	int (*each)(void *context, struct bytes octets), void *context)
{
	struct files *files = spool->state->files;
	unsigned char *chunk = NULL;
	uint64_t done = 0;
	int error = 0;

	if (spool->written > 0 && !(chunk = malloc(READ_OCTETS)))
		return -ENOMEM;
	while (error == 0 && done < spool->written) {
		uint64_t left = spool->written - done;
		size_t room = left < READ_OCTETS ? (size_t)left : READ_OCTETS;
		ssize_t n = files_read_all(
			files, spool->descriptor, chunk, room, done);

		if (n != (ssize_t)room)
			error = n < 0 ? (int)n : -EIO;
		else
			error = each(context, bytes_of(chunk, room));
		done += room;
	}
	free(chunk);
	if (error == 0 && spool->held.octets > 0)
		error = each(context, buffer_bytes(&spool->held));
	return error;
}
