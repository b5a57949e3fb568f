/* SPDX-License-Identifier: ISC */
/*
 * web_http - HTTP for the web listener, by libmicrohttpd on the role's own
 * loop. GET and HEAD of a few paths; nothing is taken in.
 */
#ifndef SERVER_WEB_HTTP_H
#define SERVER_WEB_HTTP_H

#include "base/buffer.h"

#include <uv.h>

#define WEB_HTTP_CONNECTIONS_MAXIMUM 64
#define WEB_HTTP_CONNECTION_OCTETS   16384
#define WEB_HTTP_CONNECTION_SECONDS  30

struct web_http_page {
	const char *path, *type;
	bool (*make)(struct buffer *out);
};

/*
 * Serves `pages` (ended by one without a path; borrowed for ever) on a
 * listening socket, which it takes. False: libmicrohttpd fails.
 */
bool web_http_serve(uv_loop_t *loop, int fd, const struct web_http_page *pages);

#endif
