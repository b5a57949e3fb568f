/* SPDX-License-Identifier: ISC */
/*
 * mechanism - what one SASL mechanism is to sasl/server.c. One file each, one
 * constant at its top; the list is in server.c.
 */
#ifndef SASL_MECHANISM_H
#define SASL_MECHANISM_H

#include "base/secret.h"
#include "sasl/server.h"

struct sasl_server {
	const struct sasl_mechanism *mechanism;
	unsigned step; /* 0 at first */
	struct secret authzid, authcid, password;
};

struct sasl_mechanism {
	const char *name; /* in capitals */
	enum sasl_step (*step)(struct sasl_server *server, bool has_response,
		struct bytes response, struct buffer *challenge);
};

extern const struct sasl_mechanism sasl_plain, sasl_login;

#endif
