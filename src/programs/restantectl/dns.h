/* SPDX-License-Identifier: ISC */
/* dns - the record that says which key a listener has. */
#ifndef PROGRAMS_RESTANTECTL_DNS_H
#define PROGRAMS_RESTANTECTL_DNS_H

#include "config/server_settings.h"

#define DNS_TLSA_SIZE 80

/* "3 1 1 HEX" (RFC 7671 section 5.1) of the first certificate of [tls], or of
   the one that was made. False: it cannot be read. */
bool dns_tlsa_of(
	const struct server_settings *settings, char out[DNS_TLSA_SIZE]);

#endif
