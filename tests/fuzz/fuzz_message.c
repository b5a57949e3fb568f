/* SPDX-License-Identifier: ISC */
/*
 * A message between roles: half of the input says which fields are read, half is
 * the payload. A reader never leaves the payload, what is malformed stays so,
 * and what was read whole and is put again is the same payload.
 */
#include "fuzz.h"

#include "process/message.h"

#define FIELDS_MAXIMUM 64
#define STRING_SIZE    40

enum { FIELD_U8, FIELD_U32, FIELD_U64, FIELD_BYTES, FIELD_STRING, FIELDS };

static void
copy_bytes(struct message_reader *reader, struct message *again)
{
	struct bytes whole = buffer_bytes(&reader->message->payload);
	struct bytes got = message_get_bytes(reader);

	if (got.octets > 0)
		assert_true(got.at >= whole.at &&
			    got.at + got.octets <= whole.at + whole.octets);
	message_put_bytes(again, got);
}

static void
copy_string(struct message_reader *reader, struct message *again)
{
	char string[STRING_SIZE] = "";

	message_get_string(reader, string, sizeof(string));
	assert_true(strnlen(string, sizeof(string)) < sizeof(string));
	message_put_string(again, string);
}

static void
copy_field(struct message_reader *reader, unsigned kind, struct message *again)
{
	bool was_malformed = reader->is_malformed;

	if (kind == FIELD_U8)
		message_put_u8(again, message_get_u8(reader));
	else if (kind == FIELD_U32)
		message_put_u32(again, message_get_u32(reader));
	else if (kind == FIELD_U64)
		message_put_u64(again, message_get_u64(reader));
	else if (kind == FIELD_BYTES)
		copy_bytes(reader, again);
	else
		copy_string(reader, again);
	assert_true(reader->is_malformed || !was_malformed);
}

static void
copy_fields(struct message *message, struct bytes kinds, struct message *again)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	for (size_t i = 0; i < kinds.octets; i++)
		copy_field(&reader, kinds.at[i] % FIELDS, again);
	if (message_reader_finish(&reader))
		assert_bytes(buffer_bytes(&again->payload),
			buffer_bytes(&message->payload), kinds);
	/* There are no descriptors, whatever the payload says. */
	assert_int_equal(message_get_descriptor(&reader), -1);
	assert_false(message_reader_finish(&reader));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes payload = bytes_of(data, octets), kinds;
	struct message message, again;

	kinds = fuzz_take_octets(
		&payload, fuzz_take_octet(&payload) % FIELDS_MAXIMUM);
	message_init(&message, 1, 0);
	message_init(&again, 1, 0);
	if (buffer_append_bytes(&message.payload, payload))
		copy_fields(&message, kinds, &again);
	message_release(&message);
	message_release(&again);
	return 0;
}
