/* SPDX-License-Identifier: ISC */
#include "programs/progress.h"
#include "base/clock.h"
#include "programs/columns.h"
#include "programs/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FIRST_MS      500
#define INTERVAL_MS   100
#define LABEL_COLUMNS 28
#define LABEL_MINIMUM 12
#define LINE_SIZE     256
#define BAR_MAXIMUM   30

struct bar {
	const char *label; /* NULL: not under way */
	uint64_t done_octets, total_octets, done_messages, total_messages;
	uint64_t began_ms;
};

struct progress {
	bool is_shown; /* standard error is a terminal */
	uint64_t began_ms, drawn_ms;
	size_t lines; /* on the terminal now */
	size_t count;
	struct bar bars[];
};

struct progress *
progress_new(size_t bars, bool is_quiet)
{
	struct progress *progress =
		calloc(1, sizeof(*progress) + bars * sizeof(struct bar));

	if (!progress)
		return NULL;
	progress->count = bars;
	progress->is_shown = !is_quiet && isatty(STDERR_FILENO);
	progress->began_ms = clock_monotonic_ms();
	return progress;
}

void
progress_hide(struct progress *progress)
{
	/* Up, to the left, and clear to the end of the screen. */
	if (progress->lines > 0)
		fprintf(stderr, "\033[%zuA\r\033[J", progress->lines);
	progress->lines = 0;
	progress->drawn_ms = 0;
	fflush(stderr);
}

void
progress_free(struct progress **progress)
{
	if (!*progress)
		return;
	progress_hide(*progress);
	free(*progress);
	*progress = NULL;
}

/* ---- one line ---- */

const char *
progress_time(uint64_t seconds, char out[24])
{
	unsigned long long s = seconds;

	if (s >= 360000)
		snprintf(out, 24, ">100 h");
	else if (s >= 3600)
		snprintf(out, 24, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60,
			s % 60);
	else
		snprintf(out, 24, "%llu:%02llu", s / 60, s % 60);
	return out;
}

static void
put_bar(char *out, size_t columns, uint64_t done, uint64_t total)
{
	size_t filled =
		total ? (size_t)((double)done / (double)total * (double)columns)
		      : columns;

	for (size_t i = 0; i < columns; i++)
		out[i] = i < filled ? '#' : '-';
	out[columns] = '\0';
}

/* amount: "" where there is no room for it. */
static void
put_numbers(char *out, size_t size, const char *amount, uint64_t done_messages,
	uint64_t total_messages, uint64_t rest, uint64_t per_second)
{
	char left[24];

	snprintf(out, size, "%llu/%llu  %s%s%s left",
		(unsigned long long)done_messages,
		(unsigned long long)total_messages, amount,
		*amount ? "/s  " : "",
		per_second ? progress_time(rest / per_second, left) : "?");
}

/* How much of the label a narrow terminal has room for. */
static size_t
label_columns(size_t width, const char *text)
{
	size_t used = strlen(text) + 1;
	size_t columns = width > used ? width - used : 0;

	if (columns > LABEL_COLUMNS)
		columns = LABEL_COLUMNS;
	return columns < LABEL_MINIMUM ? LABEL_MINIMUM : columns;
}

void
progress_format(char *out, size_t size, size_t width, const char *label,
	uint64_t done_octets, uint64_t total_octets, uint64_t done_messages,
	uint64_t total_messages, uint64_t elapsed_ms)
{
	bool has_octets =
		done_octets > 0 || total_octets > 0 || total_messages == 0;
	uint64_t done = has_octets ? done_octets : done_messages;
	uint64_t total = has_octets ? total_octets : total_messages;
	uint64_t per_second = elapsed_ms ? done * 1000 / elapsed_ms : 0;
	uint64_t rest = done < total ? total - done : 0;
	char so_far[16], rate[16], amount[40], bar[BAR_MAXIMUM + 1],
		text[LINE_SIZE], name[COLUMNS_SIZE];
	size_t used, columns;
	size_t label_width;

	if (has_octets)
		snprintf(amount, sizeof(amount), "%s  %s",
			human_octets(done, so_far),
			human_octets(per_second, rate));
	else
		snprintf(amount, sizeof(amount), "%llu",
			(unsigned long long)per_second);
	put_numbers(text, sizeof(text), amount, done_messages, total_messages,
		rest, per_second);
	if (strlen(text) + 1 + LABEL_MINIMUM > width)
		put_numbers(text, sizeof(text), "", done_messages,
			total_messages, rest, per_second);
	used = LABEL_COLUMNS + 2 + strlen(text) + 4;
	columns = width > used ? width - used : 0;
	if (columns > BAR_MAXIMUM)
		columns = BAR_MAXIMUM;
	put_bar(bar, columns, total - rest, total);
	label_width = columns ? LABEL_COLUMNS : label_columns(width, text);
	snprintf(out, size, "%s %s%s%s%s", in_columns(label, label_width, name),
		columns ? "[" : "", bar, columns ? "] " : "", text);
	columns_cut(out, width);
}

/* ---- drawing ---- */

static size_t
terminal_width(void)
{
	struct winsize window = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 &&
		window.ws_col >= 20)
		return window.ws_col - 1u;
	return 79;
}

static void
draw(struct progress *progress, uint64_t now_ms)
{
	size_t width = terminal_width(), more = 0;
	char line[LINE_SIZE];

	progress_hide(progress);
	progress->drawn_ms = now_ms;
	for (size_t i = 0; i < progress->count; i++) {
		const struct bar *bar = &progress->bars[i];

		if (!bar->label)
			continue;
		if (progress->lines >= PROGRESS_BARS_MAXIMUM) {
			more++;
			continue;
		}
		progress_format(line, sizeof(line), width, bar->label,
			bar->done_octets, bar->total_octets, bar->done_messages,
			bar->total_messages, now_ms - bar->began_ms);
		fprintf(stderr, "%s\n", line);
		progress->lines++;
	}
	if (more > 0) {
		fprintf(stderr, "and %zu more\n", more);
		progress->lines++;
	}
	fflush(stderr);
}

void
progress_set(struct progress *progress, size_t index, const char *label,
	uint64_t done_octets, uint64_t total_octets, uint64_t done_messages,
	uint64_t total_messages)
{
	struct bar *bar = &progress->bars[index];
	uint64_t now_ms;

	if (!progress->is_shown)
		return;
	now_ms = clock_monotonic_ms();
	if (!bar->label)
		bar->began_ms = now_ms;
	bar->label = label;
	bar->done_octets = done_octets;
	bar->total_octets = total_octets;
	bar->done_messages = done_messages;
	bar->total_messages = total_messages;
	if (now_ms - progress->began_ms >= FIRST_MS &&
		now_ms - progress->drawn_ms >= INTERVAL_MS)
		draw(progress, now_ms);
}

void
progress_end(struct progress *progress, size_t index)
{
	progress->bars[index].label = NULL;
	progress_hide(progress);
}
