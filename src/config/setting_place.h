/* SPDX-License-Identifier: ISC */
/*
 * setting_place - where a setting that turned out wrong stands. Most mistakes
 * show only when all is read: one key does not go with another, a file is not
 * there. The files are read once more then, so that no place need be kept of
 * what is right.
 */
#ifndef CONFIG_SETTING_PLACE_H
#define CONFIG_SETTING_PLACE_H

#include "config/ini.h"

/*
 * Puts "FILE:LINE: " in front of `error`, which names what is wrong as
 * "[section] key ..." or by a path that is a key's value; the key is added then.
 * Of several places that of a value that `error` holds, else the last. "FILE: "
 * when it stands nowhere.
 */
void setting_place_name(const char *file, char error[INI_ERROR_SIZE]);

#endif
