/* SPDX-License-Identifier: ISC */
#include "server/session_vanished.h"
#include "net/vanished.h"
#include "server/connection.h"

/* A look costs a system call for each that waits. */
#define LOOK_MS 5000

static void
look_at(struct connection *c, uint64_t seconds)
{
	if (!vanished_is(c->fd, seconds))
		return;
	connection_set_ending(c, ENDING_VANISHED);
	connection_close(c);
}

void
session_drop_vanished(struct session_role *role, uint64_t now_ms)
{
	uint64_t seconds = role->settings->all.vanished_seconds;
	struct deadline *each = role->deaf.first, *next;

	if (seconds == 0 || now_ms - role->vanished_ms < LOOK_MS)
		return;
	role->vanished_ms = now_ms;
	/* In the order in which they took something last. */
	for (; each; each = next) {
		if (each->at_ms - role->deaf.length_ms + seconds * 1000 >
			now_ms)
			break;
		next = each->next;
		look_at(table_object(each, struct connection, deadline),
			seconds);
	}
}
