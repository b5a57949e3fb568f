/* SPDX-License-Identifier: ISC */
/*
 * A command that reads each message from its standard input, run without a shell:
 * the words of deliver-command are its arguments. 0 is good, 75 (EX_TEMPFAIL) is
 * later, anything else refuses the message.
 */
#include "collect/sinks/pipe.h"
#include "base/clock.h"
#include "collect/sinks/spooled.h"
#include "collect/words.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define ENVIRONMENT  4 /* of our own */
#define WAIT_MS	     5
#define KEPT_MAXIMUM 512

struct pipe {
	struct spooled spooled;
	char *text; /* cut into words */
	char *words[WORDS_MAXIMUM + 1];
};

static struct pipe *
self_of(struct sink *sink)
{
	return (struct pipe *)sink;
}

/* ---- running it ---- */

struct own_environment {
	char account[300], id[64], folder[SPOOL_FOLDER_SIZE + 32];
	char *all[KEPT_MAXIMUM + ENVIRONMENT];
};

static void
set_environment(struct own_environment *own, const struct pipe *self,
	const struct sink_delivery *delivery)
{
	size_t count = 0;

	snprintf(own->account, sizeof(own->account), "RESTANTE_ACCOUNT=%s",
		self->spooled.options.account);
	snprintf(own->id, sizeof(own->id), "RESTANTE_ID=%s", delivery->tag);
	snprintf(own->folder, sizeof(own->folder), "RESTANTE_FOLDER=%s",
		delivery->folder);
	own->all[count++] = own->account;
	own->all[count++] = own->id;
	own->all[count++] = own->folder;
	for (char **one = environ; *one && count < KEPT_MAXIMUM; one++)
		own->all[count++] = *one;
	own->all[count] = NULL;
}

/* 0: running. Else errno. */
static int
start(struct pipe *self, const struct sink_delivery *delivery, int fd,
	pid_t *out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	struct own_environment own;
	sigset_t defaults;
	int code;

	set_environment(&own, self, delivery);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	/* What it prints is not part of what restante prints. */
	posix_spawn_file_actions_adddup2(
		&actions, STDERR_FILENO, STDOUT_FILENO);
	code = posix_spawnp(out, self->words[0], &actions, &attributes,
		self->words, own.all);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return code;
}

/* False: it took too long and was ended. */
static bool
wait_for(const struct pipe *self, pid_t pid, int *status)
{
	uint64_t end_ms = clock_monotonic_ms() +
			  self->spooled.options.timeout_seconds * 1000;
	pid_t got;

	while ((got = waitpid(pid, status, WNOHANG)) <= 0) {
		/* Somebody else took its end: that is not known to be good. */
		if (got < 0 && errno != EINTR)
			return false;
		if (clock_monotonic_ms() > end_ms) {
			kill(-pid, SIGKILL);
			waitpid(pid, status, 0);
			return false;
		}
		usleep(WAIT_MS * 1000);
	}
	return true;
}

static enum outcome
judge(struct pipe *self, bool has_ended, int status)
{
	char *error = self->spooled.base.error;

	if (has_ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return OK;
	if (!has_ended)
		snprintf(error, SINK_ERROR_SIZE, "%.150s took too long",
			self->words[0]);
	else if (WIFEXITED(status))
		snprintf(error, SINK_ERROR_SIZE, "%.150s ended with %d",
			self->words[0], WEXITSTATUS(status));
	else
		snprintf(error, SINK_ERROR_SIZE, "%.150s ended by signal %d",
			self->words[0], WTERMSIG(status));
	if (!has_ended || !WIFEXITED(status) ||
		WEXITSTATUS(status) == EX_TEMPFAIL)
		return ERR_BUSY;
	return ERR_PEER;
}

static enum outcome
deliver(struct pipe *self, const struct sink_delivery *delivery)
{
	int fd = spool_read(&self->spooled.spool, delivery);
	int status = 0, code;
	pid_t pid;

	if (fd < 0)
		return outcome_of_errno(errno);
	code = start(self, delivery, fd, &pid);
	close(fd);
	if (code == 0) {
		bool has_ended = wait_for(self, pid, &status);

		return judge(self, has_ended, status);
	}
	snprintf(self->spooled.base.error, SINK_ERROR_SIZE, "%.150s: %s",
		self->words[0], strerror(code));
	return ERR_TRY_LATER;
}

static void
pipe_flush(struct sink *sink, struct sink_delivery *const *deliveries,
	size_t count, enum outcome *outcomes)
{
	for (size_t i = 0; i < count; i++)
		outcomes[i] = deliver(self_of(sink), deliveries[i]);
}

static void
pipe_close(struct sink **sink)
{
	if (!*sink)
		return;
	free(self_of(*sink)->text);
	spooled_close(sink);
}

static enum outcome
pipe_open(const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE])
{
	struct sink *sink = NULL;
	enum outcome outcome = spooled_open(
		&sink_pipe, sizeof(struct pipe), options, &sink, error);

	if (outcome != OK)
		return outcome;
	self_of(sink)->text = strdup(options->command);
	if (self_of(sink)->text &&
		words_cut(self_of(sink)->text, self_of(sink)->words)) {
		*out = sink;
		return OK;
	}
	snprintf(error, SINK_ERROR_SIZE,
		"the command is missing, has too many words, or a quote that "
		"is not closed");
	pipe_close(&sink);
	return ERR_PEER;
}

const struct sink_ops sink_pipe = {
	.name = "pipe",
	.open = pipe_open,
	.close = pipe_close,
	.begin = spooled_begin,
	.put = spooled_put,
	.end = spooled_end,
	.file_into = spooled_file_into,
	.flush = pipe_flush,
	.drop = spooled_drop,
	.batch = 1,
	.has_id = true,
};
