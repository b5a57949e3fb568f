/* SPDX-License-Identifier: ISC */
/* settings_json - settings as JSON: an object of text for each section. */
#ifndef PROGRAMS_SETTINGS_JSON_H
#define PROGRAMS_SETTINGS_JSON_H

#include "base/buffer.h"

/* text: a file of settings. A section, or a key in one, that stands more than
   once is an array. Returns the exit code; complains. */
int print_settings_json(struct buffer *text);

#endif
