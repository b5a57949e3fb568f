/* SPDX-License-Identifier: ISC */
/* What restantectl asks, and the answers. */
#include "base/log.h"
#include "server/web_state.h"

#include <stdlib.h>
#include <string.h>

static const char *const not_there[ROLE_COUNT] = {
	[ROLE_AUTH] = "auth is not there, try again",
	[ROLE_STORE] = "the store is not there, try again",
};

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

void
web_answer(struct web_control *control, json_t *json)
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

void
web_answer_error(struct web_control *control, const char *text)
{
	json_decref(control->sessions);
	control->sessions = NULL;
	web_answer(control, json_pack("{s:s}", "error", text));
}

/* ---- requests ---- */

static bool
send_to(enum role role, struct message *message)
{
	struct channel *channel = role == ROLE_AUTH ? web.auth : web.store;

	if (role == ROLE_PARENT)
		return boot_tell_parent(message);
	return channel && channel_send(channel, message) == OK;
}

bool
web_ask(struct web_control *control, enum role role, struct message *message)
{
	if (!table_add(&web.waiting, &control->entry, ++web.next_request))
		return false;
	control->is_waiting = true;
	control->asked = role;
	message->subject = control->entry.id;
	if (send_to(role, message))
		return true;
	web_end_waiting(control);
	return false;
}

struct web_control *
web_who_asked(enum role role)
{
	for (size_t i = 0; i < web.waiting.bucket_count; i++)
		for (struct table_entry *e = web.waiting.buckets[i]; e;
			e = e->next) {
			struct web_control *control =
				table_object(e, struct web_control, entry);

			if (control->asked == role)
				return control;
		}
	return NULL;
}

static void
ask_about(struct web_control *control, enum role role, enum server_message type,
	struct bytes name)
{
	struct message message;

	message_init(&message, type, 0);
	if (bytes_to_string(name, control->name, sizeof(control->name)))
		message_put_string(&message, control->name);
	else
		message.is_bad = true;
	if (!web_ask(control, role, &message))
		web_answer_error(control, not_there[role]);
	message_release(&message);
}

static void
ask_status(struct web_control *control)
{
	struct message message;

	web_ask_survey();
	message_init(&message, MESSAGE_PENALTIES, 0);
	/* Without auth the rest is worth knowing all the more. */
	if (!web_ask(control, ROLE_AUTH, &message))
		web_answer(control, web_status_json(false));
	message_release(&message);
}

/* A part of them: nobody is kept waiting by a long list. */
static void
ask_who(struct web_control *control, uint64_t after)
{
	struct message message;

	message_init(&message, MESSAGE_WHO, 0);
	message_put_u64(&message, after);
	if (!web_ask(control, ROLE_AUTH, &message))
		web_answer_error(control, not_there[ROLE_AUTH]);
	message_release(&message);
}

static void
ask_to_mend(struct web_control *control, bool is_repair, struct bytes name)
{
	struct message message;

	message_init(&message, MESSAGE_MEND, 0);
	message_put_u8(&message, is_repair);
	if (bytes_to_string(name, control->name, sizeof(control->name)))
		message_put_string(&message, control->name);
	else
		message.is_bad = true;
	if (!web_ask(control, ROLE_STORE, &message))
		web_answer_error(control, not_there[ROLE_STORE]);
	message_release(&message);
}

