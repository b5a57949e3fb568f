/* SPDX-License-Identifier: ISC */
/*
 * fuzz - what the targets share. A target is one file with one function,
 * LLVMFuzzerTestOneInput, that takes any octets and fails an assertion when a
 * property does not hold. It keeps nothing from one call to the next.
 *
 * Built with -Dfuzz=true a target is driven by libFuzzer; else by replay.c,
 * which runs the files it is given: seeds, and what was found before.
 *
 * Most inputs begin with FUZZ_HEAD_OCTETS that say how the rest is used, so
 * that settings and the way octets are cut vary too.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "../unit/check.h"

#include "base/buffer.h"

#define FUZZ_HEAD_OCTETS 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct fuzz_head {
	uint8_t flags; /* the target's */
	uint64_t pace; /* seed of how the octets are cut */
};

struct fuzz_head fuzz_take_head(struct bytes *in);
/* 0 when there is none. */
uint8_t fuzz_take_octet(struct bytes *in);
/* As many as there are, at most `octets`. */
struct bytes fuzz_take_octets(struct bytes *in, size_t octets);
/*
 * Cuts a piece of at most `most` octets off the front: a copy in memory of
 * exactly its size, so that the sanitizer sees one read behind it.
 */
struct bytes fuzz_cut_piece(struct bytes *in, uint64_t *pace, size_t most);
void fuzz_free_piece(struct bytes *piece);

#endif
