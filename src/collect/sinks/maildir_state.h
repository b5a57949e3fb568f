/* SPDX-License-Identifier: ISC */
/*
 * maildir_state - what the files of the Maildir sink share. Nobody else includes
 * it.
 */
#ifndef COLLECT_SINKS_MAILDIR_STATE_H
#define COLLECT_SINKS_MAILDIR_STATE_H

#include "base/buffer.h"
#include "collect/sinks/maildir.h"
#include "collect/sinks/octets.h"
#include "collect/tag.h"

#define MAILDIR_NAME_SIZE	48
#define MAILDIR_NUMBERS_MAXIMUM 1000

enum { TMP, NEW, CUR };

struct maildir {
	struct sink base;
	struct files *files;
	char *account;
	bool makes_lf;
	int directories[3];
	/* What the ledger does not know a mail reader may have moved to cur/,
	   and be moving while this run lasts: what is ours there, looked up
	   before each flush; NUL after each name. */
	bool was_interrupted;
	bool is_short_of_memory;
	struct buffer seen;
	char *path;
	/* Maildir++ folders, opened when something goes there */
	char *name;
	struct maildir *next;
};

struct sink_delivery {
	struct octets octets;
	char tag[TAG_SIZE];
	struct maildir *place; /* where it goes: the Maildir or a folder */
	char tmp[MAILDIR_NAME_SIZE];
	/* What it takes the place of; "": of nothing. */
	char old_tag[TAG_SIZE];
	char old_front[SINK_FRONT_SIZE];
};

/* ---- maildir.c ---- */

void maildir_name(
	const char *tag, unsigned number, char out[MAILDIR_NAME_SIZE]);
/* Makes `seen` anew. */
enum outcome maildir_look(struct maildir *maildir);
/* The file of cur/ that was called `name`, whatever its flags; NULL: none. */
const char *maildir_find_seen(const struct maildir *maildir, const char *name);

/* ---- maildir_replace.c ---- */

enum outcome maildir_replace(struct sink *sink, struct sink_delivery *delivery,
	const struct message_key *old, const char *front);
/* Does one of those that go to `to` replace another? */
bool maildir_replaces(const struct maildir *to,
	struct sink_delivery *const *deliveries, size_t count);
/* Those that are durable there take the place of what they replace. */
void maildir_replace_all(struct maildir *to,
	struct sink_delivery *const *deliveries, size_t count,
	const enum outcome *outcomes);

#endif
