/* SPDX-License-Identifier: ISC */
#include "server/parent.h"
#include "base/clock.h"
#include "base/log.h"
#include "process/service.h"
#include "process/spawn.h"
#include "server/crowd.h"
#include "server/parent_state.h"
#include "server/stats.h"
#include "server/session_id.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 100

struct parent parent;

/* ---- life of a child ---- */

static void stop(int exit_code);

static bool
all_ready(void)
{
	for (size_t i = 0; i < parent.child_count; i++)
		if (!parent.children[i].is_ready)
			return false;
	return true;
}

static void
open_for_business(void)
{
	parent.is_open = true;
	service_notify("READY=1\nSTATUS=%zu roles run", parent.child_count);
	if (parent.on_ready)
		parent.on_ready(parent.settings);
}

static struct child *
find_child(enum role role, uint64_t instance)
{
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].role == role &&
			parent.children[i].instance == instance)
			return &parent.children[i];
	return NULL;
}

/* Their channel is closed already. The one that is started anew gets another. */
static bool
on_malformed(struct child *by, struct message *message)
{
	struct message_reader reader;
	struct child *who, *ended;
	uint64_t instance;
	enum role role;

	message_reader_init(&reader, message);
	role = message_get_u8(&reader);
	instance = message_get_u64(&reader);
	if (!message_reader_finish(&reader))
		return false;
	who = find_child(role, instance);
	/* Another one has said so before. */
	if (!who || who->pid == 0 || parent.is_stopping)
		return true;
	ended = parent_less_trusted(by->role, role) == role ? who : by;
	log_event(LOG_LEVEL_ERROR, "role-malformed",
		"role=%s number=%u told-by=%s ended=%s",
		parent_role_names[role], who->number,
		parent_role_names[by->role], parent_role_names[ended->role]);
	kill(ended->pid, SIGKILL);
	return true;
}

static bool
on_settled(struct child *child, struct message *message)
{
	struct message_reader reader;
	uint64_t generation;

	message_reader_init(&reader, message);
	generation = message_get_u64(&reader);
	if (!message_reader_finish(&reader))
		return false;
	if (child->settled < generation)
		child->settled = generation;
	parent_reload_go_on();
	return true;
}

static bool
on_child_message(struct channel *channel, struct message *message)
{
	struct child *child = channel->context;

	if (message->type == MESSAGE_MALFORMED)
		return on_malformed(child, message);
	if (message->type == MESSAGE_SETTLED)
		return on_settled(child, message);
	if (message->type == MESSAGE_RELOAD && child->role == ROLE_WEB &&
		!message->payload.octets) {
		parent_reload(child, message->subject);
		return true;
	}
	if (message->type != MESSAGE_READY || message->payload.octets)
		return false;
	child->is_ready = child->was_ready = true;
	log_event(LOG_LEVEL_DEBUG, "role-ready", "role=%s number=%u pid=%d",
		parent_role_names[child->role], child->number, (int)child->pid);
	if (!parent.is_open && all_ready())
		open_for_business();
	return true;
}

/* It closed its channel or misbehaved: either way it must go. */
static void
on_child_closed(struct channel *channel, enum outcome why)
{
	struct child *child = channel->context;

	channel_free(&child->channel);
	if (child->pid > 0)
		kill(child->pid, SIGKILL);
}

static void
start(struct child *child)
{
	static const struct channel_handler handler = {
		.on_message = on_child_message, .on_closed = on_child_closed};
	int fds[2];

	child->instance = ++parent.next_instance;
	child->started_ms = clock_monotonic_ms();
	child->started_seconds = clock_wall_seconds();
	child->is_ready = false;
	child->settled = parent.generation;
	if (channel_pair(fds) != OK ||
		spawn_role(parent_role_names[child->role], child->number,
			&fds[1], &child->pid) != OK) {
		log_event(LOG_LEVEL_ERROR, "role-start-failed", "why=\"%s\"",
			strerror(errno));
		stop(EX_OSERR);
		return;
	}
	child->channel = channel_new(&parent.loop, &fds[0], &handler, child);
	if (!child->channel) {
		stop(EX_OSERR);
		return;
	}
	parent_tell_given(child);
	parent_join(child);
	parent_tell_start(child);
	parent_publish_roster();
	if (child->role == ROLE_WEB)
		parent_tell_certificates(child);
}

