/* SPDX-License-Identifier: ISC */
/* finding - a mail address's server, for discover and account add. */
#ifndef PROGRAMS_RESTANTE_FINDING_H
#define PROGRAMS_RESTANTE_FINDING_H

#include "collect/discovery/discover.h"
#include "programs/restante/command.h"

struct finding {
	struct network network;
	struct socks5_proxy proxy;
	struct discovery discovery;
};

/* Reaches the network as the options say; complains. */
int finding_open(struct finding *finding, const struct arguments *arguments);
/* Looks; the result is in `discovery`. Complains of an address that is none. */
int finding_run(struct finding *finding, const struct arguments *arguments,
	const char *address);
void finding_close(struct finding *finding);

/* What was tried, each line behind `lead`. */
void finding_print_steps(
	const struct discovery *discovery, const char *lead, FILE *to);
/* What is known of the server that was found. */
void finding_print_server(
	const struct discovery *discovery, const char *lead, FILE *to);
/* Host, port, TLS and login as they were found; false: no memory. */
bool finding_set_account(
	const struct discovery *discovery, struct collect_account *account);

#endif
