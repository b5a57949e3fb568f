/* SPDX-License-Identifier: ISC */
#include "process/message.h"

#include <endian.h>
#include <string.h>
#include <unistd.h>

#define PAYLOAD_MAXIMUM_OCTETS (MESSAGE_MAXIMUM_OCTETS - MESSAGE_HEADER_OCTETS)

static void
close_descriptors(struct message *message)
{
	for (unsigned i = 0; i < message->descriptor_count; i++)
		if (message->descriptors[i] >= 0)
			close(message->descriptors[i]);
	message->descriptor_count = 0;
}

void
message_init(struct message *message, uint16_t type, uint64_t subject)
{
	message->type = type;
	message->subject = subject;
	message->is_bad = false;
	message->descriptor_count = 0;
	buffer_init(&message->payload, PAYLOAD_MAXIMUM_OCTETS);
}

void
message_release(struct message *message)
{
	close_descriptors(message);
	buffer_wipe(&message->payload);
}

void
message_reset(struct message *message, uint16_t type, uint64_t subject)
{
	close_descriptors(message);
	if (message->payload.memory)
		explicit_bzero(
			message->payload.memory, message->payload.capacity);
	buffer_clear(&message->payload);
	message->type = type;
	message->subject = subject;
	message->is_bad = false;
}

/* ---- writing; integers little-endian, though both ends are one machine ---- */

static void
put(struct message *message, const void *at, size_t octets)
{
	if (!buffer_append(&message->payload, at, octets))
		message->is_bad = true;
}

void
message_put_u8(struct message *message, uint8_t value)
{
	put(message, &value, 1);
}

void
message_put_u32(struct message *message, uint32_t value)
{
	value = htole32(value);
	put(message, &value, sizeof(value));
}

void
message_put_u64(struct message *message, uint64_t value)
{
	value = htole64(value);
	put(message, &value, sizeof(value));
}

void
message_put_bytes(struct message *message, struct bytes bytes)
{
	if (bytes.octets > PAYLOAD_MAXIMUM_OCTETS) {
		message->is_bad = true;
		return;
	}
	message_put_u32(message, (uint32_t)bytes.octets);
	put(message, bytes.at, bytes.octets);
}

void
message_put_string(struct message *message, const char *string)
{
	message_put_bytes(message, bytes_of_string(string));
}

void
message_put_descriptor(struct message *message, int *fd)
{
	if (*fd < 0 ||
		message->descriptor_count == MESSAGE_MAXIMUM_DESCRIPTORS) {
		message->is_bad = true;
		return;
	}
	message->descriptors[message->descriptor_count++] = *fd;
	*fd = -1;
}

/* ---- reading ---- */

void
message_reader_init(struct message_reader *reader, struct message *message)
{
	*reader = (struct message_reader){
		.message = message, .rest = buffer_bytes(&message->payload)};
}

static struct bytes
take(struct message_reader *reader, size_t octets)
{
	struct bytes taken = reader->rest;

	if (octets > reader->rest.octets) {
		reader->is_malformed = true;
		reader->rest = BYTES_NONE;
		return BYTES_NONE;
	}
	taken.octets = octets;
	reader->rest = bytes_after(reader->rest, octets);
	return taken;
}

uint8_t
message_get_u8(struct message_reader *reader)
{
	struct bytes taken = take(reader, 1);

	return taken.octets ? taken.at[0] : 0;
}

uint32_t
message_get_u32(struct message_reader *reader)
{
	struct bytes taken = take(reader, sizeof(uint32_t));
	uint32_t value = 0;

	if (taken.octets)
		memcpy(&value, taken.at, sizeof(value));
	return le32toh(value);
}

uint64_t
message_get_u64(struct message_reader *reader)
{
	struct bytes taken = take(reader, sizeof(uint64_t));
	uint64_t value = 0;

	if (taken.octets)
		memcpy(&value, taken.at, sizeof(value));
	return le64toh(value);
}

struct bytes
message_get_bytes(struct message_reader *reader)
{
	return take(reader, message_get_u32(reader));
}

void
message_get_string(struct message_reader *reader, char *out, size_t size)
{
	if (!bytes_to_string(message_get_bytes(reader), out, size)) {
		reader->is_malformed = true;
		out[0] = '\0';
	}
}

int
message_get_descriptor(struct message_reader *reader)
{
	struct message *message = reader->message;
	int fd;

	if (reader->next_descriptor >= message->descriptor_count) {
		reader->is_malformed = true;
		return -1;
	}
	fd = message->descriptors[reader->next_descriptor];
	message->descriptors[reader->next_descriptor++] = -1;
	return fd;
}

bool
message_reader_finish(struct message_reader *reader)
{
	return !reader->is_malformed && reader->rest.octets == 0 &&
	       reader->next_descriptor == reader->message->descriptor_count;
}
