/* SPDX-License-Identifier: ISC */
#include "store/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/index_map.h"

/* Long UIDLs are put together here; as many stay valid at once. */
#define LONG_UIDLS 8

enum mapping { MAPPING_NONE, MAPPING_READY, MAPPING_BROKEN };

/* What changes while a snapshot is read. */
struct state {
	struct index_source source;
	enum mapping mapping;
	int descriptor;
	uint64_t trailer_offset;
	const unsigned char *memory;
	size_t memory_octets;
	struct index_map map;
	bool has_map;
	struct index_trailer trailer;
	unsigned next_long_uidl;
	/* Made for the first: few maildrops have any. */
	unsigned char (*long_uidls)[UIDL_MAXIMUM_OCTETS];
};

struct snapshot {
	struct maildrop maildrop; /* first: found again from it */
	uint64_t trailer_offset;
	int descriptor; /* -1: it is the state's */
	/* NULL until a message is asked for: most sessions only want to know
	   whether there is something new. */
	struct state *state;
};

static const unsigned char *
record_at(struct index_source *source, uint32_t number)
{
	const struct state *state = (const struct state *)source;

	return state->memory + (size_t)number * INDEX_RECORD_OCTETS;
}

static uint32_t
trailer_number(const struct state *state)
{
	return (uint32_t)(state->trailer_offset / INDEX_RECORD_OCTETS);
}

static enum outcome
map_file(struct state *state)
{
	struct stat status;
	size_t octets;
	void *memory;

	if (state->trailer_offset % INDEX_RECORD_OCTETS != 0 ||
		state->trailer_offset >
			INDEX_MAXIMUM_RECORDS * (uint64_t)INDEX_RECORD_OCTETS ||
		fstat(state->descriptor, &status) != 0)
		return ERR_BROKEN;
	octets = (size_t)state->trailer_offset + INDEX_RECORD_OCTETS;
	if ((uint64_t)status.st_size < octets)
		return ERR_BROKEN;
	memory =
		mmap(NULL, octets, PROT_READ, MAP_SHARED, state->descriptor, 0);
	if (memory == MAP_FAILED)
		return ERR_TRY_LATER;
	state->memory = memory;
	state->memory_octets = octets;
	close(state->descriptor);
	state->descriptor = -1;
	return OK;
}

static enum outcome
check_ends(const struct maildrop *maildrop, struct state *state)
{
	uint32_t number = trailer_number(state);
	const unsigned char *last = record_at(&state->source, number);
	uint64_t generation;

	if (index_record_kind(state->memory, 0) != INDEX_HEADER ||
		!index_read_header(state->memory, &generation))
		return ERR_BROKEN;
	if (index_record_kind(last, number) != INDEX_TRAILER ||
		!index_read_trailer(last, number, &state->trailer) ||
		state->trailer.count != maildrop->count ||
		state->trailer.octets != maildrop->octets)
		return ERR_BROKEN;
	return OK;
}

/* Memory that is short now may be there at the next call; damage stays. */
static enum outcome
make_ready(const struct maildrop *maildrop, struct state *state)
{
	enum outcome outcome = OK;

	if (state->mapping == MAPPING_BROKEN)
		return ERR_BROKEN;
	if (!state->memory)
		outcome = map_file(state);
	if (outcome == OK)
		outcome = check_ends(maildrop, state);
	if (outcome == OK)
		state->mapping = MAPPING_READY;
	else if (outcome == ERR_BROKEN)
		state->mapping = MAPPING_BROKEN;
	return outcome;
}

static enum outcome
find_record(struct state *state, uint32_t index, uint32_t *out_number)
{
	enum outcome outcome;

	if (index < state->trailer.dense) {
		*out_number = index + 1;
		return OK;
	}
	if (!state->has_map) {
		outcome = index_map_build(&state->map, &state->source,
			&state->trailer, trailer_number(state));
		if (outcome != OK)
			return outcome;
		state->has_map = true;
	}
	*out_number = index_map_number(&state->map, index);
	return OK;
}

static unsigned char *
next_long_uidl(struct state *state)
{
	if (!state->long_uidls)
		state->long_uidls =
			calloc(LONG_UIDLS, sizeof(*state->long_uidls));
	return state->long_uidls
		       ? state->long_uidls[state->next_long_uidl++ % LONG_UIDLS]
		       : NULL;
}

