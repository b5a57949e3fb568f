/* SPDX-License-Identifier: ISC */
/*
 * EXTERNAL, RFC 4422 appendix A: the response is the authzid, and empty when the
 * connection's own identity is meant. Who it is the owner knows.
 */
#include "base/utf8.h"
#include "sasl/mechanism.h"

static enum sasl_step
external_step(struct sasl_server *server, bool has_response,
	struct bytes response, struct buffer *challenge)
{
	if (!has_response && server->step++ == 0)
		return SASL_CHALLENGE; /* an empty one */
	if (bytes_has(response, 0) || !utf8_is_valid(response))
		return sasl_server_fail(server, "authzid is no UTF-8");
	if (!secret_set(&server->authzid, response))
		return sasl_server_fail(server, "authzid is too long");
	return SASL_EXTERNAL;
}

const struct sasl_mechanism sasl_external = {.name = "EXTERNAL",
	.needs = SASL_NEEDS_CERTIFICATE,
	.step = external_step};
