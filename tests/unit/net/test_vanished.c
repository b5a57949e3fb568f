/* SPDX-License-Identifier: ISC */
/* That a peer is found to have vanished needs another machine to vanish from:
   tests/system/test_vanished.py. */
#include "../check.h"
#include "net/listener.h"
#include "net/vanished.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t octets = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &octets), 0);
	return value;
}

/* Both ends of a connection to a listening socket. */
static void
join(int listening, int ends[2])
{
	struct address to = {.octets = sizeof(to.storage)}, peer;
	struct pollfd wait = {.fd = listening, .events = POLLIN};

	assert_int_equal(getsockname(listening, &to.any, &to.octets), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(ends[0], &to.any, to.octets), 0);
	assert_int_equal(poll(&wait, 1, 10000), 1);
	ends[1] = listener_accept(listening, &peer);
	assert_true(ends[1] >= 0);
}

static int
listening(uint64_t seconds)
{
	char error[256];
	int fd = -1;

	assert_int_equal(listener_open(bytes_of_string("127.0.0.1:0"), false,
				 &fd, error, sizeof(error)),
		OK);
	vanished_ask(fd, seconds);
	return fd;
}

static void
close_all(int fd, const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

static void
test_accepted_are_asked(void **state)
{
	int fd = listening(30), ends[2];

	join(fd, ends);
	assert_int_equal(option(ends[1], SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(ends[1], IPPROTO_TCP, TCP_KEEPIDLE), 15);
	assert_int_equal(option(ends[1], IPPROTO_TCP, TCP_KEEPINTVL), 5);
	assert_int_equal(option(ends[1], IPPROTO_TCP, TCP_KEEPCNT), 3);
	close_all(fd, ends);
}

static void
test_never_less_than_a_second(void **state)
{
	int fd = listening(1), ends[2];

	join(fd, ends);
	assert_int_equal(option(ends[1], IPPROTO_TCP, TCP_KEEPIDLE), 1);
	assert_int_equal(option(ends[1], IPPROTO_TCP, TCP_KEEPINTVL), 1);
	close_all(fd, ends);
}

static void
test_not_asked(void **state)
{
	int fd = listening(0), ends[2];

	join(fd, ends);
	assert_int_equal(option(ends[1], SOL_SOCKET, SO_KEEPALIVE), 0);
	close_all(fd, ends);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	vanished_ask(ends[0], 30);
	assert_int_equal(option(ends[0], SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_false(vanished_is(ends[0], 1));
	assert_false(vanished_was(ends[0]));
	close(ends[0]);
	close(ends[1]);
}

/* It has no room, and its kernel says so each time it is asked. */
static void
test_reads_nothing_and_is_there(void **state)
{
	static const char octets[65536];
	int fd = listening(30), ends[2];

	join(fd, ends);
	while (send(ends[1], octets, sizeof(octets), MSG_DONTWAIT) > 0)
		continue;
	sleep(2);
	assert_false(vanished_is(ends[1], 1));
	assert_false(vanished_was(ends[1]));
	close_all(fd, ends);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted_are_asked),
		cmocka_unit_test(test_never_less_than_a_second),
		cmocka_unit_test(test_not_asked),
		cmocka_unit_test(test_reads_nothing_and_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
