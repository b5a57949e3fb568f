/* SPDX-License-Identifier: ISC */
#include "store/mbox/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/little_endian.h"

#define FILE_NAME     "mbox-journal"
#define RECORD_OCTETS 64
#define PART_OCTETS   48
#define PARTS_MAXIMUM SCAN_MAXIMUM_MESSAGES
#define BLOCK_OCTETS  4096

/* Where records are in the file. */
enum {
	OFFSET_PLAN = 0,
	OFFSET_ARRIVAL = 64,
	OFFSET_STEPS = 128, /* two */
	OFFSET_PARTS = 256,
};

/* Within each record: checksum, what it is, then its own. */
enum { AT_MAGIC = 8, AT_OWN = 16 };

static const unsigned char plan_magic[8] = "rst-mbox";
static const unsigned char arrival_magic[8] = "rst-arrv";

bool
mbox_plan_add(struct mbox_plan *plan, const struct mbox_part *part)
{
	if (plan->count == plan->capacity) {
		uint32_t capacity = plan->capacity * 2 + 16;
		struct mbox_part *more = NULL;

		if (capacity <= PARTS_MAXIMUM * 2)
			more = realloc(plan->parts, capacity * sizeof(*more));
		if (!more)
			return false;
		plan->parts = more;
		plan->capacity = capacity;
	}
	plan->parts[plan->count++] = *part;
	return true;
}

void
mbox_plan_release(struct mbox_plan *plan)
{
	free(plan->parts);
	*plan = (struct mbox_plan){0};
}

enum outcome
mbox_sample(struct files *files, int fd, uint64_t offset, uint64_t end,
	uint64_t *out)
{
	unsigned char octets[JOURNAL_SAMPLE_OCTETS];
	size_t room = sizeof(octets);
	ssize_t n;

	if (end - offset < room)
		room = (size_t)(end - offset);
	n = files_read_all(files, fd, octets, room, offset);
	if (n < 0 || (size_t)n < room)
		return ERR_TRY_LATER;
	*out = XXH3_64bits(octets, room);
	return OK;
}

/* ---- the file ---- */

static uint64_t
halves_offset(uint32_t parts)
{
	uint64_t octets = OFFSET_PARTS + (uint64_t)parts * PART_OCTETS;

	return (octets + BLOCK_OCTETS - 1) / BLOCK_OCTETS * BLOCK_OCTETS;
}

int
mbox_journal_open(struct mbox *mbox, int flags)
{
	int fd = state_open(&mbox->state, "mailbox", FILE_NAME,
		flags & ~(O_CREAT | O_EXCL));
	int error;

	if (fd != -ENOENT || !(flags & O_CREAT))
		return fd;
	fd = state_open(&mbox->state, "mailbox", FILE_NAME, flags);
	error = fd < 0 ? fd : state_sync(&mbox->state, "mailbox");
	if (fd >= 0 && error != 0)
		mbox->files->close(mbox->files, &fd);
	return error == 0 ? fd : error;
}

/* 0 when the file has its blocks up to `octets`, from now on at least. */
static int
allocate(struct mbox *mbox, int journal, uint64_t octets)
{
	struct files *files = mbox->files;
	struct stat status;
	int error = files->stat(files, journal, &status);

	if (error != 0 || (uint64_t)status.st_size >= octets)
		return error;
	error = files->allocate(files, journal, octets);
	return error == 0 ? files->sync(files, journal) : error;
}

enum outcome
mbox_journal_reserve(struct mbox *mbox, uint32_t messages)
{
	uint64_t octets = halves_offset(messages) + 2 * JOURNAL_HALF_OCTETS;
	struct files *files = mbox->files;
	int fd = mbox_journal_open(mbox, O_RDWR | O_CREAT);
	struct stat status;
	int error;

	if (fd < 0)
		return outcome_of_errno(-fd);
	/* A plan's large halves are not kept. */
	if (files->stat(files, fd, &status) == 0 &&
		(uint64_t)status.st_size > 2 * octets + BLOCK_OCTETS)
		files->truncate(files, fd, octets);
	error = allocate(mbox, fd, octets);
	files->close(files, &fd);
	return outcome_of_errno(-error);
}

