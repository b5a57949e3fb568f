/* SPDX-License-Identifier: ISC */
#include "config/lookup_settings.h"
#include "config/settings.h"

#include <stdio.h>
#include <string.h>

bool
server_settings_has_backend(
	const struct server_settings *settings, const char *name)
{
	struct bytes rest = bytes_of_string(settings->backends), word;

	while (settings_next_word(&rest, &word))
		if (bytes_equal(word, bytes_of_string(name)))
			return true;
	return false;
}

bool
server_settings_has_tokens(const struct server_settings *settings)
{
	return settings->oauth.jwks[0] || settings->oauth.introspection[0];
}

bool
server_settings_needs_lookup(const struct server_settings *settings)
{
	return server_settings_has_backend(settings, "pam") ||
	       server_settings_has_tokens(settings);
}

static bool
check_pam(const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	const struct pam_settings *pam = &settings->pam;
	struct bytes rest = bytes_of_string(pam->may_read), folder;

	if (!pam->service[0] || strchr(pam->service, '/')) {
		snprintf(error, INI_ERROR_SIZE,
			"[pam] service = %.100s: must be the name of a file "
			"in /etc/pam.d",
			pam->service);
		return false;
	}
	if (pam->folder[0] && pam->folder[0] != '/') {
		snprintf(error, INI_ERROR_SIZE,
			"[pam] folder = %.100s: must be an absolute path",
			pam->folder);
		return false;
	}
	while (settings_next_word(&rest, &folder))
		if (folder.octets == 0 || folder.at[0] != '/') {
			snprintf(error, INI_ERROR_SIZE,
				"[pam] may-read = %.100s: must be absolute "
				"paths, divided by commas",
				pam->may_read);
			return false;
		}
	return true;
}

/* ---- [oauth] ---- */

/* What stands between "//" and the first "/" or the end, without the port. */
static bool
is_this_machine(const char *host)
{
	size_t octets = strcspn(host, ":/?#");

	if (strncmp(host, "[::1]", 5) == 0)
		return strchr(":/?#", host[5]) != NULL;
	return (octets == strlen("localhost") &&
		       strncmp(host, "localhost", octets) == 0) ||
	       (strncmp(host, "127.", 4) == 0 &&
		       strspn(host, "0123456789.") == octets);
}

static bool
is_url(const char *url)
{
	bool is_http = strncmp(url, "http://", 7) == 0;
	const char *host = url + (is_http ? 7 : 8);

	if (!is_http && strncmp(url, "https://", 8) != 0)
		return false;
	return host[0] && strcspn(host, "@") >= strcspn(host, "/?#") &&
	       (!is_http || is_this_machine(host));
}

/* RFC 6749 section 3.3 */
static bool
is_scope(const char *word)
{
	for (; *word; word++)
		if (*word <= ' ' || *word > '~' || *word == '"' ||
			*word == '\\')
			return false;
	return true;
}

static bool
check_files(const struct oauth_settings *oauth, char error[INI_ERROR_SIZE])
{
	const struct {
		const char *key, *path;
	} files[] = {{"jwks", oauth->jwks}, {"client", oauth->client},
		{"ca", oauth->ca}};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (files[i].path[0] && files[i].path[0] != '/') {
			snprintf(error, INI_ERROR_SIZE,
				"[oauth] %s = %.100s: must be an absolute path",
				files[i].key, files[i].path);
			return false;
		}
	return true;
}

static bool
check_oauth(const struct oauth_settings *oauth, char error[INI_ERROR_SIZE])
{
	if (!check_files(oauth, error))
		return false;
	if (oauth->introspection[0] && !is_url(oauth->introspection))
		snprintf(error, INI_ERROR_SIZE,
			"[oauth] introspection = %.100s: must be an https URL "
			"(http only to this machine)",
			oauth->introspection);
	/* Signed by the same keys are tokens for everybody else too. */
	else if (oauth->jwks[0] && (!oauth->issuer[0] || !oauth->audience[0]))
		snprintf(error, INI_ERROR_SIZE,
			"[oauth] jwks needs %s: else tokens for others would "
			"do",
			oauth->issuer[0] ? "audience" : "issuer");
	else if (!is_scope(oauth->scope))
		snprintf(error, INI_ERROR_SIZE,
			"[oauth] scope = %.100s: must be one word",
			oauth->scope);
	else if (!oauth->user_claim[0])
		snprintf(error, INI_ERROR_SIZE,
			"[oauth] user-claim: whose a token is must be said");
	else
		return true;
	return false;
}

bool
lookup_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	return check_pam(settings, error) &&
	       check_oauth(&settings->oauth, error);
}
