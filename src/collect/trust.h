/* SPDX-License-Identifier: ISC */
/*
 * trust - TLS contexts of clients, shared by all who trust the same: reading the
 * system's certificates costs more than a poll of a mailbox.
 */
#ifndef COLLECT_TRUST_H
#define COLLECT_TRUST_H

#include "base/outcome.h"
#include "collect/account.h"
#include "tls/tls.h"

struct trust;

/*
 * What is trusted, and what is shown. Files as the settings have them, "~/" too.
 */
struct trust_wants {
	const char *ca_file;	       /* "": the system's */
	const char *pins;	       /* as tls_pins_parse reads them */
	const char *certificate, *key; /* ours; "": none */
};

/* Of an account's server. */
struct trust_wants trust_of_account(const struct collect_account *account);

/* list: of all that are in use; NULL at first. */
enum outcome trust_take(struct trust **list, const struct trust_wants *wants,
	struct trust **out, char error[TLS_ERROR_SIZE]);
struct tls_context *trust_context(const struct trust *trust);
/* Accepts NULL. */
void trust_give_back(struct trust **list, struct trust **trust);

#endif