static int
put_record(struct mbox *mbox, int journal, unsigned char record[RECORD_OCTETS],
	uint64_t seed, uint64_t offset)
{
	little_put(record, 8,
		XXH3_64bits_withSeed(record + 8, RECORD_OCTETS - 8, seed));
	return files_write_all(
		mbox->files, journal, bytes_of(record, RECORD_OCTETS), offset);
}

/* False in *out_is_whole: none, or one that a crash cut short. */
static enum outcome
get_record(struct mbox *mbox, int journal, uint64_t offset, uint64_t seed,
	unsigned char record[RECORD_OCTETS], bool *out_is_whole)
{
	ssize_t n = files_read_all(
		mbox->files, journal, record, RECORD_OCTETS, offset);

	if (n < 0)
		return ERR_TRY_LATER;
	*out_is_whole =
		n == RECORD_OCTETS &&
		little_get(record, 8) == XXH3_64bits_withSeed(record + 8,
						 RECORD_OCTETS - 8, seed);
	return OK;
}

static int
clear_record(struct mbox *mbox, int journal, uint64_t offset)
{
	static const unsigned char zeros[RECORD_OCTETS];

	return files_write_all(
		mbox->files, journal, bytes_of(zeros, sizeof(zeros)), offset);
}

/* ---- the plan ---- */

static void
encode_part(const struct mbox_part *part, unsigned char to[PART_OCTETS])
{
	memset(to, 0, PART_OCTETS);
	little_put(to, 8, part->offset);
	little_put(to + 8, 8, part->octets);
	memcpy(to + 16, part->digest, UIDL_DIGEST_OCTETS);
	little_put(to + 32, 8, part->number);
	to[40] = part->has_uidl;
}

static void
decode_part(const unsigned char from[PART_OCTETS], struct mbox_part *out)
{
	out->offset = little_get(from, 8);
	out->octets = little_get(from + 8, 8);
	memcpy(out->digest, from + 16, UIDL_DIGEST_OCTETS);
	out->number = little_get(from + 32, 8);
	out->has_uidl = from[40] != 0;
}

/* As large as is worth it and the disk has room for. */
static int
choose_half(struct mbox *mbox, int journal, struct mbox_plan *plan)
{
	uint64_t tail = plan->octets - plan->parts[0].offset;
	uint64_t at = halves_offset(plan->count);
	int error;

	plan->half_octets = JOURNAL_HALF_OCTETS;
	while (plan->half_octets < tail &&
		plan->half_octets < JOURNAL_HALF_MAXIMUM_OCTETS)
		plan->half_octets *= 2;
	for (;;) {
		error = allocate(
			mbox, journal, at + 2 * (uint64_t)plan->half_octets);
		if (error == 0 || plan->half_octets == JOURNAL_HALF_OCTETS)
			return error;
		plan->half_octets /= 2;
	}
}

int
mbox_journal_put_plan(struct mbox *mbox, int journal, struct mbox_plan *plan)
{
	size_t octets = (size_t)plan->count * PART_OCTETS;
	unsigned char record[RECORD_OCTETS] = {0};
	unsigned char *parts = malloc(octets);
	uint64_t seed;
	int error;

	if (!parts)
		return -ENOMEM;
	error = choose_half(mbox, journal, plan);
	if (error == 0)
		error = mbox->files->random(
			mbox->files, &plan->random, sizeof(plan->random));
	if (error != 0) {
		free(parts);
		return error;
	}
	for (uint32_t i = 0; i < plan->count; i++)
		encode_part(&plan->parts[i], parts + (size_t)i * PART_OCTETS);
	memcpy(record + AT_MAGIC, plan_magic, sizeof(plan_magic));
	little_put(record + AT_OWN, 8, plan->inode);
	little_put(record + AT_OWN + 8, 8, plan->octets);
	little_put(record + AT_OWN + 16, 8, plan->sample);
	little_put(record + AT_OWN + 24, 4, plan->count);
	little_put(record + AT_OWN + 28, 4, plan->half_octets);
	little_put(record + AT_OWN + 32, 8, plan->random);
	seed = XXH3_64bits(parts, octets);
	error = files_write_all(
		mbox->files, journal, bytes_of(parts, octets), OFFSET_PARTS);
	if (error == 0)
		error = put_record(mbox, journal, record, seed, OFFSET_PLAN);
	plan->checksum = little_get(record, 8);
	free(parts);
	return error;
}

