/* SPDX-License-Identifier: ISC */
/* tls_probe - what a listener shows to a client that asks for a name. */
#ifndef PROGRAMS_RESTANTECTL_TLS_PROBE_H
#define PROGRAMS_RESTANTECTL_TLS_PROBE_H

#include "config/server_settings.h"
#include "tls/certificate.h"

#define TLS_PROBE_PATIENCE_SECONDS 10

struct tls_probe {
	char protocol[64]; /* "TLSv1.3/TLS_AES_128_GCM_SHA256" */
	unsigned char id[CERTIFICATE_ID_OCTETS]; /* of what it shows */
	char error[256];			 /* why there is nothing */
};

/*
 * listener  POP3 comes first when it is [listener pop3], and before all the
 *           PROXY protocol when this machine is one of its proxies
 * address   one of its addresses
 * False: out->error.
 */
bool tls_probe(const struct listener_settings *listener, struct bytes address,
	const char *name, struct tls_probe *out);

#endif
