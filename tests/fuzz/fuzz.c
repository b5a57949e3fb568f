/* SPDX-License-Identifier: ISC */
#include "fuzz.h"

#include <stdlib.h>

/* Outside of a cmocka test an assertion that fails would only end the program:
   it is to be found as what it is. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

uint8_t
fuzz_take_octet(struct bytes *in)
{
	uint8_t octet = in->octets ? in->at[0] : 0;

	*in = bytes_after(*in, 1);
	return octet;
}

struct fuzz_head
fuzz_take_head(struct bytes *in)
{
	struct fuzz_head head = {.flags = fuzz_take_octet(in)};

	head.pace = fuzz_take_octet(in);
	return head;
}

struct bytes
fuzz_take_octets(struct bytes *in, size_t octets)
{
	struct bytes taken = *in;

	if (taken.octets > octets)
		taken.octets = octets;
	*in = bytes_after(*in, taken.octets);
	return taken;
}

struct bytes
fuzz_cut_piece(struct bytes *in, uint64_t *pace, size_t most)
{
	size_t octets = 1 + (size_t)random_below(pace, most);
	struct bytes piece = fuzz_take_octets(in, octets);
	unsigned char *copy = malloc(piece.octets ? piece.octets : 1);

	assert_non_null(copy);
	if (piece.octets > 0)
		memcpy(copy, piece.at, piece.octets);
	return bytes_of(copy, piece.octets);
}

void
fuzz_free_piece(struct bytes *piece)
{
	free((void *)(uintptr_t)piece->at);
	*piece = BYTES_NONE;
}
