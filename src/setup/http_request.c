/* SPDX-License-Identifier: ISC */
#include "setup/http_request.h"

#include <stdint.h>
#include <string.h>

#define FIELDS_MAXIMUM 100

/* ---- letters ---- */

static bool
is_token(struct bytes text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.octets; i++) {
		unsigned char c = text.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || (c && strchr(others, c))))
			return false;
	}
	return text.octets > 0;
}

/* Without blanks, controls, and octets that are not ASCII. */
static bool
is_visible(struct bytes text)
{
	for (size_t i = 0; i < text.octets; i++)
		if (text.at[i] <= ' ' || text.at[i] >= 0x7F)
			return false;
	return true;
}

static bool
is_value(struct bytes text)
{
	for (size_t i = 0; i < text.octets; i++)
		if ((text.at[i] < ' ' && text.at[i] != '\t') ||
			text.at[i] == 0x7F)
			return false;
	return true;
}

/* ---- lines ---- */

/* Cuts a line that ends in CRLF from the front. False: there is none. */
static bool
take_line(struct bytes *in, struct bytes *out)
{
	const unsigned char *end =
		in->octets ? memchr(in->at, '\n', in->octets) : NULL;
	size_t octets = end ? (size_t)(end - in->at) : 0;

	if (octets == 0 || in->at[octets - 1] != '\r')
		return false;
	*out = bytes_of(in->at, octets - 1);
	*in = bytes_after(*in, octets + 1);
	return true;
}

static unsigned
read_first_line(struct bytes line, struct http_request *out)
{
	static const char version[] = "HTTP/1.";
	struct bytes rest = line, target;

	out->method = bytes_cut(&rest, ' ');
	target = bytes_cut(&rest, ' ');
	if (!is_token(out->method) || target.octets == 0 ||
		target.at[0] != '/' || !is_visible(target))
		return 400;
	if (rest.octets < sizeof(version) ||
		memcmp(rest.at, version, sizeof(version) - 1) != 0)
		return rest.octets > 5 && memcmp(rest.at, "HTTP/", 5) == 0
			       ? 505
			       : 400;
	if (rest.octets != sizeof(version) || rest.at[7] < '0' ||
		rest.at[7] > '9')
		return 400;
	out->query = target;
	out->path = bytes_cut(&out->query, '?');
	return 200;
}

struct fields {
	uint64_t length;
	bool has_length, has_host, has_coding, expects;
};

static bool
is_named(struct bytes name, const char *wanted)
{
	return bytes_equal_ignoring_case(name, bytes_of_string(wanted));
}

static unsigned
read_field(struct bytes line, struct fields *fields, struct http_request *out)
{
	struct bytes value = line, name;

	if (!bytes_has(line, ':'))
		return 400;
	name = bytes_cut(&value, ':');
	value = bytes_trim(value);
	if (!is_token(name) || !is_value(value))
		return 400;
	if (is_named(name, "Host")) {
		if (fields->has_host || !is_visible(value))
			return 400;
		fields->has_host = true;
		out->host = value;
	} else if (is_named(name, "Content-Length")) {
		if (fields->has_length ||
			!bytes_to_number(value, UINT64_MAX, &fields->length))
			return 400;
		fields->has_length = true;
	} else if (is_named(name, "Transfer-Encoding")) {
		fields->has_coding = true;
	} else if (is_named(name, "Expect")) {
		if (!is_named(value, "100-continue"))
			return 417;
		fields->expects = true;
	}
	return 200;
}

static unsigned
read_fields(struct bytes head, struct fields *fields, struct http_request *out)
{
	unsigned status = 200;
	struct bytes line;

	for (unsigned i = 0; head.octets > 0 && status == 200; i++)
		status = i == FIELDS_MAXIMUM ? 431
			 : !take_line(&head, &line)
				 ? 400
				 : read_field(line, fields, out);
	return status;
}

/* Octets up to the empty line, it included; 0: it has not come. */
static size_t
head_octets(struct bytes in)
{
	const unsigned char *end =
		in.octets ? memmem(in.at, in.octets, "\r\n\r\n", 4) : NULL;

	return end ? (size_t)(end - in.at) + 4 : 0;
}

unsigned
http_request_read(struct bytes in, struct http_request *out)
{
	size_t octets = head_octets(in);
	struct http_request request = {0};
	struct bytes head = bytes_of(in.at, octets ? octets - 2 : 0), line;
	struct fields fields = {0};
	unsigned status;

	if (octets == 0)
		return in.octets > HTTP_HEAD_MAXIMUM_OCTETS ? 431 : 0;
	if (octets > HTTP_HEAD_MAXIMUM_OCTETS)
		return 431;
	status =
		take_line(&head, &line) ? read_first_line(line, &request) : 400;
	if (status == 200)
		status = read_fields(head, &fields, &request);
	if (status != 200)
		return status;
	/* One length, by one rule: nothing to disagree about. */
	if (fields.has_coding)
		return 411;
	if (fields.length > HTTP_BODY_MAXIMUM_OCTETS)
		return 413;
	request.body = bytes_after(in, octets);
	if (request.body.octets < fields.length)
		return fields.expects && request.body.octets == 0 ? 100 : 0;
	request.body.octets = (size_t)fields.length;
	*out = request;
	return 200;
}

/* ---- queries ---- */

static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
decode(struct bytes text, char *out, size_t size)
{
	size_t octets = 0;

	for (size_t i = 0; i < text.octets; i++) {
		unsigned char c = text.at[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < text.octets
					   ? hex_digit(text.at[i + 1])
					   : -1;
			int low = high < 0 ? -1 : hex_digit(text.at[i + 2]);

			if (low < 0)
				return false;
			c = (unsigned char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || octets + 1 >= size)
			return false;
		out[octets++] = (char)c;
	}
	out[octets] = '\0';
	return true;
}

bool
http_query_value(struct bytes query, const char *name, char *out, size_t size)
{
	while (query.octets > 0) {
		struct bytes value = bytes_cut(&query, '&');

		if (bytes_equal_ignoring_case(
			    bytes_cut(&value, '='), bytes_of_string(name)))
			return decode(value, out, size);
	}
	return false;
}
