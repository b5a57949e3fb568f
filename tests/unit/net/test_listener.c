/* SPDX-License-Identifier: ISC */
/* On loopback and in a directory of its own; ports are the kernel's choice. */
#include "../check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listener.h"

#define ERROR_SIZE 512

static char directory[] = "/tmp/restante-listener-XXXXXX";

static int
open_listener(const char *address, bool reuses_port)
{
	char error[ERROR_SIZE] = "";
	int fd = -1;

	if (listener_open(bytes_of_string(address), reuses_port, &fd, error,
		    sizeof(error)) != OK)
		fail_msg("%s", error);
	assert_true(fd >= 0);
	return fd;
}

/* The descriptor is as it was, the sentence says the address and `why`. */
static void
assert_refused(const char *address, enum outcome wanted, const char *why)
{
	char error[ERROR_SIZE] = "";
	int fd = -7;

	assert_int_equal(listener_open(bytes_of_string(address), false, &fd,
				 error, sizeof(error)),
		wanted);
	assert_int_equal(fd, -7);
	assert_non_null(strstr(error, address));
	if (!strstr(error, why))
		fail_msg("no \"%s\" in: %s", why, error);
}

static void
bound_to(int fd, struct address *out)
{
	out->octets = sizeof(out->storage);
	assert_int_equal(getsockname(fd, &out->any, &out->octets), 0);
}

static int
connect_to(const struct address *address)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, &address->any, address->octets) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
has_option(int fd, int level, int name)
{
	socklen_t size = sizeof(int);
	int value = 0;

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value != 0;
}

static void
assert_flags(int fd)
{
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* ---- TCP ---- */

static void
check_tcp(const char *address, const char *host)
{
	int fd = open_listener(address, false), client, server;
	struct address here, client_at, peer;
	char a[ADDRESS_TEXT_SIZE], b[ADDRESS_TEXT_SIZE];

	assert_flags(fd);
	assert_int_equal(listener_accept(fd, &peer), -1);
	assert_int_equal(errno, EAGAIN);
	bound_to(fd, &here);
	client = connect_to(&here);
	server = listener_accept(fd, &peer);
	assert_true(client >= 0 && server >= 0);
	assert_flags(server);
	assert_true(has_option(server, IPPROTO_TCP, TCP_NODELAY));
	bound_to(client, &client_at);
	assert_string_equal(
		address_text(&peer, a), address_text(&client_at, b));
	assert_string_equal(address_host_text(&peer, a), host);
	close(client);
	close(server);
	close(fd);
}

/* Many containers have none, not even on loopback. */
static bool
has_v6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct address address;
	bool is_bound;

	assert_true(address_parse(BYTES("[::1]:0"), &address));
	is_bound = bind(fd, &address.any, address.octets) == 0;
	if (fd >= 0)
		close(fd);
	return is_bound;
}

static void
accepts_over_tcp(void **state)
{
	check_tcp("127.0.0.1:0", "127.0.0.1");
}

static void
needs_v6_accepts(void **state)
{
	if (!has_v6())
		skip();
	check_tcp("[::1]:0", "::1");
}

static const struct {
	const char *address;
	enum outcome outcome;
	const char *why;
} wrong[] = {
	{"", ERR_PEER, "not an address"},
	{"localhost:110", ERR_PEER, "not an address"},
	{"127.0.0.1", ERR_PEER, "192.0.2.1:995"},
	/* RFC 5737: no machine has it. */
	{"192.0.2.1:0", ERR_TRY_LATER, "no such address"},
	{"unix:", ERR_PEER, "not an address"},
	{"unix:relative", ERR_TRY_LATER, "cannot listen"},
	{"unix:/", ERR_TRY_LATER, "cannot listen"},
	{"unix:/no/such/directory/sock", ERR_TRY_LATER, "No such file"},
	/* Where nothing can be made it is not said that another listens. */
	{"unix:/proc/sock", ERR_TRY_LATER, "No such file"},
	{"unix:/dev/null/sock", ERR_TRY_LATER, "Not a directory"},
};

