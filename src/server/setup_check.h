/* SPDX-License-Identifier: ISC */
/*
 * setup_check - would the server find what its settings name: users, groups,
 * directories, addresses of this machine? Makes nothing, and opens no port, so
 * that it can be asked beside a server that runs.
 */
#ifndef SERVER_SETUP_CHECK_H
#define SERVER_SETUP_CHECK_H

#include "server/setup.h"

/* error: one sentence, with section and key. */
enum outcome setup_check(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE]);

/* Of two roles that are kept apart less well than they could be; for people. */
bool setup_shares_user(
	const struct server_settings *settings, char out[SETUP_ERROR_SIZE]);

#endif
