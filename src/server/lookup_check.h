/* SPDX-License-Identifier: ISC */
/* lookup_check - are the files there that [pam] and [oauth] name? */
#ifndef SERVER_LOOKUP_CHECK_H
#define SERVER_LOOKUP_CHECK_H

#include "server/setup.h"

/* ERR_PEER: error is one sentence. */
enum outcome lookup_check(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE]);

#endif
