/* SPDX-License-Identifier: ISC */
/*
 * post - a form for an OAuth server, by libcurl: over https, verified, without
 * redirections, with a maximum for octets and time; through the account's proxy.
 * In clear only to this machine, and only when the account says so.
 */
#ifndef COLLECT_OAUTH_POST_H
#define COLLECT_OAUTH_POST_H

#include "base/buffer.h"
#include "base/outcome.h"
#include "collect/account.h"

#include <stdatomic.h>

#define OAUTH_POST_SECONDS	  30
#define OAUTH_FORM_MAXIMUM_OCTETS 65536

/* Appends name=value, quoted. False: no room. */
bool oauth_form_put(struct buffer *form, const char *name, struct bytes value);
/*
 * ERR_TRY_LATER: nobody answered, or the server is out of order; else OK, and
 * out_status and `out` are its answer.
 * is_cancelled  another thread may set it; NULL: never
 */
enum outcome oauth_post(const struct collect_account *account, const char *url,
	const struct buffer *form, struct buffer *out, long *out_status,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE]);
/* May it be asked at all? Else error says why not. */
bool oauth_url_is_safe(const struct collect_account *account, const char *url,
	char error[INI_ERROR_SIZE]);

#endif
