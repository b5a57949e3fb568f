/* SPDX-License-Identifier: ISC */
/* Each try in a child of its own, since there is no way back. */
#include "../check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/landlock.h"

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__,          \
				__LINE__, #condition, strerror(errno));        \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static char folder[] = "/tmp/restante-landlock-XXXXXX";
static int inside = -1;

static int
set_up(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	inside = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return mkdirat(inside, "a", 0700) + mkdirat(inside, "b", 0700);
}

static int
tear_down(void **state)
{
	unlinkat(inside, "b/file", 0);
	unlinkat(inside, "a", AT_REMOVEDIR);
	unlinkat(inside, "b", AT_REMOVEDIR);
	close(inside);
	return rmdir(folder);
}

static void
in_child(void (*run)(int version), const struct landlock_rules *rules)
{
	pid_t pid = fork();
	int status, version = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		MUST(landlock_enter(rules, &version) == OK);
		if (version > 0)
			run(version);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
use_the_folder(int version)
{
	int fd = openat(inside, "a/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	MUST(fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0);
	MUST(renameat(inside, "a/file", inside, "b/file") == 0);
	MUST(symlinkat("x", inside, "a/link") < 0 && errno == EACCES);
	MUST(mkfifoat(inside, "a/fifo", 0600) < 0 && errno == EACCES);
	MUST(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	MUST(open("/tmp", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
}

static void
use_anything(int version)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};

	MUST(openat(inside, "a/file", O_RDWR | O_CREAT, 0600) < 0 &&
		errno == EACCES);
	MUST(open("/", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
	if (version < 4)
		return;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to,
		     sizeof(to)) < 0 &&
		errno == EACCES);
}

static void
test_a_folder_and_nothing_else(void **state)
{
	struct landlock_folder one = {inside, false};

	in_child(use_the_folder, &(struct landlock_rules){&one, 1, false});
}

static void
test_nothing_at_all(void **state)
{
	in_child(use_anything, &(struct landlock_rules){NULL, 0, false});
}

static void
read_and_connect(int version)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};

	MUST(openat(inside, "kept", O_RDONLY | O_CLOEXEC) >= 0);
	MUST(openat(inside, "kept", O_RDWR | O_CLOEXEC) < 0 && errno == EACCES);
	MUST(openat(inside, "new", O_RDWR | O_CREAT, 0600) < 0 &&
		errno == EACCES);
	MUST(unlinkat(inside, "kept", 0) < 0 && errno == EACCES);
	MUST(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	if (version < 4)
		return;
	/* Nobody listens there, but it was tried. */
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to,
		     sizeof(to)) == 0 ||
		errno == ECONNREFUSED);
	to.sin_port = htons(1);
	MUST(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to,
		     sizeof(to)) < 0 &&
		errno == EACCES);
}

static void
test_to_read_and_to_connect(void **state)
{
	struct landlock_folder one = {inside, true};
	int fd = openat(inside, "kept", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
	in_child(read_and_connect, &(struct landlock_rules){&one, 1, true});
	unlinkat(inside, "kept", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_folder_and_nothing_else),
		cmocka_unit_test(test_nothing_at_all),
		cmocka_unit_test(test_to_read_and_to_connect),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
