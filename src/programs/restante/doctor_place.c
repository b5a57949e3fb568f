/* SPDX-License-Identifier: ISC */
/* What restante doctor finds out of this machine. */
#include "base/clock.h"
#include "collect/stream.h"
#include "collect/trust.h"
#include "programs/restante/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define LITTLE_OCTETS (100ull << 20)
#define NO_OCTETS     (1ull << 20)
#define LITTLE_FILES  1000
/* When this was written: no clock that is right says less. */
#define BORN_SECONDS 1795910400 /* 2026-11-29 */

/* ---- the ledger ---- */

struct ledger *
doctor_looks_at_ledger(struct doctor *doctor)
{
	char state[PATH_MAX], error[LEDGER_ERROR_SIZE];
	struct ledger *ledger = NULL;
	enum outcome outcome;
	uint64_t stored;

	account_expand(doctor->arguments->settings.state, state, sizeof(state));
	outcome = ledger_open(state, &ledger, error);
	if (outcome == OK)
		outcome = ledger_check(ledger, error);
	if (outcome == OK) {
		stored = ledger_count(
			ledger, doctor->account->name, LEDGER_STORED);
		doctor_says(doctor, "ledger", FINDING_GOOD,
			"%.300s; %llu messages of this account are here", state,
			(unsigned long long)stored);
		return ledger;
	}
	ledger_close(&ledger);
	doctor_says(doctor, "ledger", FINDING_BAD, "%s", error);
	doctor_advises(doctor, EX_IOERR,
		"does %.200s belong to you, and is the disk sound? without "
		"the ledger everything on the server comes again",
		state);
	return NULL;
}

/* ---- where mail goes ---- */

/* Of `path`, the longest part that is there. */
static void
cut_to_what_exists(char *path)
{
	struct stat status;
	char *slash;

	while (path[1] && stat(path, &status) < 0) {
		slash = strrchr(path, '/');
		if (!slash)
			return;
		slash[slash == path ? 1 : 0] = '\0';
	}
}

static void
look_at_folder(struct doctor *doctor, const char *what)
{
	char path[PATH_MAX], there[PATH_MAX];
	struct stat status;

	if (!account_maildir(doctor->account, path, sizeof(path))) {
		doctor_says(doctor, "delivery", FINDING_BAD,
			"the path is too long");
		doctor_advises(doctor, EX_CONFIG, "make maildir shorter");
		return;
	}
	snprintf(there, sizeof(there), "%s", path);
	cut_to_what_exists(there);
	/* An mbox is a file; all else that is there has to be a directory. */
	if (stat(there, &status) == 0 && !S_ISDIR(status.st_mode) &&
		(strcmp(what, "mbox") != 0 || strcmp(there, path) != 0))
		errno = ENOTDIR;
	else if (access(there, W_OK) == 0) {
		doctor_says(doctor, "delivery", FINDING_GOOD, "%s %.500s%s",
			what, path,
			strcmp(there, path) == 0 ? "" : " (will be made)");
		return;
	}
	doctor_says(doctor, "delivery", FINDING_BAD, "%s %.300s: %.200s: %s",
		what, path, there, strerror(errno));
	doctor_advises(doctor, EX_CANTCREAT,
		"maildir (or mbox) in %s:%u has to be somewhere you can write",
		doctor->account->file, doctor->account->line);
}

/* Greets, and no more: nothing is delivered. */
static void
look_at_delivery_server(struct doctor *doctor, const char *what)
{
	const struct collect_account *account = doctor->account;
	const struct trust_wants wants = {account->deliver_ca_file, "", "", ""};
	struct trust *trusts = NULL, *trust = NULL;
	struct stream_options options = {
		.server = account->deliver_server,
		.default_port = strcmp(what, "imap") == 0 ? "993" : "25",
		.is_tls_first = account->deliver_tls == ACCOUNT_TLS_IMPLICIT,
		.timeout_seconds = account->timeout_seconds,
	};
	char error[STREAM_ERROR_SIZE + TLS_ERROR_SIZE] = "";
	struct stream *stream = NULL;
	const char *line = NULL;
	enum outcome outcome = OK;

	if (options.is_tls_first)
		outcome = trust_take(&trusts, &wants, &trust, error);
	if (trust)
		options.tls = trust_context(trust);
	if (outcome == OK)
		outcome = stream_open(&options, &stream, error);
	if (outcome == OK && stream_read_line(stream, &line) != OK) {
		snprintf(error, sizeof(error), "%s", stream_error(stream));
		outcome = ERR_GONE;
	}
	if (outcome == OK) {
		doctor_says(doctor, "delivery", FINDING_GOOD,
			"%s to %.300s, which answers", what, options.server);
	} else {
		doctor_says(doctor, "delivery", FINDING_BAD,
			"%s to %.200s: %.300s", what, options.server, error);
		doctor_advises(doctor, EX_TEMPFAIL,
			"is deliver-server right in %s:%u, and does it run?",
			account->file, account->line);
	}
	stream_close(&stream);
	trust_give_back(&trusts, &trust);
}

