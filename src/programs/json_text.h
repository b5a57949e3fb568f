/* SPDX-License-Identifier: ISC */
/* json_text - words of others in JSON, which takes well-formed UTF-8 alone. */
#ifndef PROGRAMS_JSON_TEXT_H
#define PROGRAMS_JSON_TEXT_H

#include <jansson.h>

/* What is not well-formed, or was cut in the middle, has "?" for each octet
 * beyond ASCII. */
json_t *json_text(const char *text);

#endif
