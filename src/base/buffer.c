/* SPDX-License-Identifier: ISC */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_OCTETS 256

void
buffer_init(struct buffer *buffer, size_t maximum_octets)
{
	*buffer = (struct buffer){.maximum = maximum_octets};
}

void
buffer_release(struct buffer *buffer)
{
	free(buffer->memory);
	buffer_init(buffer, buffer->maximum);
}

void
buffer_wipe(struct buffer *buffer)
{
	if (buffer->memory)
		explicit_bzero(buffer->memory, buffer->capacity);
	buffer_release(buffer);
}

size_t
buffer_room(const struct buffer *buffer)
{
	return buffer->maximum - buffer->octets;
}

struct bytes
buffer_bytes(const struct buffer *buffer)
{
	if (buffer->octets == 0)
		return BYTES_NONE;
	return bytes_of(buffer->memory + buffer->start, buffer->octets);
}

static void
move_to_front(struct buffer *buffer)
{
	if (buffer->start > 0 && buffer->octets > 0)
		memmove(buffer->memory, buffer->memory + buffer->start,
			buffer->octets);
	buffer->start = 0;
}

/* Not by realloc, which leaves behind what nobody can wipe any more. */
static bool
enlarge(struct buffer *buffer, size_t needed)
{
	struct bytes held = buffer_bytes(buffer);
	size_t capacity = buffer->capacity;
	unsigned char *memory;

	if (capacity < BUFFER_FIRST_OCTETS)
		capacity = BUFFER_FIRST_OCTETS;
	while (capacity < needed)
		capacity *= 2;
	memory = malloc(capacity);
	if (!memory)
		return false;
	if (held.at)
		memcpy(memory, held.at, held.octets);
	if (buffer->memory)
		explicit_bzero(buffer->memory, buffer->capacity);
	free(buffer->memory);
	buffer->memory = memory;
	buffer->capacity = capacity;
	buffer->start = 0;
	return true;
}

unsigned char *
buffer_reserve(struct buffer *buffer, size_t octets)
{
	size_t needed = buffer->octets + octets;

	if (octets > buffer_room(buffer))
		return NULL;
	if (needed > buffer->capacity || !buffer->memory) {
		if (!enlarge(buffer, needed))
			return NULL;
	} else if (buffer->start + needed > buffer->capacity) {
		move_to_front(buffer);
	}
	return buffer->memory + buffer->start + buffer->octets;
}

void
buffer_grow(struct buffer *buffer, size_t octets)
{
	buffer->octets += octets;
}

bool
buffer_append(struct buffer *buffer, const void *at, size_t octets)
{
	unsigned char *to;

	if (octets == 0)
		return true;
	to = buffer_reserve(buffer, octets);
	if (!to)
		return false;
	memcpy(to, at, octets);
	buffer_grow(buffer, octets);
	return true;
}

bool
buffer_append_bytes(struct buffer *buffer, struct bytes bytes)
{
	return buffer_append(buffer, bytes.at, bytes.octets);
}

bool
buffer_append_string(struct buffer *buffer, const char *string)
{
	return buffer_append(buffer, string, strlen(string));
}

/* Returns the octets it takes: written when they are less than `room`, which
   the buffer has. -1: no memory. */
__attribute__((format(printf, 3, 0))) static int
print(struct buffer *buffer, size_t room, const char *format, va_list arguments)
{
	unsigned char *to = buffer_reserve(buffer, room);

	return to ? vsnprintf((char *)to, room, format, arguments) : -1;
}

bool
buffer_printf(struct buffer *buffer, const char *format, ...)
{
	size_t left = buffer_room(buffer);
	size_t room = left < BUFFER_FIRST_OCTETS ? left : BUFFER_FIRST_OCTETS;
	va_list arguments;
	int octets;

	va_start(arguments, format);
	octets = print(buffer, room, format, arguments);
	va_end(arguments);
	if (octets < 0 || (size_t)octets > left)
		return false;
	if ((size_t)octets >= room) {
		/* One more than counts, for the NUL that is then forgotten. */
		buffer->maximum++;
		va_start(arguments, format);
		octets = print(buffer, (size_t)octets + 1, format, arguments);
		va_end(arguments);
		buffer->maximum--;
	}
	if (octets < 0)
		return false;
	buffer_grow(buffer, (size_t)octets);
	return true;
}

void
buffer_consume(struct buffer *buffer, size_t octets)
{
	if (octets >= buffer->octets) {
		buffer_clear(buffer);
		return;
	}
	buffer->start += octets;
	buffer->octets -= octets;
}

void
buffer_clear(struct buffer *buffer)
{
	buffer->start = 0;
	buffer->octets = 0;
}

void
buffer_trim(struct buffer *buffer)
{
	if (buffer->octets == 0)
		buffer_release(buffer);
}
