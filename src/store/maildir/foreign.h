/* SPDX-License-Identifier: ISC */
/*
 * foreign - what other programs did in a Maildir, change by change, in a
 * buffer.
 */
#ifndef STORE_MAILDIR_FOREIGN_H
#define STORE_MAILDIR_FOREIGN_H

#include "base/buffer.h"
#include "store/maildir/listing.h"

/* For one Maildir. */
#define FOREIGN_MAXIMUM_OCTETS 16384

enum change { CHANGE_ARRIVES, CHANGE_GOES };

struct foreign_change {
	enum change change;
	enum maildir_directory directory;
	const char *name; /* in the buffer */
};

/* False when it does not fit. */
bool foreign_put(struct buffer *buffer, enum maildir_directory directory,
	enum change change, const char *name);
/* The next of them; false at the end. `rest` is what is left of the buffer. */
bool foreign_next(struct bytes *rest, struct foreign_change *out);

/*
 * What came while the directories were read, and was found there, needs no
 * second look; unless something went as well.
 */
void foreign_drop_found(struct buffer *buffer, const struct listing *listing);

#endif
