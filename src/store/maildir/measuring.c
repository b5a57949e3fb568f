/* SPDX-License-Identifier: ISC */
#include "store/maildir/measuring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "message/measure.h"

#define READ_OCTETS 65536
/* What a thread takes at a time, and what is worth asking others for. */
#define TAKEN_MESSAGES	16
#define SHARED_MESSAGES 64

struct measuring {
	struct executor_share share; /* first */
	struct mailbox *mailbox;
	const struct listing *listing;
	struct arrival *arrivals;
	uint32_t count;
	_Atomic uint32_t taken, measured;
};

/* What a thread has to itself, and the file that it reads: its first octets,
   then the rest. */
struct reading {
	struct files *files;
	struct uidl_digester *digester;
	struct file_name name;
	int fd;
	struct measure measure;
	unsigned char chunk[READ_OCTETS];
};

static int
read_rest(struct reading *reading)
{
	struct measure *measure = &reading->measure;

	for (;;) {
		ssize_t n = reading->files->read_at(reading->files, reading->fd,
			reading->chunk, READ_OCTETS, measure->stored_octets);

		if (n <= 0)
			return (int)n;
		measure_put(measure, bytes_of(reading->chunk, (size_t)n));
	}
}

/* Nothing else is asked of a small file whose name says when it came, and how
   long it is: so few calls a message are what a large mailbox is made of. */
static int
read_file(struct reading *reading, uint64_t *out_seconds)
{
	struct files *files = reading->files;
	bool has_time = file_name_time(&reading->name, out_seconds);
	struct stat status;
	uint64_t octets;
	ssize_t n = files->read_at(
		files, reading->fd, reading->chunk, READ_OCTETS, 0);
	int error;

	if (n < 0)
		return n == -ESPIPE || n == -EISDIR ? -ENOENT : (int)n;
	measure_put(&reading->measure, bytes_of(reading->chunk, (size_t)n));
	if (n > 0 && n < READ_OCTETS && has_time &&
		file_name_octets(&reading->name, &octets) &&
		octets == (uint64_t)n)
		return 0;
	error = files->stat(files, reading->fd, &status);
	if (error != 0)
		return error;
	if (!S_ISREG(status.st_mode))
		return -ENOENT;
	if (!has_time)
		*out_seconds = (uint64_t)status.st_mtim.tv_sec;
	return status.st_size == n ? 0 : read_rest(reading);
}

static int
look(struct measuring *measuring, struct reading *reading,
	uint64_t *out_seconds)
{
	struct mailbox *mailbox = measuring->mailbox;
	char path[FILE_NAME_PATH_OCTETS];
	int error;

	file_name_path(&reading->name, path);
	reading->fd = mailbox->files->open(
		mailbox->files, mailbox->root, path, O_RDONLY, 0);
	if (reading->fd < 0)
		return reading->fd == -ELOOP ? -ENOENT : reading->fd;
	measure_init(&reading->measure);
	error = read_file(reading, out_seconds);
	measure_end(&reading->measure);
	mailbox->files->close(mailbox->files, &reading->fd);
	return error;
}

static void
measure_one(struct measuring *measuring, struct arrival *arrival,
	struct reading *reading)
{
	struct index_message message;

	arrival->file = measuring->listing->entries[arrival->entry];
	listing_name(measuring->listing, &arrival->file, &reading->name);
	arrival->error = look(measuring, reading, &arrival->seconds);
	if (arrival->error != 0)
		return;
	message = index_message_of_measure(&reading->measure);
	arrival->flags = message.flags;
	arrival->octets = message.octets;
	arrival->stored_octets = message.stored_octets;
	arrival->header_octets = message.header_octets;
	arrival->surrogate_difference = message.surrogate_difference;
	if (!uidl_digester_take(reading->digester,
		    file_name_base(&reading->name), arrival->digest))
		arrival->error = -ENOMEM;
}

static void
measure_all(struct measuring *measuring, struct reading *reading)
{
	uint32_t count = measuring->count, first;

	while ((first = atomic_fetch_add(&measuring->taken, TAKEN_MESSAGES)) <
		count) {
		uint32_t end = count - first < TAKEN_MESSAGES
				       ? count
				       : first + TAKEN_MESSAGES;

		for (uint32_t i = first; i < end; i++)
			measure_one(
				measuring, &measuring->arrivals[i], reading);
		mailbox_progress(measuring->mailbox,
			atomic_fetch_add(&measuring->measured, end - first),
			count);
	}
}

/* A thread without memory leaves what there is to the others. */
static void
measure_some(struct executor_share *share)
{
	struct measuring *measuring = (struct measuring *)share;
	struct reading *reading = malloc(sizeof(*reading));

	if (!reading)
		return;
	reading->files = measuring->mailbox->files;
	reading->digester = uidl_digester_new();
	if (reading->digester)
		measure_all(measuring, reading);
	uidl_digester_free(&reading->digester);
	free(reading);
}

enum outcome
measuring_run(struct mailbox *mailbox, const struct listing *listing,
	struct arrival *arrivals, uint32_t count)
{
	struct measuring measuring = {
		.share.work = measure_some,
		.mailbox = mailbox,
		.listing = listing,
		.arrivals = arrivals,
		.count = count,
	};

	if (count >= SHARED_MESSAGES)
		executor_share(mailbox->settings->executor, &measuring.share);
	else
		measure_some(&measuring.share);
	return atomic_load(&measuring.measured) == count ? OK : ERR_TRY_LATER;
}
