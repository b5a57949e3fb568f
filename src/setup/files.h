/* SPDX-License-Identifier: ISC */
/*
 * files - what mail programs read to set themselves up: Mozilla's autoconfig,
 * Apple's configuration profile. Pure.
 *
 * Source: Mozilla's "Autoconfig file format" 1.1; Apple's "Configuration
 *         Profile Reference", com.apple.mail.managed.
 */
#ifndef SETUP_FILES_H
#define SETUP_FILES_H

#include "setup/facts.h"

/* `domain` is one that setup_is_host took. The address is the client's to put
   in. */
bool setup_write_autoconfig(const struct setup_facts *facts, const char *domain,
	struct buffer *out);
/* Only where there is a submission server, which a profile must name. */
bool setup_write_profile(const struct setup_facts *facts,
	const struct setup_who *who, struct buffer *out);

#endif
