/* SPDX-License-Identifier: ISC */
/*
 * path - where a mailbox is: its mail below mail_root, its state below
 * state_root. Pure. Names have passed mailbox_name_is_usable.
 */
#ifndef STORE_PATH_H
#define STORE_PATH_H

#include "base/outcome.h"

#define MAILBOX_PATH_OCTETS 1024 /* of an expanded template with its NUL */
#define STATE_NAME_OCTETS   224	 /* of a mailbox's folder name with its NUL */

/*
 * Expands %u (whole name), %n (local part), %d (domain), %%.
 * Errors  ERR_BROKEN: the template has another %, is absolute, has an empty
 *         component or "..", comes out empty (a name without domain and
 *         "%d/%n", say) or too long
 */
enum outcome path_expand(const char *template, const char *mailbox,
	char out[MAILBOX_PATH_OCTETS]);

/*
 * The name as one path component that no other mailbox has: letters, digits
 * and @._+- stay, other octets become %XX; a long one is cut and ends with
 * "%%" and a digest.
 */
enum outcome path_of_state(const char *mailbox, char out[STATE_NAME_OCTETS]);

#endif
