/* SPDX-License-Identifier: ISC */
/* restantectl reload: asked of the parent. */
#include "config/settings.h"
#include "server/setup.h"
#include "server/web_state.h"

/* One at a time: the parent answers the last who asked. */
void
web_ask_to_reload(struct web_control *control)
{
	struct message message;

	message_init(&message, MESSAGE_RELOAD, 0);
	if (web_who_asked(ROLE_PARENT) ||
		!web_ask(control, ROLE_PARENT, &message))
		web_answer_error(control, "a reload is under way, try again");
	message_release(&message);
}

/* A settings file may hold anything. */
static json_t *
text_json(const char *text)
{
	json_t *json = json_string(text);

	return json ? json : json_string("(not UTF-8)");
}

static json_t *
names_json(struct message_reader *reader)
{
	uint32_t count = message_get_u32(reader);
	char name[SETTINGS_CHANGE_SIZE];
	json_t *names = json_array();

	while (count-- > 0 && !reader->is_malformed) {
		message_get_string(reader, name, sizeof(name));
		json_array_append_new(names, text_json(name));
	}
	return names;
}

bool
web_on_reloaded(struct message *message)
{
	struct message_reader reader;
	struct web_control *control = NULL;
	char error[SETUP_ERROR_SIZE];
	json_t *json;
	bool is_well_formed;

	message_reader_init(&reader, message);
	message_get_string(&reader, error, sizeof(error));
	json = json_pack("{s:o*}", "error", error[0] ? text_json(error) : NULL);
	json_object_set_new(json, "changed", names_json(&reader));
	json_object_set_new(json, "restart", names_json(&reader));
	is_well_formed = message_reader_finish(&reader);
	if (is_well_formed)
		control = web_take_waiting(message);
	if (!control) {
		json_decref(json);
		return is_well_formed;
	}
	web_answer(control, json);
	web_go_on(control);
	return true;
}
