/* SPDX-License-Identifier: ISC */
/*
 * session_id - what a connection is called in the log, in the reply to a login
 * and in restantectl: "2ai97aww-1f", the instance of the session process and
 * the connection's number there, both in base 36. The parent's first instance
 * is the time of its start, so that no id comes again after a restart.
 */
#ifndef SERVER_SESSION_ID_H
#define SERVER_SESSION_ID_H

#include "base/bytes.h"

#include <stdint.h>

/* Twice 13 digits, the hyphen, NUL. */
#define SESSION_ID_SIZE 28

/* The instance before the first one of a parent that starts now. */
uint64_t session_id_first_instance(uint64_t now_us);

/* Returns out. */
const char *session_id_text(
	uint64_t instance, uint64_t connection, char out[SESSION_ID_SIZE]);
/* False: that is none. */
bool session_id_parse(
	struct bytes text, uint64_t *out_instance, uint64_t *out_connection);

#endif
