/* SPDX-License-Identifier: ISC */
/*
 * progress - bars at the bottom of a terminal, one for each thing under way,
 * below what is said for good. Draws nothing when standard error is no
 * terminal, nor in the first half second, and at most ten times a second.
 */
#ifndef PROGRAMS_PROGRESS_H
#define PROGRAMS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_BARS_MAXIMUM 10 /* shown; the others are counted */

struct progress;

/* bars: how many things there may be. NULL: no memory. */
struct progress *progress_new(size_t bars, bool is_quiet);
void progress_free(struct progress **progress); /* erases the bars */

/* So far `done` of `total` octets, and of messages; where there are no octets
   the messages count. `label` is borrowed. */
void progress_set(struct progress *progress, size_t index, const char *label,
	uint64_t done_octets, uint64_t total_octets, uint64_t done_messages,
	uint64_t total_messages);
/* It is over: its bar goes. */
void progress_end(struct progress *progress, size_t index);
/* Takes the bars off before something else is printed; they come again. */
void progress_hide(struct progress *progress);

/* "0:42", "1:02:03"; `out` has 24 octets. */
const char *progress_time(uint64_t seconds, char out[24]);
/*
 * One line of at most `width` columns. Pure, for tests.
 * elapsed_ms  since it began: rate and time left derive from it
 */
void progress_format(char *out, size_t size, size_t width, const char *label,
	uint64_t done_octets, uint64_t total_octets, uint64_t done_messages,
	uint64_t total_messages, uint64_t elapsed_ms);

#endif
