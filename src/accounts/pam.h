/* SPDX-License-Identifier: ISC */
/*
 * pam - a password that the machine's PAM modules judge. Blocks for as long as
 * they take, which may be for ever; threads may ask at once as far as the
 * modules bear it. Loads libraries.
 */
#ifndef ACCOUNTS_PAM_H
#define ACCOUNTS_PAM_H

#include "base/bytes.h"
#include "base/outcome.h"

#define PAM_ERROR_SIZE		    256
#define PAM_PASSWORD_MAXIMUM_OCTETS 511 /* PAM_MAX_RESP_SIZE, with its NUL */

struct pam_question {
	const char *service; /* the name of a file in /etc/pam.d */
	const char *folder;  /* instead of /etc/pam.d; "" for that */
	const char *user;
	const char *host; /* where the client is, or "" */
	struct bytes password;
};

/*
 * pam_authenticate, then pam_acct_mgmt. ERR_DENIED: no such user, wrong
 * password, or the account may not be used (expired, locked; a password that
 * must be changed cannot be changed here). ERR_TRY_LATER: everything else.
 *
 * error  in both cases what PAM says of it, for the log
 */
enum outcome pam_check(
	const struct pam_question *question, char error[PAM_ERROR_SIZE]);

/* Is there a file of this service? Without one PAM would take that of "other".
 */
bool pam_has_service(const char *service, const char *folder);

#endif
