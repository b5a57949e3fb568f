/* SPDX-License-Identifier: ISC */
#include "collect/importing.h"
#include "collect/message_key.h"

#include <stdio.h>
#include <string.h>

struct import {
	import_take *take;
	void *context;
	char mailbox[IMPORT_MAILBOX_SIZE];
	bool is_stopped;
};

typedef bool take_line(struct import *import, struct bytes line);

/* As the POP3 client takes one: never empty, no control characters. */
static bool
is_uidl(struct bytes uidl)
{
	for (size_t i = 0; i < uidl.octets; i++)
		if (uidl.at[i] < ' ' || uidl.at[i] == 0x7f)
			return false;
	return uidl.octets > 0 &&
	       uidl.octets <= MESSAGE_KEY_UIDL_MAXIMUM_OCTETS;
}

/* False: the line is none. */
static bool
tell(struct import *import, struct bytes uidl)
{
	if (!is_uidl(uidl))
		return false;
	import->is_stopped =
		!import->take(import->mailbox, uidl, import->context);
	return true;
}

static bool
set_mailbox(struct import *import, struct bytes user, struct bytes host)
{
	return user.octets > 0 && host.octets > 0 && !bytes_has(user, 0) &&
	       !bytes_has(host, 0) && !bytes_has(host, '@') &&
	       snprintf(import->mailbox, sizeof(import->mailbox), "%.*s@%.*s",
		       (int)user.octets, (const char *)user.at,
		       (int)host.octets,
		       (const char *)host.at) < IMPORT_MAILBOX_SIZE;
}

static bool
take_fetchmail(struct import *import, struct bytes line)
{
	struct bytes mailbox = bytes_cut(&line, ' ');

	return bytes_has(mailbox, '@') &&
	       bytes_to_string(
		       mailbox, import->mailbox, sizeof(import->mailbox)) &&
	       tell(import, line);
}

static bool
take_mpop(struct import *import, struct bytes line)
{
	struct bytes count, host;
	uint64_t number;

	if (line.at[0] == '#')
		return true;
	if (line.at[0] != ' ')
		return import->mailbox[0] && tell(import, line);
	line = bytes_after(line, 1);
	count = bytes_cut(&line, ' ');
	host = bytes_cut(&line, ' ');
	return bytes_to_number(count, UINT32_MAX, &number) &&
	       set_mailbox(import, line, host);
}

static bool
take_getmail(struct import *import, struct bytes line)
{
	struct bytes uidl = bytes_cut(&line, '\0');
	uint64_t seconds;

	return bytes_to_number(line, UINT64_MAX, &seconds) &&
	       tell(import, uidl);
}

static bool
take_fdm(struct import *import, struct bytes line)
{
	struct bytes count = bytes_cut(&line, ' ');
	uint64_t octets;

	return bytes_to_number(count, UINT32_MAX, &octets) &&
	       octets == line.octets && tell(import, line);
}

static const struct {
	const char *name;
	take_line *take;
} programs[IMPORT_PROGRAMS] = {
	[IMPORT_FETCHMAIL] = {"fetchmail", take_fetchmail},
	[IMPORT_MPOP] = {"mpop", take_mpop},
	[IMPORT_GETMAIL] = {"getmail", take_getmail},
	[IMPORT_FDM] = {"fdm", take_fdm},
};

bool
import_program_of(const char *name, enum import_program *out)
{
	for (int i = 0; i < IMPORT_PROGRAMS; i++)
		if (strcmp(programs[i].name, name) == 0) {
			*out = (enum import_program)i;
			return true;
		}
	return false;
}

bool
import_parse(enum import_program program, struct bytes text, import_take *take,
	void *context, unsigned *out_line)
{
	struct import import = {.take = take, .context = context};

	for (unsigned line = 1; text.octets > 0 && !import.is_stopped; line++) {
		struct bytes one = bytes_cut(&text, '\n');

		if (one.octets == 0 || programs[program].take(&import, one))
			continue;
		*out_line = line;
		return false;
	}
	*out_line = 0;
	return !import.is_stopped;
}
