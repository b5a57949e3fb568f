/* SPDX-License-Identifier: ISC */
/*
 * secret_source - where an account's password comes from: a file that nobody
 * else may read, or a command's first line of output.
 */
#ifndef COLLECT_SECRET_SOURCE_H
#define COLLECT_SECRET_SOURCE_H

#include "base/secret.h"
#include "collect/account.h"

#define SECRET_SOURCE_MAXIMUM_OCTETS 4096

/* error: for people; never holds what was read. */
/* For the sink; OK and empty when it needs none. */
enum outcome secret_source_read_deliver(const struct collect_account *account,
	struct secret *out, char error[INI_ERROR_SIZE]);
enum outcome secret_source_read(const struct collect_account *account,
	struct secret *out, char error[INI_ERROR_SIZE]);

#endif
