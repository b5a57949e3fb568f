/* SPDX-License-Identifier: ISC */
/*
 * run_transcripts - plays transcripts against the sessions, in process.
 *
 * usage: run_transcripts [--faulty | --store KIND] FOLDER|FILE...
 *
 * A folder's pop3/ and lmtp/ are searched for *.txt. One line for each failure,
 * then "N passed, M failed" (transcripts times modes). Exits 1 on failure.
 * With --store they run on another store than the one in memory; those that
 * spell out UIDLs cannot. With --faulty each must fail in each mode: the test of the comparisons.
 */
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dialog.h"

#define PATH_MAXIMUM_OCTETS 4096

static unsigned passed, failed;
/* What is being played, for the case that a session ends the program. */
static char now_playing[PATH_MAXIMUM_OCTETS];
static bool must_fail;

static void
on_crash(int signal_number)
{
	size_t octets = strlen(now_playing);

	if (write(STDOUT_FILENO, now_playing, octets) != (ssize_t)octets)
		_exit(2);
}

/* Once: the signal then ends the program, as it would have. A sanitizer that
 * has a handler of its own says more. */
static void
watch(int signal_number)
{
	struct sigaction action = {
		.sa_handler = on_crash,
		.sa_flags = (int)SA_RESETHAND,
	};
	struct sigaction before;

	if (sigaction(signal_number, NULL, &before) == 0 &&
		before.sa_handler == SIG_DFL)
		sigaction(signal_number, &action, NULL);
}

static bool
run_mode(const struct transcript *transcript, enum mode mode)
{
	struct report report = {.transcript = transcript, .mode = mode};
	struct post_office office;

	snprintf(now_playing, sizeof(now_playing),
		"%s:1: in mode %s: expected a reply, got a crash\n",
		transcript->path, mode_names[mode]);
	if (post_office_open(&office, transcript)) {
		dialog_play(
			transcript->is_lmtp ? &protocol_lmtp : &protocol_pop3,
			&office, &report);
		if (!report.has_failed)
			post_office_check(&office, &report);
	} else {
		report_failure(&report, 0, "a mailbox to begin with", "none");
	}
	post_office_close(&office);
	return !report.has_failed;
}

static void
run_file(const char *path)
{
	struct transcript *transcript = transcript_read(path);

	if (!transcript) {
		failed++;
		return;
	}
	for (unsigned mode = 0; mode < MODE_COUNT; mode++) {
		if (!(transcript->modes & 1u << mode))
			continue;
		if (run_mode(transcript, (enum mode)mode) != must_fail)
			passed++;
		else
			failed++;
	}
	transcript_free(&transcript);
}

/* False when the folder has none: a test that cannot fail. */
static bool
run_folder(const char *folder, const char *protocol)
{
	char pattern[PATH_MAXIMUM_OCTETS];
	glob_t found;
	bool is_any;

	snprintf(pattern, sizeof(pattern), "%s/%s/*.txt", folder, protocol);
	is_any = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i]);
	if (!is_any)
		printf("%s: no transcripts\n", pattern);
	globfree(&found);
	return is_any;
}

int
main(int count, char **arguments)
{
	struct stat status;
	bool is_good = count > 1;
	int first = 1;

	/* Nothing that was said is lost when a session crashes. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	watch(SIGABRT);
	watch(SIGSEGV);
	must_fail = count > 1 && strcmp(arguments[1], "--faulty") == 0;
	first += must_fail;
	if (count > 2 && strcmp(arguments[1], "--store") == 0) {
		post_office_store = arguments[2];
		first += 2;
	}
	for (int i = first; i < count; i++) {
		if (stat(arguments[i], &status) != 0 ||
			!S_ISDIR(status.st_mode)) {
			run_file(arguments[i]);
			continue;
		}
		is_good = run_folder(arguments[i], "pop3") && is_good;
		is_good = run_folder(arguments[i], "lmtp") && is_good;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return is_good && failed == 0 ? 0 : 1;
}
