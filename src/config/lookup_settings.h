/* SPDX-License-Identifier: ISC */
/* lookup_settings - [pam] and [oauth]: what the role lookup is told. */
#ifndef CONFIG_LOOKUP_SETTINGS_H
#define CONFIG_LOOKUP_SETTINGS_H

#include "config/server_settings.h"

bool lookup_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE]);

#endif
