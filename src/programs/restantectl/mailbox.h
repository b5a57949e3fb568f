/* SPDX-License-Identifier: ISC */
/* mailbox - what the mailbox commands share. */
#ifndef PROGRAMS_RESTANTECTL_MAILBOX_H
#define PROGRAMS_RESTANTECTL_MAILBOX_H

#include "programs/restantectl/command.h"
#include "store/registry.h"

#include <jansson.h>

/* Appends the name given, which must be an account, or those of all. */
int mailbox_names(struct arguments *arguments, json_t *names);
/* Opens the folders of mail and state, then becomes the mail's user. */
int mailbox_open_mail(
	const struct server_settings *settings, struct store_options *options);
/* No server may start until the program ends. */
int mailbox_lock_mail(const struct server_settings *settings,
	const struct store_options *options);

#endif
