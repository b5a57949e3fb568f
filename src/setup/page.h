/* SPDX-License-Identifier: ISC */
/*
 * page - what people read who set up their mail program by hand, or fetch what
 * does it. It asks for an address at most, never for a password. Pure.
 */
#ifndef SETUP_PAGE_H
#define SETUP_PAGE_H

#include "setup/facts.h"

/* who: empty when nothing was said; is_wrong: what was said is no address. */
bool setup_write_page(const struct setup_facts *facts,
	const struct setup_who *who, bool is_wrong, struct buffer *out);

#endif
