/* SPDX-License-Identifier: ISC */
/*
 * A request to the set-up page: cut anywhere it is not whole or refused, and
 * never something else than when it comes at once. The answer says its length;
 * XML is well formed, and no address makes more markup than another one.
 */
#include "fuzz.h"

#include "setup/answer.h"

#include <expat.h>
#include <stdlib.h>

enum { FLAG_NO_SUBMISSION = 1, FLAG_LOCAL_PART = 2 };

/* Of a page: what it has itself. */
#define TAGS_MAXIMUM 160

static const struct setup_facts all = {
	.name = "<Co> & \"Sons\"",
	.pop3 = {{"mail.example.org", 995, false},
		{"mail.example.org", 110, true}},
	.pop3_count = 2,
	.submission = {"smtp.example.org", 465, false},
	.url = "https://mail.example.org/?a&b",
};

static void
check_xml(struct bytes body)
{
	XML_Parser parser = XML_ParserCreate(NULL);

	assert_non_null(parser);
	assert_int_equal(XML_Parse(parser, (const char *)body.at,
				 (int)body.octets, XML_TRUE),
		XML_STATUS_OK);
	XML_ParserFree(parser);
}

static void
check_page(struct bytes body)
{
	size_t tags = 0;

	for (size_t i = 0; i < body.octets; i++)
		tags += body.at[i] == '<';
	assert_in_range(tags, 10, TAGS_MAXIMUM);
	assert_null(memmem(body.at, body.octets, "<script", 7));
}

static bool
has(struct bytes head, const char *text)
{
	return memmem(head.at, head.octets, text, strlen(text)) != NULL;
}

static void
check_answer(unsigned status, const struct buffer *out, bool is_head)
{
	struct bytes text = buffer_bytes(out), head = text, body;
	const unsigned char *end = memmem(text.at, text.octets, "\r\n\r\n", 4);
	char line[64];

	assert_int_not_equal(status, 0);
	assert_non_null(end);
	head.octets = (size_t)(end - text.at) + 4;
	body = bytes_after(text, head.octets);
	snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
	assert_memory_equal(head.at, line, strlen(line));
	if (is_head) {
		assert_int_equal(body.octets, 0);
		return;
	}
	snprintf(
		line, sizeof(line), "\r\nContent-Length: %zu\r\n", body.octets);
	assert_true(has(head, line));
	if (has(head, "Content-Type: text/html"))
		check_page(body);
	else if (!has(head, "Content-Type: text/plain"))
		check_xml(body);
}

/* In memory of exactly its size. */
static unsigned
read_cut(struct bytes in, size_t octets)
{
	unsigned char *copy = malloc(octets ? octets : 1);
	struct http_request request;
	unsigned status;

	assert_non_null(copy);
	if (octets)
		memcpy(copy, in.at, octets);
	status = http_request_read(bytes_of(copy, octets), &request);
	free(copy);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	struct setup_facts facts = all;
	struct http_request request = {0};
	unsigned status, whole, cut;
	struct buffer out;

	if (head.flags & FLAG_NO_SUBMISSION)
		facts.submission.host[0] = '\0';
	facts.is_local_part = head.flags & FLAG_LOCAL_PART;
	whole = http_request_read(in, &request);
	cut = read_cut(in, in.octets ? (size_t)(head.pace % in.octets) : 0);
	if (cut != 0 && cut != 100 && in.octets <= HTTP_MAXIMUM_OCTETS)
		assert_int_equal(cut, whole);
	if (whole == 0 || whole == 100)
		return 0;
	buffer_init(&out, SETUP_ANSWER_OCTETS);
	status = whole == 200 ? setup_answer(&facts, &request, &out)
			      : setup_refuse(whole, &out);
	check_answer(status, &out,
		whole == 200 &&
			bytes_equal(request.method, bytes_of_string("HEAD")) &&
			status != 404 && status != 405);
	buffer_release(&out);
	return 0;
}
