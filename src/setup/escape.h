/* SPDX-License-Identifier: ISC */
/* escape - text of others within HTML and XML. */
#ifndef SETUP_ESCAPE_H
#define SETUP_ESCAPE_H

#include "base/buffer.h"

/* Appends `text` with what markup would be otherwise escaped: it can stand
   between tags and in an attribute's quotes. */
bool setup_escape(const char *text, struct buffer *out);
/* The same for a value in a URL's query. */
bool setup_escape_query(const char *text, struct buffer *out);

#endif
