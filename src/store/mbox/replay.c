/* SPDX-License-Identifier: ISC */
#include "store/mbox/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/mbox/rewrite.h"

/* Line ends in front of a From_ line that we write, at most. */
#define LEAD_OCTETS 2

/* ---- a message that did not arrive whole ---- */

#define TAIL_OCTETS (2 * FROM_LINE_OCTETS)

/* Looks for a From_ line, also one that does not stand at a line's start:
   others append without looking what a torso ends with. */
struct search {
	uint64_t from;	 /* not before */
	uint64_t offset; /* of the next octet */
	bool has_found;
	uint64_t found;
	size_t octets; /* of the line's end, in tail */
	unsigned char tail[TAIL_OCTETS];
};

static void
end_line(struct search *s)
{
	struct bytes line = bytes_of(s->tail, s->octets);

	if (line.octets > 0 && line.at[line.octets - 1] == '\r')
		line.octets--;
	for (; line.octets > 0 && !s->has_found; line = bytes_after(line, 1)) {
		uint64_t offset =
			s->offset - s->octets + (uint64_t)(line.at - s->tail);

		s->has_found = offset >= s->from && from_line_is(line);
		if (s->has_found)
			s->found = offset;
	}
	s->octets = 0;
}

static void
look_for_from(void *context, struct bytes octets)
{
	struct search *s = context;

	for (size_t i = 0; i < octets.octets && !s->has_found; i++) {
		if (octets.at[i] == '\n') {
			end_line(s);
			s->offset++;
			continue;
		}
		if (s->octets == TAIL_OCTETS) {
			memmove(s->tail, s->tail + FROM_LINE_OCTETS,
				TAIL_OCTETS - FROM_LINE_OCTETS);
			s->octets -= FROM_LINE_OCTETS;
		}
		s->tail[s->octets++] = octets.at[i];
		s->offset++;
	}
}

/* Calls `each` with all octets from `offset` to `end`. */
static enum outcome
read_range(struct mbox *mbox, uint64_t offset, uint64_t end,
	void (*each)(void *context, struct bytes octets), void *context)
{
	unsigned char *chunk = malloc(SCAN_READ_OCTETS);
	enum outcome outcome = chunk ? OK : ERR_TRY_LATER;

	while (outcome == OK && offset < end) {
		size_t room = end - offset < SCAN_READ_OCTETS
				      ? (size_t)(end - offset)
				      : SCAN_READ_OCTETS;
		ssize_t n = files_read_all(
			mbox->files, mbox->descriptor, chunk, room, offset);

		if (n == (ssize_t)room)
			each(context, bytes_of(chunk, room));
		else
			outcome = ERR_TRY_LATER;
		offset += room;
	}
	free(chunk);
	return outcome;
}

/* Octets up to our own From_ line's end, when that is there; else 0: then the
   first one is of others already. */
static enum outcome
own_lead(struct mbox *mbox, const struct mbox_arrival *arrival, uint64_t *out)
{
	unsigned char octets[LEAD_OCTETS + FROM_LINE_OCTETS];
	size_t at = 0, length;
	ssize_t n = files_read_all(mbox->files, mbox->descriptor, octets,
		sizeof(octets), arrival->offset);

	if (n < 0)
		return outcome_of_errno((int)-n);
	length = (size_t)n;
	while (at < length && at < LEAD_OCTETS && octets[at] == '\n')
		at++;
	while (at < length && octets[at] != '\n')
		at++;
	*out = at < length && XXH3_64bits(octets, at + 1) == arrival->lead
		       ? at + 1
		       : 0;
	return OK;
}

/* What others have appended behind the torso; UINT64_MAX: nothing. */
static enum outcome
find_next(struct mbox *mbox, const struct mbox_arrival *arrival, uint64_t end,
	uint64_t *out)
{
	struct search search = {.offset = arrival->offset};
	uint64_t lead = 0;
	enum outcome outcome = own_lead(mbox, arrival, &lead);

	search.from = arrival->offset + lead;
	if (outcome == OK)
		outcome = read_range(
			mbox, arrival->offset, end, look_for_from, &search);
	*out = search.has_found ? search.found : UINT64_MAX;
	return outcome;
}

static void
digest(void *context, struct bytes octets)
{
	XXH3_64bits_update(context, octets.at, octets.octets);
}

static enum outcome
is_whole(struct mbox *mbox, const struct mbox_arrival *arrival, bool *out)
{
	XXH3_state_t *state = XXH3_createState();
	enum outcome outcome = ERR_TRY_LATER;

	if (state && XXH3_64bits_reset(state) == XXH_OK)
		outcome = read_range(mbox, arrival->offset,
			arrival->offset + arrival->octets, digest, state);
	if (outcome == OK)
		*out = XXH3_64bits_digest(state) == arrival->content;
	XXH3_freeState(state);
	return outcome;
}

