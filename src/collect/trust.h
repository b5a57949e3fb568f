/* SPDX-License-Identifier: ISC */
/*
 * trust - TLS contexts of clients, shared by all who trust the same: reading the
 * system's certificates costs more than a poll of a mailbox.
 */
#ifndef COLLECT_TRUST_H
#define COLLECT_TRUST_H

#include "base/outcome.h"
#include "tls/tls.h"

struct trust;

/*
 * list     of all that are in use; NULL at first
 * ca_file  as the settings have it, "~/" too; "": the system's
 * pins     as tls_pins_parse reads them
 */
enum outcome trust_take(struct trust **list, const char *ca_file,
	const char *pins, struct trust **out, char error[TLS_ERROR_SIZE]);
struct tls_context *trust_context(const struct trust *trust);
/* Accepts NULL. */
void trust_give_back(struct trust **list, struct trust **trust);

#endif
