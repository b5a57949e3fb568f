/* SPDX-License-Identifier: ISC */
#include "setup/escape.h"

static const char *
entity_of(char octet)
{
	switch (octet) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

bool
setup_escape(const char *text, struct buffer *out)
{
	bool is_good = true;

	for (; *text && is_good; text++) {
		const char *entity = entity_of(*text);

		is_good = entity ? buffer_append_string(out, entity)
				 : buffer_append(out, text, 1);
	}
	return is_good;
}

bool
setup_escape_query(const char *text, struct buffer *out)
{
	bool is_good = true;

	for (; *text && is_good; text++) {
		unsigned char c = (unsigned char)*text;
		bool is_plain = (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '-' ||
				c == '.' || c == '_';

		is_good = is_plain ? buffer_append(out, text, 1)
				   : buffer_printf(out, "%%%02X", c);
	}
	return is_good;
}
