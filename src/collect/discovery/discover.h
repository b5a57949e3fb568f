/* SPDX-License-Identifier: ISC */
/*
 * discover - finds the POP3 server of a mail address: what its domain says over
 * https, what a database of providers says, what the domain of its mail exchange
 * says, what DNS says, and at last the usual names. The first that answers a
 * probe is it. Nothing secret is sent, and nothing in clear but what the server
 * says before STLS. The whole address is told to the domain itself alone.
 *
 * Source: RFC 6186, RFC 8314 section 5.1, RFC 7817.
 */
#ifndef COLLECT_DISCOVERY_DISCOVER_H
#define COLLECT_DISCOVERY_DISCOVER_H

#include "collect/discovery/autoconfig.h"
#include "collect/discovery/https.h"
#include "collect/discovery/probe.h"

#define DISCOVERY_STEPS_MAXIMUM 32
#define DISCOVERY_SECONDS	90 /* then nothing more is asked */
#define DISCOVERY_ERROR_SIZE	512

enum discovery_source {
	SOURCE_AUTOCONFIG,
	SOURCE_WELL_KNOWN,
	SOURCE_DATABASE,
	SOURCE_EXCHANGE_AUTOCONFIG, /* of the mail exchange's domain */
	SOURCE_EXCHANGE_DATABASE,
	SOURCE_SRV,
	SOURCE_GUESS,
};

enum discovery_result {
	DISCOVERY_NAMED,   /* it names a server */
	DISCOVERY_NOTHING, /* it knows of none */
	DISCOVERY_FAILED,  /* for another reason */
	DISCOVERY_SKIPPED,
	DISCOVERY_PROBED,  /* a server that was named answers as it should */
	DISCOVERY_REFUSED, /* one that does not */
};

/* What was tried, for people. */
struct discovery_step {
	enum discovery_source source;
	enum discovery_result result;
	char where[HOST_SIZE + 64]; /* a URL, a name of DNS, HOST:PORT */
	char text[DISCOVERY_ERROR_SIZE];
};

/* How sure is it that the server is the one of this domain? */
enum discovery_trust {
	TRUST_DOMAIN,	/* the domain says so, or the certificate is for it */
	TRUST_PROVIDER, /* a database of others says so, over https */
	TRUST_NAME,	/* the server's name is within the domain */
	TRUST_NONE,	/* DNS alone says so, which anybody on the way can */
};

struct discovery {
	struct mail_address who;
	struct discovery_step steps[DISCOVERY_STEPS_MAXIMUM];
	size_t step_count;
	bool is_found;
	/* when it is found */
	struct named_server server;
	enum discovery_source source;
	enum discovery_trust trust;
	struct probe probe;
};

struct discovery_options {
	const struct network *network;
	const char *database; /* "https://.../"; the domain follows; "": none */
	void (*on_step)(const struct discovery_step *step, void *context);
	void *context;
};

/* who: filled in before. *out is 25 KiB. */
void discover(const struct discovery_options *options,
	const struct mail_address *who, struct discovery *out);

const char *discovery_source_name(enum discovery_source source);
const char *discovery_trust_name(enum discovery_trust trust);
/* A sentence for people. */
const char *discovery_trust_text(enum discovery_trust trust);

/* Of a server that was found and probed. Pure. */
enum discovery_trust discovery_judge(enum discovery_source source,
	const char *host, const char *domain, bool is_certified_for_domain);

#endif
