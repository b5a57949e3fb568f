/* SPDX-License-Identifier: ISC */
/*
 * passwd_file - accounts in a file that Dovecot reads too (line.h). It is read
 * again when it has changed, which is looked for at every question: one system
 * call. Nothing is written.
 *
 * A file that is missing or cannot be read: ERR_TRY_LATER. So is a name that is
 * not in a file which was changed less than a second ago: it may be half
 * written.
 */
#ifndef ACCOUNTS_PASSWD_FILE_PASSWD_FILE_H
#define ACCOUNTS_PASSWD_FILE_PASSWD_FILE_H

#include "accounts/accounts.h"

#define PASSWD_FILE_MAXIMUM_OCTETS (256u << 20)
/* Lines told of after one reading; how many more there are is told too. */
#define PASSWD_FILE_NOTICES_MAXIMUM 20

/* The file need not be there yet. */
enum outcome accounts_passwd_file_open(
	const struct accounts_options *options, struct accounts **out);

#endif
