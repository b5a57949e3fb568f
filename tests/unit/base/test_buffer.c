/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "base/buffer.h"

static void
refuses_past_its_maximum(void **state)
{
	struct buffer buffer;

	buffer_init(&buffer, 5);
	assert_int_equal(buffer_room(&buffer), 5);
	assert_true(buffer_append_string(&buffer, ""));
	assert_null(buffer.memory);
	assert_true(buffer_append_string(&buffer, "abc"));
	/* Whole or not at all. */
	assert_false(buffer_append_string(&buffer, "def"));
	assert_false(buffer_append_bytes(&buffer, BYTES("def")));
	assert_false(buffer_append(&buffer, "", SIZE_MAX));
	assert_null(buffer_reserve(&buffer, 3));
	assert_bytes(buffer_bytes(&buffer), BYTES("abc"), BYTES_NONE);
	assert_true(buffer_append_bytes(&buffer, BYTES("de")));
	assert_int_equal(buffer_room(&buffer), 0);
	assert_true(buffer_append(&buffer, NULL, 0));
	assert_false(buffer_append(&buffer, "f", 1));
	/* The maximum is of what is held, not of what ever went through. */
	buffer_consume(&buffer, 2);
	assert_int_equal(buffer_room(&buffer), 2);
	assert_true(buffer_append_string(&buffer, "fg"));
	assert_bytes(buffer_bytes(&buffer), BYTES("cdefg"), BYTES_NONE);
	buffer_release(&buffer);
}

static void
consumes_from_the_front(void **state)
{
	struct buffer buffer;

	buffer_init(&buffer, 10);
	buffer_consume(&buffer, 1);
	assert_int_equal(buffer.octets, 0);
	assert_true(buffer_append_string(&buffer, "abcdef"));
	buffer_consume(&buffer, 0);
	buffer_consume(&buffer, 2);
	assert_bytes(buffer_bytes(&buffer), BYTES("cdef"), BYTES_NONE);
	buffer_consume(&buffer, SIZE_MAX);
	assert_null(buffer_bytes(&buffer).at);
	assert_int_equal(buffer_room(&buffer), 10);
	assert_true(buffer_append_string(&buffer, "x"));
	buffer_clear(&buffer);
	assert_int_equal(buffer.octets, 0);
	buffer_release(&buffer);
}

static void
reserves_and_grows(void **state)
{
	struct buffer buffer;
	unsigned char *to;

	buffer_init(&buffer, 1000);
	assert_true(buffer_append_string(&buffer, "abc"));
	to = buffer_reserve(&buffer, 997);
	assert_non_null(to);
	/* Nothing is held before it is said to be. */
	assert_int_equal(buffer.octets, 3);
	memset(to, 'x', 997);
	buffer_grow(&buffer, 2);
	assert_bytes(buffer_bytes(&buffer), BYTES("abcxx"), BYTES_NONE);
	assert_null(buffer_reserve(&buffer, 996));
	buffer_release(&buffer);
}

static void
prints(void **state)
{
	struct buffer buffer;

	buffer_init(&buffer, 8);
	assert_true(buffer_printf(&buffer, "%s %d", "ab", 12));
	assert_bytes(buffer_bytes(&buffer), BYTES("ab 12"), BYTES_NONE);
	assert_false(buffer_printf(&buffer, "%04d", 1));
	assert_bytes(buffer_bytes(&buffer), BYTES("ab 12"), BYTES_NONE);
	/* printf's NUL needs no room of the maximum. */
	assert_true(buffer_printf(&buffer, "%03d", 7));
	assert_bytes(buffer_bytes(&buffer), BYTES("ab 12007"), BYTES_NONE);
	assert_true(buffer_printf(&buffer, "%s", ""));
	assert_false(buffer_printf(&buffer, "%d", 1));
	assert_int_equal(buffer.maximum, 8);
	buffer_release(&buffer);
}

