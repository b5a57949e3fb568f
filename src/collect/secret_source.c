/* SPDX-License-Identifier: ISC */
#include "collect/secret_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The first line of what `fd` gives; false when there is none. */
static bool
read_first_line(int fd, struct secret *out)
{
	unsigned char text[SECRET_SOURCE_MAXIMUM_OCTETS];
	size_t held = 0, line = 0;
	bool is_good = false;
	ssize_t got = 1;

	while (held < sizeof(text) && got > 0) {
		got = read(fd, text + held, sizeof(text) - held);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			held += (size_t)got;
	}
	while (line < held && text[line] != '\n' && text[line] != '\r')
		line++;
	/* A line that fills everything may have been cut. */
	if (line > 0 && line < sizeof(text))
		is_good = secret_set(out, bytes_of(text, line));
	explicit_bzero(text, sizeof(text));
	return is_good;
}

static enum outcome
check_file(int fd, const char *path, char error[INI_ERROR_SIZE])
{
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		snprintf(error, INI_ERROR_SIZE, "%.200s is not a file", path);
	else if (status.st_uid != geteuid() && status.st_uid != 0)
		snprintf(error, INI_ERROR_SIZE,
			"%.200s belongs to somebody else: make it your own",
			path);
	else if (status.st_mode & 077)
		snprintf(error, INI_ERROR_SIZE,
			"%.200s can be read by others: chmod 600 %.200s", path,
			path);
	else
		return OK;
	return ERR_DENIED;
}

static enum outcome
read_file(const char *name, struct secret *out, char error[INI_ERROR_SIZE])
{
	char path[PATH_MAX / 2];
	enum outcome outcome;
	int fd;

	if (!account_expand(name, path, sizeof(path))) {
		snprintf(error, INI_ERROR_SIZE,
			"password-file: %.100s... is too long a path", name);
		return ERR_PEER;
	}
	/* A pipe is waited for by no open(2): it is refused as no file. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		snprintf(error, INI_ERROR_SIZE, "password-file %.300s: %s",
			path, strerror(errno));
		return ERR_DENIED;
	}
	outcome = check_file(fd, path, error);
	if (outcome == OK && !read_first_line(fd, out)) {
		snprintf(error, INI_ERROR_SIZE,
			"password-file %.300s: its first line is empty or too "
			"long",
			path);
		outcome = ERR_DENIED;
	}
	close(fd);
	return outcome;
}

/* By the shell, as `pass show mail | head -1` expects. -1: errno. */
static pid_t
start(const char *command, int *out_fd)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
		(char *)(uintptr_t)command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
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
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	code = posix_spawn(
		&pid, "/bin/sh", &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(ends[1]);
	if (code == 0) {
		*out_fd = ends[0];
		return pid;
	}
	close(ends[0]);
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

static enum outcome
run_command(const char *command, struct secret *out, char error[INI_ERROR_SIZE])
{
	int fd = -1, status = 0;
	pid_t pid = start(command, &fd);
	bool has_line;

	if (pid < 0) {
		snprintf(error, INI_ERROR_SIZE, "password-command: %s",
			strerror(errno));
		return ERR_TRY_LATER;
	}
	has_line = read_first_line(fd, out);
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (has_line && is_good_end(status))
		return OK;
	secret_release(out);
	snprintf(error, INI_ERROR_SIZE, "password-command %.300s: %s", command,
		is_good_end(status)
			? "the first line it prints is empty or too long"
			: "it failed");
	return ERR_DENIED;
}

enum outcome
secret_source_read(const struct collect_account *account, struct secret *out,
	char error[INI_ERROR_SIZE])
{
	if (account->password_file[0])
		return read_file(account->password_file, out, error);
	return run_command(account->password_command, out, error);
}

enum outcome
secret_source_read_deliver(const struct collect_account *account,
	struct secret *out, char error[INI_ERROR_SIZE])
{
	if (account->deliver_password_file[0])
		return read_file(account->deliver_password_file, out, error);
	if (account->deliver_password_command[0])
		return run_command(
			account->deliver_password_command, out, error);
	return OK;
}
