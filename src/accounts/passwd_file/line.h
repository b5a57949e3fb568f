/* SPDX-License-Identifier: ISC */
/*
 * line - one line of a passwd-file as Dovecot reads it:
 *
 *	user:password:uid:gid:gecos:home:shell:extra fields
 *
 * What may be missing at the end is missing. Of the extra fields these count:
 * "nologin" (disabled), "allow_nets=192.0.2.0/24,...", and
 * "userdb_quota_rule=*:storage=1G" or "*:messages=1000"; "nopassword" makes the
 * line bad. The rest is for other programs. No I/O.
 */
#ifndef ACCOUNTS_PASSWD_FILE_LINE_H
#define ACCOUNTS_PASSWD_FILE_LINE_H

#include "accounts/accounts.h"

#define PASSWD_LINE_ERROR_SIZE 160

enum passwd_line {
	PASSWD_LINE_EMPTY, /* or a comment */
	PASSWD_LINE_OK,
	PASSWD_LINE_UNUSABLE, /* an account whose password cannot be checked:
				 its hash is SCHEME_UNUSABLE */
	PASSWD_LINE_BAD,      /* nobody's */
};

struct passwd_line_rules {
	const char *scheme; /* of passwords that name none, e.g. "CRYPT" */
	struct accounts_naming naming;
};

/*
 * Fills account and credential, but for the generation, when it is OK or
 * unusable. `error` is one sentence when it is not OK or empty; nothing of the
 * password is in it.
 */
enum passwd_line passwd_line_read(struct bytes line,
	const struct passwd_line_rules *rules, struct account *account,
	struct credential *credential, char error[PASSWD_LINE_ERROR_SIZE]);

#endif
