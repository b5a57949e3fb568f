/* SPDX-License-Identifier: ISC */
/*
 * probe - asks a POP3 server what it is, without a login: name, port, TLS and
 * its certificate, greeting, CAPA. Stops at what fails, and says what.
 */
#ifndef COLLECT_DISCOVERY_PROBE_H
#define COLLECT_DISCOVERY_PROBE_H

#include "base/outcome.h"
#include "collect/account.h"
#include "collect/discovery/network.h"
#include "tls/peer.h"

#define PROBE_ERROR_SIZE	512
#define PROBE_TEXT_SIZE		320
#define PROBE_CAPA_MAXIMUM	200 /* lines */
#define PROBE_CAPABILITIES_SIZE 1024

/* In this order; each is reached when those before it are. */
enum probe_step {
	PROBE_FOUND,	 /* the name has addresses */
	PROBE_CONNECTED, /* the port is open */
	PROBE_GREETED,	 /* +OK; before TLS with STLS, behind it else */
	PROBE_SECURED,	 /* TLS, the certificate verified for the host */
	PROBE_ASKED,	 /* CAPA was answered */
	PROBE_STEPS,
};

struct probe_options {
	const struct network *network;
	const char *host;
	uint16_t port;
	enum account_tls tls;
	const char *domain; /* the certificate may be for it too; NULL: none */
	uint64_t step_seconds;
	/* Found already; NULL: they are looked for. */
	const struct resolver_addresses *addresses;
};

struct probe {
	bool is_done[PROBE_STEPS];
	enum outcome outcome;
	char error[PROBE_ERROR_SIZE];
	char addresses[PROBE_TEXT_SIZE]; /* "192.0.2.1, 2001:db8::1" */
	char tls[64];			 /* "TLSv1.3/..." */
	bool has_certificate;
	struct tls_peer certificate; /* also of one that was refused */
	bool is_for_domain;
	char greeting[PROBE_TEXT_SIZE];
	/* The lines of CAPA, with " | " between; "" when it has no CAPA. */
	char capabilities[PROBE_CAPABILITIES_SIZE];
	bool has_uidl, has_pipelining, has_stls, has_login;
	char mechanisms[PROBE_TEXT_SIZE];
	uint64_t took_ms; /* from connecting to the greeting, or TLS */
};

/* Waits; any thread, unless `addresses` has to be looked for. */
void probe_server(const struct probe_options *options, struct probe *out);
/* All steps were good. */
bool probe_is_good(const struct probe *probe);

#endif
