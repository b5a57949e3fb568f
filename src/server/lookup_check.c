/* SPDX-License-Identifier: ISC */
#include "server/lookup_check.h"
#include "accounts/pam.h"
#include "oauth/introspection.h"
#include "oauth/keys.h"

#include <stdio.h>

static bool
check_service(const struct server_settings *settings, char *error)
{
	const struct pam_settings *pam = &settings->pam;

	if (!server_settings_has_backend(settings, "pam") ||
		pam_has_service(pam->service, pam->folder))
		return true;
	snprintf(error, SETUP_ERROR_SIZE,
		"[pam] service: there is no file %s/%s that says how PAM "
		"checks passwords",
		pam->folder[0] ? pam->folder : "/etc/pam.d", pam->service);
	return false;
}

static bool
check_jwks(const struct server_settings *settings, char *error)
{
	const char *file = settings->oauth.jwks;
	char why[OAUTH_ERROR_SIZE] = "";
	struct oauth_keys *keys;
	struct stat status;

	if (!file[0])
		return true;
	keys = oauth_keys_read(file, &status, why, sizeof(why));
	if (!keys)
		snprintf(error, SETUP_ERROR_SIZE, "[oauth] jwks = %.200s: %s",
			file, why);
	oauth_keys_free(&keys);
	return why[0] == '\0';
}

static bool
check_client(const struct server_settings *settings, char *error)
{
	struct introspection introspection = {0};
	char why[OAUTH_ERROR_SIZE];
	bool is_good = !settings->oauth.client[0] ||
		       introspection_read_client(
			       &introspection, settings->oauth.client, why);

	if (!is_good)
		snprintf(error, SETUP_ERROR_SIZE, "[oauth] client: %s", why);
	secret_release(&introspection.secret);
	return is_good;
}

enum outcome
lookup_check(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE])
{
	return check_service(settings, error) && check_jwks(settings, error) &&
			       check_client(settings, error)
		       ? OK
		       : ERR_PEER;
}
