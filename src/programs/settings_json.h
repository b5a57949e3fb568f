/* SPDX-License-Identifier: ISC */
/* settings_json - settings on standard output, as they are written or as JSON: an
   object of text for each section. */
#ifndef PROGRAMS_SETTINGS_JSON_H
#define PROGRAMS_SETTINGS_JSON_H

#include "base/buffer.h"

/*
 * text: a file of settings, which is released; not whole for want of memory. As
 * JSON a section, or a key in one, that stands more than once is an array.
 * Returns the exit code; complains.
 */
int print_settings(struct buffer *text, bool is_whole, bool is_json);

#endif
