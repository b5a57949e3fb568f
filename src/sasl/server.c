/* SPDX-License-Identifier: ISC */
#include "sasl/server.h"
#include "sasl/mechanism.h"

#include <stdlib.h>

const char sasl_server_mechanisms[] = "PLAIN LOGIN";

static const struct sasl_mechanism *const mechanisms[] = {
	&sasl_plain,
	&sasl_login,
};

struct sasl_server *
sasl_server_new(struct bytes mechanism)
{
	struct sasl_server *server;

	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]);
		i++) {
		if (!bytes_equal_ignoring_case(
			    mechanism, bytes_of_string(mechanisms[i]->name)))
			continue;
		server = calloc(1, sizeof(*server));
		if (server)
			server->mechanism = mechanisms[i];
		return server;
	}
	return NULL;
}

void
sasl_server_free(struct sasl_server **server)
{
	if (!*server)
		return;
	secret_release(&(*server)->authzid);
	secret_release(&(*server)->authcid);
	secret_release(&(*server)->password);
	free(*server);
	*server = NULL;
}

enum sasl_step
sasl_server_step(struct sasl_server *server, bool has_response,
	struct bytes response, struct buffer *challenge)
{
	buffer_clear(challenge);
	return server->mechanism->step(
		server, has_response, response, challenge);
}

struct bytes
sasl_server_authzid(const struct sasl_server *server)
{
	return secret_bytes(&server->authzid);
}

struct bytes
sasl_server_authcid(const struct sasl_server *server)
{
	return secret_bytes(&server->authcid);
}

struct bytes
sasl_server_password(const struct sasl_server *server)
{
	return secret_bytes(&server->password);
}
