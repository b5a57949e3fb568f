/* SPDX-License-Identifier: ISC */
/*
 * setup_settings - [setup], and what the set-up page and `restantectl dns` say of
 * a server with these settings.
 */
#ifndef CONFIG_SETUP_SETTINGS_H
#define CONFIG_SETUP_SETTINGS_H

#include "config/server_settings.h"
#include "setup/facts.h"

#define SETUP_URL_SIZE 512

/* For server_settings.c. */
bool setup_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE]);

/* The port of the first listener of this kind that is no unix socket; 0: there
   is none. */
unsigned setup_settings_port(
	const struct server_settings *settings, enum listener_kind kind);
/* Where the page is; false: nowhere. */
bool setup_settings_url(
	const struct server_settings *settings, char out[SETUP_URL_SIZE]);
/* `url` is borrowed as the settings are. Without a QR code. */
void setup_settings_facts(const struct server_settings *settings,
	const char *url, struct setup_facts *out);

#endif
