/* SPDX-License-Identifier: ISC */
/*
 * resolver - asks DNS, by c-ares: addresses, and the records that say which
 * server does what for a domain. Waits for answers; one thread at a time. No
 * answer is proved: DNSSEC is not checked.
 */
#ifndef COLLECT_DISCOVERY_RESOLVER_H
#define COLLECT_DISCOVERY_RESOLVER_H

#include "collect/discovery/mail_address.h"

#define RESOLVER_TIMEOUT_MS	   1500 /* of the first try; the second has more */
#define RESOLVER_ADDRESSES_MAXIMUM 8
#define RESOLVER_ADDRESS_SIZE	   48
#define RESOLVER_RECORDS_MAXIMUM   16
#define RESOLVER_ERROR_SIZE	   128

enum resolver_answer {
	RESOLVER_FOUND,
	RESOLVER_NONE,	 /* there is no such name or record */
	RESOLVER_FAILED, /* no answer; resolver_error says why */
};

struct resolver_addresses {
	char texts[RESOLVER_ADDRESSES_MAXIMUM][RESOLVER_ADDRESS_SIZE];
	size_t count; /* at least 1 */
};

/* SRV or MX; those that are to be tried first come first. */
struct resolver_records {
	struct {
		char host[HOST_SIZE]; /* normalized */
		uint16_t port;	      /* SRV */
		unsigned priority, weight;
	} rows[RESOLVER_RECORDS_MAXIMUM];
	size_t count;
};

#define RESOLVER_TEXT_SIZE 600

/* Records of one type, as a zone file has them: "0 1 995 pop.example.org." */
struct resolver_texts {
	char rows[RESOLVER_RECORDS_MAXIMUM][RESOLVER_TEXT_SIZE];
	size_t count;
};

struct resolver;

/* servers: "127.0.0.1:5353, [::1]"; NULL: the system's. NULL: `error`. */
struct resolver *resolver_new(
	const char *servers, char error[RESOLVER_ERROR_SIZE]);
void resolver_free(struct resolver **resolver);

enum resolver_answer resolver_find_addresses(struct resolver *resolver,
	const char *host, struct resolver_addresses *out);
/* service: "_pop3s._tcp". One record with the target "." says that there is no
 * such service: RESOLVER_NONE. */
enum resolver_answer resolver_find_services(struct resolver *resolver,
	const char *service, const char *domain, struct resolver_records *out);
enum resolver_answer resolver_find_exchanges(struct resolver *resolver,
	const char *domain, struct resolver_records *out);
/* type: A, AAAA, SRV, MX, TLSA or CAA. */
enum resolver_answer resolver_find_texts(struct resolver *resolver,
	const char *name, const char *type, struct resolver_texts *out);
const char *resolver_error(const struct resolver *resolver);

/* ---- resolver_texts.c, for resolver.c ---- */

/* 0: none that is known. */
int resolver_type(const char *name);
/* Those of this type in an answer; false: it is malformed. Pure. */
bool resolver_read_texts(const unsigned char *answer, int octets, int type,
	struct resolver_texts *out);

#endif
