/* SPDX-License-Identifier: ISC */
/*
 * sasl_settings - what [auth] and [tls] say of mechanisms and of certificates of
 * clients: for server_settings.c, which has their rows.
 */
#ifndef CONFIG_SASL_SETTINGS_H
#define CONFIG_SASL_SETTINGS_H

#include "config/server_settings.h"

bool sasl_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE]);

#endif
