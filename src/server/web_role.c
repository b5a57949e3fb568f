/* SPDX-License-Identifier: ISC */
#include "server/web_role.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/boot.h"
#include "server/table.h"
#include "wire/line_reader.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ROSTER_MAXIMUM 1024

/* A process as the parent told of it. */
struct listed {
	enum role role;
	uint32_t number, pid, restarts;
	uint64_t started_seconds;
};

/* A restantectl. Requests are answered one after the other. */
struct control {
	uv_pipe_t pipe;		  /* first */
	struct table_entry entry; /* while it awaits store's answer */
	struct line_reader lines;
	struct buffer in;
	char mailbox[WEB_LINE_MAXIMUM_OCTETS];
	bool is_waiting, is_closing;
};

static struct {
	uv_loop_t loop;
	struct boot *boot;
	struct stats *stats[BOOT_STATS_MAXIMUM];
	size_t stats_count;
	struct listed roster[ROSTER_MAXIMUM];
	size_t roster_count;
	struct channel *store;
	uv_pipe_t listener;
	struct table waiting;
	uint64_t next_request;
	uint64_t started_seconds;
	unsigned controls;
} role;

static const char *const role_names[ROLE_COUNT] = {
	[ROLE_PARENT] = "parent",
	[ROLE_SESSION] = "session",
	[ROLE_AUTH] = "auth",
	[ROLE_STORE] = "store",
	[ROLE_WEB] = "web",
};

/* ---- status ---- */

static json_t *
roles_json(uint64_t now_seconds)
{
	json_t *roles = json_array();

	for (size_t i = 0; i < role.roster_count; i++) {
		const struct listed *l = &role.roster[i];

		json_array_append_new(roles,
			json_pack("{s:s, s:I, s:I, s:I, s:I}", "role",
				role_names[l->role], "number",
				(json_int_t)l->number, "pid",
				(json_int_t)l->pid, "uptime_seconds",
				(json_int_t)(now_seconds - l->started_seconds),
				"restarts", (json_int_t)l->restarts));
	}
	return roles;
}

static json_t *
counters_json(void)
{
	json_t *counters = json_object();
	struct stats sum = {0};

	for (size_t i = 0; i < role.stats_count; i++) {
#define ADD(name) sum.name += role.stats[i]->name;
		STATS_COUNTERS(ADD)
#undef ADD
	}
#define PUT(name)                                                              \
	json_object_set_new(                                                   \
		counters, #name, json_integer((json_int_t)sum.name));
	STATS_COUNTERS(PUT)
#undef PUT
	json_object_set_new(counters, "sessions",
		json_integer((
			json_int_t)(sum.connections - sum.closed_connections)));
	return counters;
}

static json_t *
status_json(void)
{
	uint64_t now_seconds = clock_wall_seconds();

	return json_pack("{s:s, s:s, s:I, s:o, s:o}", "version",
		RESTANTE_VERSION, "hostname", role.boot->settings.hostname,
		"uptime_seconds",
		(json_int_t)(now_seconds - role.started_seconds), "roles",
		roles_json(now_seconds), "counters", counters_json());
}

/* ---- replies ---- */

struct reply {
	uv_write_t write; /* first */
	char *text;
};

static void
on_written(uv_write_t *write, int status)
{
	struct reply *reply = (struct reply *)write;

	free(reply->text);
	free(reply);
}

/* Takes `json`. */
static void
answer(struct control *control, json_t *json)
{
	struct reply *reply = calloc(1, sizeof(*reply));
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t octets = text ? strlen(text) : 0;
	uv_buf_t part;

	json_decref(json);
	if (!reply || !text) {
		free(reply);
		free(text);
		return;
	}
	text[octets] = '\n'; /* in the place of its NUL */
	reply->text = text;
	part = uv_buf_init(text, (unsigned)octets + 1);
	if (uv_write(&reply->write, (uv_stream_t *)&control->pipe, &part, 1,
		    on_written) != 0)
		on_written(&reply->write, UV_ECANCELED);
}

static void
answer_error(struct control *control, const char *text)
{
	answer(control, json_pack("{s:s}", "error", text));
}

/* ---- requests ---- */

static void
ask_mailbox(struct control *control, struct bytes name)
{
	struct message message;

	if (!bytes_to_string(
		    name, control->mailbox, sizeof(control->mailbox)) ||
		!role.store ||
		!table_add(
			&role.waiting, &control->entry, ++role.next_request)) {
		answer_error(control, "the store is not there, try again");
		return;
	}
	control->is_waiting = true;
	message_init(&message, MESSAGE_STAT, control->entry.id);
	message_put_string(&message, control->mailbox);
	channel_send(role.store, &message);
	message_release(&message);
}

static void
carry_out(struct control *control, struct bytes line)
{
	struct bytes word = bytes_cut(&line, ' ');

	if (bytes_equal(word, bytes_of_string("status")))
		answer(control, status_json());
	else if (bytes_equal(word, bytes_of_string("mailbox")))
		ask_mailbox(control, bytes_trim(line));
	else
		answer_error(control, "unknown command");
}

static void
go_on(struct control *control)
{
	struct bytes in = buffer_bytes(&control->in), line;
	size_t before = in.octets;
	enum line_event event;

	while (!control->is_waiting) {
		event = line_reader_take(&control->lines, &in, &line);
		if (event == LINE_NEEDS_MORE)
			break;
		if (event == LINE_READY)
			carry_out(control, line);
		else
			answer_error(control, "not a line");
	}
	buffer_consume(&control->in, before - in.octets);
}

static void
end_waiting(struct control *control)
{
	if (control->is_waiting)
		table_remove(&role.waiting, &control->entry);
	control->is_waiting = false;
}

static bool
on_store_message(struct channel *channel, struct message *message)
{
	struct table_entry *entry = table_find(&role.waiting, message->subject);
	struct message_reader reader;
	struct control *control;
	enum outcome outcome;
	uint32_t count;
	uint64_t octets;
	bool is_open;

	message_reader_init(&reader, message);
	outcome = message_get_u8(&reader);
	count = message_get_u32(&reader);
	octets = message_get_u64(&reader);
	is_open = message_get_u8(&reader) != 0;
	if (message->type != MESSAGE_STAT_DONE ||
		!message_reader_finish(&reader))
		return false;
	if (!entry)
		return true;
	control = table_object(entry, struct control, entry);
	end_waiting(control);
	/* No mailbox yet is an empty one. */
	if (outcome != OK && outcome != ERR_DENIED)
		answer_error(control, outcome_name(outcome));
	else
		answer(control,
			json_pack("{s:s, s:I, s:I, s:b}", "mailbox",
				control->mailbox, "count", (json_int_t)count,
				"octets", (json_int_t)octets, "is_open",
				is_open));
	go_on(control);
	return true;
}

static void
on_store_closed(struct channel *channel, enum outcome why)
{
	struct table_entry *entry;

	channel_free(&role.store);
	while ((entry = table_any(&role.waiting))) {
		struct control *control =
			table_object(entry, struct control, entry);

		end_waiting(control);
		answer_error(control, "the store was restarted, try again");
		go_on(control);
	}
}

/* ---- control connections ---- */

static void
on_control_freed(uv_handle_t *handle)
{
	struct control *control = (struct control *)handle;

	line_reader_release(&control->lines);
	buffer_release(&control->in);
	free(control);
	role.controls--;
}

static void
close_control(struct control *control)
{
	end_waiting(control);
	if (!control->is_closing)
		uv_close((uv_handle_t *)&control->pipe, on_control_freed);
	control->is_closing = true;
}

static void
on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct control *control = (struct control *)handle;
	size_t room = buffer_room(&control->in);
	unsigned char *to =
		room > 0 ? buffer_reserve(&control->in, room) : NULL;

	*out = uv_buf_init((char *)to, to ? (unsigned)room : 0);
}

