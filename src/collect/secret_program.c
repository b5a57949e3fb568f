/* SPDX-License-Identifier: ISC */
#include "collect/secret_program.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How soon a cancellation is seen. */
#define POLL_MS	    200
#define END_SECONDS 10
#define END_POLL_MS 5

/* ---- reading ---- */

/* False: nothing came in time, or it was cancelled. */
static bool
wait_for_input(int fd, uint64_t until_ms, const atomic_bool *is_cancelled)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	while (clock_monotonic_ms() < until_ms) {
		if (is_cancelled && atomic_load(is_cancelled))
			return false;
		if (poll(&poll_fd, 1, POLL_MS) != 0)
			return true;
	}
	return false;
}

enum secret_program_end
secret_program_read_line(
	int fd, struct secret *out, const atomic_bool *is_cancelled)
{
	uint64_t until_ms = clock_monotonic_ms() +
			    SECRET_SOURCE_MAXIMUM_SECONDS * UINT64_C(1000);
	unsigned char text[SECRET_SOURCE_MAXIMUM_OCTETS];
	enum secret_program_end end = SECRET_PROGRAM_SILENT;
	size_t held = 0, line = 0;
	ssize_t got = 1;

	while (held < sizeof(text) && got > 0) {
		if (!wait_for_input(fd, until_ms, is_cancelled)) {
			end = is_cancelled && atomic_load(is_cancelled)
				      ? SECRET_PROGRAM_CANCELLED
				      : SECRET_PROGRAM_SLOW;
			goto wipe;
		}
		got = read(fd, text + held, sizeof(text) - held);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			held += (size_t)got;
	}
	while (line < held && text[line] != '\n' && text[line] != '\r')
		line++;
	/* A line that fills everything may have been cut. */
	if (line > 0 && line < sizeof(text) &&
		secret_set(out, bytes_of(text, line)))
		end = SECRET_PROGRAM_DONE;
wipe:
	explicit_bzero(text, sizeof(text));
	return end;
}

/* ---- programs ---- */

/* ours: the end of the pipe that is kept; theirs: the other becomes this
 * descriptor. -1: errno. */
static pid_t
start(const char *const *argv, int theirs, int *out_ours)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	bool is_input = theirs == STDIN_FILENO;
	sigset_t defaults;
	int ends[2], code;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	/* What has more to say ends at the closed pipe, without complaints. */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(
		&actions, ends[is_input ? 0 : 1], theirs);
	code = posix_spawnp(&pid, argv[0], &actions, &attributes,
		(char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(ends[is_input ? 0 : 1]);
	*out_ours = ends[is_input ? 1 : 0];
	if (code == 0)
		return pid;
	close(*out_ours);
	errno = code;
	return -1;
}

/* Ended well, or because nobody reads on; a shell tells that by 128 + signal. */
static bool
is_good_end(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGPIPE;
	return WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 128 + SIGPIPE;
}

/* It has said all; one that stays then is not waited for much longer. */
static int
wait_for_end(pid_t pid)
{
	uint64_t until_ms = clock_monotonic_ms() + END_SECONDS * UINT64_C(1000);
	int status = 0;
	pid_t ended = 0;

	while (ended == 0 && clock_monotonic_ms() < until_ms) {
		ended = waitpid(pid, &status, WNOHANG);
		if (ended == 0)
			poll(NULL, 0, END_POLL_MS);
	}
	if (ended != 0)
		return status;
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

enum secret_program_end
secret_program_read(const char *const *argv, struct secret *out,
	const atomic_bool *is_cancelled)
{
	enum secret_program_end end;
	int fd = -1, status;
	pid_t pid = start(argv, STDOUT_FILENO, &fd);

	if (pid < 0)
		return SECRET_PROGRAM_NOT_STARTED;
	end = secret_program_read_line(fd, out, is_cancelled);
	close(fd);
	if (end == SECRET_PROGRAM_SLOW || end == SECRET_PROGRAM_CANCELLED)
		kill(pid, SIGKILL);
	status = wait_for_end(pid);
	if (end == SECRET_PROGRAM_DONE && !is_good_end(status)) {
		secret_release(out);
		end = SECRET_PROGRAM_FAILED;
	} else if (end == SECRET_PROGRAM_SILENT && !is_good_end(status)) {
		end = SECRET_PROGRAM_FAILED;
	}
	return end;
}

enum secret_program_end
secret_program_write(const char *const *argv, const struct secret *secret)
{
	struct bytes rest = secret_bytes(secret);
	int fd = -1, status;
	pid_t pid = start(argv, STDIN_FILENO, &fd);

	if (pid < 0)
		return SECRET_PROGRAM_NOT_STARTED;
	while (rest.octets > 0) {
		ssize_t put = write(fd, rest.at, rest.octets);

		if (put < 0 && errno != EINTR)
			break;
		rest = bytes_after(rest, put > 0 ? (size_t)put : 0);
	}
	close(fd);
	status = wait_for_end(pid);
	return rest.octets == 0 && status == 0 ? SECRET_PROGRAM_DONE
					       : SECRET_PROGRAM_FAILED;
}
