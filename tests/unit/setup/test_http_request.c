/* SPDX-License-Identifier: ISC */
#include "setup/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char whole[] = "POST /a%20b?c=d&e=%3Cf HTTP/1.1\r\n"
			    "host: mail.example.org:443\r\n"
			    "Accept: */*, \xFF\r\n"
			    "Content-Length: \t5\r\n\r\nhello";

static void
one_is_read_at_every_length(void **state)
{
	size_t octets = sizeof(whole) - 1;
	struct http_request request;
	char value[16];

	for (size_t i = 0; i < octets; i++)
		assert_int_equal(
			http_request_read(bytes_of(whole, i), &request), 0);
	/* What follows is nobody's. */
	assert_int_equal(
		http_request_read(bytes_of(whole, octets + 1), &request), 200);
	assert_true(bytes_equal(request.method, bytes_of_string("POST")));
	assert_true(bytes_equal(request.path, bytes_of_string("/a%20b")));
	assert_true(bytes_equal(
		request.host, bytes_of_string("mail.example.org:443")));
	assert_true(bytes_equal(request.body, bytes_of_string("hello")));
	assert_true(http_query_value(request.query, "E", value, sizeof(value)));
	assert_string_equal(value, "<f");
	assert_false(http_query_value(request.query, "f", value, 16));
}

static const struct {
	const char *text;
	unsigned status;
} rows[] = {
	{"GET / HTTP/1.0\r\n\r\n", 200},
	{"GET /?? HTTP/1.9\r\nA:\r\n\r\n", 200},
	{"G@T / HTTP/1.1\r\n\r\n", 400},
	{"GET  / HTTP/1.1\r\n\r\n", 400},
	{"GET / HTTP/1.1 \r\n\r\n", 400},
	{"GET / HTTP/1.10\r\n\r\n", 400},
	{"GET / HTTP/1.x\r\n\r\n", 400},
	{"GET / HTTP/11\r\n\r\n", 505},
	{"GET / HTTP/3.0\r\n\r\n", 505},
	{"GET /\r\n\r\n", 400},
	{"GET x HTTP/1.1\r\n\r\n", 400},
	{"GET * HTTP/1.1\r\n\r\n", 400},
	{"GET /\x7F HTTP/1.1\r\n\r\n", 400},
	{"GET /\xC3\xBC HTTP/1.1\r\n\r\n", 400},
	{"GET / HTTP/1.1\nA: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nA b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
		400},
	{"GET / HTTP/1.1\r\nContent-Length: 16385\r\n\r\n", 413},
	{"GET / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", 411},
	{"GET / HTTP/1.1\r\nExpect: wonders\r\n\r\n", 417},
	{"GET / HTTP/1.1\r\nExpect: 100-Continue\r\n\r\n", 200},
	{"GET / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: "
	 "16384\r\n\r\n",
		100},
	{"GET / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\na",
		0},
};

static void
strict_rows(void **state)
{
	struct http_request request;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned status = http_request_read(
			bytes_of_string(rows[i].text), &request);

		if (status != rows[i].status)
			fail_msg("%u for %s", status, rows[i].text);
	}
}

static void
heads_have_an_end(void **state)
{
	static char head[2 * HTTP_HEAD_MAXIMUM_OCTETS];
	struct http_request request;

	memset(head, 'a', sizeof(head));
	assert_int_equal(
		http_request_read(
			bytes_of(head, HTTP_HEAD_MAXIMUM_OCTETS), &request),
		0);
	assert_int_equal(
		http_request_read(
			bytes_of(head, HTTP_HEAD_MAXIMUM_OCTETS + 1), &request),
		431);
	memcpy(head + HTTP_HEAD_MAXIMUM_OCTETS - 3, "\r\n\r\n", 4);
	assert_int_equal(
		http_request_read(
			bytes_of(head, HTTP_HEAD_MAXIMUM_OCTETS + 1), &request),
		431);
	/* Of many fields too. */
	strcpy(head, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 101; i++)
		strcat(head, "A: b\r\n");
	strcat(head, "\r\n");
	assert_int_equal(
		http_request_read(bytes_of_string(head), &request), 431);
}

static void
values_of_queries(void **state)
{
	static const struct {
		const char *query, *value;
	} queries[] = {{"a=b+c%2b", "b c+"}, {"x&a", ""},
		{"a=%c3%BC", "\xC3\xBC"}, {"a=%", NULL}, {"a=%4", NULL},
		{"a=%4g", NULL}, {"a=%00", NULL}, {"b=a", NULL}, {"", NULL},
		{"a=1234567", "1234567"}, {"a=12345678", NULL}};
	char value[8];

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		bool is_there =
			http_query_value(bytes_of_string(queries[i].query), "a",
				value, sizeof(value));

		assert_int_equal(is_there, queries[i].value != NULL);
		if (is_there)
			assert_string_equal(value, queries[i].value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_read_at_every_length),
		cmocka_unit_test(strict_rows),
		cmocka_unit_test(heads_have_an_end),
		cmocka_unit_test(values_of_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
