/* SPDX-License-Identifier: ISC */
#include "collect/oauth/provider.h"

#include <string.h>
#include <strings.h>

#define MICROSOFT "https://login.microsoftonline.com/common/oauth2/v2.0/"

/* In the order of the words of `oauth`. */
static const struct oauth_provider providers[] = {
	{"none", "", "", "", "", "", false},
	/* Google gives no scope for mail to devices. */
	{"google", "", "https://accounts.google.com/o/oauth2/v2/auth",
		"https://oauth2.googleapis.com/token",
		"https://mail.google.com/", "gmail.com", false},
	{"microsoft", MICROSOFT "devicecode", MICROSOFT "authorize",
		MICROSOFT "token",
		"https://outlook.office.com/POP.AccessAsUser.All "
		"offline_access",
		"office365.com", true},
	{"yahoo", "", "https://api.login.yahoo.com/oauth2/request_auth",
		"https://api.login.yahoo.com/oauth2/get_token", "mail-w",
		"yahoo.com", false},
	{"aol", "", "https://api.login.aol.com/oauth2/request_auth",
		"https://api.login.aol.com/oauth2/get_token", "mail-w",
		"aol.com", false},
	{"custom", "", "", "", "", "", false},
};

static void
take(const char **value, const char *own)
{
	if (own[0])
		*value = own;
}

struct oauth_provider
oauth_provider_of(const struct collect_account *account)
{
	struct oauth_provider provider = providers[account->oauth];

	take(&provider.device_url, account->oauth_device_url);
	take(&provider.authorize_url, account->oauth_authorize_url);
	take(&provider.token_url, account->oauth_token_url);
	take(&provider.scope, account->oauth_scope);
	return provider;
}

static bool
is_within(const char *host, const char *domain)
{
	size_t octets = strlen(host), end = strlen(domain);

	return end > 0 && octets >= end &&
	       strcasecmp(host + octets - end, domain) == 0 &&
	       (octets == end || host[octets - end - 1] == '.');
}

const char *
oauth_provider_of_host(const char *host)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
		if (is_within(host, providers[i].host))
			return providers[i].name;
	return NULL;
}
