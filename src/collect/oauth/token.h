/* SPDX-License-Identifier: ISC */
/*
 * token - an account's OAuth 2.0 tokens, kept in STATE/tokens/NAME (mode 0600)
 * or in the keyring. A refresh token that the server replaces is saved before the
 * access token that came with it is used: a crash loses no grant.
 */
#ifndef COLLECT_OAUTH_TOKEN_H
#define COLLECT_OAUTH_TOKEN_H

#include "base/outcome.h"
#include "collect/account.h"
#include "collect/oauth/answer.h"

#include <stdatomic.h>

/*
 * An access token that is good for a minute more, if need be a new one. Blocks.
 * ERR_DENIED: `restante account authorize` has to be run; error says so.
 */
enum outcome oauth_access(const struct collect_account *account,
	struct secret *out, const atomic_bool *is_cancelled,
	char error[INI_ERROR_SIZE]);
/* The mail server refused the access token: the next run gets another. */
void oauth_forget_access(const struct collect_account *account);
enum outcome oauth_save(const struct collect_account *account,
	const struct oauth_tokens *tokens, char error[INI_ERROR_SIZE]);

/* ---- what grants share ---- */

/* client_id, and the secret if there is one. */
enum outcome oauth_put_client(const struct collect_account *account,
	struct buffer *form, char error[INI_ERROR_SIZE]);
/*
 * Asks for tokens with `form`. ERR_DENIED: refused, *out_fault says how, error in
 * its words.
 */
enum outcome oauth_ask_tokens(const struct collect_account *account,
	const struct buffer *form, struct oauth_tokens *tokens,
	enum oauth_fault *out_fault, const atomic_bool *is_cancelled,
	char error[INI_ERROR_SIZE]);

#endif
