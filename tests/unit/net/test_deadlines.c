/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "net/deadlines.h"

#define LENGTH_MS 1000

static void
expires_in_order(void **state)
{
	struct deadline a = {0}, b = {0}, c = {0};
	struct deadlines list;

	deadlines_init(&list, LENGTH_MS);
	assert_null(deadlines_pop(&list, UINT64_MAX));
	assert_false(deadlines_has(&a));
	deadlines_touch(&list, &a, 0);
	deadlines_touch(&list, &b, 10);
	deadlines_touch(&list, &c, 10);
	assert_true(deadlines_has(&a));
	/* Never before the whole length is over. */
	assert_null(deadlines_pop(&list, LENGTH_MS - 1));
	assert_null(deadlines_pop(&list, LENGTH_MS));
	assert_ptr_equal(deadlines_pop(&list, LENGTH_MS + 1), &a);
	assert_false(deadlines_has(&a));
	assert_null(deadlines_pop(&list, LENGTH_MS + 10));
	assert_ptr_equal(deadlines_pop(&list, LENGTH_MS + 11), &b);
	assert_ptr_equal(deadlines_pop(&list, LENGTH_MS + 11), &c);
	assert_null(deadlines_pop(&list, UINT64_MAX));
}

static void
touched_starts_anew(void **state)
{
	struct deadline a = {0}, b = {0};
	struct deadlines list;

	deadlines_init(&list, LENGTH_MS);
	deadlines_touch(&list, &a, 0);
	deadlines_touch(&list, &b, 1);
	deadlines_touch(&list, &a, 500);
	assert_ptr_equal(deadlines_pop(&list, LENGTH_MS + 400), &b);
	assert_null(deadlines_pop(&list, LENGTH_MS + 400));
	deadlines_touch(&list, &a, 600);
	assert_null(deadlines_pop(&list, LENGTH_MS + 600));
	assert_ptr_equal(deadlines_pop(&list, LENGTH_MS + 601), &a);
}

/* Those in the list too: none may wait behind an older one. */
static void
another_length_holds_for_all(void **state)
{
	struct deadline a = {0}, b = {0};
	struct deadlines list;

	deadlines_init(&list, LENGTH_MS);
	deadlines_touch(&list, &a, 0);
	deadlines_set_length(&list, 10);
	deadlines_touch(&list, &b, 5);
	assert_null(deadlines_pop(&list, 10));
	assert_ptr_equal(deadlines_pop(&list, 11), &a);
	assert_null(deadlines_pop(&list, 15));
	deadlines_set_length(&list, LENGTH_MS);
	assert_null(deadlines_pop(&list, LENGTH_MS + 5));
	assert_ptr_equal(deadlines_pop(&list, LENGTH_MS + 6), &b);
}

/* The first, one in the middle, the last, the only one, one that is in none. */
static void
removes_anywhere(void **state)
{
	for (int removed = 0; removed < 3; removed++) {
		struct deadline entries[3] = {{0}, {0}, {0}};
		struct deadlines list;

		deadlines_init(&list, LENGTH_MS);
		for (int i = 0; i < 3; i++)
			deadlines_touch(&list, &entries[i], (uint64_t)i);
		deadlines_remove(&list, &entries[removed]);
		assert_false(deadlines_has(&entries[removed]));
		deadlines_remove(&list, &entries[removed]);
		for (int i = 0; i < 3; i++)
			if (i != removed)
				assert_ptr_equal(
					deadlines_pop(&list, UINT64_MAX),
					&entries[i]);
		assert_null(deadlines_pop(&list, UINT64_MAX));
		assert_null(list.first);
		assert_null(list.last);
		deadlines_touch(&list, &entries[0], 5);
		deadlines_remove(&list, &entries[0]);
		assert_null(list.first);
		assert_null(list.last);
	}
}

/* No length, no time passed since the machine started: still in the list. */
static void
zero_is_a_time(void **state)
{
	struct deadline a = {0};
	struct deadlines list;

	deadlines_init(&list, 0);
	deadlines_touch(&list, &a, 0);
	assert_true(deadlines_has(&a));
	assert_ptr_equal(deadlines_pop(&list, 1), &a);
}

#define MODEL_ENTRIES 40
#define MODEL_STEPS   20000

struct model {
	struct deadline entries[MODEL_ENTRIES];
	uint64_t touched_ms[MODEL_ENTRIES]; /* 0: in no list */
};

/* All that are over, the oldest first; none that is not. */
static void
pop_from_both(struct deadlines *list, struct model *model, uint64_t now_ms)
{
	struct deadline *over;
	uint64_t last_ms = 0;

	while ((over = deadlines_pop(list, now_ms))) {
		size_t i = (size_t)(over - model->entries);

		assert_true(model->touched_ms[i] >= last_ms);
		assert_true(model->touched_ms[i] + LENGTH_MS < now_ms);
		last_ms = model->touched_ms[i];
		model->touched_ms[i] = 0;
	}
	for (int i = 0; i < MODEL_ENTRIES; i++)
		assert_true(model->touched_ms[i] == 0 ||
			    model->touched_ms[i] + LENGTH_MS >= now_ms);
}

static void
equals_a_plain_table(void **state)
{
	static struct model model;
	struct deadlines list;
	uint64_t seed = 3, now_ms = 1;

	deadlines_init(&list, LENGTH_MS);
	for (int step = 0; step < MODEL_STEPS; step++) {
		size_t i = random_below(&seed, MODEL_ENTRIES);

		now_ms += random_below(&seed, 60);
		if (random_below(&seed, 4)) {
			deadlines_touch(&list, &model.entries[i], now_ms);
			model.touched_ms[i] = now_ms;
		} else {
			deadlines_remove(&list, &model.entries[i]);
			model.touched_ms[i] = 0;
		}
		if (random_below(&seed, 3) == 0)
			pop_from_both(&list, &model, now_ms);
		for (int j = 0; j < MODEL_ENTRIES; j++)
			assert_int_equal(deadlines_has(&model.entries[j]),
				model.touched_ms[j] != 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expires_in_order),
		cmocka_unit_test(touched_starts_anew),
		cmocka_unit_test(another_length_holds_for_all),
		cmocka_unit_test(removes_anywhere),
		cmocka_unit_test(zero_is_a_time),
		cmocka_unit_test(equals_a_plain_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
