/* SPDX-License-Identifier: ISC */
/* daemon - what the files of fetch --daemon share; nobody else includes it. */
#ifndef PROGRAMS_RESTANTE_DAEMON_H
#define PROGRAMS_RESTANTE_DAEMON_H

#include "collect/schedule.h"
#include "programs/restante/report.h"

#include <uv.h>

struct daemon;
struct roster;

/* One account of a roster, and when it is due. */
struct turn {
	struct roster *roster;
	const struct collect_account *account;
	struct secret password; /* a person gave it; empty: ask its source */
	uv_timer_t timer;
	uint64_t next_seconds; /* since 1970; 0: when it is told to */
	unsigned failures;     /* in a row */
	bool is_running;
	bool wants_again; /* told to while it ran */
};

/* The accounts as one reading of the settings has them. */
struct roster {
	struct daemon *daemon;
	struct collect_settings settings;
	struct report report;
	struct engine_options options;
	char state[PATH_MAX];
	struct engine *engine;
	struct turn *turns;
	size_t count;
	size_t open_timers;
	bool is_over; /* no run begins; freed when the last has ended */
};

struct daemon {
	struct arguments *arguments;
	uv_loop_t loop;
	struct ledger *ledger;
	struct schedule_file *file;
	struct roster *roster; /* NULL: it ends */
	unsigned rosters;      /* that are not freed yet */
	uv_signal_t signals[4];
	uv_timer_t watchdog;
	uint64_t stored_messages; /* since it began */
};

/*
 * Takes the settings. before: the roster it follows, whose accounts keep their
 * turns; NULL: the first. NULL: no memory; the settings are freed.
 */
struct roster *roster_new_take(struct daemon *daemon,
	struct collect_settings *settings, const struct roster *before);
/* Everything now. */
void roster_collect(struct roster *roster);
/* Begins nothing more; frees it when its runs have ended. stops: they are to
 * end at once. */
void roster_end(struct roster **roster, bool stops);

/* Something about the turns has changed: tells the manager and the file. */
void daemon_tell(struct daemon *daemon);
/* The last roster is gone. */
void daemon_over(struct daemon *daemon);

#endif
