/* SPDX-License-Identifier: ISC */
/* file - reading a whole file. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buffer.h"

/* Appends the file to `out`. False: errno says why; EFBIG: there is no room.
   What was read until then is in `out`. */
bool file_read(const char *path, struct buffer *out);

#endif
