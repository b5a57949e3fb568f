/* SPDX-License-Identifier: ISC */
/* auth_settings - [auth]: where accounts are, what their names are. */
#ifndef CONFIG_AUTH_SETTINGS_H
#define CONFIG_AUTH_SETTINGS_H

#include "config/server_settings.h"

bool auth_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE]);

#endif
