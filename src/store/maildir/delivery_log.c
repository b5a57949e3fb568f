/* SPDX-License-Identifier: ISC */
#include "store/maildir/delivery_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/little_endian.h"

#define HEADER_OCTETS 64
#define HEAD_OCTETS   24
#define ZERO_OCTETS   65536
#define NAME_OCTETS   32

/* Offsets within the header and within a record. */
enum { AT_MAGIC = 8, AT_GENERATION = 24, AT_BOOT = 32, AT_FILE = 36 };
enum {
	AT_OCTETS = 8,
	AT_STATE = 12,
	AT_CHECKED = 16, /* from here on the checksum holds */
	AT_MAILBOX = 16,
	AT_NAME = 18,
	AT_MESSAGE = 20,
};

enum { STATE_VALID = 0, STATE_VOID = 1 };

static const unsigned char magic[16] = "restante-deliver";

static void
file_name(unsigned number, char out[NAME_OCTETS])
{
	snprintf(out, NAME_OCTETS, "deliveries.%u", number);
}

static int
write_header(struct delivery_log *log, uint64_t generation, uint32_t boot)
{
	unsigned char header[HEADER_OCTETS] = {0};
	int error;

	memcpy(header + AT_MAGIC, magic, sizeof(magic));
	little_put(header + AT_GENERATION, 8, generation);
	little_put(header + AT_BOOT, 4, boot);
	little_put(header + AT_FILE, 4, log->octets);
	little_put(header, 8, XXH3_64bits(header + 8, HEADER_OCTETS - 8));
	error = files_write_all(log->files, log->descriptor,
		bytes_of(header, sizeof(header)), 0);
	return error ? error
		     : log->files->sync_data(log->files, log->descriptor);
}

/* Blocks that were written before cost a sync no change of the file's own
   records, which fallocate(2) alone would. */
static int
fill(struct delivery_log *log)
{
	unsigned char *zeros = calloc(1, ZERO_OCTETS);
	int error = zeros ? 0 : -ENOMEM;

	if (error == 0)
		error = log->files->allocate(
			log->files, log->descriptor, log->octets);
	for (uint64_t at = 0; error == 0 && at < log->octets; at += ZERO_OCTETS)
		error = files_write_all(log->files, log->descriptor,
			bytes_of(zeros, ZERO_OCTETS), at);
	free(zeros);
	return error;
}

/* The file's name is on disk. */
static int
sync_entry(struct delivery_log *log)
{
	struct files *files = log->files;
	int fd = files->open(
		files, log->state_root, ".", O_RDONLY | O_DIRECTORY, 0);
	int error = fd < 0 ? fd : files->sync(files, fd);

	files->close(files, &fd);
	return error;
}

