/* SPDX-License-Identifier: ISC */
/*
 * cutter - kills a program before its N-th system call that changes anything
 * outside of it, counted over all of its threads.
 *
 * usage: cutter N COMMAND...     starts it; 137 when it was killed, else its
 *                                own exit code
 *        cutter N -p PID         attaches, says "attached", until it ends
 *
 * By ptrace(2): the program is not changed, its sandbox does not matter, and
 * the call at which it is killed is not carried out. LD_PRELOAD would miss what
 * libraries do within themselves; seccomp's notifications would need a filter in
 * front of the program's own.
 */
#include <dirent.h>
#include <elf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#define KILLED	137
#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)

/* openat is for files that are made. */
static const long changing[] = {
	SYS_openat,
	SYS_mkdirat,
	SYS_pwrite64,
	SYS_fsync,
	SYS_fdatasync,
	SYS_syncfs,
	SYS_linkat,
	SYS_renameat2,
	SYS_unlinkat,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_write,
	SYS_writev,
	SYS_sendto,
	SYS_sendmsg,
#ifdef SYS_rename
	SYS_rename,
	SYS_link,
	SYS_unlink,
	SYS_mkdir,
	SYS_open,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
};

static bool
is_changing(long call)
{
	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
		if (changing[i] == call)
			return true;
	return false;
}

/* A thread stands before or behind a call. True: it begins one that counts. */
static bool
begins_change(pid_t thread)
{
	struct __ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) >
		       0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY &&
	       is_changing((long)info.entry.nr);
}

static int
signal_to_deliver(int status)
{
	int number = WSTOPSIG(status);

	return status >> 16 || number == (SIGTRAP | 0x80) ? 0 : number;
}

/* Until the program has ended: KILLED, or its exit code. */
static int
follow(pid_t pid, unsigned long n)
{
	unsigned long count = 0;
	int status, code = 0;

	for (;;) {
		pid_t thread = waitpid(-1, &status, __WALL);

		if (thread < 0)
			return code;
		if (thread == pid && WIFEXITED(status))
			code = WEXITSTATUS(status);
		if (!WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
			begins_change(thread) && ++count == n) {
			code = KILLED;
			kill(pid, SIGKILL);
			continue;
		}
		ptrace(PTRACE_SYSCALL, thread, NULL, signal_to_deliver(status));
	}
}

/* ---- beginnings ---- */

/* It waits for the end of the pipe, until it is followed. */
static pid_t
start(char **command)
{
	int wait_here[2];
	pid_t pid;
	char octet;

	if (pipe(wait_here) != 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		close(wait_here[1]);
		(void)!read(wait_here[0], &octet, 1);
		close(wait_here[0]);
		execv(command[0], command);
		_exit(127);
	}
	close(wait_here[0]);
	if (ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS) != 0 ||
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
		return -1;
	close(wait_here[1]);
	return pid;
}

static bool
attach(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	while (threads && (entry = readdir(threads))) {
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

		if (thread > 0 &&
			(ptrace(PTRACE_SEIZE, thread, NULL, OPTIONS) != 0 ||
				ptrace(PTRACE_INTERRUPT, thread, NULL, NULL)))
			return false;
	}
	if (threads)
		closedir(threads);
	return threads != NULL;
}

int
main(int argc, char **argv)
{
	unsigned long n = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	bool is_there = argc == 4 && !strcmp(argv[2], "-p");
	pid_t pid;

	if (n == 0) {
		fputs("usage: cutter N COMMAND... | cutter N -p PID\n", stderr);
		return 64;
	}
	pid = is_there ? (pid_t)strtol(argv[3], NULL, 10) : start(argv + 2);
	if (pid <= 0 || (is_there && !attach(pid))) {
		perror("cutter");
		return 71;
	}
	if (is_there)
		puts("attached");
	(void)fflush(stdout);
	return follow(pid, n);
}
