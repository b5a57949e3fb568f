/* SPDX-License-Identifier: ISC */
/* octets - a message's octets into a new file, as they come. */
#ifndef COLLECT_SINKS_OCTETS_H
#define COLLECT_SINKS_OCTETS_H

#include "base/outcome.h"
#include "store/files.h"

struct octets {
	struct files *files;
	int fd; /* -1: closed */
	uint64_t written;
	bool makes_lf; /* CR of a CRLF is left out, wherever chunks end */
	bool is_after_cr;
};

enum outcome octets_write(struct octets *to, struct bytes octets);
/* Nothing more comes: closes it. */
enum outcome octets_end(struct octets *to);
/* Do two open files hold the same? */
bool octets_are_equal(struct files *files, int a, int b);

#endif