static int
make(struct delivery_log *log, const char *name, uint32_t boot)
{
	struct files *files = log->files;
	uint64_t generation;
	int fd = files->open(
		files, log->state_root, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	int error;

	if (fd < 0)
		return fd;
	log->descriptor = fd;
	error = files->random(files, &generation, sizeof(generation));
	if (error == 0)
		error = fill(log);
	if (error == 0)
		error = write_header(log, generation, boot);
	if (error == 0)
		error = files->sync(files, fd);
	if (error == 0)
		error = sync_entry(log);
	if (error != 0) {
		delivery_log_close(log);
		(void)files->unlink(files, log->state_root, name);
		return error;
	}
	log->generation = generation;
	log->boot = boot;
	return 0;
}

/*
 * Errors  ERR_GONE (a crash cut its making short: nothing was ever in it),
 *         ERR_BROKEN (damaged), ERR_TRY_LATER
 */
static enum outcome
read_header(struct delivery_log *log)
{
	static const unsigned char zeros[HEADER_OCTETS];
	unsigned char header[HEADER_OCTETS];
	struct stat status;
	ssize_t n = files_read_all(
		log->files, log->descriptor, header, sizeof(header), 0);

	if (n < 0 || log->files->stat(log->files, log->descriptor, &status))
		return ERR_TRY_LATER;
	if (n < HEADER_OCTETS || status.st_size < (off_t)log->octets ||
		!memcmp(header, zeros, sizeof(zeros)))
		return ERR_GONE;
	if (memcmp(header + AT_MAGIC, magic, sizeof(magic)) != 0 ||
		little_get(header, 8) !=
			XXH3_64bits(header + 8, HEADER_OCTETS - 8))
		return ERR_BROKEN;
	if (little_get(header + AT_FILE, 4) != (uint64_t)status.st_size ||
		status.st_size < (off_t)DELIVERY_LOG_MINIMUM ||
		status.st_size > (off_t)DELIVERY_LOG_MAXIMUM)
		return ERR_BROKEN;
	log->octets = (uint32_t)status.st_size;
	log->generation = little_get(header + AT_GENERATION, 8);
	log->boot = (uint32_t)little_get(header + AT_BOOT, 4);
	return OK;
}

static enum outcome
open_old(struct delivery_log *log, const char *name)
{
	struct files *files = log->files;
	char aside[NAME_OCTETS + 16];
	enum outcome outcome;
	int error = 0;
	int fd = files->open(files, log->state_root, name, O_RDWR, 0);

	if (fd < 0)
		return fd == -ENOENT ? ERR_GONE : outcome_of_errno(-fd);
	log->descriptor = fd;
	outcome = read_header(log);
	if (outcome == OK)
		return OK;
	delivery_log_close(log);
	snprintf(aside, sizeof(aside), "%s.damaged", name);
	if (outcome == ERR_GONE)
		error = files->unlink(files, log->state_root, name);
	else if (outcome == ERR_BROKEN)
		error = files->rename(
			files, log->state_root, name, log->state_root, aside);
	/* It must not come back: its messages may have been deleted since. */
	if (error == 0)
		error = sync_entry(log);
	return error ? ERR_TRY_LATER : outcome;
}

enum outcome
delivery_log_open(struct delivery_log *log, bool may_make, uint32_t boot)
{
	char name[NAME_OCTETS];
	enum outcome outcome;

	file_name(log->number, name);
	outcome = open_old(log, name);
	/* Who made it, or forgot its records, may have been killed before that
	   was on disk, or told that it is not: what is read here was then given
	   up by the system, and is written again. */
	if (outcome == OK) {
		int error = write_header(log, log->generation, log->boot);

		outcome = outcome_of_errno(-(error ? error : sync_entry(log)));
		if (outcome != OK)
			delivery_log_close(log);
	}
	if (outcome != ERR_GONE || !may_make)
		return outcome;
	return outcome_of_errno(-make(log, name, boot));
}

void
delivery_log_remove(struct delivery_log *log)
{
	char name[NAME_OCTETS];

	file_name(log->number, name);
	delivery_log_close(log);
	(void)log->files->unlink(log->files, log->state_root, name);
}

void
delivery_log_close(struct delivery_log *log)
{
	log->files->close(log->files, &log->descriptor);
}

/* ---- records ---- */

static size_t
whole_octets(const struct delivery_record *record)
{
	return HEAD_OCTETS + record->mailbox.octets + record->name.octets +
	       record->message.octets;
}

static size_t
aligned(size_t octets)
{
	return (octets + 7) & ~(size_t)7;
}

size_t
delivery_record_octets(const struct delivery_record *record)
{
	return aligned(whole_octets(record));
}

/* Of another generation, place or length a record is a damaged one. */
static uint64_t
checksum(const struct delivery_log *log, uint64_t offset,
	const unsigned char *record, uint32_t octets)
{
	return XXH3_64bits_withSeed(record + AT_CHECKED, octets - AT_CHECKED,
		log->generation ^ (offset << 32) ^ octets);
}

static unsigned char *
put(unsigned char *to, struct bytes bytes)
{
	if (bytes.octets > 0)
		memcpy(to, bytes.at, bytes.octets);
	return to + bytes.octets;
}

void
delivery_record_encode(const struct delivery_log *log, uint64_t offset,
	const struct delivery_record *record, unsigned char *to)
{
	size_t octets = whole_octets(record);
	unsigned char *end;

	memset(to, 0, HEAD_OCTETS);
	little_put(to + AT_OCTETS, 4, octets);
	little_put(to + AT_MAILBOX, 2, record->mailbox.octets);
	little_put(to + AT_NAME, 2, record->name.octets);
	little_put(to + AT_MESSAGE, 4, record->message.octets);
	end = put(to + HEAD_OCTETS, record->mailbox);
	end = put(end, record->name);
	end = put(end, record->message);
	memset(end, 0, aligned(octets) - octets);
	little_put(to, 8, checksum(log, offset, to, (uint32_t)octets));
}

/* The record at `offset` of the file's octets; false when there is none. */
static bool
decode(const struct delivery_log *log, const unsigned char *file,
	uint64_t offset, struct delivery_record *out, size_t *out_octets)
{
	const unsigned char *at = file + offset;
	size_t room = log->octets - offset;
	uint32_t octets;

	if (room < HEAD_OCTETS)
		return false;
	octets = (uint32_t)little_get(at + AT_OCTETS, 4);
	if (octets < HEAD_OCTETS || octets > room ||
		little_get(at, 8) != checksum(log, offset, at, octets))
		return false;
	out->mailbox =
		bytes_of(at + HEAD_OCTETS, little_get(at + AT_MAILBOX, 2));
	out->name = bytes_of(out->mailbox.at + out->mailbox.octets,
		little_get(at + AT_NAME, 2));
	out->message = bytes_of(out->name.at + out->name.octets,
		little_get(at + AT_MESSAGE, 4));
	if (whole_octets(out) != octets)
		return false;
	*out_octets = octets;
	return true;
}

enum outcome
delivery_log_write(
	struct delivery_log *log, uint64_t offset, struct bytes group)
{
	static const unsigned char zeros[HEAD_OCTETS];
	struct files *files = log->files;
	int error = files_write_all(files, log->descriptor, group, offset);

	if (error == 0)
		error = files->sync_data(files, log->descriptor);
	if (error == 0)
		return OK;
	/* They are not acknowledged, so they must not be found later. */
	if (files_write_all(files, log->descriptor,
		    bytes_of(zeros, sizeof(zeros)), offset) == 0)
		(void)files->sync_data(files, log->descriptor);
	return outcome_of_errno(-error);
}

enum outcome
delivery_log_void(struct delivery_log *log, uint64_t offset)
{
	static const unsigned char state[1] = {STATE_VOID};
	int error = files_write_all(log->files, log->descriptor,
		bytes_of(state, sizeof(state)), offset + AT_STATE);

	if (error == 0)
		error = log->files->sync_data(log->files, log->descriptor);
	return outcome_of_errno(-error);
}

enum outcome
delivery_log_renew(struct delivery_log *log, uint32_t boot)
{
	uint64_t generation = log->generation + 1;
	int error = write_header(log, generation, boot);

	if (error != 0)
		return outcome_of_errno(-error);
	log->generation = generation;
	log->boot = boot;
	return OK;
}

static enum outcome
walk(const struct delivery_log *log, const unsigned char *file,
	enum outcome (*each)(
		void *context, const struct delivery_record *record),
	void *context)
{
	uint64_t at = DELIVERY_LOG_START;
	enum outcome outcome = OK;

	while (at < log->octets && outcome == OK) {
		struct delivery_record record;
		size_t octets;

		if (decode(log, file, at, &record, &octets)) {
			if (file[at + AT_STATE] == STATE_VALID)
				outcome = each(context, &record);
			at += aligned(octets);
		} else if (at % DELIVERY_GROUP_ALIGNED != 0) {
			at += DELIVERY_GROUP_ALIGNED -
			      at % DELIVERY_GROUP_ALIGNED;
		} else {
			break;
		}
	}
	return outcome;
}

enum outcome
delivery_log_read(struct delivery_log *log,
	enum outcome (*each)(
		void *context, const struct delivery_record *record),
	void *context)
{
	unsigned char *file = malloc(log->octets);
	enum outcome outcome = ERR_TRY_LATER;

	if (!file)
		return ERR_TRY_LATER;
	if (files_read_all(log->files, log->descriptor, file, log->octets, 0) ==
		(ssize_t)log->octets)
		outcome = walk(log, file, each, context);
	free(file);
	return outcome;
}
