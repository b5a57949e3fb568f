/* SPDX-License-Identifier: ISC */
/*
 * mail - the mailboxes that transcripts call by name, and what a transcript
 * says is in one before and afterwards.
 */
#ifndef TESTS_MAIL_H
#define TESTS_MAIL_H

#include "transcript.h"

#define MAIL_MAXIMUM_MESSAGES 256

struct mail {
	struct bytes messages[MAIL_MAXIMUM_MESSAGES]; /* borrowed */
	unsigned count;
};

/* mailbox: and message: of a transcript. False: wrong, and said so. */
bool mail_before(const struct transcript *transcript, struct mail *out);
/*
 * mailbox-after: NAME, or "unchanged", then perhaps "without" and message
 * numbers; without the key nothing may have changed. False as above.
 */
bool mail_after(const struct transcript *transcript, struct mail *out);
/* What delivered: says is in the mailbox of `name`, in order. */
bool mail_delivered(const struct transcript *transcript, const char *name,
	struct mail *out);

#endif
