/* SPDX-License-Identifier: ISC */
/*
 * mbox_session - an open maildrop. The file is locked while it is looked at and
 * while something is deleted, not in between: who reads for minutes must not
 * hold up mail. What other programs do to the file meanwhile is noticed, and no
 * octet that might be another message's is given out as whole.
 */
#ifndef STORE_MBOX_SESSION_H
#define STORE_MBOX_SESSION_H

#include "store/mbox/look.h"

/* A message with quoted lines is read from its start; where that has come to. */
struct mbox_cursor {
	bool is_set;
	uint32_t index;
	uint64_t file_offset;
	uint64_t offset; /* in the message, of what is pending */
	struct mbox_parser parser;
	size_t pending_octets;
	unsigned char pending[8192 + FROM_LINE_OCTETS + 8];
};

struct mbox_session {
	struct mbox mbox;
	struct mbox_scan *scan; /* the snapshot */
	int descriptor;		/* to read from; keeps what was replaced */
	struct mbox_cursor cursor;
};

/* *kept may be a scan of before, which it takes over (left NULL). */
enum outcome mbox_session_open(struct mbox_session *session,
	struct mbox_scan **kept, struct store_snapshot *out);
enum outcome mbox_session_read_at(
	struct mbox_session *session, struct store_read_at_call *call);
enum outcome mbox_session_commit(
	struct mbox_session *session, const struct index_set *deleted);
void mbox_session_close(struct mbox_session *session);

#endif