/* Is the first word of the command a program? */
static bool
is_program(const char *name)
{
	const char *path = getenv("PATH");
	struct bytes rest = bytes_of_string(path ? path : "/usr/bin:/bin");
	char file[2 * PATH_MAX];

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	while (rest.octets > 0) {
		struct bytes folder = bytes_cut(&rest, ':');

		if (folder.octets >= PATH_MAX)
			continue;
		snprintf(file, sizeof(file), "%.*s/%.4000s", (int)folder.octets,
			(const char *)folder.at, name);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static void
look_at_command(struct doctor *doctor)
{
	const char *command = doctor->account->deliver_command;
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(command, " \t"),
		command);
	/* Quotes are the sink's to read. */
	if (strpbrk(name, "\"'") || is_program(name)) {
		doctor_says(doctor, "delivery", FINDING_GOOD, "pipe to %.400s",
			command);
		return;
	}
	doctor_says(doctor, "delivery", FINDING_BAD,
		"pipe: %.300s is no program here", name);
	doctor_advises(doctor, EX_CONFIG,
		"deliver-command in %s:%u wants a program and its arguments",
		doctor->account->file, doctor->account->line);
}

void
doctor_looks_at_delivery(struct doctor *doctor)
{
	const char *sink = account_sink_name(doctor->account);

	if (strcmp(sink, "maildir") == 0 || strcmp(sink, "mbox") == 0)
		look_at_folder(doctor, sink);
	else if (strcmp(sink, "pipe") == 0)
		look_at_command(doctor);
	else
		look_at_delivery_server(doctor, sink);
}

/* ---- disk and clock ---- */

static void
look_at_disk(struct doctor *doctor, char *path)
{
	struct statvfs disk;
	uint64_t octets;
	char text[16];

	cut_to_what_exists(path);
	if (statvfs(path, &disk) < 0)
		return;
	octets = (uint64_t)disk.f_bavail * disk.f_frsize;
	doctor_says(doctor, "disk",
		octets < NO_OCTETS	 ? FINDING_BAD
		: octets < LITTLE_OCTETS ? FINDING_WARNING
					 : FINDING_GOOD,
		"%s free at %.400s", human_octets(octets, text), path);
	if (octets < LITTLE_OCTETS)
		doctor_advises(doctor, EX_TEMPFAIL,
			"make room: what does not fit stays on the server");
	if (disk.f_files == 0 || disk.f_favail >= LITTLE_FILES)
		return;
	doctor_says(doctor, "disk", FINDING_WARNING,
		"room for %llu more files at %.400s",
		(unsigned long long)disk.f_favail, path);
	doctor_advises(doctor, EX_TEMPFAIL, "each message is a file");
}

void
doctor_looks_at_disk(struct doctor *doctor)
{
	char state[PATH_MAX], mail[PATH_MAX];
	struct stat one, other;

	account_expand(doctor->arguments->settings.state, state, sizeof(state));
	look_at_disk(doctor, state);
	if (!account_maildir(doctor->account, mail, sizeof(mail)))
		return;
	cut_to_what_exists(mail);
	if (stat(state, &one) == 0 && stat(mail, &other) == 0 &&
		one.st_dev != other.st_dev)
		look_at_disk(doctor, mail);
}

void
doctor_looks_at_clock(struct doctor *doctor, struct ledger *ledger)
{
	uint64_t now = clock_wall_seconds();
	time_t seconds = (time_t)now;
	struct ledger_run run = {.at_seconds = 0};
	struct tm parts;
	char text[32] = "";

	if (gmtime_r(&seconds, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts);
	if (ledger)
		ledger_last_run(ledger, doctor->account->name, &run);
	if (now >= BORN_SECONDS && now >= run.at_seconds) {
		doctor_says(doctor, "clock", FINDING_GOOD, "%s", text);
		return;
	}
	doctor_says(doctor, "clock", FINDING_BAD,
		"%s, and it has been later already", text);
	doctor_advises(doctor, EX_OSERR,
		"set it: certificates and retention go by it");
}
