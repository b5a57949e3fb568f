/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "server/fair_queue.h"

struct job {
	struct fair_item item;
	char name;
};

static struct fair_queue queue;
static struct job jobs[128];

/* "1a2b": job a of lane 1, job b of lane 2. */
static void
push(unsigned klass, const char *text)
{
	for (; *text; text += 2) {
		struct job *job = &jobs[(unsigned char)text[1]];

		*job = (struct job){.name = text[1]};
		assert_true(fair_queue_push(
			&queue, &job->item, klass, (uint64_t)(text[0] - '0')));
	}
}

static void
assert_order(unsigned worst, const char *wanted)
{
	char got[128] = "";
	struct fair_item *item;

	for (size_t i = 0; (item = fair_queue_pop(&queue, worst)); i++)
		got[i] = table_object(item, struct job, item)->name;
	assert_string_equal(got, wanted);
}

static void
test_lanes_take_turns(void **state)
{
	push(1, "1a1b1c1d2e2f3g");
	assert_int_equal(queue.count, 7);
	assert_order(2, "aegbfcd");
	assert_int_equal(queue.count, 0);
}

static void
test_the_better_class_goes_first(void **state)
{
	push(2, "1a1b");
	push(0, "1c");
	push(1, "9d8e");
	assert_order(2, "cdeab");
}

static void
test_a_worse_class_can_be_left(void **state)
{
	push(2, "1a");
	push(1, "1b");
	assert_order(1, "b");
	assert_int_equal(queue.count, 1);
	assert_order(2, "a");
}

static void
test_one_that_goes_leaves_no_trace(void **state)
{
	push(1, "1a1b1c2d3e");
	fair_queue_remove(&queue, &jobs['b'].item);
	fair_queue_remove(&queue, &jobs['d'].item);
	fair_queue_remove(&queue, &jobs['d'].item);
	assert_int_equal(queue.count, 3);
	push(1, "2f");
	assert_order(2, "aefc");
	for (unsigned i = 0; i < FAIR_CLASSES; i++)
		assert_null(queue.classes[i].lanes.buckets);
}

/* In a long line of one, another waits for one item. */
static void
test_a_long_lane_delays_itself(void **state)
{
	push(1, "1a1b1c1d1e1f1g1h");
	assert_int_equal(
		table_object(fair_queue_pop(&queue, 2), struct job, item)->name,
		'a');
	push(1, "2z");
	assert_order(2, "bzcdefgh");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes_take_turns),
		cmocka_unit_test(test_the_better_class_goes_first),
		cmocka_unit_test(test_a_worse_class_can_be_left),
		cmocka_unit_test(test_one_that_goes_leaves_no_trace),
		cmocka_unit_test(test_a_long_lane_delays_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
