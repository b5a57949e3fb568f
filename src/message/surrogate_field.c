/* SPDX-License-Identifier: ISC */
/* What becomes of one header field: RFC 6858 section 2. */
#include "base/base64.h"
#include "base/utf8.h"
#include "message/surrogate.h"

/* Of the text in one encoded word: RFC 2047 section 2 allows 75 octets. */
#define WORD_OCTETS 42
#define NOBODY	    "<invalid@internationalized-address.invalid>"

enum kind { KIND_OTHER, KIND_SUBJECT, KIND_ADDRESSES, KIND_PARAMETERS };

static const struct {
	const char *name;
	enum kind kind;
} names[] = {
	{"Subject", KIND_SUBJECT},
	{"From", KIND_ADDRESSES},
	{"Sender", KIND_ADDRESSES},
	{"Reply-To", KIND_ADDRESSES},
	{"To", KIND_ADDRESSES},
	{"Cc", KIND_ADDRESSES},
	{"Bcc", KIND_ADDRESSES},
	{"Return-Path", KIND_ADDRESSES},
	{"Resent-From", KIND_ADDRESSES},
	{"Resent-Sender", KIND_ADDRESSES},
	{"Resent-To", KIND_ADDRESSES},
	{"Resent-Cc", KIND_ADDRESSES},
	{"Resent-Bcc", KIND_ADDRESSES},
	{"Content-Type", KIND_PARAMETERS},
	{"Content-Disposition", KIND_PARAMETERS},
};

static enum kind
kind_of(struct bytes name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_equal_ignoring_case(
			    name, bytes_of_string(names[i].name)))
			return names[i].kind;
	return KIND_OTHER;
}

