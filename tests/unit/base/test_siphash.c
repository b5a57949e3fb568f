/* SPDX-License-Identifier: ISC */
/* The vectors of the reference implementation: key 00 01 .. 0f, input 00 01 ..
 * of each length. */
#include "../check.h"

#include "base/siphash.h"

static void
test_reference_vectors(void **state)
{
	static const struct {
		size_t octets;
		uint64_t wanted;
	} rows[] = {
		{0, 0x726fdb47dd0e0e31},
		{1, 0x74f839c593dc67fd},
		{7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462},
		{15, 0xa129ca6149be45e5},
		{63, 0x958a324ceb064572},
	};
	unsigned char key[SIPHASH_KEY_OCTETS], input[64];

	for (unsigned i = 0; i < sizeof(input); i++)
		input[i] = (unsigned char)i;
	memcpy(key, input, sizeof(key));
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(siphash(key, bytes_of(input, rows[i].octets)) ==
			    rows[i].wanted);
}

static void
test_the_key_matters(void **state)
{
	unsigned char key[SIPHASH_KEY_OCTETS] = {0};
	uint64_t before = siphash(key, BYTES("alice"));

	key[15] = 1;
	assert_true(siphash(key, BYTES("alice")) != before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_vectors),
		cmocka_unit_test(test_the_key_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
