/* SPDX-License-Identifier: ISC */
/*
 * message - what roles say to each other: a type, whom it is about, a payload,
 * descriptors. At most 32 KiB and 64 descriptors; longer data goes in pieces.
 *
 * Written by message_put_..., read in the same order by message_get_...; a
 * reader that runs out of octets or has some left is malformed, and the role
 * that sent it is ended. No role trusts another's lengths.
 */
#ifndef PROCESS_MESSAGE_H
#define PROCESS_MESSAGE_H

#include "base/buffer.h"

#define MESSAGE_MAXIMUM_OCTETS	    32768 /* header and payload */
#define MESSAGE_HEADER_OCTETS	    16
#define MESSAGE_MAXIMUM_DESCRIPTORS 64

struct message {
	uint16_t type;
	uint64_t subject; /* connection or handle it is about; 0 for none */
	struct buffer payload;
	int descriptors[MESSAGE_MAXIMUM_DESCRIPTORS];
	unsigned descriptor_count;
	bool is_bad; /* something did not fit: sending fails */
};

void message_init(struct message *message, uint16_t type, uint64_t subject);
/* Wipes the payload (it may hold a password), closes descriptors left. */
void message_release(struct message *message);
/* Empties for the next use, keeping the memory. */
void message_reset(struct message *message, uint16_t type, uint64_t subject);

/* Past the maximum these mark the message bad; sending it fails. */
void message_put_u8(struct message *message, uint8_t value);
void message_put_u32(struct message *message, uint32_t value);
void message_put_u64(struct message *message, uint64_t value);
/* Length (u32) and octets. */
void message_put_bytes(struct message *message, struct bytes bytes);
void message_put_string(struct message *message, const char *string);
/* Moves *fd (becomes -1). */
void message_put_descriptor(struct message *message, int *fd);

struct message_reader {
	struct message *message;
	struct bytes rest;
	unsigned next_descriptor;
	bool is_malformed;
};

void message_reader_init(
	struct message_reader *reader, struct message *message);
uint8_t message_get_u8(struct message_reader *reader);
uint32_t message_get_u32(struct message_reader *reader);
uint64_t message_get_u64(struct message_reader *reader);
/* Borrowed from the message. */
struct bytes message_get_bytes(struct message_reader *reader);
/* NUL-terminated copy; malformed when it holds a NUL or does not fit. */
void message_get_string(struct message_reader *reader, char *out, size_t size);
/* Moves the next descriptor out; -1 and malformed when there is none. */
int message_get_descriptor(struct message_reader *reader);
/* True when all was there, nothing is left and no descriptor was forgotten. */
bool message_reader_finish(struct message_reader *reader);

#endif
