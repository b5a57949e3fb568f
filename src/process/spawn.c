/* SPDX-License-Identifier: ISC */
#include "process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What a role may know of the environment it was started in. */
static const char *const kept[] = {"TZ", "LANG", "LC_ALL", "NO_COLOR",
	"JOURNAL_STREAM", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
	"TSAN_OPTIONS"};
#define KEPT (sizeof(kept) / sizeof(*kept))

#define VARIABLE_MAXIMUM_OCTETS 1024

static void
reduce_environment(
	char *variables[KEPT + 1], char memory[KEPT][VARIABLE_MAXIMUM_OCTETS])
{
	size_t count = 0;

	for (size_t i = 0; i < KEPT; i++) {
		const char *value = getenv(kept[i]);

		if (!value || snprintf(memory[count], VARIABLE_MAXIMUM_OCTETS,
				      "%s=%s", kept[i],
				      value) >= VARIABLE_MAXIMUM_OCTETS)
			continue;
		variables[count] = memory[count];
		count++;
	}
	variables[count] = NULL;
}

static void
reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Closed, or taken by a file of the parent's that is not for the role. */
static bool
is_missing(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags < 0 || flags & FD_CLOEXEC;
}

/*
 * In the child: only what is safe after fork. The channel goes first: when the
 * program was started without 0, 1 or 2, it may be one of them; and whatever
 * would be opened as 2 later would be written the log.
 */
static void
arrange_descriptors(int channel_fd)
{
	int null;

	if (channel_fd == SPAWN_CHANNEL_FD)
		fcntl(channel_fd, F_SETFD, 0);
	else
		dup2(channel_fd, SPAWN_CHANNEL_FD);
	null = open("/dev/null", O_RDWR);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd == STDIN_FILENO || is_missing(fd))
			dup2(null, fd);
	close_range(SPAWN_CHANNEL_FD + 1, ~0U, 0);
}

__attribute__((noreturn)) static void
become(char *const arguments[], char *const variables[], int channel_fd,
	pid_t parent)
{
	/* A role without its parent would hold ports and locks for ever. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	reset_signals();
	arrange_descriptors(channel_fd);
	execve("/proc/self/exe", arguments, variables);
	_exit(127);
}

enum outcome
spawn_role(const char *role, unsigned number, int *channel_fd, pid_t *out_pid)
{
	char memory[KEPT][VARIABLE_MAXIMUM_OCTETS], digits[16], name[64];
	char *variables[KEPT + 1];
	char program[] = "restanted", role_flag[] = "--role",
	     number_flag[] = "--number";
	char *const arguments[] = {
		program, role_flag, name, number_flag, digits, NULL};
	pid_t parent = getpid(), pid;

	snprintf(name, sizeof(name), "%s", role);
	snprintf(digits, sizeof(digits), "%u", number);
	reduce_environment(variables, memory);
	pid = fork();
	if (pid < 0)
		return outcome_of_errno(errno);
	if (pid == 0)
		become(arguments, variables, *channel_fd, parent);
	close(*channel_fd);
	*channel_fd = -1;
	*out_pid = pid;
	return OK;
}
