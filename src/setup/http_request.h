/* SPDX-License-Identifier: ISC */
/*
 * http_request - reads one request of HTTP/1.0 or 1.1, strictly: what is not
 * plainly right is refused. Pure; points into what it was given.
 *
 * Size:   a head of HTTP_HEAD_MAXIMUM_OCTETS, a body of
 *         HTTP_BODY_MAXIMUM_OCTETS that says its length.
 * Source: RFC 9112; RFC 9110.
 */
#ifndef SETUP_HTTP_REQUEST_H
#define SETUP_HTTP_REQUEST_H

#include "base/bytes.h"

#define HTTP_HEAD_MAXIMUM_OCTETS 8192
#define HTTP_BODY_MAXIMUM_OCTETS 16384
#define HTTP_MAXIMUM_OCTETS                                                    \
	(HTTP_HEAD_MAXIMUM_OCTETS + HTTP_BODY_MAXIMUM_OCTETS)

struct http_request {
	struct bytes method;
	struct bytes path;  /* before the "?", as it came */
	struct bytes query; /* behind it */
	struct bytes host;  /* as it came, perhaps with a port; or none */
	struct bytes body;
};

/*
 * The request at the front of `in`: a status of HTTP. 0: it is not whole yet;
 * 100: nor is it, and the client waits to be told to send its body; 200: it is
 * in *out; else what it is to be answered with: 400, 411, 413, 417, 431, 505.
 */
unsigned http_request_read(struct bytes in, struct http_request *out);

/*
 * The value of a field of a query ("a=b&c=d"), decoded: %XX and "+". False: it
 * is not there, does not fit, or is wrongly encoded.
 */
bool http_query_value(
	struct bytes query, const char *name, char *out, size_t size);

#endif
