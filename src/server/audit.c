/* SPDX-License-Identifier: ISC */
#include "server/audit.h"
#include "base/log.h"
#include "store/snapshot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct audit {
	struct snapshot *snapshot;
	char *mailbox;
};

struct audit *
audit_new(const struct store_snapshot *snapshot, const char *mailbox)
{
	struct store_snapshot copy = *snapshot;
	struct audit *audit = calloc(1, sizeof(*audit));

	if (!audit)
		return NULL;
	copy.descriptor = fcntl(snapshot->descriptor, F_DUPFD_CLOEXEC, 0);
	audit->mailbox = strdup(mailbox);
	if (copy.descriptor < 0 || !audit->mailbox ||
		snapshot_new(&copy, &audit->snapshot) != OK)
		audit_free(&audit);
	return audit;
}

void
audit_free(struct audit **audit)
{
	if (!*audit)
		return;
	snapshot_free(&(*audit)->snapshot);
	free((*audit)->mailbox);
	free(*audit);
	*audit = NULL;
}

static void
log_message(const char *event, const char *who, const struct maildrop *maildrop,
	uint32_t index)
{
	struct maildrop_message message;
	char uidl[LOG_QUOTED_OCTETS];

	if (maildrop->message(maildrop, index, &message) != OK) {
		log_event(LOG_LEVEL_ERROR, "audit-failed",
			"%s what=%s index=%u why=\"damaged index\"", who, event,
			index);
		return;
	}
	log_event(LOG_LEVEL_INFO, event, "%s uidl=%s octets=%llu", who,
		log_quote(uidl, message.uidl),
		(unsigned long long)message.octets);
}

void
audit_deleted(const struct audit *audit, const char *id,
	const struct index_set *deleted)
{
	char who[LOG_QUOTED_OCTETS + 64], user[LOG_QUOTED_OCTETS];
	uint32_t index = index_set_next(deleted, 0);

	if (!audit) {
		log_event(LOG_LEVEL_ERROR, "audit-failed",
			"id=%s what=deleted count=%u why=\"no memory when the "
			"maildrop was opened\"",
			id, deleted->count);
		return;
	}
	snprintf(who, sizeof(who), "id=%s user=%s", id,
		log_quote(user, bytes_of_string(audit->mailbox)));
	for (uint32_t left = deleted->count; left > 0; left--) {
		log_message("deleted", who, snapshot_maildrop(audit->snapshot),
			index);
		index = index_set_next(deleted, index + 1);
	}
}

void
audit_retrieved(const struct maildrop *maildrop, uint32_t index, const char *id,
	const char *peer, const char *mailbox)
{
	char who[LOG_QUOTED_OCTETS + 256], user[LOG_QUOTED_OCTETS];

	snprintf(who, sizeof(who), "id=%s addr=%s user=%s", id, peer,
		log_quote(user, bytes_of_string(mailbox)));
	log_message("retrieved", who, maildrop, index);
}
