/* SPDX-License-Identifier: ISC */
/* restante fetch --daemon: signals, the service manager, the settings. */
#include "programs/restante/daemon.h"
#include "base/clock.h"
#include "process/service.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

/* ---- telling ---- */

static void
tell_file(const struct daemon *daemon, const struct roster *roster)
{
	struct schedule_entry *entries =
		calloc(roster->count + 1, sizeof(*entries));

	for (size_t i = 0; entries && i < roster->count; i++)
		entries[i] = (struct schedule_entry){
			.account = roster->turns[i].account->name,
			.next_seconds = roster->turns[i].next_seconds,
			.is_running = roster->turns[i].is_running,
		};
	if (entries)
		schedule_file_write(daemon->file, entries, roster->count);
	free(entries);
}

void
daemon_tell(struct daemon *daemon)
{
	const struct roster *roster = daemon->roster;
	size_t running = 0, failing = 0;

	if (!roster)
		return;
	for (size_t i = 0; i < roster->count; i++) {
		running += roster->turns[i].is_running;
		failing += roster->turns[i].failures > 0;
	}
	tell_file(daemon, roster);
	service_notify("STATUS=%zu accounts, %zu collecting, %zu failing; "
		       "%llu messages so far",
		roster->count, running, failing,
		(unsigned long long)daemon->stored_messages);
}

/* ---- the end ---- */

void
daemon_over(struct daemon *daemon)
{
	for (size_t i = 0; i < 4; i++)
		uv_close((uv_handle_t *)&daemon->signals[i], NULL);
	uv_close((uv_handle_t *)&daemon->watchdog, NULL);
}

static void
stop(struct daemon *daemon)
{
	if (!daemon->roster)
		return;
	service_notify("STOPPING=1\nSTATUS=what is received is stored");
	roster_end(&daemon->roster, true);
}

/* ---- the settings anew ---- */

static bool
follow(struct daemon *daemon, struct collect_settings *settings)
{
	struct roster *before = daemon->roster;
	struct roster *next = roster_new_take(daemon, settings, before);

	if (!next)
		return false;
	daemon->roster = next;
	roster_end(&before, false);
	return true;
}

static void
reload(struct daemon *daemon)
{
	struct collect_settings settings = {0};

	if (!daemon->roster)
		return;
	service_notify("RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)clock_monotonic_ms() * 1000);
	if (load_settings(daemon->arguments, &settings) != EX_OK) {
		complain(0, "the accounts stay as they were");
		collect_settings_release(&settings);
	} else if (!follow(daemon, &settings)) {
		complain(0, "no memory: the accounts stay as they were");
	}
	service_notify("READY=1");
	daemon_tell(daemon);
}

/* ---- events ---- */

static void
on_signal(uv_signal_t *handle, int number)
{
	struct daemon *daemon = handle->data;

	if (number == SIGHUP)
		reload(daemon);
	else if (number == SIGUSR1 && daemon->roster)
		roster_collect(daemon->roster);
	else if (number != SIGUSR1)
		stop(daemon);
}

static void
on_watchdog(uv_timer_t *timer)
{
	service_notify("WATCHDOG=1");
}

static void
listen_to(struct daemon *daemon)
{
	static const int numbers[4] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	uint64_t watchdog_ms = service_watchdog_ms();

	for (size_t i = 0; i < 4; i++) {
		uv_signal_init(&daemon->loop, &daemon->signals[i]);
		daemon->signals[i].data = daemon;
		uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
	}
	uv_timer_init(&daemon->loop, &daemon->watchdog);
	if (watchdog_ms > 0)
		uv_timer_start(&daemon->watchdog, on_watchdog, watchdog_ms,
			watchdog_ms);
}

static int
run(struct daemon *daemon)
{
	struct collect_settings settings = {0};
	int code = load_settings(daemon->arguments, &settings);

	if (code != EX_OK) {
		collect_settings_release(&settings);
		return code;
	}
	listen_to(daemon);
	daemon->roster = roster_new_take(daemon, &settings, NULL);
	if (daemon->roster)
		service_notify("READY=1");
	else
		daemon_over(daemon);
	daemon_tell(daemon);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	return EX_OK;
}

/* Of the state: one daemon at a time. */
static int
open_file(struct daemon *daemon)
{
	char state[PATH_MAX], error[SCHEDULE_ERROR_SIZE];
	enum outcome outcome;

	account_expand(daemon->arguments->settings.state, state, sizeof(state));
	outcome = schedule_file_open(state, &daemon->file, error);
	return outcome == OK ? EX_OK
			     : complain(code_of_outcome(outcome), "%s", error);
}

int
fetch_daemon(struct arguments *arguments)
{
	struct daemon daemon = {.arguments = arguments};
	int code;

	service_begin();
	if (uv_loop_init(&daemon.loop) != 0)
		return complain(EX_OSERR, "no memory");
	daemon.ledger = open_ledger(arguments);
	code = daemon.ledger ? open_file(&daemon) : EX_CANTCREAT;
	if (code == EX_OK)
		code = run(&daemon);
	uv_loop_close(&daemon.loop);
	schedule_file_close(&daemon.file);
	ledger_close(&daemon.ledger);
	return code;
}
