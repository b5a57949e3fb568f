/* SPDX-License-Identifier: ISC */
/*
 * secret_source - where an account's password comes from: a file that nobody
 * else may read, a command's first line of output, the desktop's keyring (by
 * secret-tool), a credential that systemd passes; or an access token in its place.
 */
#ifndef COLLECT_SECRET_SOURCE_H
#define COLLECT_SECRET_SOURCE_H

#include "base/secret.h"
#include "collect/account.h"

#include <stdatomic.h>

#define SECRET_SOURCE_MAXIMUM_OCTETS 32768 /* tokens are long */
/* A command may ask a person for a pass phrase. */
#define SECRET_SOURCE_MAXIMUM_SECONDS 120

/* May reading it take long, because another program or a server does it? */
bool secret_source_may_wait(const struct collect_account *account);
/*
 * Both passwords of an account. ERR_DENIED when it has no source (see
 * account_asks_password).
 * is_cancelled  another thread may set it: the command is ended; NULL: never
 * error         for people; never holds what was read
 */
enum outcome secret_source_read_both(const struct collect_account *account,
	struct secret *out, struct secret *out_deliver,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE]);
/* Is it a file that nobody else may read? */
enum outcome secret_source_check_file(
	int fd, const char *path, char error[INI_ERROR_SIZE]);
/* what: the setting that names it. */
enum outcome secret_source_read_file(const char *what, const char *name,
	struct secret *out, char error[INI_ERROR_SIZE]);
enum outcome secret_source_read_keyring(const char *name, struct secret *out,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE]);
/* Saves it in the keyring, where password-keyring finds it. */
enum outcome secret_source_store_keyring(const struct collect_account *account,
	const struct secret *password, char error[INI_ERROR_SIZE]);

/* The one of the account alone. */
enum outcome secret_source_read(const struct collect_account *account,
	struct secret *out, char error[INI_ERROR_SIZE]);

#endif