/* The whole of a UIDL that has a record of its own. */
static enum outcome
join_long_uidl(struct state *state, const struct index_message *message,
	struct bytes *out)
{
	unsigned char *to = next_long_uidl(state);
	uint32_t number = message->long_uidl;
	const unsigned char *record;

	if (!to)
		return ERR_TRY_LATER;
	if (number >= trailer_number(state))
		return ERR_BROKEN;
	record = record_at(&state->source, number);
	if (index_record_kind(record, number) != INDEX_LONG_UIDL ||
		!index_read_long_uidl(record, to + INDEX_UIDL_HEAD_OCTETS,
			message->uidl_octets - INDEX_UIDL_HEAD_OCTETS))
		return ERR_BROKEN;
	memcpy(to, message->uidl, INDEX_UIDL_HEAD_OCTETS);
	*out = bytes_of(to, message->uidl_octets);
	return OK;
}

static enum outcome
read_message(struct state *state, uint32_t number, struct maildrop_message *out)
{
	const unsigned char *record = record_at(&state->source, number);
	struct index_message message;
	enum outcome outcome = OK;
	struct bytes uidl;

	if (index_record_kind(record, number) != INDEX_MESSAGE ||
		!index_read_message(record, &message))
		return ERR_BROKEN;
	if (message.uidl_octets <= INDEX_UIDL_INLINE_OCTETS)
		uidl = bytes_of(
			index_message_uidl(record), message.uidl_octets);
	else
		outcome = join_long_uidl(state, &message, &uidl);
	if (outcome != OK)
		return outcome;
	if (!uidl_is_valid(uidl))
		return ERR_BROKEN;
	*out = (struct maildrop_message){
		.octets = message.octets,
		.surrogate_octets = (uint64_t)((int64_t)message.octets +
					       message.surrogate_difference),
		.stored_octets = message.stored_octets,
		.header_octets = message.header_octets,
		.uidl = uidl,
		.flags = message.flags,
	};
	return OK;
}

/* NULL: memory is short. Who reads a snapshot does not see that it changes. */
static struct state *
state_of(const struct maildrop *maildrop)
{
	struct snapshot *snapshot = (struct snapshot *)(uintptr_t)maildrop;
	struct state *state = snapshot->state;

	if (state)
		return state;
	state = calloc(1, sizeof(*state));
	if (!state)
		return NULL;
	state->source.record = record_at;
	state->descriptor = snapshot->descriptor;
	state->trailer_offset = snapshot->trailer_offset;
	snapshot->descriptor = -1;
	snapshot->state = state;
	return snapshot->state;
}

static enum outcome
snapshot_message(const struct maildrop *maildrop, uint32_t index,
	struct maildrop_message *out)
{
	struct state *state = state_of(maildrop);
	uint32_t number = 0;
	enum outcome outcome;

	if (!state)
		return ERR_TRY_LATER;
	if (index >= maildrop->count)
		return ERR_BROKEN;
	if (state->mapping != MAPPING_READY) {
		outcome = make_ready(maildrop, state);
		if (outcome != OK)
			return outcome;
	}
	outcome = find_record(state, index, &number);
	if (outcome != OK)
		return outcome;
	return read_message(state, number, out);
}

enum outcome
snapshot_new(struct store_snapshot *from, struct snapshot **out)
{
	struct snapshot *snapshot = malloc(sizeof(*snapshot));

	if (!snapshot)
		return ERR_TRY_LATER;
	*snapshot = (struct snapshot){
		.maildrop = {from->count, from->octets, snapshot_message},
		.trailer_offset = from->trailer_offset,
		.descriptor = from->descriptor,
	};
	from->descriptor = -1;
	*out = snapshot;
	return OK;
}

static void
free_state(struct state *state)
{
	if (state->memory)
		munmap((void *)(uintptr_t)state->memory, state->memory_octets);
	if (state->descriptor >= 0)
		close(state->descriptor);
	index_map_release(&state->map);
	free(state->long_uidls);
	free(state);
}

void
snapshot_free(struct snapshot **snapshot)
{
	if (!*snapshot)
		return;
	if ((*snapshot)->state)
		free_state((*snapshot)->state);
	if ((*snapshot)->descriptor >= 0)
		close((*snapshot)->descriptor);
	free(*snapshot);
	*snapshot = NULL;
}

const struct maildrop *
snapshot_maildrop(const struct snapshot *snapshot)
{
	return &snapshot->maildrop;
}
