/* SPDX-License-Identifier: ISC */
/* LOGIN: never a standard, still spoken: asks for name, then password. */
#include "sasl/mechanism.h"

static enum sasl_step
ask(struct buffer *challenge, const char *for_what)
{
	return buffer_append_string(challenge, for_what) ? SASL_CHALLENGE
							 : SASL_FAILED;
}

static enum sasl_step
login_step(struct sasl_server *server, bool has_response, struct bytes response,
	struct buffer *challenge)
{
	/* A name may come as initial response. */
	if (server->step == 0 && !has_response) {
		server->step = 1;
		return ask(challenge, "Username:");
	}
	if (response.octets == 0 || bytes_has(response, 0))
		return SASL_FAILED;
	if (server->step < 2) {
		server->step = 2;
		if (!secret_set(&server->authcid, response))
			return SASL_FAILED;
		return ask(challenge, "Password:");
	}
	return secret_set(&server->password, response) ? SASL_CHECK
						       : SASL_FAILED;
}

const struct sasl_mechanism sasl_login = {.name = "LOGIN", .step = login_step};
