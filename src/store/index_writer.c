/* SPDX-License-Identifier: ISC */
#include "store/index_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LONG_REST_OCTETS (UIDL_MAXIMUM_OCTETS - INDEX_UIDL_HEAD_OCTETS)

static void
open_output(struct index_writer *writer, struct index_output *output,
	int descriptor, uint64_t offset)
{
	*output = (struct index_output){
		.descriptor = descriptor,
		.offset = offset,
	};
	if (descriptor < 0)
		return;
	output->buffer = malloc(INDEX_WRITER_BUFFER_OCTETS);
	if (!output->buffer)
		writer->error = -ENOMEM;
}

static void
flush(struct index_writer *writer, struct index_output *output)
{
	if (writer->error != 0 || output->octets == 0)
		return;
	writer->error = files_write_all(writer->files, output->descriptor,
		bytes_of(output->buffer, output->octets), output->offset);
	output->offset += output->octets;
	output->octets = 0;
}

/* At most INDEX_WRITER_BUFFER_OCTETS. */
static void
put(struct index_writer *writer, struct index_output *output,
	struct bytes bytes)
{
	if (output->octets + bytes.octets > INDEX_WRITER_BUFFER_OCTETS)
		flush(writer, output);
	if (writer->error != 0)
		return;
	assert(output->buffer);
	memcpy(output->buffer + output->octets, bytes.at, bytes.octets);
	output->octets += bytes.octets;
}

static void
put_record(struct index_writer *writer,
	const unsigned char record[INDEX_RECORD_OCTETS])
{
	put(writer, &writer->index, bytes_of(record, INDEX_RECORD_OCTETS));
}

void
index_writer_resume(struct index_writer *writer, struct files *files, int index,
	uint32_t number, int names, uint64_t names_octets)
{
	*writer = (struct index_writer){.files = files};
	open_output(writer, &writer->index, index,
		(uint64_t)number * INDEX_RECORD_OCTETS);
	open_output(writer, &writer->names, names, names_octets);
}

void
index_writer_begin(struct index_writer *writer, struct files *files, int index,
	int names, uint64_t generation, uint32_t count)
{
	unsigned char record[INDEX_RECORD_OCTETS];

	index_writer_resume(writer, files, index, 0, names, 0);
	writer->long_number = count + 1;
	index_write_header(record, 0, generation);
	put_record(writer, record);
}

uint32_t
index_writer_number(const struct index_writer *writer)
{
	uint64_t end = writer->index.offset + writer->index.octets;

	return (uint32_t)(end / INDEX_RECORD_OCTETS);
}

uint64_t
index_writer_names(struct index_writer *writer, struct bytes entry)
{
	uint64_t offset = writer->names.offset + writer->names.octets;

	put(writer, &writer->names, entry);
	return offset;
}

static void
put_long_uidl(struct index_writer *writer, struct bytes rest)
{
	unsigned char record[INDEX_RECORD_OCTETS];

	index_write_long_uidl(record, index_writer_number(writer), rest);
	put_record(writer, record);
}

static void
keep_long_uidl(struct index_writer *writer, struct bytes rest)
{
	unsigned char *to;

	if (writer->long_count == writer->long_capacity) {
		uint32_t capacity = writer->long_capacity * 2 + 16;
		unsigned char *more = realloc(writer->long_rests,
			(size_t)capacity * LONG_REST_OCTETS);

		if (!more) {
			writer->error = -ENOMEM;
			return;
		}
		writer->long_rests = more;
		writer->long_capacity = capacity;
	}
	to = writer->long_rests + (size_t)writer->long_count * LONG_REST_OCTETS;
	memset(to, 0, LONG_REST_OCTETS);
	memcpy(to, rest.at, rest.octets);
	writer->long_count++;
}

static uint32_t
place_long_uidl(struct index_writer *writer, struct bytes rest)
{
	uint32_t number;

	if (writer->long_number != 0) {
		number = writer->long_number + writer->long_count;
		keep_long_uidl(writer, rest);
	} else {
		number = index_writer_number(writer);
		put_long_uidl(writer, rest);
	}
	return number;
}

void
index_writer_message(struct index_writer *writer, struct index_message *message,
	struct bytes uidl)
{
	unsigned char record[INDEX_RECORD_OCTETS];
	size_t inlined = uidl.octets;

	memset(message->uidl, 0, sizeof(message->uidl));
	message->long_uidl = 0;
	if (uidl.octets > INDEX_UIDL_INLINE_OCTETS) {
		inlined = INDEX_UIDL_HEAD_OCTETS;
		message->long_uidl =
			place_long_uidl(writer, bytes_after(uidl, inlined));
	}
	memcpy(message->uidl, uidl.at, inlined);
	message->uidl_octets = (uint8_t)uidl.octets;
	if (message->octets > INDEX_MAXIMUM_OCTETS)
		writer->error = -EFBIG;
	index_write_message(record, index_writer_number(writer), message);
	put_record(writer, record);
}

void
index_writer_tombstone(
	struct index_writer *writer, const struct index_tombstone *tombstone)
{
	unsigned char record[INDEX_RECORD_OCTETS];

	index_write_tombstone(record, index_writer_number(writer), tombstone);
	put_record(writer, record);
}

void
index_writer_end_messages(struct index_writer *writer)
{
	for (uint32_t i = 0; i < writer->long_count; i++)
		put_long_uidl(
			writer, bytes_of(writer->long_rests +
						 (size_t)i * LONG_REST_OCTETS,
					LONG_REST_OCTETS));
	writer->long_count = 0;
}

void
index_writer_trailer(struct index_writer *writer, struct index_trailer *trailer)
{
	unsigned char record[INDEX_RECORD_OCTETS];

	trailer->names_octets = writer->names.offset + writer->names.octets;
	index_write_trailer(record, index_writer_number(writer), trailer);
	put_record(writer, record);
}

int
index_writer_finish(struct index_writer *writer)
{
	if (writer->names.descriptor >= 0)
		flush(writer, &writer->names);
	flush(writer, &writer->index);
	free(writer->index.buffer);
	free(writer->names.buffer);
	free(writer->long_rests);
	writer->index.buffer = NULL;
	writer->names.buffer = NULL;
	writer->long_rests = NULL;
	return writer->error;
}