static enum outcome
cut(struct mbox *mbox, uint64_t offset)
{
	struct files *files = mbox->files;
	int error = files->truncate(files, mbox->descriptor, offset);

	if (error == 0)
		error = files->sync(files, mbox->descriptor);
	return outcome_of_errno(-error);
}

/* The line ends in front stay, for what comes next to its place. */
static enum outcome
keep_lead(struct mbox *mbox, struct mbox_part *torso)
{
	unsigned char lead[LEAD_OCTETS];
	ssize_t n = files_read_all(mbox->files, mbox->descriptor, lead,
		sizeof(lead), torso->offset);

	if (n < 0)
		return outcome_of_errno((int)-n);
	for (ssize_t i = 0; i < n && lead[i] == '\n'; i++)
		torso->offset++;
	return OK;
}

static enum outcome
take_back(struct mbox *mbox, const struct mbox_arrival *arrival, uint64_t end)
{
	struct mbox_plan plan = {0};
	struct mbox_part torso = {.offset = arrival->offset};
	uint64_t next;
	enum outcome outcome = find_next(mbox, arrival, end, &next);

	if (outcome != OK)
		return outcome;
	if (next == UINT64_MAX)
		return cut(mbox, arrival->offset);
	outcome = keep_lead(mbox, &torso);
	if (outcome != OK || next <= torso.offset)
		return outcome;
	torso.octets = next - torso.offset;
	outcome = mbox_plan_add(&plan, &torso) ? mbox_rewrite(mbox, &plan)
					       : ERR_TRY_LATER;
	mbox_plan_release(&plan);
	return outcome;
}

/* The end of the file is where it was, by what stands before it. */
static bool
is_same_file(struct mbox *mbox, const struct mbox_arrival *arrival,
	const struct stat *status)
{
	uint64_t from = arrival->offset < JOURNAL_SAMPLE_OCTETS
				? 0
				: arrival->offset - JOURNAL_SAMPLE_OCTETS;
	uint64_t sample;

	return status->st_ino == arrival->inode &&
	       (uint64_t)status->st_size >= arrival->offset &&
	       mbox_sample(mbox->files, mbox->descriptor, from, arrival->offset,
		       &sample) == OK &&
	       sample == arrival->sample;
}

static enum outcome
settle_arrival(struct mbox *mbox, const struct mbox_arrival *arrival)
{
	struct stat status;
	uint64_t octets;
	bool is_complete = false;
	enum outcome outcome = OK;

	if (mbox->files->stat(mbox->files, mbox->descriptor, &status) != 0)
		return ERR_TRY_LATER;
	octets = (uint64_t)status.st_size;
	if (!is_same_file(mbox, arrival, &status) || octets == arrival->offset)
		return OK;
	if (octets - arrival->offset >= arrival->octets)
		outcome = is_whole(mbox, arrival, &is_complete);
	if (outcome != OK || is_complete)
		return outcome;
	return take_back(mbox, arrival, octets);
}

/* ---- all of it ---- */

static enum outcome
replay_arrival(struct mbox *mbox, int journal)
{
	struct mbox_arrival arrival;
	enum outcome outcome =
		mbox_journal_get_arrival(mbox, journal, &arrival);
	int error;

	if (outcome != OK || arrival.octets == 0)
		return outcome;
	if (mbox->is_read_only)
		return ERR_TRY_LATER;
	outcome = settle_arrival(mbox, &arrival);
	if (outcome != OK)
		return outcome;
	error = mbox_journal_clear_arrival(mbox, journal);
	if (error == 0)
		error = mbox->files->sync_data(mbox->files, journal);
	return outcome_of_errno(-error);
}

static enum outcome
replay_plan(struct mbox *mbox, int journal)
{
	struct mbox_plan plan;
	enum outcome outcome = mbox_journal_get_plan(mbox, journal, &plan);

	if (outcome != OK || plan.count == 0)
		return outcome;
	outcome = mbox->is_read_only
			  ? ERR_TRY_LATER
			  : mbox_rewrite_resume(mbox, journal, &plan);
	mbox_plan_release(&plan);
	return outcome;
}

enum outcome
mbox_replay(struct mbox *mbox)
{
	int journal =
		mbox_journal_open(mbox, mbox->is_read_only ? O_RDONLY : O_RDWR);
	enum outcome outcome;

	/* A state that cannot be written has nothing under way that could be
	   carried out. */
	if (journal == -EROFS)
		journal = mbox_journal_open(mbox, O_RDONLY);
	if (journal == -ENOENT)
		return OK;
	if (journal < 0)
		return outcome_of_errno(-journal);
	outcome = replay_plan(mbox, journal);
	if (outcome == OK)
		outcome = replay_arrival(mbox, journal);
	mbox->files->close(mbox->files, &journal);
	return outcome;
}
