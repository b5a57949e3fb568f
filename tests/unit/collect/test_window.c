/* SPDX-License-Identifier: ISC */
#include "folder.h"

#include "collect/window.h"

#define MS_A_STEP 10

/* `seconds` of a line that carries `rate` octets a second. */
static void
carry(struct window *w, uint64_t *now_ms, uint64_t rate, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 1000 / MS_A_STEP; i++) {
		*now_ms += MS_A_STEP;
		window_received(w, *now_ms, rate * MS_A_STEP / 1000);
	}
}

static uint64_t
after(uint64_t rate, uint64_t round_trip_ms)
{
	uint64_t now_ms = 1000;
	struct window w;

	window_init(&w);
	assert_int_equal(w.octets, WINDOW_START_OCTETS);
	window_asked(&w, now_ms, true);
	now_ms += round_trip_ms;
	window_received(&w, now_ms, 0);
	assert_int_equal(w.round_trip_ms, round_trip_ms);
	carry(&w, &now_ms, rate, 20);
	return w.octets;
}

/* Twice what is carried in a round trip, within its bounds. */
static void
follows_the_line(void **state)
{
	assert_int_equal(after(10u << 10, 100), WINDOW_MINIMUM_OCTETS);
	assert_in_range(after(100u << 20, 100), 20u << 20, 24u << 20);
	assert_int_equal(after(1000u << 20, 300), WINDOW_MAXIMUM_OCTETS);
	assert_in_range(after(10u << 20, 300), 6u << 20, 12u << 20);
}

/* Time in which nothing was asked for says nothing of the line. */
static void
does_not_count_idle_time(void **state)
{
	uint64_t now_ms = 1000;
	struct window w;

	window_init(&w);
	for (int i = 0; i < 50; i++) {
		window_asked(&w, now_ms, true);
		now_ms += 100;
		window_received(&w, now_ms, 0);
		carry(&w, &now_ms, 100u << 20, 1);
		now_ms += 3600000;
	}
	assert_in_range(w.octets, 20u << 20, 24u << 20);
}

/* The least that was seen is the line's; the rest is the server's. */
static void
keeps_the_least_round_trip(void **state)
{
	struct window w;

	window_init(&w);
	window_asked(&w, 1000, true);
	window_received(&w, 1300, 0);
	window_asked(&w, 2000, true);
	window_received(&w, 2050, 0);
	window_asked(&w, 3000, true);
	window_asked(&w, 3100, false);
	window_received(&w, 3400, 0);
	assert_int_equal(w.round_trip_ms, 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_line),
		cmocka_unit_test(does_not_count_idle_time),
		cmocka_unit_test(keeps_the_least_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
