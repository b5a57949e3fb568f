/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "message/index_set.h"

static void
empty_takes_no_memory(void **state)
{
	struct index_set set = INDEX_SET_EMPTY;

	assert_false(index_set_has(&set, 0));
	assert_false(index_set_has(&set, UINT32_MAX));
	assert_int_equal(index_set_next(&set, 0), INDEX_SET_END);
	assert_null(set.words);
	index_set_clear(&set);
	index_set_release(&set);
}

static const uint32_t some[] = {
	0, 1, 62, 63, 64, 65, 127, 128, 255, 256, 257, 1000, 65535, 1000000};

static void
holds_what_was_added(void **state)
{
	struct index_set set = INDEX_SET_EMPTY;

	/* From the largest down, so that it grows at once and then not. */
	for (size_t i = COUNT(some); i-- > 0;) {
		assert_false(index_set_has(&set, some[i]));
		assert_true(index_set_add(&set, some[i]));
		assert_true(index_set_has(&set, some[i]));
	}
	assert_int_equal(set.count, COUNT(some));
	/* A second time counts for nothing. */
	assert_true(index_set_add(&set, 64));
	assert_int_equal(set.count, COUNT(some));
	for (size_t i = 0; i < COUNT(some); i++) {
		uint32_t before = i > 0 ? some[i - 1] + 1 : 0;

		assert_int_equal(index_set_next(&set, before), some[i]);
		assert_int_equal(index_set_next(&set, some[i]), some[i]);
	}
	assert_int_equal(index_set_next(&set, 1000001), INDEX_SET_END);
	assert_int_equal(index_set_next(&set, INDEX_SET_END), INDEX_SET_END);
	index_set_clear(&set);
	assert_int_equal(set.count, 0);
	assert_int_equal(index_set_next(&set, 0), INDEX_SET_END);
	assert_true(index_set_add(&set, 3));
	assert_false(index_set_has(&set, 64));
	index_set_release(&set);
	assert_null(set.words);
}

/* As the first and the only one. */
static void
grows_far_enough(void **state)
{
	for (size_t i = 0; i < COUNT(some); i++) {
		struct index_set set = INDEX_SET_EMPTY;

		assert_true(index_set_add(&set, some[i]));
		assert_true(set.word_count > some[i] / 64);
		assert_false(index_set_has(&set, some[i] + 1));
		assert_false(index_set_has(&set, some[i] - 1));
		assert_int_equal(index_set_next(&set, 0), some[i]);
		assert_int_equal(
			index_set_next(&set, some[i] + 1), INDEX_SET_END);
		index_set_release(&set);
	}
}

/* The mark of the end is no index, and takes no half gigabyte to say so. */
static void
refuses_the_end(void **state)
{
	struct index_set set = INDEX_SET_EMPTY;

	assert_true(index_set_add(&set, 5));
	assert_false(index_set_add(&set, INDEX_SET_END));
	assert_int_equal(set.count, 1);
	assert_int_equal(set.word_count, 4);
	index_set_release(&set);
}

#define MODEL_INDEXES 3000

static void
equals_a_plain_array(void **state)
{
	static bool model[MODEL_INDEXES];
	struct index_set set = INDEX_SET_EMPTY;
	uint32_t count = 0, next = INDEX_SET_END;
	uint64_t seed = 7;

	for (int i = 0; i < 700; i++) {
		uint32_t index = (uint32_t)random_below(&seed, MODEL_INDEXES);

		count += !model[index];
		model[index] = true;
		assert_true(index_set_add(&set, index));
		assert_int_equal(set.count, count);
	}
	for (uint32_t i = MODEL_INDEXES; i-- > 0;) {
		assert_int_equal(index_set_has(&set, i), model[i]);
		if (model[i])
			next = i;
		assert_int_equal(index_set_next(&set, i), next);
	}
	index_set_release(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_takes_no_memory),
		cmocka_unit_test(holds_what_was_added),
		cmocka_unit_test(grows_far_enough),
		cmocka_unit_test(refuses_the_end),
		cmocka_unit_test(equals_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
