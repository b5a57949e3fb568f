/* SPDX-License-Identifier: ISC */
/* The order of messages is that of qsort with a plain comparison. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "store/maildir/ordering.h"

#define SEED	      1939
#define NAME_MAXIMUM  40
#define COUNT_MAXIMUM 3000

static const struct listing *compared;

static int
compare(const void *a, const void *b)
{
	const struct ordered *left = a, *right = b;
	struct file_name x, y;

	if (left->seconds != right->seconds)
		return left->seconds < right->seconds ? -1 : 1;
	listing_name(compared, &compared->entries[left->entry], &x);
	listing_name(compared, &compared->entries[right->entry], &y);
	return strcmp(x.text, y.text);
}

/* Few different octets, so that many names begin alike and some are the front
   of others. */
static void
random_name(char out[NAME_MAXIMUM], unsigned long number)
{
	static const char octets[] = "ab\x7f\xff";
	size_t length = (size_t)rand() % (NAME_MAXIMUM - 12);
	size_t alike = (size_t)rand() % 3 * 9;

	for (size_t i = 0; i < length; i++)
		out[i] = i < alike ? 'a' : octets[rand() % 4];
	snprintf(out + length, NAME_MAXIMUM - length, "%lu", number);
}

static void
fill(struct listing *listing, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		char name[NAME_MAXIMUM];

		random_name(name, i);
		assert_true(listing_add(listing, DIRECTORY_CUR, name));
	}
	assert_true(listing->count > 0 && listing->count <= count);
}

static void
check_order(uint32_t count, uint64_t different_seconds)
{
	struct listing listing = LISTING_EMPTY;
	struct ordered *items = calloc(count, sizeof(*items));
	struct ordered *expected = calloc(count, sizeof(*items));

	fill(&listing, count);
	for (uint32_t i = 0; i < listing.count; i++)
		items[i] = (struct ordered){
			.seconds = ((uint64_t)rand() << 16 ^ (uint64_t)rand()) %
				   different_seconds,
			.index = i * 3,
			.entry = i};
	memcpy(expected, items, count * sizeof(*items));
	compared = &listing;
	qsort(expected, listing.count, sizeof(*items), compare);
	assert_true(ordering_sort(&listing, items, listing.count));
	for (uint32_t i = 0; i < listing.count; i++) {
		assert_int_equal(items[i].entry, expected[i].entry);
		assert_int_equal(items[i].index, items[i].entry * 3);
	}
	free(items);
	free(expected);
	listing_release(&listing);
}

static void
is_that_of_a_comparison(void **state)
{
	static const uint32_t counts[] = {1, 2, 47, 48, 300, COUNT_MAXIMUM};
	static const uint64_t seconds[] = {1, 3, 1000, 1ull << 40};

	srand(SEED);
	for (size_t i = 0; i < COUNT(counts); i++)
		for (size_t j = 0; j < COUNT(seconds); j++)
			check_order(counts[i], seconds[j]);
}

/* No list has one twice; who asks for it must not wait for ever. */
static void
of_one_twice(void **state)
{
	struct listing listing = LISTING_EMPTY;
	struct ordered items[2] = {{.index = 1}, {.index = 2}};

	assert_true(
		listing_add(&listing, DIRECTORY_CUR, "a-name-of-some-octets"));
	assert_true(ordering_sort(&listing, items, 2));
	assert_int_equal(items[0].index + items[1].index, 3);
	listing_release(&listing);
}

static void
of_none(void **state)
{
	struct listing listing = LISTING_EMPTY;
	struct ordered none;

	assert_true(ordering_sort(&listing, &none, 0));
}

/* A name seen later takes the place of the earlier one, also when the table
   has to grow for it; nothing else is lost. */
static void
names_come_again(void **state)
{
	struct listing listing = LISTING_EMPTY;
	char name[NAME_MAXIMUM];

	for (unsigned i = 0; i < COUNT_MAXIMUM; i++) {
		snprintf(name, sizeof(name), "%u.x", i);
		assert_true(listing_add(&listing, DIRECTORY_NEW, name));
		if (i % 2 == 0) {
			snprintf(name, sizeof(name), "%u.x:2,S", i / 2);
			assert_true(listing_add(&listing, DIRECTORY_CUR, name));
		}
	}
	assert_int_equal(listing.count, COUNT_MAXIMUM);
	for (unsigned i = 0; i < COUNT_MAXIMUM; i++) {
		const struct listing_entry *entry;

		snprintf(name, sizeof(name), "%u.x", i);
		entry = listing_find(&listing, bytes_of_string(name));
		assert_non_null(entry);
		assert_int_equal(entry->directory,
			i < COUNT_MAXIMUM / 2 ? DIRECTORY_CUR : DIRECTORY_NEW);
	}
	listing_release(&listing);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_that_of_a_comparison),
		cmocka_unit_test(of_one_twice),
		cmocka_unit_test(of_none),
		cmocka_unit_test(names_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