static void
on_read(uv_stream_t *stream, ssize_t octets, const uv_buf_t *part)
{
	struct control *control = (struct control *)stream;

	if (octets < 0) {
		close_control(control);
		return;
	}
	buffer_grow(&control->in, (size_t)octets);
	go_on(control);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct control *control = calloc(1, sizeof(*control));

	if (status < 0 || !control) {
		free(control);
		return;
	}
	role.controls++;
	uv_pipe_init(&role.loop, &control->pipe, 0);
	line_reader_init(&control->lines, WEB_LINE_MAXIMUM_OCTETS);
	buffer_init(&control->in, 4 * WEB_LINE_MAXIMUM_OCTETS);
	if (uv_accept(listener, (uv_stream_t *)&control->pipe) != 0 ||
		role.controls > WEB_CONTROL_CONNECTIONS_MAXIMUM ||
		uv_read_start(
			(uv_stream_t *)&control->pipe, on_room, on_read) != 0)
		close_control(control);
}

/* ---- the role ---- */

static bool
on_roster(struct message *message)
{
	struct message_reader reader;
	struct listed listed, *place = NULL;

	message_reader_init(&reader, message);
	listed.role = message_get_u8(&reader);
	listed.number = message_get_u32(&reader);
	listed.pid = message_get_u32(&reader);
	listed.restarts = message_get_u32(&reader);
	listed.started_seconds = message_get_u64(&reader);
	if (message->type != MESSAGE_ROSTER ||
		!message_reader_finish(&reader) || listed.role >= ROLE_COUNT)
		return false;
	for (size_t i = 0; i < role.roster_count; i++)
		if (role.roster[i].role == listed.role &&
			role.roster[i].number == listed.number)
			place = &role.roster[i];
	if (!place && role.roster_count < ROSTER_MAXIMUM)
		place = &role.roster[role.roster_count++];
	if (place)
		*place = listed;
	if (listed.role == ROLE_PARENT)
		role.started_seconds = listed.started_seconds;
	return true;
}

static bool
on_peer(enum role peer, uint64_t instance, int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_store_message, .on_closed = on_store_closed};

	if (peer != ROLE_STORE)
		return false;
	if (role.store)
		on_store_closed(role.store, ERR_GONE);
	role.store = channel_new(&role.loop, fd, &handler, NULL);
	return role.store != NULL;
}

static void
map_stats(void)
{
	for (size_t i = 0; i < role.boot->stats_count; i++) {
		struct stats *stats = stats_map(&role.boot->stats[i].fd, 0);

		if (stats)
			role.stats[role.stats_count++] = stats;
	}
}

void
web_role_run(void)
{
	static const struct boot_handler handler = {.on_peer = on_peer,
		.on_stop = boot_leave,
		.on_message = on_roster};
	int root_fd;

	role.boot = boot_receive();
	boot_log_open(role.boot, "web");
	root_fd = boot_empty_root(role.boot);
	boot_drop_privileges(role.boot->settings.web_user, &root_fd);
	map_stats();
	uv_loop_init(&role.loop);
	uv_pipe_init(&role.loop, &role.listener, 0);
	if (role.boot->listener_count != 1 ||
		uv_pipe_open(&role.listener, role.boot->listeners[0].fd) != 0 ||
		uv_listen((uv_stream_t *)&role.listener,
			WEB_CONTROL_CONNECTIONS_MAXIMUM, on_connection) != 0)
		exit(EX_OSERR);
	boot_finish(role.boot, &role.loop, &handler);
	uv_run(&role.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
