/* SPDX-License-Identifier: ISC */
#include "server/web_http.h"
#include "server/web_page.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

struct http {
	struct MHD_Daemon *daemon;
	const struct web_http_page *pages;
	uv_poll_t poll;
	uv_timer_t timer;
};

/* ---- answers ---- */

static const char *const headers[][2] = {
	{"Cache-Control", "no-store"},
	{"Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; "
		"frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
};

static enum MHD_Result
answer(struct MHD_Connection *connection, unsigned code, const char *type,
	struct bytes text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		text.octets, (void *)(uintptr_t)text.at, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(
			response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
refuse(struct MHD_Connection *connection, unsigned code, const char *text)
{
	return answer(connection, code, "text/plain", bytes_of_string(text));
}

static enum MHD_Result
send_page(struct MHD_Connection *connection, const struct web_http_page *page)
{
	enum MHD_Result result;
	struct buffer text;

	buffer_init(&text, WEB_PAGE_MAXIMUM_OCTETS);
	if (page->make(&text))
		result = answer(connection, MHD_HTTP_OK, page->type,
			buffer_bytes(&text));
	else
		result = refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			"This page cannot be made now.\n");
	buffer_release(&text);
	return result;
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *data,
	size_t *data_octets, void **state)
{
	const struct http *http = context;

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
		strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			"Only GET and HEAD.\n");
	for (const struct web_http_page *page = http->pages; page->path; page++)
		if (strcmp(page->path, path) == 0)
			return send_page(connection, page);
	return refuse(
		connection, MHD_HTTP_NOT_FOUND, "There is no such page.\n");
}

/* ---- the loop ---- */

static void run(struct http *http);

static void
on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

static void
run(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
		uv_timer_start(&http->timer, on_timer, wait_ms, 0);
	else
		uv_timer_stop(&http->timer);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	run(poll->data);
}

bool
web_http_serve(uv_loop_t *loop, int fd, const struct web_http_page *pages)
{
	struct http *http = calloc(1, sizeof(*http));
	const union MHD_DaemonInfo *info;

	if (!http)
		return false;
	http->pages = pages;
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL,
		on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)WEB_HTTP_CONNECTIONS_MAXIMUM,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)WEB_HTTP_CONNECTION_OCTETS,
		MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)WEB_HTTP_CONNECTION_SECONDS, MHD_OPTION_END);
	info = http->daemon ? MHD_get_daemon_info(
				      http->daemon, MHD_DAEMON_INFO_EPOLL_FD)
			    : NULL;
	if (!info || uv_poll_init(loop, &http->poll, info->epoll_fd) != 0) {
		free(http);
		return false;
	}
	http->poll.data = http;
	uv_timer_init(loop, &http->timer);
	http->timer.data = http;
	uv_poll_start(&http->poll, UV_READABLE, on_poll);
	return true;
}