static void
says_what_is_wrong(void **state)
{
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_refused(
			wrong[i].address, wrong[i].outcome, wrong[i].why);
}

static void
says_that_another_listens(void **state)
{
	int fd = open_listener("127.0.0.1:0", false);
	struct address here;
	char text[ADDRESS_TEXT_SIZE];

	bound_to(fd, &here);
	assert_refused(address_text(&here, text), ERR_TRY_LATER,
		"another program listens there");
	close(fd);
	/* At once when that has gone, also with a connection left over. */
	fd = open_listener(text, false);
	close(fd);
}

static void
starts_again_behind_old_connections(void **state)
{
	int fd = open_listener("127.0.0.1:0", false), client, server;
	struct address here, peer;
	char text[ADDRESS_TEXT_SIZE];

	bound_to(fd, &here);
	client = connect_to(&here);
	server = listener_accept(fd, &peer);
	assert_true(client >= 0 && server >= 0);
	/* The server closes first: its end waits in TIME-WAIT. */
	close(server);
	close(fd);
	close(client);
	fd = open_listener(address_text(&here, text), false);
	close(fd);
}

/* A queue for each session process. */
static void
shares_a_port(void **state)
{
	int first = open_listener("127.0.0.1:0", true), second;
	struct address here;
	char text[ADDRESS_TEXT_SIZE];

	bound_to(first, &here);
	second = open_listener(address_text(&here, text), true);
	assert_true(has_option(second, SOL_SOCKET, SO_REUSEPORT));
	assert_refused(text, ERR_TRY_LATER, "another program");
	close(first);
	close(second);
}

/* 0.0.0.0:995 beside [::]:995: the second must not want the first's port. */
static void
needs_v6_leaves_v4_alone(void **state)
{
	char text[ADDRESS_TEXT_SIZE], both[ADDRESS_TEXT_SIZE];
	struct address here;
	int v4, v6;

	if (!has_v6())
		skip();
	v4 = open_listener("0.0.0.0:0", false);
	bound_to(v4, &here);
	address_text(&here, text);
	snprintf(both, sizeof(both), "[::]%.20s", strrchr(text, ':'));
	v6 = open_listener(both, false);
	close(v6);
	close(v4);
}

/* ---- unix sockets ---- */

/* "unix:" and the path; static, the last one only. */
static const char *
in_directory(const char *name)
{
	static char address[512];

	snprintf(address, sizeof(address), "unix:%s/%s", directory, name);
	return address;
}

static int
connect_in_directory(const char *name)
{
	struct address address;

	assert_true(
		address_parse(bytes_of_string(in_directory(name)), &address));
	return connect_to(&address);
}

/* As /run/restante is after a boot without systemd. */
static void
makes_the_folder(void **state)
{
	struct stat file;
	int fd = open_listener(in_directory("run/sock"), false);

	close(fd);
	assert_int_equal(stat(in_directory("run") + 5, &file), 0);
	assert_true(S_ISDIR(file.st_mode));
	assert_int_equal(file.st_mode & 07022, 0);
	unlink(in_directory("run/sock") + 5);
	assert_int_equal(rmdir(in_directory("run") + 5), 0);
}

static void
accepts_over_unix(void **state)
{
	int fd, client, server;
	struct address peer;
	struct stat file;
	char text[ADDRESS_TEXT_SIZE];
	mode_t before = umask(0);

	fd = open_listener(in_directory("sock"), true);
	umask(before);
	assert_flags(fd);
	assert_int_equal(stat(in_directory("sock") + 5, &file), 0);
	assert_true(S_ISSOCK(file.st_mode));
	assert_int_equal(file.st_mode & 07777, 0660);
	client = connect_in_directory("sock");
	server = listener_accept(fd, &peer);
	assert_true(client >= 0 && server >= 0);
	assert_flags(server);
	assert_string_equal(address_text(&peer, text), "unix");
	assert_true(address_is_loopback(&peer));
	close(client);
	close(server);
	close(fd);
}

