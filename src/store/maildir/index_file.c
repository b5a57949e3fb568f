/* SPDX-License-Identifier: ISC */
#include "store/maildir/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char *
reader_record(struct index_source *source, uint32_t number)
{
	struct index_reader *reader = (struct index_reader *)source;
	ssize_t n;

	if (number >= reader->first && number - reader->first < reader->count)
		return reader->window +
		       (size_t)(number - reader->first) * INDEX_RECORD_OCTETS;
	n = files_read_all(reader->files, reader->descriptor, reader->window,
		sizeof(reader->window), (uint64_t)number * INDEX_RECORD_OCTETS);
	reader->first = number;
	reader->count = n > 0 ? (uint32_t)n / INDEX_RECORD_OCTETS : 0;
	return reader->count > 0 ? reader->window : NULL;
}

void
index_reader_init(
	struct index_reader *reader, struct files *files, int descriptor)
{
	reader->source.record = reader_record;
	reader->files = files;
	reader->descriptor = descriptor;
	reader->first = 0;
	reader->count = 0;
}

enum outcome
index_file_open_names(
	struct mailbox *mailbox, uint64_t generation, int flags, int *out)
{
	struct files *files = mailbox->files;
	unsigned char header[NAMES_HEADER_OCTETS];
	char file[NAMES_FILE_OCTETS];
	ssize_t n;
	int fd;

	names_file(generation, file);
	fd = mailbox_open_state(mailbox, "index", file, flags);
	if (fd == -ENOENT)
		return ERR_BROKEN;
	if (fd < 0)
		return outcome_of_errno(-fd);
	n = files_read_all(files, fd, header, sizeof(header), 0);
	if (n != (ssize_t)sizeof(header) ||
		!names_header_is(header, generation)) {
		files->close(files, &fd);
		return n < 0 ? ERR_TRY_LATER : ERR_BROKEN;
	}
	*out = fd;
	return OK;
}

/* The last record that is a trailer; whatever stands behind it was cut short
   by a crash or a full disk. */
static enum outcome
find_trailer(struct index_reader *reader, uint32_t records,
	struct index_state *state)
{
	for (uint32_t end = records; end > 1;) {
		uint32_t first = end > INDEX_READER_RECORDS
					 ? end - INDEX_READER_RECORDS
					 : 1;

		reader->count = 0;
		if (!reader_record(&reader->source, first))
			return ERR_TRY_LATER;
		for (uint32_t n = end - 1; n >= first; n--) {
			const unsigned char *record =
				reader_record(&reader->source, n);

			if (!record ||
				index_record_kind(record, n) != INDEX_TRAILER)
				continue;
			if (!index_read_trailer(record, n, &state->trailer))
				return ERR_BROKEN;
			state->trailer_number = n;
			return OK;
		}
		end = first;
	}
	return ERR_BROKEN;
}

/* Names of the messages first..end - 1 and every record there. */
static enum outcome
verify(struct mailbox *mailbox, struct index_reader *reader,
	const struct index_state *state, uint32_t first)
{
	struct names_reader names;
	struct index_message message;
	struct file_name name;
	enum outcome outcome;
	int fd = -1;

	outcome = index_file_open_names(
		mailbox, state->generation, O_RDONLY, &fd);
	if (outcome != OK)
		return outcome;
	names_reader_init(&names, mailbox->files, fd);
	for (uint32_t n = first; n < state->trailer_number && outcome == OK;
		n++) {
		const unsigned char *record = reader_record(&reader->source, n);
		enum index_kind kind =
			record ? index_record_kind(record, n) : INDEX_DAMAGED;

		if (kind == INDEX_DAMAGED || kind == INDEX_HEADER)
			outcome = ERR_BROKEN;
		else if (kind == INDEX_MESSAGE &&
			 !index_read_message(record, &message))
			outcome = ERR_BROKEN;
		else if (kind == INDEX_MESSAGE)
			outcome =
				names_read(&names, message.names_offset, &name);
	}
	mailbox->files->close(mailbox->files, &fd);
	return outcome;
}