static void
on_again(uv_timer_t *timer)
{
	struct child *child = timer->data;

	if (!parent.is_stopping)
		start(child);
}

static uint64_t
next_backoff(struct child *child)
{
	uint64_t ran_ms = clock_monotonic_ms() - child->started_ms;
	uint64_t backoff_ms;

	if (ran_ms >= PARENT_BACKOFF_FORGET_MS)
		child->backoff_ms = 0;
	backoff_ms = child->backoff_ms;
	child->backoff_ms = backoff_ms ? backoff_ms * 2 : BACKOFF_FIRST_MS;
	if (child->backoff_ms > PARENT_BACKOFF_MAXIMUM_MS)
		child->backoff_ms = PARENT_BACKOFF_MAXIMUM_MS;
	return backoff_ms;
}

static void end_when_all_gone(void);

static void
on_death(struct child *child, int status)
{
	uint64_t backoff_ms;

	if (!parent.is_stopping)
		log_event(LOG_LEVEL_WARNING, "role-died",
			"role=%s number=%u pid=%d %s=%d",
			parent_role_names[child->role], child->number,
			(int)child->pid,
			WIFSIGNALED(status) ? "signal" : "exit",
			WIFSIGNALED(status) ? WTERMSIG(status)
					    : WEXITSTATUS(status));
	child->pid = 0;
	child->is_ready = false;
	channel_free(&child->channel);
	parent_reload_go_on();
	if (parent.is_stopping) {
		end_when_all_gone();
		return;
	}
	/* At the first start an error is the operator's to mend, not to
	   repeat. */
	if (!child->was_ready && WIFEXITED(status)) {
		stop(WEXITSTATUS(status));
		return;
	}
	backoff_ms = next_backoff(child);
	child->restarts++;
	uv_timer_start(&child->again, on_again, backoff_ms, 0);
}

static void
on_sigchld(uv_signal_t *signal, int number)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < parent.child_count; i++)
			if (parent.children[i].pid == pid)
				on_death(&parent.children[i], status);
}

/* ---- stopping ---- */

static bool
any_alive(bool only_sessions)
{
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].pid > 0 &&
			(!only_sessions ||
				parent.children[i].role == ROLE_SESSION))
			return true;
	return false;
}

/* Sessions end first: they need the others for what is under way. */
static void
end_when_all_gone(void)
{
	static bool is_rest_told;

	if (!any_alive(false)) {
		uv_stop(&parent.loop);
		return;
	}
	if (any_alive(true) || is_rest_told)
		return;
	is_rest_told = true;
	for (size_t i = 0; i < parent.child_count; i++)
		parent_tell_plain(&parent.children[i], MESSAGE_STOP);
}

static void
kill_all(uv_timer_t *timer)
{
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].pid > 0)
			kill(parent.children[i].pid, SIGKILL);
	parent.is_killing = true;
}

static void
stop(int exit_code)
{
	if (parent.is_stopping) {
		kill_all(NULL);
		return;
	}
	parent.is_stopping = true;
	parent.exit_code = exit_code;
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].role == ROLE_SESSION)
			parent_tell_plain(&parent.children[i], MESSAGE_STOP);
	uv_timer_start(
		&parent.stop_timer, kill_all, PARENT_STOP_SECONDS * 1000, 0);
	end_when_all_gone();
}

static void
on_stop_signal(uv_signal_t *signal, int number)
{
	log_event(LOG_LEVEL_INFO, "stopping", "signal=%d", number);
	service_notify("STOPPING=1\nSTATUS=sessions finish their reply");
	stop(EX_OK);
}

/* ---- reload ---- */

static void
on_sighup(uv_signal_t *signal, int number)
{
	parent_reload(NULL, 0);
}

/* ---- the beginning ---- */