static bool
is_blank(unsigned char octet)
{
	return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

static struct bytes
trim(struct bytes text)
{
	while (text.octets > 0 && is_blank(text.at[0]))
		text = bytes_after(text, 1);
	while (text.octets > 0 && is_blank(text.at[text.octets - 1]))
		text.octets--;
	return text;
}

/* ---- words ---- */

/* As many encoded words as it takes, a folded line for each but the first. */
static bool
put_encoded(struct bytes text, struct buffer *out)
{
	bool is_first = true, is_good = true;

	while (text.octets > 0 && is_good) {
		size_t octets = 0, next = utf8_first(text);

		while (next > octets && next <= WORD_OCTETS) {
			octets = next;
			next += utf8_first(bytes_after(text, octets));
		}
		is_good = (is_first || buffer_append_string(out, "\r\n ")) &&
			  buffer_append_string(out, "=?UTF-8?B?") &&
			  base64_encode(bytes_of(text.at, octets), out) &&
			  buffer_append_string(out, "?=");
		text = bytes_after(text, octets);
		is_first = false;
	}
	return is_good;
}

/* Without folds, quotes and backslashes; blanks are one. */
static bool
put_unquoted(struct bytes text, struct buffer *out)
{
	bool is_good = true;

	for (size_t i = 0; i < text.octets && is_good; i++) {
		unsigned char octet = text.at[i];

		if (octet == '"')
			continue;
		if (octet == '\\' && i + 1 < text.octets)
			octet = text.at[++i];
		if (is_blank(octet)) {
			octet = ' ';
			if (out->octets > 0 &&
				out->memory[out->start + out->octets - 1] ==
					' ')
				continue;
		}
		is_good = buffer_append(out, &octet, 1);
	}
	return is_good;
}

/* Words in ASCII stay; between the first and the last that are not all is
   encoded, the blanks too. */
static bool
put_text(struct bytes text, struct buffer *out)
{
	struct bytes front = text, rest;
	size_t first = 0, last = text.octets;

	while (text.at[first] < 0x80)
		first++;
	while (first > 0 && text.at[first - 1] != ' ')
		first--;
	while (text.at[last - 1] < 0x80)
		last--;
	while (last < text.octets && text.at[last] != ' ')
		last++;
	front.octets = first;
	rest = bytes_after(text, last);
	return buffer_append_bytes(out, front) &&
	       put_encoded(bytes_of(text.at + first, last - first), out) &&
	       buffer_append_bytes(out, rest);
}

/* ---- Subject ---- */

static bool
put_subject(struct bytes name, struct bytes value, struct buffer *out)
{
	struct buffer plain;
	bool is_good;

	buffer_init(&plain, SURROGATE_FIELD_MAXIMUM_OCTETS * 2);
	is_good = buffer_append_bytes(out, name) &&
		  buffer_append_string(out, ": ");
	/* Quotes and backslashes mean nothing here. */
	for (size_t i = 0; i < value.octets && is_good; i++)
		if (value.at[i] != '\r' && value.at[i] != '\n')
			is_good = buffer_append(&plain, value.at + i, 1);
	is_good = is_good && put_text(buffer_bytes(&plain), out) &&
		  buffer_append_string(out, "\r\n");
	buffer_release(&plain);
	return is_good;
}

/* ---- addresses ---- */

/* Up to one of `ends` outside of quotes, comments and angle brackets. */
static size_t
find_end(struct bytes text, const char *ends)
{
	bool is_quoted = false, is_angle = false;
	unsigned depth = 0;

	for (size_t i = 0; i < text.octets; i++) {
		unsigned char octet = text.at[i];

		if (octet == '\\' && (is_quoted || depth > 0))
			i++;
		else if (octet == '"' && depth == 0)
			is_quoted = !is_quoted;
		else if (is_quoted)
			continue;
		else if (octet == '(')
			depth++;
		else if (octet == ')' && depth > 0)
			depth--;
		else if (depth > 0)
			continue;
		else if (octet == '<' || octet == '>')
			is_angle = octet == '<';
		else if (!is_angle && octet != 0 &&
			 bytes_has(bytes_of_string(ends), octet))
			return i;
	}
	return text.octets;
}

static size_t
find_octet(struct bytes text, unsigned char octet)
{
	size_t i = 0;

	while (i < text.octets && text.at[i] != octet)
		i++;
	return i;
}

static bool
put_phrase(struct bytes phrase, struct buffer *out)
{
	struct buffer plain;
	bool is_good;

	if (utf8_is_ascii(phrase))
		return buffer_append_bytes(out, phrase);
	buffer_init(&plain, SURROGATE_FIELD_MAXIMUM_OCTETS * 2);
	is_good = put_unquoted(phrase, &plain) &&
		  put_encoded(trim(buffer_bytes(&plain)), out);
	buffer_release(&plain);
	return is_good;
}

/* "name <address>": the address is nobody's when it cannot be said, and then
   stands in the name. */
static bool
put_mailbox(struct bytes name, struct bytes address, struct buffer *out)
{
	struct buffer shown;
	bool is_good;

	if (utf8_is_ascii(address))
		return put_phrase(name, out) &&
		       (name.octets == 0 || buffer_append_string(out, " ")) &&
		       buffer_append_string(out, "<") &&
		       buffer_append_bytes(out, address) &&
		       buffer_append_string(out, ">");
	buffer_init(&shown, SURROGATE_FIELD_MAXIMUM_OCTETS * 2);
	is_good = put_unquoted(name, &shown) &&
		  (name.octets == 0 || buffer_append_string(&shown, " ")) &&
		  put_unquoted(address, &shown) &&
		  put_encoded(buffer_bytes(&shown), out) &&
		  buffer_append_string(out, " " NOBODY);
	buffer_release(&shown);
	return is_good;
}

static bool
put_without_comments(struct bytes text, struct buffer *out)
{
	bool is_quoted = false, is_good = true;
	unsigned depth = 0;

	for (size_t i = 0; i < text.octets && is_good; i++) {
		unsigned char octet = text.at[i];
		size_t octets = octet == '\\' && i + 1 < text.octets ? 2 : 1;

		if (octet == '"' && depth == 0)
			is_quoted = !is_quoted;
		if (octet == '(' && !is_quoted)
			depth++;
		if (depth == 0)
			is_good = buffer_append(out, text.at + i, octets);
		if (octet == ')' && !is_quoted && depth > 0)
			depth--;
		i += octets - 1;
	}
	return is_good;
}

/* One mailbox, or the name of a group, without comments. */
static bool
put_bare_item(struct bytes item, bool is_group_name, struct buffer *out)
{
	size_t left = find_octet(item, '<');
	struct bytes address;

	if (utf8_is_ascii(item))
		return buffer_append_bytes(out, item);
	if (left < item.octets) {
		address = bytes_after(item, left + 1);
		address.octets = find_octet(address, '>');
		item.octets = left;
		return put_mailbox(trim(item), trim(address), out);
	}
	if (is_group_name)
		return put_phrase(item, out);
	return put_mailbox(BYTES_NONE, item, out);
}

static bool
put_item(struct bytes item, bool is_group_name, struct buffer *out)
{
	struct buffer bare;
	bool is_good;

	if (utf8_is_ascii(item))
		return buffer_append_bytes(out, item);
	buffer_init(&bare, SURROGATE_FIELD_MAXIMUM_OCTETS * 2);
	is_good = put_without_comments(item, &bare) &&
		  put_bare_item(trim(buffer_bytes(&bare)), is_group_name, out);
	buffer_release(&bare);
	return is_good;
}

static bool
put_addresses(struct bytes name, struct bytes value, struct buffer *out)
{
	bool is_good = buffer_append_bytes(out, name) &&
		       buffer_append_string(out, ":");

	while (value.octets > 0 && is_good) {
		size_t octets = find_end(value, ",:;");
		struct bytes item = trim(bytes_of(value.at, octets));
		bool has_delimiter = octets < value.octets;
		const unsigned char *delimiter = value.at + octets;

		is_good = (item.octets == 0 ||
				  (buffer_append_string(out, " ") &&
					  put_item(item,
						  has_delimiter &&
							  *delimiter == ':',
						  out))) &&
			  (!has_delimiter || buffer_append(out, delimiter, 1));
		value = bytes_after(value, octets + 1);
		if (has_delimiter && trim(value).octets > 0)
			is_good = is_good && buffer_append_string(out, "\r\n");
	}
	return is_good && buffer_append_string(out, "\r\n");
}

/* ---- parameters ---- */

/* A value that cannot be said takes the whole field with it. */
static bool
put_parameters(struct bytes name, struct bytes value, struct buffer *out)
{
	size_t octets = find_end(value, ";");
	struct bytes one = trim(bytes_of(value.at, octets));
	bool is_good;

	if (!utf8_is_ascii(one))
		return true;
	is_good = buffer_append_bytes(out, name) &&
		  buffer_append_string(out, ": ") &&
		  buffer_append_bytes(out, one);
	for (value = bytes_after(value, octets + 1);
		value.octets > 0 && is_good;
		value = bytes_after(value, octets + 1)) {
		octets = find_end(value, ";");
		one = trim(bytes_of(value.at, octets));
		if (one.octets > 0 && utf8_is_ascii(one))
			is_good = buffer_append_string(out, ";\r\n ") &&
				  buffer_append_bytes(out, one);
	}
	return is_good && buffer_append_string(out, "\r\n");
}

bool
surrogate_field(struct bytes field, struct buffer *out)
{
	struct bytes value = field;
	struct bytes name = bytes_trim(bytes_cut(&value, ':'));

	value = trim(value);
	if (!utf8_is_ascii(name))
		return true;
	switch (kind_of(name)) {
	case KIND_SUBJECT:
		return put_subject(name, value, out);
	case KIND_ADDRESSES:
		return put_addresses(name, value, out);
	case KIND_PARAMETERS:
		return put_parameters(name, value, out);
	case KIND_OTHER:
	default:
		return true;
	}
}
