/* SPDX-License-Identifier: ISC */
/*
 * report - what fetch tells of its runs: lines and bars for people, or one JSON
 * object a line for each event.
 */
#ifndef PROGRAMS_RESTANTE_REPORT_H
#define PROGRAMS_RESTANTE_REPORT_H

#include "programs/progress.h"
#include "programs/restante/command.h"

struct report {
	const struct collect_settings *settings;
	bool is_json, is_dry_run;
	bool is_quiet;	    /* failures only */
	bool says_news;	    /* nothing of a run that brought nothing */
	uint64_t *began_ms; /* of each account's run */
	struct progress *progress;
};

/* False: no memory; report_release all the same. */
bool report_init(struct report *report, const struct arguments *arguments,
	const struct collect_settings *settings);
void report_release(struct report *report);

/* Its run begins now. */
void report_begin(struct report *report, const struct collect_account *account);
void report_event(struct report *report, const struct engine_event *event);
/* The next run of an account, seconds since 1970; JSON only. */
void report_next(
	const struct report *report, const char *account, uint64_t at_seconds);
/* Of the settings: the account with this name, whose memory it is. */
size_t report_index(const struct report *report, const char *name);

#endif
