/* SPDX-License-Identifier: ISC */
#include "config/auth_settings.h"
#include "accounts/scheme.h"

#include <stdio.h>
#include <string.h>

static bool
check_passwd_file(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	const char *file = settings->passwd_file;
	const char *last = strrchr(file, '/');

	if (!server_settings_has_backend(settings, "passwd-file"))
		return true;
	if (file[0] == '/' && last[1] != '\0')
		return true;
	snprintf(error, INI_ERROR_SIZE,
		"[auth] passwd-file = %.100s: must be the absolute path of a "
		"file, since passwd-file is one of the backends",
		file);
	return false;
}

static bool
check_scheme(const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	struct bytes scheme = bytes_of_string(settings->passwd_file_scheme);
	struct bytes rest = bytes_of_string(SCHEME_NAMES);

	while (rest.octets > 0)
		if (bytes_equal_ignoring_case(bytes_cut(&rest, ' '), scheme))
			return true;
	snprintf(error, INI_ERROR_SIZE,
		"[auth] passwd-file-scheme = %.40s: must be one of %s",
		settings->passwd_file_scheme, SCHEME_NAMES);
	return false;
}

static bool
is_domain(const char *text)
{
	static const char others[] = ".-_:[]";

	for (const char *at = text; *at; at++) {
		bool is_alnum = (*at >= 'a' && *at <= 'z') ||
				(*at >= 'A' && *at <= 'Z') ||
				(*at >= '0' && *at <= '9') || *at < 0;

		if (!is_alnum && !strchr(others, *at))
			return false;
	}
	return text[0] != '.' && !strstr(text, "..") && strlen(text) < 200;
}

bool
auth_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	if (!check_passwd_file(settings, error) ||
		!check_scheme(settings, error))
		return false;
	if (!is_domain(settings->default_domain)) {
		snprintf(error, INI_ERROR_SIZE,
			"[auth] default-domain = %.100s: must be a domain, "
			"without an @",
			settings->default_domain);
		return false;
	}
	if (settings->scram_iterations > 0 &&
		settings->scram_iterations < SCRAM_ITERATIONS_LEAST) {
		snprintf(error, INI_ERROR_SIZE,
			"[auth] scram-iterations = %u: must be %d or more (RFC "
			"7677 section 4), or 0 for no SCRAM",
			(unsigned)settings->scram_iterations,
			SCRAM_ITERATIONS_LEAST);
		return false;
	}
	return true;
}