/* Left behind by a server that was killed. */
static void
replaces_a_stale_socket(void **state)
{
	int fd = open_listener(in_directory("stale"), false), client;

	close(fd);
	assert_int_equal(connect_in_directory("stale"), -1);
	fd = open_listener(in_directory("stale"), false);
	client = connect_in_directory("stale");
	assert_true(client >= 0);
	close(client);
	close(fd);
}

static void
keeps_a_living_socket(void **state)
{
	int fd = open_listener(in_directory("living"), false), client, server;
	struct address peer;

	assert_refused(in_directory("living"), ERR_TRY_LATER,
		"another program listens there");
	/* It still is the other's; what knocked was no client. */
	client = connect_in_directory("living");
	assert_true(client >= 0);
	server = listener_accept(fd, &peer);
	assert_true(server >= 0);
	close(server);
	close(client);
	close(fd);
}

/* A slip in the configuration must not cost a file. */
static void
keeps_what_is_no_socket(void **state)
{
	struct stat file;
	int fd;

	fd = open(
		in_directory("mbox") + 5, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "From ", 5), 5);
	close(fd);
	assert_refused(in_directory("mbox"), ERR_TRY_LATER, "is no socket");
	assert_int_equal(stat(in_directory("mbox") + 5, &file), 0);
	assert_true(S_ISREG(file.st_mode));
	assert_int_equal(file.st_size, 5);
	fd = open_listener(in_directory("stale"), false);
	close(fd);
	assert_int_equal(symlink("stale", in_directory("link") + 5), 0);
	assert_refused(in_directory("link"), ERR_TRY_LATER, "is no socket");
	assert_int_equal(lstat(in_directory("link") + 5, &file), 0);
	assert_true(S_ISLNK(file.st_mode));
	assert_int_equal(mkdir(in_directory("folder") + 5, 0700), 0);
	assert_refused(in_directory("folder"), ERR_TRY_LATER, "cannot listen");
}

#define LONG_NAME                                                              \
	"a-directory-with-a-name-that-is-longer-than-a-socket-address-takes-"  \
	"which-is-one-hundred-and-seven-octets-and-not-more"

static void
takes_long_paths(void **state)
{
	int fd;
	struct stat file;

	assert_int_equal(mkdir(in_directory(LONG_NAME) + 5, 0700), 0);
	fd = open_listener(in_directory(LONG_NAME "/sock"), false);
	assert_int_equal(stat(in_directory(LONG_NAME "/sock") + 5, &file), 0);
	assert_true(S_ISSOCK(file.st_mode));
	close(fd);
	/* But not of the name itself. */
	assert_refused(in_directory(LONG_NAME "/" LONG_NAME), ERR_TRY_LATER,
		"cannot listen");
}

static int
make_directory(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int
remove_directory(void **state)
{
	static const char *const names[] = {
		"sock", "stale", "living", "mbox", "link", LONG_NAME "/sock"};

	for (size_t i = 0; i < COUNT(names); i++)
		unlink(in_directory(names[i]) + 5);
	rmdir(in_directory("folder") + 5);
	rmdir(in_directory(LONG_NAME) + 5);
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_over_tcp),
		cmocka_unit_test(needs_v6_accepts),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(says_that_another_listens),
		cmocka_unit_test(starts_again_behind_old_connections),
		cmocka_unit_test(shares_a_port),
		cmocka_unit_test(needs_v6_leaves_v4_alone),
		cmocka_unit_test(makes_the_folder),
		cmocka_unit_test(accepts_over_unix),
		cmocka_unit_test(replaces_a_stale_socket),
		cmocka_unit_test(keeps_a_living_socket),
		cmocka_unit_test(keeps_what_is_no_socket),
		cmocka_unit_test(takes_long_paths),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
