/* SPDX-License-Identifier: ISC */
/*
 * Keys of SCRAM for a password that has none: it was set before there were any,
 * or its hash comes from elsewhere. Made when it is known for once, in clear.
 */
#include "accounts/password.h"
#include "base/log.h"
#include "server/auth_state.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_OCTETS (SCRAM_DIGESTS * sizeof(struct scram_keys))

void
auth_upgrade_free(struct auth_exchange *x)
{
	if (x->fresh_keys)
		explicit_bzero(x->fresh_keys, KEYS_OCTETS);
	free(x->fresh_keys);
	x->fresh_keys = NULL;
}

/* In a thread: it takes as long as a hash. */
void
auth_upgrade_make(struct auth_exchange *x)
{
	uint64_t iterations = x->fresh_iterations;
	const struct credential *credential;

	if (x->outcome != OK)
		return;
	credential = &x->account.credentials[x->which];
	if (credential->scram[SCRAM_SHA_256].iterations > 0 || iterations == 0)
		return;
	x->fresh_keys = calloc(SCRAM_DIGESTS, sizeof(*x->fresh_keys));
	if (x->fresh_keys && password_make_keys(secret_bytes(&x->password),
				     (uint32_t)iterations, x->fresh_keys) != OK)
		auth_upgrade_free(x);
}

/* That it fails is nobody's harm: it is tried again at the next login. */
void
auth_upgrade_keep(struct auth_exchange *x, uint64_t generation)
{
	char quoted[LOG_QUOTED_OCTETS];

	for (size_t i = 0; x->fresh_keys && i < auth.source_count; i++) {
		struct accounts *source = auth.sources[i];

		if (source && source->ops->changes &&
			source->ops->changes->set_scram &&
			source->ops->changes->set_scram(source, x->account.name,
				generation, x->fresh_keys) == OK)
			log_event(LOG_LEVEL_INFO, "scram-keys", "user=%s",
				log_quote(quoted,
					bytes_of_string(x->account.name)));
	}
	auth_upgrade_free(x);
}
