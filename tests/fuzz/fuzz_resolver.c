/* SPDX-License-Identifier: ISC */
/*
 * A DNS server's answer: malformed, or rows that a terminal and a zone file can
 * show.
 */
#include "fuzz.h"

#include "collect/discovery/resolver.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	static const char *const types[] = {
		"A", "AAAA", "SRV", "MX", "TLSA", "CAA", "TXT"};
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	int type = resolver_type(types[head.flags % 7]);
	struct resolver_texts *found = malloc(sizeof(*found));
	/* In memory of exactly its size. */
	unsigned char *copy = malloc(in.octets ? in.octets : 1);

	assert_non_null(found);
	assert_non_null(copy);
	assert_int_equal(type == 0, head.flags % 7 == 6);
	if (in.octets > 0)
		memcpy(copy, in.at, in.octets);
	if (resolver_read_texts(copy, (int)in.octets, type, found)) {
		assert_in_range(found->count, 0, RESOLVER_RECORDS_MAXIMUM);
		for (size_t i = 0; i < found->count; i++) {
			assert_in_range(strlen(found->rows[i]), 1,
				RESOLVER_TEXT_SIZE - 1);
			for (const char *at = found->rows[i]; *at; at++)
				assert_in_range(*at, ' ', '~');
		}
	}
	free(copy);
	free(found);
	return 0;
}
