/* SPDX-License-Identifier: ISC */
/*
 * spawn_role executes this very program: with --role it is the role, which
 * says what it finds around itself.
 */
#include "../check.h"
#include "descriptors.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "process/channel.h"
#include "process/spawn.h"

#define SECONDS_MOST	 20 /* of the whole program */
#define PATIENCE_SECONDS 5  /* a role that lives on says so after this */

extern char **environ;

/* ---- the role ---- */

/* One line: what the parent's test compares. */
static void
describe(char *out, size_t size, int argc, char *const argv[])
{
	struct stat null, input;
	sigset_t blocked;
	int death = 0;
	size_t used = 0;

	for (int i = 0; i < argc; i++)
		used += (size_t)snprintf(
			out + used, size - used, "%s ", argv[i]);
	for (int fd = 0; fd < 100; fd++)
		if (is_open(fd))
			used += (size_t)snprintf(
				out + used, size - used, "%d", fd);
	for (int i = 0; environ[i]; i++)
		used += (size_t)snprintf(
			out + used, size - used, " %s", environ[i]);
	prctl(PR_GET_PDEATHSIG, &death);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	stat("/dev/null", &null);
	fstat(STDIN_FILENO, &input);
	snprintf(out + used, size - used, " death=%d usr1=%s int=%s null=%d",
		death, sigismember(&blocked, SIGUSR1) ? "blocked" : "open",
		signal(SIGINT, SIG_DFL) == SIG_DFL ? "default" : "ignored",
		null.st_rdev == input.st_rdev);
}

/* A name decides what it does after that. */
static int
be_role(int argc, char *argv[])
{
	struct message message;
	char text[4096];

	message_init(&message, 1, (uint64_t)getpid());
	describe(text, sizeof(text), argc, argv);
	message_put_string(&message, text);
	if (channel_send_blocking(SPAWN_CHANNEL_FD, &message) != OK)
		return 1;
	if (!strcmp(argv[2], "patient")) {
		sleep(PATIENCE_SECONDS);
		channel_send_blocking(SPAWN_CHANNEL_FD, &message);
	}
	message_release(&message);
	return 3;
}

/* ---- tests ---- */

static char role_text[4096];
static pid_t role_pid;

/* What the role says first. */
static enum outcome
hear(int fd)
{
	struct message_reader reader;
	struct message message;
	enum outcome outcome;

	message_init(&message, 0, 0);
	outcome = channel_receive_blocking(fd, &message);
	if (outcome == OK) {
		message_reader_init(&reader, &message);
		message_get_string(&reader, role_text, sizeof(role_text));
		assert_true(message_reader_finish(&reader));
		role_pid = (pid_t)message.subject;
	}
	message_release(&message);
	return outcome;
}

static void
set_environment(void)
{
	clearenv();
	setenv("PATH", "/bin", 1);
	setenv("LD_PRELOAD", "", 1);
	setenv("SECRET", "correct horse", 1);
	setenv("TZ", "UTC", 1);
	setenv("LANG", "C", 1);
}

static void
starts_a_role(void **state)
{
	unsigned before = count_descriptors();
	char text[256];
	sigset_t usr1;
	int fds[2], status;
	pid_t pid;

	/* Neither reaches the role. */
	signal(SIGINT, SIG_IGN);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	set_environment();
	assert_int_equal(channel_pair(fds), OK);
	assert_int_equal(dup2(fds[0], 50), 50);
	assert_int_equal(spawn_role("session", 7, &fds[1], &pid), OK);
	assert_int_equal(fds[1], -1);
	assert_int_equal(hear(fds[0]), OK);
	assert_int_equal(role_pid, pid);
	snprintf(text, sizeof(text),
		"restanted --role session --number 7 0123 TZ=UTC LANG=C "
		"death=%d usr1=open int=default null=1",
		SIGKILL);
	assert_string_equal(role_text, text);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	/* It had the only other end. */
	assert_int_equal(hear(fds[0]), ERR_GONE);
	close(fds[0]);
	close(50);
	assert_int_equal(count_descriptors(), before);
}

/* Wherever the channel happens to be, also where it shall be. */
static void
finds_its_channel(void **state)
{
	for (int at = SPAWN_CHANNEL_FD; at < 7; at++) {
		int fds[2], ours, status;
		pid_t pid;

		assert_int_equal(channel_pair(fds), OK);
		ours = fcntl(fds[0], F_DUPFD_CLOEXEC, 60);
		close(fds[0]);
		if (fds[1] != at) {
			assert_int_equal(dup3(fds[1], at, O_CLOEXEC), at);
			close(fds[1]);
			fds[1] = at;
		}
		assert_int_equal(spawn_role("auth", 0, &fds[1], &pid), OK);
		assert_int_equal(hear(ours), OK);
		assert_non_null(strstr(role_text, "--number 0 0123 "));
		waitpid(pid, &status, 0);
		close(ours);
	}
}

/* As started by something that closes even these: a descriptor in their place
   would be taken for the log. */
static void
starts_without_standard_descriptors(void **state)
{
	int fds[2], status;
	pid_t pid, role;

	assert_int_equal(channel_pair(fds), OK);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		/* The channel is 0, a file that is not for the role 1. */
		if (dup3(fds[1], STDIN_FILENO, O_CLOEXEC) < 0 ||
			dup3(fds[0], STDOUT_FILENO, O_CLOEXEC) < 0)
			_exit(1);
		close(fds[0]);
		close(fds[1]);
		fds[1] = STDIN_FILENO;
		if (spawn_role("store", 1, &fds[1], &role) != OK)
			_exit(1);
		waitpid(role, &status, 0);
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(hear(fds[0]), OK);
	assert_non_null(strstr(role_text, "--number 1 0123 "));
	assert_non_null(strstr(role_text, "null=1"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fds[0]);
}

/* A role without its parent would hold ports and locks for ever. */
static void
dies_with_its_parent(void **state)
{
	int fds[2], status;
	pid_t parent, role;

	assert_int_equal(channel_pair(fds), OK);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		close(fds[0]);
		if (spawn_role("patient", 0, &fds[1], &role) == OK)
			pause();
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(hear(fds[0]), OK);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(hear(fds[0]), ERR_GONE);
	close(fds[0]);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_a_role),
		cmocka_unit_test(finds_its_channel),
		cmocka_unit_test(starts_without_standard_descriptors),
		cmocka_unit_test(dies_with_its_parent),
	};

	if (argc > 2 && !strcmp(argv[1], "--role"))
		return be_role(argc, argv);
	alarm(SECONDS_MOST);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
