/* SPDX-License-Identifier: ISC */
/*
 * setup - what the parent makes before the roles run: directories with their
 * owners, listening sockets, a certificate when none is configured.
 */
#ifndef SERVER_SETUP_H
#define SERVER_SETUP_H

#include "base/buffer.h"
#include "config/server_settings.h"
#include "server/boot.h"
#include "tls/certificate_set.h"

#define SETUP_ERROR_SIZE   CERTIFICATE_SET_ERROR_SIZE
#define SETUP_RENEWAL_DAYS 30

/*
 * Makes [server] state with its directories, and the mail root when missing,
 * each owned by the role that uses it when this process is root.
 * error: one sentence, with the path.
 */
enum outcome setup_directories(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE]);

/*
 * When [tls] names no certificate: reads the pair in state/tls, and makes it
 * anew when it is missing, cannot be used, or ends within SETUP_RENEWAL_DAYS.
 */
enum outcome setup_made_certificate(const struct server_settings *settings,
	struct certificate_set *set, char error[SETUP_ERROR_SIZE]);
/* The file clients may trust when the certificate is self-signed, in `out`. */
bool setup_certificate_path(
	const struct server_settings *settings, char *out, size_t size);

/* Reads [tls] client-ca, and tries it. */
enum outcome setup_client_ca(const struct server_settings *settings,
	struct buffer *out, char error[SETUP_ERROR_SIZE]);

struct setup_socket {
	enum listener_kind kind;
	uint32_t number; /* of the listener in the settings */
	/* For one session process; -1: shared by all */
	int process;
	int fd;
};

struct setup_sockets {
	struct setup_socket sockets[BOOT_LISTENERS_MAXIMUM];
	size_t count;
	int control; /* the control socket, for the web role; -1: none */
};

/* Listens on every configured address, and on the two control sockets. */
enum outcome setup_listen(const struct server_settings *settings,
	int session_processes, struct setup_sockets *out,
	char error[SETUP_ERROR_SIZE]);

#endif