static void
on_watchdog(uv_timer_t *timer)
{
	service_notify("WATCHDOG=1");
}

static void
feed_watchdog(void)
{
	uint64_t every_ms = service_watchdog_ms();

	uv_timer_init(&parent.loop, &parent.watchdog);
	if (every_ms > 0)
		uv_timer_start(&parent.watchdog, on_watchdog, 0, every_ms);
}

static void
add_child(enum role role, uint32_t number)
{
	struct child *child = &parent.children[parent.child_count++];

	child->role = role;
	child->number = number;
	child->again.data = child;
	child->stats_fd = stats_make();
	uv_timer_init(&parent.loop, &child->again);
}

static int
count_sessions(void)
{
	long count = (long)parent.settings->session_processes;

	if (count == 0)
		count = sysconf(_SC_NPROCESSORS_ONLN);
	if (count < 1)
		count = 1;
	return count > PARENT_SESSIONS_MAXIMUM ? PARENT_SESSIONS_MAXIMUM
					       : (int)count;
}

static enum outcome
prepare(char error[SETUP_ERROR_SIZE])
{
	enum outcome outcome = setup_directories(parent.settings, error);

	if (outcome == OK)
		outcome = parent_tls_prepare(error);
	if (outcome == OK)
		outcome = setup_listen(parent.settings, parent.session_count,
			&parent.sockets, error);
	if (outcome != OK)
		return outcome;
	parent.crowd_fd = crowd_make((unsigned)parent.session_count);
	if (parent.crowd_fd >= 0)
		return OK;
	snprintf(error, SETUP_ERROR_SIZE, "no memory to share: %s",
		strerror(errno));
	return ERR_BROKEN;
}

static void
watch_signals(void)
{
	static const struct {
		int number;
		uv_signal_cb callback;
	} watched[] = {
		{SIGCHLD, on_sigchld},
		{SIGTERM, on_stop_signal},
		{SIGINT, on_stop_signal},
		{SIGHUP, on_sighup},
	};

	for (size_t i = 0; i < sizeof(watched) / sizeof(*watched); i++) {
		uv_signal_init(&parent.loop, &parent.signals[i]);
		uv_signal_start(&parent.signals[i], watched[i].callback,
			watched[i].number);
	}
	signal(SIGPIPE, SIG_IGN);
}

int
parent_run(struct server_settings *settings,
	enum outcome (*load)(struct server_settings *out, char *error),
	void (*on_ready)(const struct server_settings *settings))
{
	char error[SETUP_ERROR_SIZE] = "";

	parent.settings = settings;
	parent.load = load;
	parent.on_ready = on_ready;
	parent.session_count = count_sessions();
	parent.next_instance = session_id_first_instance(clock_wall_us());
	privileges_raise_file_limit();
	service_begin();
	if (prepare(error) != OK) {
		fprintf(stderr, "restanted: %s\n", error);
		return EX_CONFIG;
	}
	if (service_close_rest() > 0)
		log_event(LOG_LEVEL_WARNING, "sockets-unused",
			"why=\"passed by the service manager, and no listener "
			"has their address\"");
	uv_loop_init(&parent.loop);
	watch_signals();
	uv_timer_init(&parent.loop, &parent.stop_timer);
	feed_watchdog();
	parent_tls_start();
	parent_reload_init();
	add_child(ROLE_STORE, 0);
	add_child(ROLE_AUTH, 0);
	add_child(ROLE_WEB, 0);
	if (settings->has_key_role)
		add_child(ROLE_KEY, 0);
	if (server_settings_needs_lookup(settings))
		add_child(ROLE_LOOKUP, 0);
	for (int i = 0; i < parent.session_count; i++)
		add_child(ROLE_SESSION, (uint32_t)i);
	for (size_t i = 0; i < parent.child_count && !parent.is_stopping; i++)
		start(&parent.children[i]);
	uv_run(&parent.loop, UV_RUN_DEFAULT);
	log_event(LOG_LEVEL_INFO, "stopped", "exit=%d", parent.exit_code);
	return parent.exit_code;
}
