/* SPDX-License-Identifier: ISC */
/*
 * importing - what other collectors know to have collected. Their files:
 *
 *	fetchmail  .fetchids: "USER@HOST UIDL"
 *	mpop       uidls_file: " COUNT HOST USER", then a UIDL a line
 *	getmail    oldmail-...: "UIDL\0SECONDS", with "-" for each "/"
 *	fdm        cache: "OCTETS UIDL"
 *
 * Pure: octets go in, a call for each UIDL comes out.
 */
#ifndef COLLECT_IMPORTING_H
#define COLLECT_IMPORTING_H

#include "base/bytes.h"

#define IMPORT_FILE_MAXIMUM_OCTETS (64u << 20)
#define IMPORT_MAILBOX_SIZE	   512

enum import_program {
	IMPORT_FETCHMAIL,
	IMPORT_MPOP,
	IMPORT_GETMAIL,
	IMPORT_FDM,
	IMPORT_PROGRAMS
};

/* mailbox: "USER@HOST"; "" where the file is of one mailbox. False: stop. */
typedef bool import_take(const char *mailbox, struct bytes uidl, void *context);

/* False: there is no program of that name. */
bool import_program_of(const char *name, enum import_program *out);
/*
 * out_line  the one that is not as it should be, from 1; 0 when all are and
 *           `take` stopped it
 */
bool import_parse(enum import_program program, struct bytes text,
	import_take *take, void *context, unsigned *out_line);

#endif