/* After the system was started again, what had not been synced may be
   missing although the trailer is there. */
static uint32_t
first_to_verify(const struct mailbox *mailbox, const struct index_state *state)
{
	if (state->trailer_number <= INDEX_SMALL_RECORDS)
		return 1;
	if (state->trailer.boot == mailbox->settings->boot)
		return state->trailer_number;
	return state->trailer.synced > 1 ? state->trailer.synced : 1;
}

static enum outcome
load(struct mailbox *mailbox, int fd, const struct stat *status)
{
	uint64_t records = (uint64_t)status->st_size / INDEX_RECORD_OCTETS;
	struct index_state state = {
		.is_loaded = true,
		.inode = status->st_ino,
	};
	struct index_reader *reader;
	const unsigned char *header;
	enum outcome outcome = ERR_BROKEN;

	if (records < 2 || records > INDEX_MAXIMUM_RECORDS)
		return ERR_BROKEN;
	reader = malloc(sizeof(*reader));
	if (!reader)
		return ERR_TRY_LATER;
	index_reader_init(reader, mailbox->files, fd);
	header = reader_record(&reader->source, 0);
	if (header && index_record_kind(header, 0) == INDEX_HEADER &&
		index_read_header(header, &state.generation))
		outcome = find_trailer(reader, (uint32_t)records, &state);
	if (outcome == OK)
		outcome = verify(mailbox, reader, &state,
			first_to_verify(mailbox, &state));
	free(reader);
	if (outcome != OK)
		return outcome;
	state.has_tail =
		(uint64_t)status->st_size !=
		((uint64_t)state.trailer_number + 1) * INDEX_RECORD_OCTETS;
	mailbox->index = state;
	return OK;
}

bool
index_file_is_known(const struct mailbox *mailbox, const struct stat *status)
{
	const struct index_state *state = &mailbox->index;
	uint64_t octets =
		((uint64_t)state->trailer_number + 1) * INDEX_RECORD_OCTETS;

	return state->is_loaded && state->inode == status->st_ino &&
	       (state->has_tail ? (uint64_t)status->st_size > octets
				: (uint64_t)status->st_size == octets);
}

enum outcome
index_file_open(struct mailbox *mailbox, int *out_index)
{
	struct files *files = mailbox->files;
	struct stat status;
	enum outcome outcome = OK;
	int fd = mailbox_open_state(mailbox, "index", "index", O_RDONLY);
	int error;

	if (fd == -ENOENT) {
		mailbox->index.is_loaded = false;
		return ERR_GONE;
	}
	if (fd < 0)
		return outcome_of_errno(-fd);
	error = files->stat(files, fd, &status);
	if (error != 0)
		outcome = outcome_of_errno(-error);
	else if (!index_file_is_known(mailbox, &status)) {
		mailbox->index.is_loaded = false;
		outcome = load(mailbox, fd, &status);
	}
	if (outcome != OK) {
		files->close(files, &fd);
		return outcome;
	}
	*out_index = fd;
	return OK;
}

void
index_view_renew(struct index_view *view, const struct mailbox *mailbox)
{
	view->trailer = mailbox->index.trailer;
	view->trailer_number = mailbox->index.trailer_number;
}

bool
index_view_is_current(
	const struct index_view *view, const struct mailbox *mailbox)
{
	return mailbox->index.is_loaded &&
	       view->inode == mailbox->index.inode &&
	       view->generation == mailbox->index.generation;
}

enum outcome
index_view_new(struct mailbox *mailbox, int *index, int *names,
	struct index_view **out)
{
	struct files *files = mailbox->files;
	struct index_view *view = malloc(sizeof(*view));

	if (!view) {
		files->close(files, index);
		files->close(files, names);
		return ERR_TRY_LATER;
	}
	view->files = files;
	view->index = *index;
	view->names = *names;
	view->walk = NULL;
	view->map = INDEX_MAP_EMPTY;
	view->has_map = false;
	view->inode = mailbox->index.inode;
	view->generation = mailbox->index.generation;
	index_view_renew(view, mailbox);
	*index = *names = -1;
	*out = view;
	return OK;
}

