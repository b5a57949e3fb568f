/* SPDX-License-Identifier: ISC */
/*
 * grant - a person lets us read the mail: by a code that is typed into a page on
 * any device (RFC 8628), or in the browser of this machine, which comes back to a
 * port of ours (RFC 8252) with a proof that it was us who asked (PKCE, RFC 7636).
 * Both wait for the person.
 */
#ifndef COLLECT_OAUTH_GRANT_H
#define COLLECT_OAUTH_GRANT_H

#include "base/outcome.h"
#include "collect/account.h"

#define OAUTH_BROWSER_SECONDS 600

enum oauth_way {
	OAUTH_ANY, /* by device where the provider has it */
	OAUTH_DEVICE,
	OAUTH_BROWSER,
};

/* url: where to go; code: what to type there, NULL: nothing. */
typedef void oauth_show(const char *url, const char *code, void *context);

/* The tokens are saved when it is OK. */
enum outcome oauth_authorize(const struct collect_account *account,
	enum oauth_way way, oauth_show *show, void *context,
	char error[INI_ERROR_SIZE]);

#endif
