/* SPDX-License-Identifier: ISC */
#include "accounts/accounts.h"
#include "base/networks.h"

#include <stdlib.h>
#include <string.h>

void
account_release(struct account *account)
{
	if (account->credentials)
		explicit_bzero(account->credentials,
			account->credential_count *
				sizeof(*account->credentials));
	free(account->credentials);
	account->credentials = NULL;
	account->credential_count = 0;
}

const struct credential *
account_credential(const struct account *account, const char *device)
{
	for (size_t i = 0; i < account->credential_count; i++)
		if (strcmp(account->credentials[i].device, device) == 0)
			return &account->credentials[i];
	return NULL;
}

enum outcome
account_may_use(const struct account *account,
	const struct credential *credential, const char *host,
	uint64_t now_seconds)
{
	if (account->is_disabled)
		return ERR_DENIED;
	if (credential->expires_seconds &&
		credential->expires_seconds <= now_seconds)
		return ERR_DENIED;
	if (credential->networks[0] &&
		!networks_hold(credential->networks, host))
		return ERR_DENIED;
	return OK;
}
