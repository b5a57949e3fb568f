/* SPDX-License-Identifier: ISC */
/* server_table - the rows of the server's settings, for the files of
   src/config. Nobody else includes it. */
#ifndef CONFIG_SERVER_TABLE_H
#define CONFIG_SERVER_TABLE_H

#include "config/settings.h"

extern const struct settings server_settings_table;

#endif