/* 256 is the first memory: the NUL of printf stands just behind it. */
static void
prints_up_to_the_end_of_its_memory(void **state)
{
	for (int octets = 250; octets <= 260; octets++) {
		struct buffer buffer;

		buffer_init(&buffer, (size_t)octets);
		assert_false(buffer_printf(&buffer, "%*d", octets + 1, 7));
		assert_true(buffer_printf(&buffer, "%*d", octets, 7));
		assert_int_equal(buffer.octets, octets);
		assert_int_equal(buffer_bytes(&buffer).at[octets - 1], '7');
		buffer_release(&buffer);
	}
}

static void
gives_memory_back(void **state)
{
	struct buffer buffer;

	buffer_init(&buffer, 8);
	buffer_trim(&buffer);
	assert_true(buffer_append_string(&buffer, "ab"));
	buffer_trim(&buffer);
	assert_bytes(buffer_bytes(&buffer), BYTES("ab"), BYTES_NONE);
	buffer_consume(&buffer, 1);
	buffer_trim(&buffer);
	assert_bytes(buffer_bytes(&buffer), BYTES("b"), BYTES_NONE);
	buffer_consume(&buffer, 1);
	assert_non_null(buffer.memory);
	buffer_trim(&buffer);
	assert_null(buffer.memory);
	assert_true(buffer_append_string(&buffer, "abcdefgh"));
	buffer_release(&buffer);
	assert_null(buffer.memory);
	assert_int_equal(buffer_room(&buffer), 8);
	assert_true(buffer_append_string(&buffer, "a"));
	buffer_release(&buffer);
	buffer_release(&buffer);
}

/* ---- against a plain array ---- */

#define MODEL_MAXIMUM 700
#define MODEL_STEPS   20000

struct model {
	unsigned char at[MODEL_MAXIMUM];
	size_t octets;
};

static void
append_to_both(struct buffer *buffer, struct model *model, uint64_t *seed)
{
	unsigned char octets[400];
	size_t count = random_below(seed, sizeof(octets) + 1);
	bool fits = model->octets + count <= MODEL_MAXIMUM;

	for (size_t i = 0; i < count; i++)
		octets[i] = (unsigned char)random_next(seed);
	assert_int_equal(buffer_append(buffer, octets, count), fits);
	if (!fits)
		return;
	memcpy(model->at + model->octets, octets, count);
	model->octets += count;
}

static void
consume_from_both(struct buffer *buffer, struct model *model, uint64_t *seed)
{
	size_t count = random_below(seed, 500);

	buffer_consume(buffer, count);
	if (count > model->octets)
		count = model->octets;
	model->octets -= count;
	memmove(model->at, model->at + count, model->octets);
}

static void
equals_a_plain_array(void **state)
{
	struct model model = {.octets = 0};
	struct buffer buffer;
	uint64_t seed = 1939;

	buffer_init(&buffer, MODEL_MAXIMUM);
	for (int i = 0; i < MODEL_STEPS; i++) {
		if (random_below(&seed, 2))
			append_to_both(&buffer, &model, &seed);
		else
			consume_from_both(&buffer, &model, &seed);
		if (random_below(&seed, 50) == 0)
			buffer_trim(&buffer);
		assert_bytes(buffer_bytes(&buffer),
			bytes_of(model.at, model.octets), BYTES_NONE);
		assert_int_equal(
			buffer_room(&buffer), MODEL_MAXIMUM - model.octets);
		/* Consumed octets must not make it grow for ever. */
		assert_true(buffer.capacity <= 1024);
	}
	buffer_release(&buffer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_past_its_maximum),
		cmocka_unit_test(consumes_from_the_front),
		cmocka_unit_test(reserves_and_grows),
		cmocka_unit_test(prints),
		cmocka_unit_test(prints_up_to_the_end_of_its_memory),
		cmocka_unit_test(gives_memory_back),
		cmocka_unit_test(equals_a_plain_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
