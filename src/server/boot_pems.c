/* SPDX-License-Identifier: ISC */
/* PEMs of the parent, which come in pieces. */
#include "server/boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one that goes on, or a new one of this name; NULL: there is no room. */
static struct boot_pem *
current(struct boot_pems *pems, const char *name)
{
	struct boot_pem *more;

	if (pems->is_open)
		return &pems->pems[pems->count - 1];
	more = pems->count < BOOT_PEMS_MAXIMUM
		       ? realloc(pems->pems, (pems->count + 1) * sizeof(*more))
		       : NULL;
	if (!more)
		return NULL;
	pems->pems = more;
	more += pems->count++;
	snprintf(more->name, sizeof(more->name), "%s", name);
	buffer_init(&more->text, BOOT_PEM_MAXIMUM_OCTETS);
	return more;
}

bool
boot_pems_take(struct boot_pems *pems, struct message *message)
{
	char name[sizeof(pems->pems->name)];
	struct message_reader reader;
	struct boot_pem *pem;
	struct bytes piece;
	uint8_t part;

	message_reader_init(&reader, message);
	part = message_get_u8(&reader);
	message_get_string(&reader, name, sizeof(name));
	piece = message_get_bytes(&reader);
	if (!message_reader_finish(&reader) || part > PEM_IS_LAST ||
		pems->is_whole || !(pem = current(pems, name)) ||
		strcmp(pem->name, name) != 0 ||
		!buffer_append_bytes(&pem->text, piece))
		return false;
	pems->is_open = part == PEM_GOES_ON;
	pems->is_whole = part == PEM_IS_LAST;
	return true;
}

void
boot_pems_wipe(struct boot_pems *pems)
{
	for (size_t i = 0; i < pems->count; i++)
		buffer_wipe(&pems->pems[i].text);
	free(pems->pems);
	*pems = (struct boot_pems){0};
}
