/* SPDX-License-Identifier: ISC */
#include "server/boot_settings.h"
#include "base/log.h"

static struct {
	struct buffer text; /* of a reload, so far */
	bool is_begun;
	bool has_failed; /* the last one: what was before stays */
} renewal;

static bool
take_piece(struct message *message, struct buffer *text, bool *out_is_last)
{
	struct message_reader reader;
	struct bytes piece;
	bool is_last;

	message_reader_init(&reader, message);
	is_last = message_get_u8(&reader) != 0;
	piece = message_get_bytes(&reader);
	if (!message_reader_finish(&reader) ||
		!buffer_append_bytes(text, piece))
		return false;
	*out_is_last = is_last;
	return true;
}

bool
boot_settings_take(struct server_settings *out, struct message *message,
	struct buffer *text, bool *out_is_whole)
{
	char error[INI_ERROR_SIZE];

	if (!take_piece(message, text, out_is_whole))
		return false;
	if (!*out_is_whole)
		return true;
	if (server_settings_parse(out, "settings", buffer_bytes(text), error) !=
		OK) {
		log_event(LOG_LEVEL_ERROR, "settings", "%s", error);
		return false;
	}
	buffer_release(text);
	return true;
}

static void
use(struct server_settings *fresh, const struct boot_handler *handler)
{
	enum log_format format = (enum log_format)fresh->log_format;
	enum log_level level = (enum log_level)fresh->log_level;

	if (!handler->on_settings)
		server_settings_release(fresh);
	renewal.has_failed =
		handler->on_settings && !handler->on_settings(fresh);
	if (renewal.has_failed) {
		log_event(LOG_LEVEL_ERROR, "settings",
			"why=\"no memory\" kept=yes");
		return;
	}
	log_set_format(format);
	log_set_level(level);
}

bool
boot_settings_renew(struct message *message, const struct boot_handler *handler)
{
	struct server_settings fresh;
	bool is_whole = false;

	if (!renewal.is_begun)
		buffer_init(&renewal.text, BOOT_PEM_MAXIMUM_OCTETS);
	renewal.is_begun = true;
	server_settings_init_unnamed(&fresh);
	if (!boot_settings_take(&fresh, message, &renewal.text, &is_whole)) {
		server_settings_release(&fresh);
		return false;
	}
	if (!is_whole) {
		server_settings_release(&fresh);
		return true;
	}
	renewal.is_begun = false;
	use(&fresh, handler);
	return true;
}

bool
boot_settings_settle(struct message *message, struct channel *parent)
{
	struct message_reader reader;
	struct message answer;
	uint64_t generation;

	message_reader_init(&reader, message);
	generation = message_get_u64(&reader);
	if (!message_reader_finish(&reader))
		return false;
	if (renewal.has_failed)
		return true;
	message_init(&answer, MESSAGE_SETTLED, 0);
	message_put_u64(&answer, generation);
	channel_send(parent, &answer);
	message_release(&answer);
	return true;
}

void
boot_use_settings(struct boot *boot, struct server_settings *fresh)
{
	if (boot->was_reloaded)
		server_settings_release(&boot->settings);
	else
		boot->at_start = boot->settings;
	boot->was_reloaded = true;
	boot->settings = *fresh;
}
