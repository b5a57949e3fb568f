/* SPDX-License-Identifier: ISC */
/* tls_probe - what a listener shows to a client that asks for a name. */
#ifndef PROGRAMS_RESTANTECTL_TLS_PROBE_H
#define PROGRAMS_RESTANTECTL_TLS_PROBE_H

#include "base/bytes.h"
#include "tls/certificate.h"

#define TLS_PROBE_PATIENCE_SECONDS 10

struct tls_probe {
	char protocol[64]; /* "TLSv1.3/TLS_AES_128_GCM_SHA256" */
	unsigned char id[CERTIFICATE_ID_OCTETS]; /* of what it shows */
	char error[256];			 /* why there is nothing */
};

/* uses_stls: POP3 first. False: out->error. */
bool tls_probe(struct bytes address, bool uses_stls, const char *name,
	struct tls_probe *out);

#endif
