/* SPDX-License-Identifier: ISC */
/*
 * mbox_journal - what is being done to an mbox file, on disk before it is done;
 * docs/formats/mbox.md.
 *
 * A *plan* says which parts of the file go. While the octets behind them are
 * moved to the front, each piece lies in one of two halves of the journal first,
 * with a *step* that says where it goes. An *arrival* says where a message is
 * being appended.
 *
 * The file has its blocks beforehand, so that a full disk can be emptied.
 */
#ifndef STORE_MBOX_JOURNAL_H
#define STORE_MBOX_JOURNAL_H

#include "store/mbox/mailbox.h"

/* Octets that are moved at once, with blocks for them in any case, and when
   the disk has more. */
#define JOURNAL_HALF_OCTETS	    32768u
#define JOURNAL_HALF_MAXIMUM_OCTETS (4u << 20)
/* Octets of the file by which it is known again. */
#define JOURNAL_SAMPLE_OCTETS 4096u

struct mbox_part {
	uint64_t offset, octets;
	unsigned char digest[UIDL_DIGEST_OCTETS];
	uint64_t number;
	bool has_uidl; /* which is to be buried */
};

struct mbox_plan {
	uint64_t inode;
	uint64_t octets; /* of the file before */
	uint64_t sample; /* of the octets behind the first part */
	uint64_t
		random; /* so that no step of an earlier plan is taken for its */
	uint32_t half_octets;
	uint32_t count, capacity;
	struct mbox_part *parts; /* in the file's order, not touching */
	uint64_t checksum;	 /* of the plan as it is written */
};

enum mbox_step_kind { STEP_NONE = 0, STEP_MOVED = 1, STEP_LAST = 2 };

struct mbox_step {
	enum mbox_step_kind kind;
	uint64_t number; /* from 1 */
	uint64_t source; /* where to read on */
	uint64_t target; /* where the piece goes */
	uint32_t octets; /* of the piece */
	uint64_t piece;	 /* its checksum */
	uint64_t sample; /* of the octets at `source` */
};

struct mbox_arrival {
	uint64_t inode;
	uint64_t offset; /* where it begins: the file's end before */
	uint64_t octets;
	uint64_t content; /* checksum of the octets */
	uint64_t sample;  /* of the octets before `offset` */
	uint64_t lead;	  /* checksum of its first octets, to its From_ line */
};

bool mbox_plan_add(struct mbox_plan *plan, const struct mbox_part *part);
void mbox_plan_release(struct mbox_plan *plan);

/* Blocks for deleting `messages`. */
enum outcome mbox_journal_reserve(struct mbox *mbox, uint32_t messages);
/* Returns a descriptor or a negative errno. */
int mbox_journal_open(struct mbox *mbox, int flags);

/* None of these syncs; 0 or a negative errno. */
int mbox_journal_put_plan(
	struct mbox *mbox, int journal, struct mbox_plan *plan);
int mbox_journal_put_step(struct mbox *mbox, int journal,
	const struct mbox_plan *plan, struct mbox_step *step,
	const void *piece);
int mbox_journal_put_arrival(
	struct mbox *mbox, int journal, const struct mbox_arrival *arrival);
int mbox_journal_clear_plan(struct mbox *mbox, int journal);
int mbox_journal_clear_arrival(struct mbox *mbox, int journal);

/* What is written and whole; without: count is 0, octets are 0. */
enum outcome mbox_journal_get_plan(
	struct mbox *mbox, int journal, struct mbox_plan *out);
enum outcome mbox_journal_get_arrival(
	struct mbox *mbox, int journal, struct mbox_arrival *out);
/* The last step that is whole with its piece, which is read to `piece`; kind
   is STEP_NONE when none was made. */
enum outcome mbox_journal_get_step(struct mbox *mbox, int journal,
	const struct mbox_plan *plan, struct mbox_step *out, void *piece);

/* Of at most JOURNAL_SAMPLE_OCTETS of `descriptor` from `offset` to `end`. */
enum outcome mbox_sample(struct files *files, int descriptor, uint64_t offset,
	uint64_t end, uint64_t *out);

#endif
