/* SPDX-License-Identifier: ISC */
#include "config/sasl_settings.h"
#include "sasl/server.h"

#include <stdio.h>
#include <string.h>

/* ---- checking ---- */

static bool
check_mechanisms(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	struct bytes unknown =
		sasl_server_unknown(bytes_of_string(settings->mechanisms));

	if (unknown.octets == 0)
		return true;
	snprintf(error, INI_ERROR_SIZE,
		"[auth] mechanisms: there is no \"%.*s\"; there are %s, LOGIN",
		unknown.octets < 60 ? (int)unknown.octets : 60,
		(const char *)unknown.at, SASL_SERVER_ALL);
	return false;
}

static bool
check_client_certificates(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	bool is_asked = settings->client_certificate != CLIENT_CERTIFICATE_NO;

	if (is_asked && !settings->client_ca[0])
		snprintf(error, INI_ERROR_SIZE,
			"[tls] client-certificate: client-ca is missing, the "
			"PEM file of who may issue such certificates");
	else if (!is_asked && settings->client_ca[0])
		snprintf(error, INI_ERROR_SIZE,
			"[tls] client-ca: nobody is asked for a certificate; "
			"set client-certificate to ask or require");
	else
		return true;
	return false;
}

bool
sasl_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	return check_mechanisms(settings, error) &&
	       check_client_certificates(settings, error);
}

/* ---- what is offered ---- */

/* Where nobody can have keys, whoever chooses SCRAM is refused for ever. */
static unsigned
add_keys(const struct server_settings *settings, unsigned has)
{
	bool has_keys = settings->scram_iterations > 0 &&
			strcmp(settings->backends, "pam") != 0;

	return has_keys ? has | SASL_NEEDS_KEYS : has;
}

bool
server_settings_offer(const struct server_settings *settings, unsigned has,
	struct buffer *out)
{
	struct buffer allowed;
	bool is_good;

	buffer_init(&allowed, INI_LINE_MAXIMUM_OCTETS + 16);
	is_good = buffer_append_string(&allowed, settings->mechanisms) &&
		  (!settings->has_login ||
			  buffer_append_string(&allowed, ", LOGIN")) &&
		  sasl_server_offer(
			  buffer_bytes(&allowed), add_keys(settings, has), out);
	buffer_release(&allowed);
	return is_good;
}

bool
server_settings_offers_binding(
	const struct server_settings *settings, unsigned has)
{
	return sasl_server_offers_binding(
		bytes_of_string(settings->mechanisms), add_keys(settings, has));
}