static void
carry_out(struct web_control *control, struct bytes line)
{
	struct bytes word = bytes_cut(&line, ' ');

	line = bytes_trim(line);
	if (bytes_equal(word, bytes_of_string("status")))
		ask_status(control);
	else if (bytes_equal(word, bytes_of_string("mailbox")))
		ask_about(control, ROLE_STORE, MESSAGE_STAT, line);
	else if (bytes_equal(word, bytes_of_string("repair")))
		ask_to_mend(control, true, line);
	else if (bytes_equal(word, bytes_of_string("rebuild")))
		ask_to_mend(control, false, line);
	else if (bytes_equal(word, bytes_of_string("forgive")))
		ask_about(control, ROLE_AUTH, MESSAGE_FORGIVE, line);
	else if (bytes_equal(word, bytes_of_string("kick")))
		ask_about(control, ROLE_AUTH, MESSAGE_KICK_WHOM, line);
	else if (bytes_equal(word, bytes_of_string("trace")))
		web_ask_to_trace(control, TRACE_ON, line);
	else if (bytes_equal(word, bytes_of_string("untrace")))
		web_ask_to_trace(control, TRACE_OFF, line);
	else if (bytes_equal(word, bytes_of_string("traces")))
		web_ask_to_trace(control, TRACE_LIST, line);
	else if (bytes_equal(word, bytes_of_string("reload")))
		web_ask_to_reload(control);
	else if (bytes_equal(word, bytes_of_string("who")))
		ask_who(control, 0);
	else
		web_answer_error(control, "unknown command");
}

void
web_go_on(struct web_control *control)
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
			web_answer_error(control, "not a line");
	}
	buffer_consume(&control->in, before - in.octets);
}

void
web_end_waiting(struct web_control *control)
{
	if (control->is_waiting)
		table_remove(&web.waiting, &control->entry);
	control->is_waiting = false;
}

/* ---- what pages show, asked for ahead ---- */

static void
ask_for_pages(struct channel *channel, enum server_message type)
{
	struct message message;

	if (!channel)
		return;
	message_init(&message, type, 0);
	channel_send(channel, &message);
	message_release(&message);
}

void
web_ask_survey(void)
{
	ask_for_pages(web.store, MESSAGE_SURVEY);
}

void
web_ask_penalties(void)
{
	ask_for_pages(web.auth, MESSAGE_PENALTIES);
}

/* ---- the answers of others ---- */

struct web_control *
web_take_waiting(const struct message *message)
{
	struct table_entry *entry = table_find(&web.waiting, message->subject);
	struct web_control *control;

	if (!entry)
		return NULL;
	control = table_object(entry, struct web_control, entry);
	web_end_waiting(control);
	return control;
}

static bool
on_stat(struct message *message, struct message_reader *reader)
{
	enum outcome outcome = message_get_u8(reader);
	uint32_t count = message_get_u32(reader);
	uint64_t octets = message_get_u64(reader);
	bool is_open = message_get_u8(reader) != 0;
	struct web_control *control;

	if (!message_reader_finish(reader))
		return false;
	control = web_take_waiting(message);
	if (!control)
		return true;
	/* No mailbox yet is an empty one. */
	if (outcome != OK && outcome != ERR_DENIED)
		web_answer_error(control, outcome_name(outcome));
	else
		web_answer(control,
			json_pack("{s:s, s:I, s:I, s:b}", "mailbox",
				control->name, "count", (json_int_t)count,
				"octets", (json_int_t)octets, "is_open",
				is_open));
	web_go_on(control);
	return true;
}

static bool
on_mending(struct message *message, struct message_reader *reader)
{
	uint32_t done = message_get_u32(reader);
	uint32_t total = message_get_u32(reader);
	struct table_entry *entry = table_find(&web.waiting, message->subject);

	if (!message_reader_finish(reader))
		return false;
	if (entry)
		web_answer(table_object(entry, struct web_control, entry),
			json_pack("{s:I, s:I}", "done", (json_int_t)done,
				"total", (json_int_t)total));
	return true;
}

/* In the order of the message's fields. */
static json_t *
mended_json(struct message_reader *reader)
{
	json_t *json = json_pack(
		"{s:s}", "outcome", outcome_name(message_get_u8(reader)));
	static const char *const flags[] = {
		"was_damaged", "was_missing", "was_made_anew"};
	static const char *const counts[] = {
		"wrong", "new", "removed", "leftovers", "uidls_restored"};

	json_object_set_new(
		json, "count", json_integer(message_get_u32(reader)));
	json_object_set_new(json, "octets",
		json_integer((json_int_t)message_get_u64(reader)));
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		json_object_set_new(json, flags[i],
			json_boolean(message_get_u8(reader) != 0));
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(
			json, counts[i], json_integer(message_get_u32(reader)));
	json_object_set_new(json, "uidls_set_aside_octets",
		json_integer((json_int_t)message_get_u64(reader)));
	return json;
}

