/* SPDX-License-Identifier: ISC */
/*
 * box - a folder of message files as they go out, made ready once: what LIST
 * and UIDL say as text, the messages dot-stuffed one behind the other in a file
 * that sendfile(2) takes. Kept until the end: finding it again costs nothing.
 */
#ifndef LIMITS_BOX_H
#define LIMITS_BOX_H

#include "base/buffer.h"

struct box_message {
	uint64_t octets; /* announced */
	uint64_t at;	 /* in the file */
	uint64_t sent_octets;
	char *path;
};

struct box {
	struct box *next;
	char *name;
	struct box_message *messages;
	size_t count;
	uint64_t octets;
	struct buffer list, uidl;
	/* After box_load: */
	int fd; /* -1 before */
	const unsigned char *memory;
};

/* boxes/NAME/cur; an empty box when there is none. Exits when out of memory. */
struct box *box_find(const char *boxes, const char *name);
/* Reads the messages, at the first RETR. */
void box_load(struct box *box);

#endif
