/* SPDX-License-Identifier: ISC */
/* guess - probes the names that POP3 servers usually have, all at once. */
#ifndef COLLECT_DISCOVERY_GUESS_H
#define COLLECT_DISCOVERY_GUESS_H

#include "collect/discovery/autoconfig.h"
#include "collect/discovery/probe.h"

#define GUESSES_MAXIMUM 8

struct guess {
	struct named_server server;
	struct probe probe;
};

/* How many have an address; the better come first. */
size_t guess_servers(const struct network *network,
	const struct mail_address *who, struct guess out[GUESSES_MAXIMUM]);

#endif
