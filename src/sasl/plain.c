/* SPDX-License-Identifier: ISC */
/* PLAIN, RFC 4616: [authzid] NUL authcid NUL password */
#include "sasl/mechanism.h"

static enum sasl_step
plain_step(struct sasl_server *server, bool has_response, struct bytes response,
	struct buffer *challenge)
{
	struct bytes authzid, authcid;

	if (!has_response && server->step++ == 0)
		return SASL_CHALLENGE; /* an empty one (section 2) */
	authzid = bytes_cut(&response, 0);
	authcid = bytes_cut(&response, 0);
	/* What is left is the password: not empty and without NUL. */
	if (authcid.octets == 0 || response.octets == 0 ||
		bytes_has(response, 0) ||
		!secret_set(&server->authzid, authzid) ||
		!secret_set(&server->authcid, authcid) ||
		!secret_set(&server->password, response))
		return SASL_FAILED;
	return SASL_CHECK;
}

const struct sasl_mechanism sasl_plain = {.name = "PLAIN", .step = plain_step};
