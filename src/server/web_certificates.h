/* SPDX-License-Identifier: ISC */
/*
 * web_certificates - what the web role knows of the certificates in force: what
 * the parent told. It never sees them.
 */
#ifndef SERVER_WEB_CERTIFICATES_H
#define SERVER_WEB_CERTIFICATES_H

#include "process/message.h"
#include "tls/certificate.h"

#define WEB_CERTIFICATES_MAXIMUM 2050

struct web_certificate {
	char name[256]; /* of [tls NAME]; "" of [tls] */
	char file[512]; /* cut when longer */
	char names[CERTIFICATE_NAMES_SIZE];
	char kind[32];
	uint64_t until_seconds;
};

struct web_certificates {
	struct web_certificate *all; /* in the order of the settings */
	size_t count;
};

/* Takes MESSAGE_CERTIFICATE_TOLD. False: malformed. */
bool web_certificates_take(
	struct web_certificates *certificates, struct message *message);
/* Their places, those that end first in front: at most `size` of them into
   `out`. Returns how many. */
size_t web_certificates_soonest(const struct web_certificates *certificates,
	const struct web_certificate *out[], size_t size);

#endif
