/* SPDX-License-Identifier: ISC */
/* explain - what the files of restante explain share; nobody else includes it. */
#ifndef PROGRAMS_RESTANTE_EXPLAIN_H
#define PROGRAMS_RESTANTE_EXPLAIN_H

#include "programs/restante/command.h"

#include <jansson.h>

/* A message of an account, looked for by its UIDL. */
struct sought {
	struct bytes uidl;
	struct ledger_entry entry; /* what the ledger knows */
	bool is_on_server;	   /* then: */
	uint32_t number;
	uint64_t octets;
	bool has_header;	     /* in `head`, from there */
	char file[PATH_MAX];	     /* of what was filed; "": not found */
	enum outcome outcome;	     /* of asking the server */
	char text[ENGINE_TEXT_SIZE]; /* when that is not OK */
};

/* Complains when there is nothing to tell. `head` gets the header, if the server
 * has it. */
int explain_seek(const struct arguments *arguments,
	const struct collect_account *account, const char *uidl,
	struct sought *out, struct buffer *head);
void explain_print_sought(const struct sought *sought);
/* Into an object of JSON. */
void explain_describe_sought(const struct sought *sought, json_t *object);

#endif
