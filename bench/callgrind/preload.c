/* SPDX-License-Identifier: ISC */
/*
 * preload - what lets valgrind follow restanted: a role is made by executing
 * /proc/self/exe, which under valgrind is valgrind itself; valgrind knows no
 * seccomp(2), so a role gets no filter; and SIGUSR2 makes a
 * process write down what it counted since the last time.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#define VARIABLES_MOST 64

static char program[PATH_MAX];
static char preload[PATH_MAX + sizeof("LD_PRELOAD=")];
static char program_variable[PATH_MAX + sizeof("RESTANTE_PROGRAM=")];

static void
on_signal(int number)
{
	CALLGRIND_DUMP_STATS;
}

__attribute__((constructor)) static void
begin(void)
{
	struct sigaction action = {
		.sa_handler = on_signal, .sa_flags = SA_RESTART};
	const char *given = getenv("RESTANTE_PROGRAM");
	const char *self = getenv("LD_PRELOAD");

	snprintf(program, sizeof(program), "%s", given ? given : "");
	snprintf(program_variable, sizeof(program_variable),
		"RESTANTE_PROGRAM=%s", program);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", self ? self : "");
	sigaction(SIGUSR2, &action, NULL);
}

/*
 * Of libseccomp, whose header need not be here: what asks the kernel whether it
 * can do a thing would hear that it cannot.
 */
int seccomp_attr_set(void *filter, int attribute, unsigned value);
int seccomp_rule_add(
	void *filter, unsigned action, int call, unsigned count, ...);
int seccomp_load(const void *filter);

int
seccomp_attr_set(void *filter, int attribute, unsigned value)
{
	return 0;
}

int
seccomp_rule_add(void *filter, unsigned action, int call, unsigned count, ...)
{
	return 0;
}

int
seccomp_load(const void *filter)
{
	return 0;
}

int
execve(const char *path, char *const arguments[], char *const variables[])
{
	char *more[VARIABLES_MOST + 3];
	size_t count = 0;

	if (strcmp(path, "/proc/self/exe") != 0)
		return (int)syscall(SYS_execve, path, arguments, variables);
	/* The parent leaves the role only variables that it knows. */
	while (variables[count] && count < VARIABLES_MOST) {
		more[count] = variables[count];
		count++;
	}
	more[count++] = preload;
	more[count++] = program_variable;
	more[count] = NULL;
	return (int)syscall(SYS_execve, program, arguments, more);
}