enum outcome
index_view_open(struct mailbox *mailbox, struct index_view **out)
{
	int index = -1, names = -1;
	enum outcome outcome;

	if (mailbox->memory_index >= 0) {
		outcome = index_view_new(mailbox, &mailbox->memory_index,
			&mailbox->memory_names, out);
		mailbox->index.is_loaded = false;
		return outcome;
	}
	outcome = mailbox->must_rebuild ? ERR_BROKEN
					: index_file_open(mailbox, &index);
	if (outcome == OK)
		outcome = index_file_open_names(
			mailbox, mailbox->index.generation, O_RDONLY, &names);
	if (outcome == OK)
		return index_view_new(mailbox, &index, &names, out);
	mailbox->files->close(mailbox->files, &index);
	return outcome;
}

void
index_view_rest(struct index_view *view)
{
	index_map_release(&view->map);
	view->has_map = false;
	free(view->walk);
	view->walk = NULL;
}

void
index_view_free(struct files *files, struct index_view **view)
{
	if (!*view)
		return;
	files->close(files, &(*view)->index);
	files->close(files, &(*view)->names);
	index_view_rest(*view);
	free(*view);
	*view = NULL;
}

/* NULL without memory. */
static struct index_walk *
walk_of(struct index_view *view)
{
	if (view->walk)
		return view->walk;
	view->walk = malloc(sizeof(*view->walk));
	if (!view->walk)
		return NULL;
	index_reader_init(&view->walk->records, view->files, view->index);
	index_reader_init(&view->walk->long_uidls, view->files, view->index);
	names_reader_init(&view->walk->file_names, view->files, view->names);
	return view->walk;
}

enum outcome
index_view_message(struct index_view *view, uint32_t index,
	uint32_t *out_number, struct index_message *out)
{
	struct index_walk *walk = walk_of(view);
	struct index_source *source;
	const unsigned char *record;
	uint32_t number;

	if (!walk)
		return ERR_TRY_LATER;
	source = &walk->records.source;
	if (!view->has_map && index >= view->trailer.dense) {
		enum outcome outcome = index_map_build(&view->map, source,
			&view->trailer, view->trailer_number);

		if (outcome != OK)
			return outcome;
		view->has_map = true;
	}
	number = index < view->trailer.dense
			 ? index + 1
			 : index_map_number(&view->map, index);
	record = source->record(source, number);
	if (!record)
		return ERR_TRY_LATER;
	if (index_record_kind(record, number) != INDEX_MESSAGE ||
		!index_read_message(record, out))
		return ERR_BROKEN;
	*out_number = number;
	return OK;
}

enum outcome
index_view_name(struct index_view *view, const struct index_message *message,
	struct file_name *out)
{
	struct index_walk *walk = walk_of(view);

	return walk ? names_read(&walk->file_names, message->names_offset, out)
		    : ERR_TRY_LATER;
}

enum outcome
index_view_uidl(struct index_view *view, const struct index_message *message,
	unsigned char to[UIDL_MAXIMUM_OCTETS], size_t *out_octets)
{
	size_t inlined = message->uidl_octets;

	if (inlined > INDEX_UIDL_INLINE_OCTETS) {
		struct index_walk *walk = walk_of(view);
		uint32_t number = message->long_uidl;
		const unsigned char *record =
			walk ? reader_record(&walk->long_uidls.source, number)
			     : NULL;

		inlined = INDEX_UIDL_HEAD_OCTETS;
		if (!record ||
			index_record_kind(record, number) != INDEX_LONG_UIDL ||
			!index_read_long_uidl(record, to + inlined,
				message->uidl_octets - inlined))
			return ERR_BROKEN;
	}
	memcpy(to, message->uidl, inlined);
	*out_octets = message->uidl_octets;
	return OK;
}
