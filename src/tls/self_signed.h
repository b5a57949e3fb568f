/* SPDX-License-Identifier: ISC */
/*
 * self_signed - a certificate for a server that was given none: P-256, ten
 * years, for `hostname`, localhost, 127.0.0.1 and ::1.
 */
#ifndef TLS_SELF_SIGNED_H
#define TLS_SELF_SIGNED_H

#include "base/buffer.h"
#include "base/outcome.h"

/* Both PEM. Wipe `key` after use. */
enum outcome self_signed_make(
	const char *hostname, struct buffer *certificate, struct buffer *key);

#endif
