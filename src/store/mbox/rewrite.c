/* SPDX-License-Identifier: ISC */
#include "store/mbox/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "store/mbox/uidls.h"

struct rewrite {
	struct mbox *mbox;
	struct files *files;
	int journal;
	struct mbox_plan *plan;
	unsigned char *piece;
	uint64_t source, target;
	uint64_t octets; /* of the file as it is */
	uint32_t part;	 /* the first that is not behind us */
	uint64_t number; /* of the last step */
};

/* ---- moving ---- */

/* Steps over the parts that go. */
static void
skip_parts(struct rewrite *r)
{
	const struct mbox_plan *plan = r->plan;

	while (r->part < plan->count &&
		plan->parts[r->part].offset <= r->source) {
		const struct mbox_part *part = &plan->parts[r->part++];

		if (r->source < part->offset + part->octets)
			r->source = part->offset + part->octets;
	}
}

/* What stays, from several places, until the piece is full or nothing is
   left; octets, or a negative errno. */
static ssize_t
gather(struct rewrite *r)
{
	size_t octets = 0;

	for (skip_parts(r);
		r->source < r->octets && octets < r->plan->half_octets;
		skip_parts(r)) {
		uint64_t end = r->part < r->plan->count
				       ? r->plan->parts[r->part].offset
				       : r->octets;
		size_t room = r->plan->half_octets - octets;
		ssize_t n;

		if (end - r->source < room)
			room = (size_t)(end - r->source);
		n = files_read_all(r->files, r->mbox->descriptor,
			r->piece + octets, room, r->source);
		if (n != (ssize_t)room)
			return n < 0 ? n : -EIO;
		octets += room;
		r->source += room;
	}
	return (ssize_t)octets;
}

static int
place(struct rewrite *r, size_t octets)
{
	int error = files_write_all(r->files, r->mbox->descriptor,
		bytes_of(r->piece, octets), r->target);

	if (error == 0)
		error = r->files->sync_data(r->files, r->mbox->descriptor);
	if (error == 0)
		r->target += octets;
	return error;
}

static int
note_step(struct rewrite *r, enum mbox_step_kind kind, size_t octets)
{
	struct mbox_step step = {
		.kind = kind,
		.number = ++r->number,
		.source = r->source,
		.target = r->target,
		.octets = (uint32_t)octets,
	};
	uint64_t end =
		r->octets < r->plan->octets ? r->octets : r->plan->octets;
	int error;

	if (mbox_sample(r->files, r->mbox->descriptor,
		    r->source < end ? r->source : end, end, &step.sample) != OK)
		return -EIO;
	error = mbox_journal_put_step(
		r->mbox, r->journal, r->plan, &step, r->piece);
	if (error == 0)
		error = r->files->sync_data(r->files, r->journal);
	return error;
}

static int
move_all(struct rewrite *r)
{
	int error = 0;

	while (error == 0) {
		ssize_t octets = gather(r);

		if (octets <= 0)
			return (int)octets;
		error = note_step(r, STEP_MOVED, (size_t)octets);
		if (error == 0)
			error = place(r, (size_t)octets);
	}
	return error;
}

/*
 * A NUL where the file will end: mail that others append behind that end never
 * begins so, which tells after a crash whether it was shortened already.
 */
static int
shorten(struct rewrite *r)
{
	struct files *files = r->files;
	int fd = r->mbox->descriptor;
	int error = files_write_all(files, fd, bytes_of("", 1), r->target);

	if (error == 0)
		error = files->sync_data(files, fd);
	if (error == 0)
		error = note_step(r, STEP_LAST, 0);
	if (error == 0)
		error = files->truncate(files, fd, r->target);
	if (error == 0)
		error = files->sync(files, fd);
	return error;
}

/* ---- the end ---- */

static enum outcome
bury(struct rewrite *r)
{
	struct mbox_uidls uidls;
	enum outcome outcome = mbox_uidls_open(&uidls, &r->mbox->state);

	if (outcome != OK)
		return outcome;
	for (uint32_t i = 0; i < r->plan->count && outcome == OK; i++) {
		const struct mbox_part *part = &r->plan->parts[i];

		if (part->has_uidl && !mbox_uidls_add(&uidls, MBOX_UIDLS_GONE,
					      part->digest, part->number))
			outcome = ERR_TRY_LATER;
	}
	if (outcome == OK)
		outcome = mbox_uidls_sync(&uidls);
	mbox_uidls_release(&uidls);
	return outcome;
}

/* An arrival that the plan took back goes first: it is over, and where it was
   is something else now. */
static enum outcome
finish(struct rewrite *r, int error)
{
	enum outcome outcome = outcome_of_errno(-error);

	if (outcome == OK)
		outcome = bury(r);
	if (outcome != OK)
		return outcome;
	if (!r->plan->parts[0].has_uidl) {
		error = mbox_journal_clear_arrival(r->mbox, r->journal);
		if (error == 0)
			error = r->files->sync_data(r->files, r->journal);
	}
	if (error == 0)
		error = mbox_journal_clear_plan(r->mbox, r->journal);
	if (error == 0)
		error = r->files->sync_data(r->files, r->journal);
	return outcome_of_errno(-error);
}

