/* SPDX-License-Identifier: ISC */
#include "../check.h"
#include "server/watchers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	unsigned *seen = poll->data;

	assert_int_equal(status, 0);
	assert_int_equal(events, UV_READABLE);
	++*seen;
	uv_poll_stop(poll);
}

/* A socket with an octet in it, under a number of our choice. */
static void
open_at(int number)
{
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(dup3(ends[0], number, O_CLOEXEC), number);
	close(ends[0]);
	close(ends[1]);
}

static void
run_with(struct watchers *watchers, uv_loop_t *loop, int number, unsigned *seen)
{
	uv_poll_t *handle = watchers_get(watchers, loop, number);

	assert_non_null(handle);
	handle->data = seen;
	assert_int_equal(uv_poll_start(handle, UV_READABLE, on_readable), 0);
	uv_run(loop, UV_RUN_DEFAULT);
}

static void
free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void
end(struct watchers *watchers, uv_loop_t *loop)
{
	for (size_t i = 0; i < watchers->count; i++)
		if (watchers->handles[i])
			uv_close((uv_handle_t *)watchers->handles[i],
				free_handle);
	free(watchers->handles);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}

static void
the_next_of_a_number_gets_the_handle(void **state)
{
	struct watchers watchers = {0};
	unsigned seen = 0;
	uv_poll_t *first;
	uv_loop_t loop;

	uv_loop_init(&loop);
	open_at(100);
	run_with(&watchers, &loop, 100, &seen);
	first = watchers_get(&watchers, &loop, 100);
	close(100);
	open_at(100);
	open_at(200);
	run_with(&watchers, &loop, 100, &seen);
	run_with(&watchers, &loop, 200, &seen);
	assert_int_equal(seen, 3);
	assert_ptr_equal(watchers_get(&watchers, &loop, 100), first);
	assert_ptr_not_equal(watchers_get(&watchers, &loop, 200), first);
	end(&watchers, &loop);
	close(100);
	close(200);
}

static void
what_cannot_be_watched_has_none(void **state)
{
	struct watchers watchers = {0};
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	uv_loop_t loop;

	uv_loop_init(&loop);
	/* epoll takes no file. */
	assert_null(watchers_get(&watchers, &loop, fd));
	end(&watchers, &loop);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_of_a_number_gets_the_handle),
		cmocka_unit_test(what_cannot_be_watched_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
