/* SPDX-License-Identifier: ISC */
#include "programs/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#define PROMPT_SIZE 240
#define LINE_OCTETS (PASSWORD_LINE_MAXIMUM_OCTETS + 3)

int
complain(int code, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(arguments, format);
	/* Clang 14 forgets va_start once it has read another file.
	   NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return code;
}

/* One line of `file` without its end; false at the end, when too long, and with
   NUL, behind which a password would be cut. */
static bool
read_line(FILE *file, char line[LINE_OCTETS])
{
	size_t octets = 0;
	int c;

	while ((c = getc(file)) != EOF && c != '\n') {
		if (c == '\0' || octets + 1 == LINE_OCTETS)
			return false;
		line[octets++] = (char)c;
	}
	if (c == EOF && octets == 0)
		return false;
	line[octets] = '\0';
	octets = strcspn(line, "\r");
	line[octets] = '\0';
	return octets <= PASSWORD_LINE_MAXIMUM_OCTETS;
}

/* ---- a signal while the terminal shows nothing ---- */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t noted;

static void
note(int signal)
{
	noted = signal;
}

static void
note_signals(struct sigaction before[SIGNALS])
{
	/* Without SA_RESTART: reading ends. */
	const struct sigaction noting = {.sa_handler = note};

	noted = 0;
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &noting, NULL);
	}
}

/* It does now what it would have done; true: that was a pause. */
static bool
take_signal(const struct sigaction before[SIGNALS])
{
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &before[i], NULL);
	if (noted)
		raise(noted);
	return noted == SIGTSTP;
}

/* ---- asking ---- */

static bool
ask_once(FILE *terminal, const struct termios *shown, const char *prompt,
	char line[LINE_OCTETS])
{
	struct termios hidden = *shown;
	bool has_line;

	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fputs(prompt, terminal);
	fflush(terminal);
	tcsetattr(fileno(terminal), TCSAFLUSH, &hidden);
	has_line = read_line(terminal, line);
	tcsetattr(fileno(terminal), TCSAFLUSH, shown);
	clearerr(terminal);
	fputc('\n', terminal);
	fflush(terminal);
	return has_line;
}

static bool
ask(FILE *terminal, const char *prompt, char line[LINE_OCTETS])
{
	struct sigaction before[SIGNALS];
	struct termios shown;
	bool has_line;

	if (tcgetattr(fileno(terminal), &shown) < 0)
		return false;
	do {
		note_signals(before);
		has_line = ask_once(terminal, &shown, prompt, line);
	} while (take_signal(before));
	return has_line;
}

/* whom: NULL: it is clear whose it is. */
static int
ask_on_terminal(const char *whom, bool is_new, struct secret *out)
{
	char prompt[PROMPT_SIZE];
	char first[LINE_OCTETS] = "", second[LINE_OCTETS] = "";
	FILE *terminal = fopen("/dev/tty", "r+");
	int code = EX_OK;

	snprintf(prompt, sizeof(prompt),
		"Password%s%.200s: ", whom ? " of " : "", whom ? whom : "");
	if (!terminal)
		return complain(EX_USAGE,
			"there is no terminal to ask for a password: give it "
			"on standard input with --password-stdin");
	if (!ask(terminal, prompt, first) ||
		(is_new && !ask(terminal, "Once more: ", second)))
		code = complain(EX_NOINPUT, "no password was given");
	else if (is_new && strcmp(first, second) != 0)
		code = complain(EX_DATAERR, "the two are not the same");
	else if (!secret_set(out, bytes_of_string(first)))
		code = EX_OSERR;
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
	fclose(terminal);
	return code;
}

int
read_password(bool from_stdin, bool is_new, struct secret *out)
{
	char line[LINE_OCTETS] = "";
	int code = EX_OK;

	if (!from_stdin) {
		code = ask_on_terminal(NULL, is_new, out);
	} else if (!read_line(stdin, line)) {
		code = complain(EX_NOINPUT,
			"standard input holds no password: a line of at most "
			"%d octets, without NUL",
			PASSWORD_LINE_MAXIMUM_OCTETS);
	} else if (!secret_set(out, bytes_of_string(line))) {
		code = EX_OSERR;
	}
	explicit_bzero(line, sizeof(line));
	if (code == EX_OK && out->octets == 0)
		return complain(EX_DATAERR, "an empty password is none");
	return code;
}

bool
has_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int
ask_password_of(const char *whom, struct secret *out)
{
	int code = ask_on_terminal(whom, false, out);

	if (code == EX_OK && out->octets == 0)
		return complain(EX_DATAERR, "an empty password is none");
	return code;
}

bool
ask_yes(const char *question)
{
	FILE *terminal = fopen("/dev/tty", "r+");
	char line[LINE_OCTETS] = "";

	if (!terminal)
		return false;
	fprintf(terminal, "%s [y/N] ", question);
	fflush(terminal);
	if (!read_line(terminal, line))
		line[0] = '\0';
	fclose(terminal);
	return line[0] == 'y' || line[0] == 'Y';
}

const char *
human_octets(uint64_t octets, char out[16])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)octets;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(out, 16, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return out;
}

const char *
human_seconds(uint64_t seconds, char out[32])
{
	unsigned long long s = seconds;

	if (s < 120)
		snprintf(out, 32, "%llu s", s);
	else if (s < 7200)
		snprintf(out, 32, "%llu min", s / 60);
	else if (s < 172800)
		snprintf(out, 32, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		snprintf(out, 32, "%llu d %llu h", s / 86400, s / 3600 % 24);
	return out;
}
