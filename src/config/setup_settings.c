/* SPDX-License-Identifier: ISC */
#include "config/setup_settings.h"

#include <stdio.h>
#include <string.h>

#define HTTPS_PORT 443

static unsigned
port_of(const char *addresses)
{
	struct bytes rest = bytes_of_string(addresses);

	while (rest.octets > 0) {
		struct bytes address = bytes_trim(bytes_cut(&rest, ','));
		struct bytes port = address;
		uint64_t number = 0;

		if (address.octets > 5 && memcmp(address.at, "unix:", 5) == 0)
			continue;
		while (bytes_has(port, ':'))
			bytes_cut(&port, ':');
		if (bytes_to_number(port, 65535, &number))
			return (unsigned)number;
	}
	return 0;
}

unsigned
setup_settings_port(
	const struct server_settings *settings, enum listener_kind kind)
{
	for (size_t i = 0; i < settings->listener_count; i++) {
		const struct listener_settings *l = &settings->listeners[i];
		unsigned port =
			l->kind == kind && l->address ? port_of(l->address) : 0;

		if (port > 0)
			return port;
	}
	return 0;
}

static bool
has_listener(const struct server_settings *settings)
{
	for (size_t i = 0; i < settings->listener_count; i++)
		if (settings->listeners[i].kind == LISTENER_SETUP)
			return true;
	return false;
}

static bool
check_listener(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	if (!has_listener(settings))
		return true;
	if (!setup_is_host(bytes_of_string(settings->hostname)))
		snprintf(error, INI_ERROR_SIZE,
			"[server] hostname = %.100s: [listener setup] tells it "
			"to mail programs, and it can be no host's",
			settings->hostname);
	else if (setup_settings_port(settings, LISTENER_POP3S) == 0 &&
		 setup_settings_port(settings, LISTENER_POP3) == 0)
		snprintf(error, INI_ERROR_SIZE,
			"[listener setup]: there is no [listener pop3s] that "
			"it could tell mail programs of");
	else
		return true;
	return false;
}

bool
setup_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	struct setup_server server;

	if (settings->setup_submission[0] &&
		!setup_server_parse(
			bytes_of_string(settings->setup_submission), &server)) {
		snprintf(error, INI_ERROR_SIZE,
			"[setup] submission = %.100s: must be a host and a "
			"port, smtp.example.org:465",
			settings->setup_submission);
		return false;
	}
	if (settings->setup_url[0] &&
		(strncmp(settings->setup_url, "https://", 8) != 0 ||
			strlen(settings->setup_url) >= SETUP_URL_SIZE)) {
		snprintf(error, INI_ERROR_SIZE,
			"[setup] url = %.100s: must begin with https://",
			settings->setup_url);
		return false;
	}
	return check_listener(settings, error);
}

bool
setup_settings_url(
	const struct server_settings *settings, char out[SETUP_URL_SIZE])
{
	unsigned port = setup_settings_port(settings, LISTENER_SETUP);

	if (settings->setup_url[0])
		snprintf(out, SETUP_URL_SIZE, "%s", settings->setup_url);
	else if (port == HTTPS_PORT)
		snprintf(out, SETUP_URL_SIZE, "https://%.253s/",
			settings->hostname);
	else
		snprintf(out, SETUP_URL_SIZE, "https://%.253s:%u/",
			settings->hostname, port);
	return settings->setup_url[0] || port > 0;
}

static void
add_pop3(const struct server_settings *settings, enum listener_kind kind,
	struct setup_facts *out)
{
	struct setup_server *server = &out->pop3[out->pop3_count];

	server->port = setup_settings_port(settings, kind);
	server->is_starttls = kind == LISTENER_POP3;
	snprintf(server->host, sizeof(server->host), "%.253s",
		settings->hostname);
	if (server->port > 0)
		out->pop3_count++;
}

void
setup_settings_facts(const struct server_settings *settings, const char *url,
	struct setup_facts *out)
{
	*out = (struct setup_facts){.url = url};
	out->name = settings->setup_name[0] ? settings->setup_name
					    : settings->hostname;
	out->is_local_part = settings->setup_user_name != 0;
	add_pop3(settings, LISTENER_POP3S, out);
	add_pop3(settings, LISTENER_POP3, out);
	if (settings->setup_submission[0])
		setup_server_parse(bytes_of_string(settings->setup_submission),
			&out->submission);
}
