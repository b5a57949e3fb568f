/* SPDX-License-Identifier: ISC */
/*
 * autodiscover - Outlook's question and its answer, plain XML. Pure.
 *
 * Source: [MS-OXDSCLI], the POX protocol.
 */
#ifndef SETUP_AUTODISCOVER_H
#define SETUP_AUTODISCOVER_H

#include "setup/facts.h"

/* The address in a question. False: it is none, or is not well formed. */
bool autodiscover_read(struct bytes xml, struct setup_who *out);
bool autodiscover_write(const struct setup_facts *facts,
	const struct setup_who *who, struct buffer *out);
/* The answer to what is no question. */
bool autodiscover_refuse(struct buffer *out);

#endif
