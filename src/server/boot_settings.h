/* SPDX-License-Identifier: ISC */
/* boot_settings - settings as the parent tells them: for boot.c alone. */
#ifndef SERVER_BOOT_SETTINGS_H
#define SERVER_BOOT_SETTINGS_H

#include "server/boot.h"

/*
 * Takes a MESSAGE_SETTINGS; the last piece fills `out`, which is initialized,
 * and releases `text`. False: malformed.
 */
bool boot_settings_take(struct server_settings *out, struct message *message,
	struct buffer *text, bool *out_is_whole);
/* The same of a role that runs. */
bool boot_settings_renew(
	struct message *message, const struct boot_handler *handler);
/* MESSAGE_SETTLE; answered unless the settings before it came to nothing. */
bool boot_settings_settle(struct message *message, struct channel *parent);

#endif
