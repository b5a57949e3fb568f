/* SPDX-License-Identifier: ISC */
/* Each try in a child of its own, since there is no way back. */
#include "../check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/seccomp_filter.h"

#define WENT_ON	  1
#define REFUSED	  2
#define NOT_THERE 3

static volatile int told;

static void
tell(int number)
{
	told = number;
}

/* The status of a child that locks itself in and runs `run`. */
static int
in_child(int (*run)(void), const char *const *allowed, bool may_load)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seccomp_filter_enter(allowed, may_load, tell) != OK)
			_exit(NOT_THERE);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static const char *const nothing[] = {NULL};

static int
open_a_file(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? WENT_ON : REFUSED;
}

static int
execute(void)
{
	execl("/bin/true", "true", NULL);
	return WENT_ON;
}

static int
signal_the_parent(void)
{
	kill(getppid(), 0);
	return WENT_ON;
}

static int
signal_itself(void)
{
	return syscall(SYS_tgkill, getpid(), gettid(), 0) == 0 ? WENT_ON
							       : REFUSED;
}

static int
signal_another_thread_group(void)
{
	syscall(SYS_tgkill, getppid(), getppid(), 0);
	return WENT_ON;
}

static int
duplicate_itself(void)
{
	if (fork() == 0)
		_exit(0);
	return WENT_ON;
}

static int
execute_memory(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return WENT_ON;
}

static int
use_memory(void)
{
	char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stat status;

	if (at == MAP_FAILED)
		return REFUSED;
	at[0] = 1;
	munmap(at, 1 << 20);
	return fstat(STDERR_FILENO, &status) == 0 ? WENT_ON : REFUSED;
}

/* Refused with EPERM; told once, by number. */
static int
make_sockets(void)
{
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM ||
		told != SYS_socket)
		return WENT_ON;
	told = 0;
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM || told)
		return WENT_ON;
	return REFUSED;
}

static int
ask_the_terminal(void)
{
	return ioctl(STDERR_FILENO, 0x5401 /* TCGETS */, NULL) < 0 &&
			       errno == EPERM
		       ? REFUSED
		       : WENT_ON;
}

/* The flags are those of whoever sent the descriptor, too. */
static int
change_flags(void)
{
	if (fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL)) != 0)
		return WENT_ON;
	return fcntl(STDERR_FILENO, F_SETFL, O_DIRECT) < 0 && errno == EPERM &&
			       told == SYS_fcntl
		       ? REFUSED
		       : WENT_ON;
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static const struct {
	const char *name;
	int (*run)(void);
	int exit_code, signal;
	bool needs_clean_build; /* a sanitizer's runtime may make the call */
} rows[] = {
	{"memory and fstat", use_memory, WENT_ON, 0, false},
	{"a signal to itself", signal_itself, WENT_ON, 0, false},
	{"socket", make_sockets, REFUSED, 0, false},
	{"ioctl", ask_the_terminal, REFUSED, 0, false},
	{"fcntl", change_flags, REFUSED, 0, false},
	{"open", open_a_file, 0, SIGSYS, true},
	{"execve", execute, 0, SIGSYS, false},
	{"kill", signal_the_parent, 0, SIGSYS, false},
	{"tgkill", signal_another_thread_group, 0, SIGSYS, false},
	{"fork", duplicate_itself, 0, SIGSYS, true},
	{"execute memory", execute_memory, 0, SIGSYS, true},
};

static void
test_each_call(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		int status;

#ifdef SANITIZED
		if (rows[i].needs_clean_build)
			continue;
#endif
		status = in_child(rows[i].run, nothing, false);
		if (rows[i].signal ? WIFSIGNALED(status) &&
					     WTERMSIG(status) == rows[i].signal
				   : WIFEXITED(status) &&
					     WEXITSTATUS(status) ==
						     rows[i].exit_code)
			continue;
		fail_msg("%s: status 0x%x", rows[i].name, (unsigned)status);
	}
}

/* What the list names is no attack. */
static void
test_what_is_named_is_allowed(void **state)
{
	static const char *const names[] = {"openat", "no_such_call", NULL};
	int status = in_child(open_a_file, names, false);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), WENT_ON);
}

/* Refused, not punished: modules of others try it. */
static int
start_processes(void)
{
	if (fork() >= 0 || errno != EPERM || told != SYS_clone)
		return WENT_ON;
	execl("/bin/true", "true", NULL);
	return errno == EPERM && told == SYS_execve &&
			       seccomp_filter_refused_starts() == 2
		       ? REFUSED
		       : WENT_ON;
}

static void *
nothing_to_do(void *context)
{
	return context;
}

static int
start_a_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing_to_do, NULL) == 0 &&
			       pthread_join(thread, NULL) == 0
		       ? WENT_ON
		       : REFUSED;
}

static int
map_a_library(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? REFUSED
		       : WENT_ON;
}

static int
make_memory_executable(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(at, 4096, PROT_READ | PROT_EXEC);
	return WENT_ON;
}

static void
test_who_loads_libraries(void **state)
{
	static const struct {
		int (*run)(void);
		int exit_code, signal;
	} loads[] = {
		{start_processes, REFUSED, 0},
		{start_a_thread, WENT_ON, 0},
		{map_a_library, WENT_ON, 0},
		{execute_memory, 0, SIGSYS},
		{make_memory_executable, 0, SIGSYS},
		{signal_the_parent, 0, SIGSYS},
		{open_a_file, 0, SIGSYS},
	};

#ifdef SANITIZED
	return; /* its runtime may do all that */
#endif
	for (size_t i = 0; i < COUNT(loads); i++) {
		int status = in_child(loads[i].run, nothing, true);

		if (loads[i].signal
				? WIFSIGNALED(status) &&
					  WTERMSIG(status) == loads[i].signal
				: WIFEXITED(status) &&
					  WEXITSTATUS(status) ==
						  loads[i].exit_code)
			continue;
		fail_msg("%zu: status 0x%x", i, (unsigned)status);
	}
}

static pthread_barrier_t barrier;

static void *
wait_and_open(void *context)
{
	pthread_barrier_wait(&barrier);
	*(int *)context = socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM;
	return NULL;
}

/* A thread that was there before is locked in too. */
static void
test_threads_that_run_already(void **state)
{
	pid_t pid = fork();
	int status, is_refused = 0;
	pthread_t thread;

	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_barrier_init(&barrier, NULL, 2);
		pthread_create(&thread, NULL, wait_and_open, &is_refused);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seccomp_filter_enter(nothing, false, NULL) != OK)
			_exit(NOT_THERE);
		pthread_barrier_wait(&barrier);
		pthread_join(thread, NULL);
		_exit(is_refused ? REFUSED : WENT_ON);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), REFUSED);
}

static void
test_names(void **state)
{
	char name[32];

	seccomp_filter_name(SYS_openat, name);
	assert_string_equal(name, "openat");
	seccomp_filter_name(99999, name);
	assert_string_equal(name, "99999");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call),
		cmocka_unit_test(test_what_is_named_is_allowed),
		cmocka_unit_test(test_who_loads_libraries),
		cmocka_unit_test(test_threads_that_run_already),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