static bool
on_mended(struct message *message, struct message_reader *reader)
{
	json_t *json = mended_json(reader);
	bool is_well_formed = message_reader_finish(reader);
	struct web_control *control =
		is_well_formed ? web_take_waiting(message) : NULL;

	if (!control) {
		json_decref(json);
		return is_well_formed;
	}
	json_object_set_new(json, "mailbox", json_string(control->name));
	web_answer(control, json);
	web_go_on(control);
	return true;
}

bool
web_on_store_message(struct channel *channel, struct message *message)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	switch (message->type) {
	case MESSAGE_STAT_DONE:
		return on_stat(message, &reader);
	case MESSAGE_MENDING:
		return on_mending(message, &reader);
	case MESSAGE_MENDED:
		return on_mended(message, &reader);
	case MESSAGE_SURVEYED:
		return web_told_take_survey(&web.told, &reader);
	default:
		return false;
	}
}

static bool
on_penalties(struct message *message, struct message_reader *reader)
{
	struct web_control *control;

	if (!web_told_take_penalties(&web.told, reader))
		return false;
	control = web_take_waiting(message);
	if (!control)
		return true;
	web_answer(control, web_status_json(true));
	web_go_on(control);
	return true;
}

static bool
on_counted(struct message *message, struct message_reader *reader,
	const char *name)
{
	uint32_t count = message_get_u32(reader);
	struct web_control *control;

	if (!message_reader_finish(reader))
		return false;
	control = web_take_waiting(message);
	if (!control)
		return true;
	web_answer(control, json_pack("{s:I}", name, (json_int_t)count));
	web_go_on(control);
	return true;
}

/* Takes `rows`. The last part is answered, else the next is asked for. */
static void
gather(struct web_control *control, json_t *rows, uint32_t count, uint64_t last)
{
	if (!control->sessions)
		control->sessions = json_array();
	json_array_extend(control->sessions, rows);
	json_decref(rows);
	if (last > 0 &&
		json_array_size(control->sessions) < WEB_SESSIONS_MAXIMUM) {
		ask_who(control, last);
		return;
	}
	web_answer(
		control, json_pack("{s:o, s:I}", "sessions", control->sessions,
				 "count", (json_int_t)count));
	control->sessions = NULL;
}

static bool
on_who(struct message *message, struct message_reader *reader)
{
	uint32_t count = message_get_u32(reader);
	uint64_t last = message_get_u64(reader);
	uint32_t told = message_get_u32(reader);
	struct web_control *control;
	json_t *rows = json_array();

	while (told-- > 0 && !reader->is_malformed)
		json_array_append_new(rows, web_session_json(reader));
	if (!message_reader_finish(reader)) {
		json_decref(rows);
		return false;
	}
	control = web_take_waiting(message);
	if (!control) {
		json_decref(rows);
		return true;
	}
	gather(control, rows, count, last);
	web_go_on(control);
	return true;
}

bool
web_on_auth_message(struct channel *channel, struct message *message)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	switch (message->type) {
	case MESSAGE_PENALTIES_TOLD:
		return on_penalties(message, &reader);
	case MESSAGE_FORGIVEN:
		return on_counted(message, &reader, "forgiven");
	case MESSAGE_KICKED:
		return on_counted(message, &reader, "kicked");
	case MESSAGE_WHO_TOLD:
		return on_who(message, &reader);
	case MESSAGE_TRACES_TOLD:
		return web_on_traces_told(message, &reader);
	default:
		return false;
	}
}

void
web_lost(enum role role)
{
	struct web_control *control;

	/* Who asks meanwhile gets an answer at once: the channel is gone. */
	while ((control = web_who_asked(role))) {
		web_end_waiting(control);
		web_answer_error(control, not_there[role]);
		web_go_on(control);
	}
}
