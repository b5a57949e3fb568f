/* SPDX-License-Identifier: ISC */
/*
 * stamp - the header lines that final delivery puts in front of a message:
 * Return-Path, Delivered-To, Received.
 *
 * Pure: the time and the id come in. CR, LF, NUL in any input are refused.
 * Source: RFC 5321 section 4.4, RFC 2033 (with LMTP).
 */
#ifndef MESSAGE_STAMP_H
#define MESSAGE_STAMP_H

#include "base/buffer.h"

#define STAMP_MAXIMUM_OCTETS 4096

struct stamp {
	struct bytes reverse_path; /* without <>; empty for bounces */
	struct bytes recipient;	   /* as given to RCPT, without <> */
	struct bytes helo;	   /* what the client called itself */
	struct bytes peer;	   /* its address, "[192.0.2.1]" or "unix" */
	struct bytes hostname;	   /* ours */
	struct bytes id;	   /* of this delivery */
	const char *protocol;	   /* "LMTP", "LMTPS" */
	uint64_t now_seconds;	   /* since 1970, UTC */
};

/*
 * Appends the three fields, CRLF ended, lines folded below 998 octets.
 * False when an input holds a control character or `out` has no room.
 */
bool stamp_write(const struct stamp *stamp, struct buffer *out);

#endif
