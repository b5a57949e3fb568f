/* SPDX-License-Identifier: ISC */
#include "server/web_role.h"
#include "base/log.h"
#include "server/confinement.h"
#include "server/web_state.h"

#include <stdlib.h>
#include <sysexits.h>

struct web_role web;

/* ---- control connections ---- */

static void
on_control_freed(uv_handle_t *handle)
{
	struct web_control *control = (struct web_control *)handle;

	line_reader_release(&control->lines);
	json_decref(control->sessions);
	buffer_release(&control->in);
	free(control);
	web.controls--;
}

static void
close_control(struct web_control *control)
{
	web_end_waiting(control);
	if (!control->is_closing)
		uv_close((uv_handle_t *)&control->pipe, on_control_freed);
	control->is_closing = true;
}

static void
on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct web_control *control = (struct web_control *)handle;
	size_t room = buffer_room(&control->in);
	unsigned char *to =
		room > 0 ? buffer_reserve(&control->in, room) : NULL;

	*out = uv_buf_init((char *)to, to ? (unsigned)room : 0);
}

static void
on_read(uv_stream_t *stream, ssize_t octets, const uv_buf_t *part)
{
	struct web_control *control = (struct web_control *)stream;

	if (octets < 0) {
		close_control(control);
		return;
	}
	buffer_grow(&control->in, (size_t)octets);
	web_go_on(control);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct web_control *control = calloc(1, sizeof(*control));

	if (status < 0 || !control) {
		free(control);
		return;
	}
	web.controls++;
	uv_pipe_init(&web.loop, &control->pipe, 0);
	line_reader_init(&control->lines, WEB_LINE_MAXIMUM_OCTETS);
	buffer_init(&control->in, 4 * WEB_LINE_MAXIMUM_OCTETS);
	if (uv_accept(listener, (uv_stream_t *)&control->pipe) != 0 ||
		web.controls > WEB_CONTROL_CONNECTIONS_MAXIMUM ||
		uv_read_start(
			(uv_stream_t *)&control->pipe, on_room, on_read) != 0)
		close_control(control);
}

/* ---- the role ---- */

static bool
on_roster(struct message *message)
{
	struct message_reader reader;
	struct web_listed listed, *place = NULL;

	message_reader_init(&reader, message);
	listed.role = message_get_u8(&reader);
	listed.number = message_get_u32(&reader);
	listed.pid = message_get_u32(&reader);
	listed.restarts = message_get_u32(&reader);
	listed.started_seconds = message_get_u64(&reader);
	if (message->type != MESSAGE_ROSTER ||
		!message_reader_finish(&reader) || listed.role >= ROLE_COUNT)
		return false;
	for (size_t i = 0; i < web.roster_count; i++)
		if (web.roster[i].role == listed.role &&
			web.roster[i].number == listed.number)
			place = &web.roster[i];
	if (!place && web.roster_count < WEB_ROSTER_MAXIMUM)
		place = &web.roster[web.roster_count++];
	if (place)
		*place = listed;
	if (listed.role == ROLE_PARENT)
		web.started_seconds = listed.started_seconds;
	return true;
}

static bool
on_parent_message(struct message *message)
{
	if (message->type == MESSAGE_RELOADED)
		return web_on_reloaded(message);
	return message->type == MESSAGE_CERTIFICATE_TOLD
		       ? web_certificates_take(&web.certificates, message)
		       : on_roster(message);
}

static void
on_store_closed(struct channel *channel, enum outcome why)
{
	channel_free(&web.store);
	web_lost(ROLE_STORE);
}

static void
on_auth_closed(struct channel *channel, enum outcome why)
{
	channel_free(&web.auth);
	web_lost(ROLE_AUTH);
}

static bool
on_peer(enum role peer, uint64_t instance, int *fd)
{
	static const struct channel_handler store = {
		.on_message = web_on_store_message,
		.on_closed = on_store_closed};
	static const struct channel_handler auth = {
		.on_message = web_on_auth_message, .on_closed = on_auth_closed};
	const struct channel_handler *handler =
		peer == ROLE_AUTH ? &auth : &store;
	struct channel **place = peer == ROLE_AUTH ? &web.auth : &web.store;

	if (peer != ROLE_STORE && peer != ROLE_AUTH)
		return false;
	if (*place)
		handler->on_closed(*place, ERR_GONE);
	*place = channel_new(&web.loop, fd, handler, NULL);
	return *place != NULL;
}

static void
map_stats(void)
{
	for (size_t i = 0; i < web.boot->stats_count; i++) {
		struct stats *stats = stats_map(&web.boot->stats[i].fd, 0);

		if (stats)
			web.stats[web.stats_count++] = stats;
	}
}

static bool
listen_on(const struct boot_listener *listener)
{
	if (listener->kind == LISTENER_WEB)
		return web_http_serve(&web.loop, listener->fd, web_site);
	uv_pipe_init(&web.loop, &web.listener, 0);
	return uv_pipe_open(&web.listener, listener->fd) == 0 &&
	       uv_listen((uv_stream_t *)&web.listener,
		       WEB_CONTROL_CONNECTIONS_MAXIMUM, on_connection) == 0;
}

void
web_role_run(void)
{
	static const struct boot_handler handler = {.on_peer = on_peer,
		.on_stop = boot_leave,
		.on_message = on_parent_message};
	static const struct confinement confinement = {.role = ROLE_WEB};
	int root_fd;

	web.boot = boot_receive();
	boot_log_open(web.boot, "web");
	root_fd = boot_empty_root(web.boot);
	boot_drop_privileges(web.boot->settings.web_user, &root_fd);
	map_stats();
	uv_loop_init(&web.loop);
	for (size_t i = 0; i < web.boot->listener_count; i++)
		if (!listen_on(&web.boot->listeners[i]))
			exit(EX_OSERR);
	web_site_start();
	/* jansson seeds its tables from a file. */
	json_object_seed(0);
	confinement_enter(&confinement, &web.loop);
	boot_finish(web.boot, &web.loop, &handler);
	uv_run(&web.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
