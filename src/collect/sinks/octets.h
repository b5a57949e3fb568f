/* SPDX-License-Identifier: ISC */
/* octets - a message's octets into a file, as they come. */
#ifndef COLLECT_SINKS_OCTETS_H
#define COLLECT_SINKS_OCTETS_H

#include "base/bytes.h"
#include "base/outcome.h"

enum outcome octets_write(int fd, struct bytes octets);
/* CR of a CRLF is left out, also when it ended the last chunk; at the end the
 * caller writes the CR that *is_after_cr says. */
enum outcome octets_write_lf(int fd, bool *is_after_cr, struct bytes octets);

#endif
