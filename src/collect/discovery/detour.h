/* SPDX-License-Identifier: ISC */
/*
 * detour - another place to connect to than DNS says, as curl's --connect-to:
 * to try a server before its names lead to it. Names stay what certificates are
 * checked for. "HOST:PORT:TO-HOST:TO-PORT, ..."; an empty HOST or PORT is any, an
 * empty TO-HOST or TO-PORT the same. Pure.
 */
#ifndef COLLECT_DISCOVERY_DETOUR_H
#define COLLECT_DISCOVERY_DETOUR_H

#include "collect/discovery/mail_address.h"

#define DETOURS_MAXIMUM 32

struct detour {
	char host[HOST_SIZE];	 /* "": any */
	uint16_t port;		 /* 0: any */
	char to_host[HOST_SIZE]; /* "": the same */
	uint16_t to_port;	 /* 0: the same */
};

struct detours {
	struct detour rows[DETOURS_MAXIMUM];
	size_t count;
};

/* False: it is no such list; *out is untouched. */
bool detours_parse(const char *text, struct detours *out);
/* Where to connect to instead, by the first that fits; *host may become one of
 * the detours' own. */
void detours_apply(
	const struct detours *detours, const char **host, uint16_t *port);

#endif