static bool
is_sensible(const struct mbox_plan *plan)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < plan->count; i++) {
		const struct mbox_part *part = &plan->parts[i];

		if (part->offset < end || part->octets == 0 ||
			part->offset > plan->octets ||
			part->octets > plan->octets - part->offset)
			return false;
		end = part->offset + part->octets;
	}
	return plan->half_octets >= JOURNAL_HALF_OCTETS &&
	       plan->half_octets <= JOURNAL_HALF_MAXIMUM_OCTETS;
}

static enum outcome
read_parts(struct mbox *mbox, int journal, const unsigned char *record,
	uint32_t count, struct mbox_plan *plan)
{
	size_t octets = (size_t)count * PART_OCTETS;
	unsigned char *parts = malloc(octets);
	enum outcome outcome = parts ? OK : ERR_TRY_LATER;
	ssize_t n = 0;

	if (parts)
		n = files_read_all(
			mbox->files, journal, parts, octets, OFFSET_PARTS);
	if (n < 0)
		outcome = ERR_TRY_LATER;
	/* Torn: it was never acknowledged, and nothing of it was done. */
	if (outcome == OK && (size_t)n == octets &&
		little_get(record, 8) == XXH3_64bits_withSeed(record + 8,
						 RECORD_OCTETS - 8,
						 XXH3_64bits(parts, octets)))
		for (uint32_t i = 0; i < count && outcome == OK; i++) {
			struct mbox_part part;

			decode_part(parts + (size_t)i * PART_OCTETS, &part);
			if (!mbox_plan_add(plan, &part))
				outcome = ERR_TRY_LATER;
		}
	free(parts);
	return outcome;
}

enum outcome
mbox_journal_get_plan(struct mbox *mbox, int journal, struct mbox_plan *out)
{
	struct mbox_plan plan = {0};
	unsigned char record[RECORD_OCTETS];
	enum outcome outcome;
	struct stat status;
	uint32_t count;
	ssize_t n = files_read_all(
		mbox->files, journal, record, sizeof(record), OFFSET_PLAN);

	*out = plan;
	if (n < 0 || mbox->files->stat(mbox->files, journal, &status) != 0)
		return ERR_TRY_LATER;
	count = (uint32_t)little_get(record + AT_OWN + 24, 4);
	/* A torn one may say anything: memory for it would be gigabytes. */
	if (n < RECORD_OCTETS ||
		memcmp(record + AT_MAGIC, plan_magic, sizeof(plan_magic)) ||
		count == 0 || count > PARTS_MAXIMUM ||
		halves_offset(count) > (uint64_t)status.st_size)
		return OK;
	plan.inode = little_get(record + AT_OWN, 8);
	plan.octets = little_get(record + AT_OWN + 8, 8);
	plan.sample = little_get(record + AT_OWN + 16, 8);
	plan.half_octets = (uint32_t)little_get(record + AT_OWN + 28, 4);
	plan.random = little_get(record + AT_OWN + 32, 8);
	plan.checksum = little_get(record, 8);
	outcome = read_parts(mbox, journal, record, count, &plan);
	if (outcome == OK && is_sensible(&plan))
		*out = plan;
	else
		mbox_plan_release(&plan);
	return outcome;
}

int
mbox_journal_clear_plan(struct mbox *mbox, int journal)
{
	return clear_record(mbox, journal, OFFSET_PLAN);
}

/* ---- its steps ---- */

static uint64_t
half_offset(const struct mbox_plan *plan, uint64_t number)
{
	return halves_offset(plan->count) + number % 2 * plan->half_octets;
}

int
mbox_journal_put_step(struct mbox *mbox, int journal,
	const struct mbox_plan *plan, struct mbox_step *step, const void *piece)
{
	unsigned char record[RECORD_OCTETS] = {0};
	int error;

	step->piece = XXH3_64bits(piece, step->octets);
	little_put(record + AT_MAGIC, 8, step->kind);
	little_put(record + AT_OWN, 8, step->number);
	little_put(record + AT_OWN + 8, 8, step->source);
	little_put(record + AT_OWN + 16, 8, step->target);
	little_put(record + AT_OWN + 24, 8, step->piece);
	little_put(record + AT_OWN + 32, 8, step->sample);
	little_put(record + AT_OWN + 40, 4, step->octets);
	error = files_write_all(mbox->files, journal,
		bytes_of(piece, step->octets), half_offset(plan, step->number));
	if (error != 0)
		return error;
	return put_record(mbox, journal, record, plan->checksum,
		OFFSET_STEPS + step->number % 2 * RECORD_OCTETS);
}

