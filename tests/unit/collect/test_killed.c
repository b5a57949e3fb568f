/* SPDX-License-Identifier: ISC */
/*
 * A run is killed at every change that it makes to a Maildir, the next one goes
 * on, and then the power goes: what the sink took is there, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/sink.h"
#include "disk.h"

#include <fcntl.h>
#include <string.h>

#define CUTS_MAXIMUM 500
#define TEXT	     "X: 1\r\n\r\nhello\r\n"

static uint64_t time_ns, random_state;

static uint64_t
now_ns(void)
{
	time_ns += 10000000;
	return time_ns;
}

static uint64_t
number(void)
{
	random_state = random_state * 6364136223846793005u + 1;
	return random_state;
}

static const struct disk_world world = {.now_ns = now_ns, .random = number};
static struct disk *disk;
static struct disk_process process;

/* One message of a run. */
static enum outcome
file_one(const char *uidl)
{
	struct sink_options options = {
		.files = &process.files,
		.account = "alice",
		.target = "/home/Mail/alice",
		.was_interrupted = true,
	};
	const struct sink_ops *ops = sink_find("maildir");
	struct message_key key = {bytes_of_string(uidl), 0};
	struct sink_delivery *delivery = NULL;
	char error[SINK_ERROR_SIZE];
	struct sink *sink = NULL;
	enum outcome outcome = ops->open(&options, &sink, error);

	if (outcome == OK)
		outcome = ops->begin(sink, &key, &delivery);
	if (outcome == OK)
		outcome = ops->put(sink, delivery, bytes_of_string(TEXT));
	if (outcome == OK)
		outcome = ops->end(sink, delivery);
	if (outcome == OK)
		ops->flush(sink, &delivery, 1, &outcome);
	if (sink)
		ops->drop(sink, &delivery);
	ops->close(&sink);
	assert_int_equal(process.open, 0);
	return outcome;
}

static bool
count(void *context, const char *name)
{
	++*(unsigned *)context;
	return true;
}

/* False: it is not killed so late. */
static bool
kill_at(unsigned n)
{
	unsigned there = 0;
	bool was_killed;

	disk = disk_new(&world);
	disk_process_init(&process, disk);
	process.dies_at = n;
	(void)file_one("one");
	was_killed = process.is_dead;
	disk_process_init(&process, disk);
	assert_int_equal(file_one("one"), OK);
	disk_power_cut(disk, DISK_LOSES_ALL);
	disk_process_init(&process, disk);
	assert_int_equal(process.files.list(&process.files, AT_FDCWD,
				 "/home/Mail/alice/new", count, &there),
		0);
	assert_int_equal(there, 1);
	disk_free(&disk);
	return was_killed;
}

static void
what_the_next_run_files_stays(void **state)
{
	unsigned n = 1;

	while (n < CUTS_MAXIMUM && kill_at(n))
		n++;
	assert_in_range(n, 10, CUTS_MAXIMUM - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_next_run_files_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
