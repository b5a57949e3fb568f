/* SPDX-License-Identifier: ISC */
/*
 * mail_address - an address in its parts, its domain as DNS has it. Pure.
 * Source: RFC 5321 section 4.1.2, RFC 5891.
 */
#ifndef COLLECT_DISCOVERY_MAIL_ADDRESS_H
#define COLLECT_DISCOVERY_MAIL_ADDRESS_H

#include "base/bytes.h"

#define MAIL_LOCAL_MAXIMUM_OCTETS  64
#define MAIL_DOMAIN_MAXIMUM_OCTETS 253
#define HOST_SIZE		   (MAIL_DOMAIN_MAXIMUM_OCTETS + 1)
#define MAIL_ADDRESS_SIZE                                                      \
	(MAIL_LOCAL_MAXIMUM_OCTETS + 1 + MAIL_DOMAIN_MAXIMUM_OCTETS + 1)
#define MAIL_ADDRESS_ERROR_SIZE 256

struct mail_address {
	char address[MAIL_ADDRESS_SIZE]; /* local@domain */
	char local[MAIL_LOCAL_MAXIMUM_OCTETS + 1];
	char domain[HOST_SIZE]; /* lower case, A-labels */
};

/* error: for people. False: *out is untouched. */
bool mail_address_parse(const char *text, struct mail_address *out,
	char error[MAIL_ADDRESS_ERROR_SIZE]);
/*
 * A name of a host as people or others write it, to lower case and A-labels:
 * letters, digits, hyphens and dots alone, so that it can stand in a URL, a file
 * of settings, a terminal. A dot at the end is dropped. Addresses of IPv4 pass
 * too. False: it is none.
 */
bool host_name_normalize(const char *text, char out[HOST_SIZE]);
/* Is `host` the domain itself, or below it? Both normalized. */
bool host_name_is_within(const char *host, const char *domain);

#endif
