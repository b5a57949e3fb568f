/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/syslog_socket.h"

static struct sockaddr_un place = {.sun_family = AF_UNIX};
static int daemon_fd = -1, fd = -1;

static int
start_daemon(void)
{
	unlink(place.sun_path);
	daemon_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	return bind(daemon_fd, (struct sockaddr *)&place, sizeof(place));
}

static int
set_up(void **state)
{
	char folder[] = "/tmp/restante-syslog-XXXXXX";

	if (!mkdtemp(folder))
		return -1;
	snprintf(place.sun_path, sizeof(place.sun_path), "%s/log", folder);
	if (start_daemon() < 0)
		return -1;
	fd = syslog_socket_open(place.sun_path);
	return fd < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	close(fd);
	close(daemon_fd);
	unlink(place.sun_path);
	*strrchr(place.sun_path, '/') = '\0';
	return rmdir(place.sun_path);
}

static void
test_a_line_arrives(void **state)
{
	char got[4096] = "", end[64];
	int priority = 0;

	assert_true(syslog_socket_send(fd, LOG_MAIL | LOG_WARNING,
		"restante[12]", "auth-failed addr=x"));
	assert_true(recv(daemon_fd, got, sizeof(got) - 1, 0) > 0);
	assert_int_equal(sscanf(got, "<%d>", &priority), 1);
	assert_int_equal(priority, 16 + 4);
	snprintf(end, sizeof(end), " restante[12]: auth-failed addr=x");
	assert_string_equal(got + strlen(got) - strlen(end), end);
	/* "<20>Nov 24 11:22:33" */
	assert_int_equal(strlen(got) - strlen(end), strlen("<20>") + 15);
}

static void
test_a_long_line_is_cut(void **state)
{
	char line[4000], got[4096];
	ssize_t octets;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_true(
		syslog_socket_send(fd, LOG_MAIL | LOG_INFO, "restante", line));
	octets = recv(daemon_fd, got, sizeof(got), 0);
	assert_true(octets > 2048 && octets < 2400);
	assert_int_equal(got[octets - 1], 'x');
}

/* Nobody reads: the mail goes on. */
static void
test_a_full_socket_does_not_block(void **state)
{
	bool is_sent = true;

	for (int i = 0; i < 100000 && is_sent; i++)
		is_sent = syslog_socket_send(
			fd, LOG_MAIL | LOG_INFO, "restante", "line");
	assert_false(is_sent);
}

static void
test_a_daemon_that_went(void **state)
{
	close(daemon_fd);
	assert_false(syslog_socket_send(
		fd, LOG_MAIL | LOG_INFO, "restante", "line"));
	assert_int_equal(start_daemon(), 0);
	/* Another one at the same place is asked for by opening anew. */
	assert_false(syslog_socket_send(
		fd, LOG_MAIL | LOG_INFO, "restante", "line"));
	close(fd);
	fd = syslog_socket_open(place.sun_path);
	assert_true(syslog_socket_send(
		fd, LOG_MAIL | LOG_INFO, "restante", "line"));
}

static void
test_no_daemon(void **state)
{
	assert_int_equal(syslog_socket_open("/nonexistent/log"), -1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_line_arrives),
		TEST(test_a_long_line_is_cut),
		TEST(test_a_full_socket_does_not_block),
		TEST(test_a_daemon_that_went),
		TEST(test_no_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
