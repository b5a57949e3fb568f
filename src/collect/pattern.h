/* SPDX-License-Identifier: ISC */
/*
 * pattern - "*" is any text, "?" one character, "\" takes the next one as it is;
 * what stands between " | " are alternatives. Upper and lower case are the same.
 * Text is UTF-8; an octet that is none counts as a character.
 *
 * Pure, no memory, and bounded: at most octets of the pattern times octets of
 * the text steps, whatever a sender put into the text.
 */
#ifndef COLLECT_PATTERN_H
#define COLLECT_PATTERN_H

#include "base/bytes.h"

#define PATTERN_MAXIMUM_OCTETS 512

/* Does all of the text match one of the alternatives? */
bool pattern_matches(const char *pattern, struct bytes text);

#endif
