/* SPDX-License-Identifier: ISC */
/*
 * value - settings' values with their units, and the nearest known word.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/bytes.h"

/* "600", "600s", "10m", "2h", "7d". */
bool value_to_seconds(const char *text, uint64_t *out);
/* "4096", "64KiB", "50MiB", "2GiB"; KB, MB, GB are 1000s. */
bool value_to_octets(const char *text, uint64_t *out);
/* yes, no, true, false, on, off, 1, 0 */
bool value_to_bool(const char *text, bool *out);
/* The word of `known` (NULL-ended) that `given` most likely meant, or NULL. */
const char *value_nearest(const char *given, const char *const *known);

#endif