static enum outcome
carry_out(struct rewrite *r)
{
	int error = move_all(r);

	if (error == 0)
		error = shorten(r);
	return finish(r, error);
}

static enum outcome
begin(struct rewrite *r, struct mbox *mbox, struct mbox_plan *plan,
	uint64_t *out_inode)
{
	struct stat status;
	enum outcome outcome = outcome_of_errno(
		-mbox->files->stat(mbox->files, mbox->descriptor, &status));

	if (outcome != OK)
		return outcome;
	*r = (struct rewrite){
		.mbox = mbox,
		.files = mbox->files,
		.journal = -1,
		.plan = plan,
		.source = plan->parts[0].offset,
		.target = plan->parts[0].offset,
		.octets = (uint64_t)status.st_size,
	};
	*out_inode = status.st_ino;
	return OK;
}

/* Refused: then nothing of it may come true later either. */
static enum outcome
promise(struct rewrite *r)
{
	struct mbox_plan *plan = r->plan;
	uint64_t source;
	int error;

	skip_parts(r);
	source = r->source < plan->octets ? r->source : plan->octets;
	if (mbox_sample(r->files, r->mbox->descriptor, source, plan->octets,
		    &plan->sample) != OK)
		return ERR_TRY_LATER;
	error = mbox_journal_put_plan(r->mbox, r->journal, plan);
	if (error == 0)
		error = r->files->sync_data(r->files, r->journal);
	if (error == 0)
		return OK;
	if (mbox_journal_clear_plan(r->mbox, r->journal) == 0)
		r->files->sync_data(r->files, r->journal);
	return outcome_of_errno(-error);
}

enum outcome
mbox_rewrite(struct mbox *mbox, struct mbox_plan *plan)
{
	struct rewrite r;
	enum outcome outcome = begin(&r, mbox, plan, &plan->inode);

	if (outcome != OK)
		return outcome;
	plan->octets = r.octets;
	r.journal = mbox_journal_open(mbox, O_RDWR | O_CREAT);
	if (r.journal < 0)
		return outcome_of_errno(-r.journal);
	outcome = promise(&r);
	if (outcome == OK)
		r.piece = malloc(plan->half_octets);
	if (outcome == OK && !r.piece)
		outcome = ERR_TRY_LATER;
	if (outcome == OK)
		outcome = carry_out(&r);
	free(r.piece);
	mbox->files->close(mbox->files, &r.journal);
	return outcome;
}

/* ---- after a crash ---- */

/* The file was shortened already, and perhaps mail came since. */
static bool
is_shortened(struct rewrite *r, const struct mbox_step *last)
{
	unsigned char octet = 1;

	return r->octets <= last->target ||
	       files_read_all(r->files, r->mbox->descriptor, &octet, 1,
		       last->target) != 1 ||
	       octet != 0;
}

/* Nobody else has written to it in between. */
static bool
is_as_left(struct rewrite *r, const struct mbox_step *step)
{
	uint64_t end = r->plan->octets, sample;
	uint64_t source = r->source < end ? r->source : end;

	return r->octets >= end &&
	       mbox_sample(r->files, r->mbox->descriptor, source, end,
		       &sample) == OK &&
	       sample == (step->kind == STEP_NONE ? r->plan->sample
						  : step->sample);
}

static enum outcome
drop(struct rewrite *r)
{
	mbox_notice(r->mbox,
		"%.200s: another program wrote to it after a crash in the "
		"middle of a deletion; it stays as it is",
		r->mbox->path);
	if (mbox_journal_clear_plan(r->mbox, r->journal) != 0 ||
		r->files->sync_data(r->files, r->journal) != 0)
		return ERR_TRY_LATER;
	return OK;
}

static enum outcome
resume(struct rewrite *r)
{
	struct mbox_step step;
	enum outcome outcome = mbox_journal_get_step(
		r->mbox, r->journal, r->plan, &step, r->piece);
	int error = 0;

	if (outcome != OK)
		return outcome;
	r->number = step.number;
	if (step.kind == STEP_LAST && is_shortened(r, &step))
		return finish(r, 0);
	if (step.kind != STEP_NONE) {
		r->source = step.source;
		r->target = step.target;
	}
	skip_parts(r);
	if (!is_as_left(r, &step))
		return drop(r);
	if (step.kind == STEP_MOVED)
		error = place(r, step.octets);
	return error == 0 ? carry_out(r) : outcome_of_errno(-error);
}

enum outcome
mbox_rewrite_resume(struct mbox *mbox, int journal, struct mbox_plan *plan)
{
	struct rewrite r;
	uint64_t inode;
	enum outcome outcome = begin(&r, mbox, plan, &inode);

	if (outcome != OK)
		return outcome;
	r.journal = journal;
	if (inode != plan->inode)
		return drop(&r);
	r.piece = malloc(plan->half_octets);
	if (!r.piece)
		return ERR_TRY_LATER;
	outcome = resume(&r);
	free(r.piece);
	return outcome;
}
