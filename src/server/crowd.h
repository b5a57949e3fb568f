/* SPDX-License-Identifier: ISC */
/*
 * crowd - how many connections from each network have not logged in, over all
 * session processes: in memory that they share, a row of counters for each
 * process, so that what one that died had counted is forgotten with its row.
 *
 * A counter is found by a keyed hash of the network; two that meet share one,
 * which nobody without the key can bring about.
 */
#ifndef SERVER_CROWD_H
#define SERVER_CROWD_H

#include "base/bytes.h"

#include <stdint.h>

#define CROWD_COUNTERS 65536 /* of a row */

struct crowd;

/* A descriptor of empty rows, with a fresh key; -1 with errno. */
int crowd_make(unsigned rows);
/* Takes *fd; empties this process's row. NULL on failure. */
struct crowd *crowd_map(int *fd, unsigned row);
void crowd_free(struct crowd **crowd);

/*
 * One more, unless that would make more than `maximum`: then false. What was
 * counted is given back by crowd_leave with *out_place.
 */
bool crowd_enter(struct crowd *crowd, struct bytes network, unsigned maximum,
	uint32_t *out_place);
void crowd_leave(struct crowd *crowd, uint32_t place);

#endif
