/* SPDX-License-Identifier: ISC */
/*
 * provider - where an account's tokens come from: a row of the table, and what
 * the account says instead. Pure.
 */
#ifndef COLLECT_OAUTH_PROVIDER_H
#define COLLECT_OAUTH_PROVIDER_H

#include "collect/account.h"

struct oauth_provider {
	const char *name;
	const char *device_url; /* RFC 8628; "": it has none for mail */
	const char *authorize_url, *token_url;
	const char *scope;
	/* The end of its POP3 servers' names; "": none. */
	const char *host;
	bool wants_two_lines; /* takes no initial response behind AUTH */
};

/* Of account->oauth; the account's own values come first. */
struct oauth_provider oauth_provider_of(const struct collect_account *account);
/* The word for `oauth` of a POP3 server; NULL: not known. */
const char *oauth_provider_of_host(const char *host);

#endif
