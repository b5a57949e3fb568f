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
server_settings_needs_lookup(const struct server_settings *settings)
{
	return server_settings_has_backend(settings, "pam");
}

bool
lookup_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
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
