/* SPDX-License-Identifier: ISC */
/*
 * A message that takes the place of another in a Maildir: first the new one is
 * durable, then the old one is removed, and only then the ledger is told. Killed
 * in between, both are there, and the same is done again. What cannot be removed
 * stays beside it: that loses nothing.
 */
#include "collect/sinks/maildir_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum outcome
maildir_replace(struct sink *sink, struct sink_delivery *delivery,
	const struct message_key *old, const char *front)
{
	const struct maildir *maildir = (struct maildir *)sink;

	if (!tag_make(maildir->account, old, delivery->old_tag))
		return ERR_TRY_LATER;
	snprintf(delivery->old_front, sizeof(delivery->old_front), "%s", front);
	return OK;
}

bool
maildir_replaces(const struct maildir *to,
	struct sink_delivery *const *deliveries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (deliveries[i]->place == to && deliveries[i]->old_tag[0])
			return true;
	return false;
}

/* A name may be that of another message, whose UIDL a server used again. */
static void
remove_if_it_is(struct maildir *from, int part, const char *name,
	const struct sink_delivery *delivery)
{
	struct files *files = from->files;
	size_t octets = strlen(delivery->old_front);
	int directory = from->directories[part];
	char front[SINK_FRONT_SIZE];
	int fd = files->open(files, directory, name, O_RDONLY, 0);

	if (fd >= 0 &&
		files_read_all(files, fd, front, octets, 0) ==
			(ssize_t)octets &&
		memcmp(front, delivery->old_front, octets) == 0)
		(void)files->unlink(files, directory, name);
	files->close(files, &fd);
}

static void
remove_old(struct maildir *from, int part, const struct sink_delivery *delivery)
{
	char name[MAILDIR_NAME_SIZE];
	struct stat status;

	/* The first may have gone before. */
	for (unsigned n = 0; n < MAILDIR_NUMBERS_MAXIMUM; n++) {
		const char *found = name;
		bool is_there;

		maildir_name(delivery->old_tag, n, name);
		if (part == CUR)
			found = maildir_find_seen(from, name);
		is_there = found && from->files->stat_at(from->files,
					    from->directories[part], found,
					    &status) == 0;
		if (is_there)
			remove_if_it_is(from, part, found, delivery);
		else if (n > 0)
			return;
	}
}

static void
remove_each(struct maildir *to, int part,
	struct sink_delivery *const *deliveries, size_t count,
	const enum outcome *outcomes)
{
	for (size_t i = 0; i < count; i++)
		if (deliveries[i]->place == to && outcomes[i] == OK &&
			deliveries[i]->old_tag[0])
			remove_old(to, part, deliveries[i]);
	(void)to->files->sync(to->files, to->directories[part]);
}

/* A mail reader moves from new/ to cur/: what it moved before we looked into new/
 * is found in cur/ by a look after that. */
void
maildir_replace_all(struct maildir *to, struct sink_delivery *const *deliveries,
	size_t count, const enum outcome *outcomes)
{
	remove_each(to, NEW, deliveries, count, outcomes);
	if (maildir_look(to) == OK)
		remove_each(to, CUR, deliveries, count, outcomes);
}