static enum outcome
get_step(struct mbox *mbox, int journal, const struct mbox_plan *plan,
	unsigned which, struct mbox_step *out, void *piece)
{
	unsigned char record[RECORD_OCTETS];
	struct mbox_step step = {0};
	bool is_whole;
	enum outcome outcome = get_record(mbox, journal,
		OFFSET_STEPS + (uint64_t)which * RECORD_OCTETS, plan->checksum,
		record, &is_whole);
	ssize_t n;

	*out = step;
	if (outcome != OK || !is_whole)
		return outcome;
	step.kind = (enum mbox_step_kind)record[AT_MAGIC];
	step.number = little_get(record + AT_OWN, 8);
	step.source = little_get(record + AT_OWN + 8, 8);
	step.target = little_get(record + AT_OWN + 16, 8);
	step.piece = little_get(record + AT_OWN + 24, 8);
	step.sample = little_get(record + AT_OWN + 32, 8);
	step.octets = (uint32_t)little_get(record + AT_OWN + 40, 4);
	if (step.octets > plan->half_octets || step.target > step.source ||
		step.octets > step.source - step.target)
		return OK;
	n = files_read_all(mbox->files, journal, piece, step.octets,
		half_offset(plan, step.number));
	if (n < 0)
		return ERR_TRY_LATER;
	/* A piece that is not whole was not moved yet. */
	if ((size_t)n == step.octets &&
		XXH3_64bits(piece, step.octets) == step.piece)
		*out = step;
	return OK;
}

enum outcome
mbox_journal_get_step(struct mbox *mbox, int journal,
	const struct mbox_plan *plan, struct mbox_step *out, void *piece)
{
	struct mbox_step steps[2];
	enum outcome outcome;
	unsigned last;

	for (unsigned i = 0; i < 2; i++) {
		outcome = get_step(mbox, journal, plan, i, &steps[i], piece);
		if (outcome != OK)
			return outcome;
	}
	last = steps[1].number > steps[0].number;
	return get_step(mbox, journal, plan, last, out, piece);
}

/* ---- an arrival ---- */

int
mbox_journal_put_arrival(
	struct mbox *mbox, int journal, const struct mbox_arrival *arrival)
{
	unsigned char record[RECORD_OCTETS] = {0};

	memcpy(record + AT_MAGIC, arrival_magic, sizeof(arrival_magic));
	little_put(record + AT_OWN, 8, arrival->inode);
	little_put(record + AT_OWN + 8, 8, arrival->offset);
	little_put(record + AT_OWN + 16, 8, arrival->octets);
	little_put(record + AT_OWN + 24, 8, arrival->content);
	little_put(record + AT_OWN + 32, 8, arrival->sample);
	little_put(record + AT_OWN + 40, 8, arrival->lead);
	return put_record(mbox, journal, record, 0, OFFSET_ARRIVAL);
}

enum outcome
mbox_journal_get_arrival(
	struct mbox *mbox, int journal, struct mbox_arrival *out)
{
	unsigned char record[RECORD_OCTETS];
	bool is_whole;
	enum outcome outcome =
		get_record(mbox, journal, OFFSET_ARRIVAL, 0, record, &is_whole);

	*out = (struct mbox_arrival){0};
	if (outcome != OK || !is_whole ||
		memcmp(record + AT_MAGIC, arrival_magic, sizeof(arrival_magic)))
		return outcome;
	out->inode = little_get(record + AT_OWN, 8);
	out->offset = little_get(record + AT_OWN + 8, 8);
	out->octets = little_get(record + AT_OWN + 16, 8);
	out->content = little_get(record + AT_OWN + 24, 8);
	out->sample = little_get(record + AT_OWN + 32, 8);
	out->lead = little_get(record + AT_OWN + 40, 8);
	return OK;
}

int
mbox_journal_clear_arrival(struct mbox *mbox, int journal)
{
	return clear_record(mbox, journal, OFFSET_ARRIVAL);
}
