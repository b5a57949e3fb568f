/* SPDX-License-Identifier: ISC */
/*
 * session_signer - a session's handshakes are signed by the key role. It waits
 * for the answer: that takes what signing here would have taken, and some
 * microseconds.
 */
#ifndef SERVER_SESSION_SIGNER_H
#define SERVER_SESSION_SIGNER_H

#include "tls/signing_key.h"

/* After that the handshake fails. */
#define SESSION_SIGNER_PATIENCE_MS 5000

extern const struct tls_signer session_signer;

/* The channel to a key role that was started (anew). Takes *fd. */
void session_signer_use(int *fd);

#endif
