/* SPDX-License-Identifier: ISC */
#include "base/log.h"
#include "base/clock.h"
#include "base/syslog_socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static enum log_target log_target = LOG_TARGET_STDERR;
static enum log_level log_most = LOG_LEVEL_INFO;
static enum log_format log_format = LOG_FORMAT_RESTANTE;
static const char *log_role = "restante";
static bool is_journal; /* stderr is */
static int syslog_fd = -1;
static bool may_open = true;

void
log_set_format(enum log_format format)
{
	log_format = format;
}

bool
log_is_dovecot(void)
{
	return log_format == LOG_FORMAT_DOVECOT;
}

/* systemd.exec(5): the socket that it gave us, if it was not replaced since. */
static bool
is_stderr_the_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status) < 0)
		return false;
	snprintf(own, sizeof(own), "%llu:%llu",
		(unsigned long long)status.st_dev,
		(unsigned long long)status.st_ino);
	return strcmp(own, stream) == 0;
}

void
log_open(enum log_target target, enum log_level most, const char *role)
{
	log_target = target;
	log_most = most;
	log_role = role;
	is_journal = target == LOG_TARGET_STDERR && is_stderr_the_journal();
	/* Behind a root of its own there is no file of the time zone. */
	tzset();
	if (target == LOG_TARGET_SYSLOG && syslog_fd < 0)
		syslog_fd = syslog_socket_open(SYSLOG_PATH);
}

void
log_set_level(enum log_level most)
{
	log_most = most;
}

void
log_open_no_more(void)
{
	may_open = false;
}

/* syslogd may have been started anew, or late. */
static void
write_syslog(int priority, const char *line)
{
	char tag[32];

	if (log_is_dovecot())
		snprintf(tag, sizeof(tag), "dovecot");
	else
		snprintf(tag, sizeof(tag), "restante[%d]", (int)getpid());
	if (syslog_fd >= 0 &&
		syslog_socket_send(syslog_fd, priority, tag, line))
		return;
	if (!may_open || errno == EAGAIN)
		return;
	if (syslog_fd >= 0)
		close(syslog_fd);
	syslog_fd = syslog_socket_open(SYSLOG_PATH);
	if (syslog_fd >= 0)
		syslog_socket_send(syslog_fd, priority, tag, line);
}

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARNING] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

static size_t
print_time(char *line, size_t size)
{
	uint64_t now_us = clock_wall_us();
	time_t seconds = (time_t)(now_us / 1000000);
	struct tm when;
	size_t used;

	if (log_is_dovecot()) {
		localtime_r(&seconds, &when);
		return strftime(line, size, "%b %d %H:%M:%S ", &when);
	}
	gmtime_r(&seconds, &when);
	used = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &when);
	return used + (size_t)snprintf(line + used, size - used, ".%03uZ ",
			      (unsigned)(now_us / 1000 % 1000));
}

/* Syslog and the journal have a time and a priority of their own. */
static size_t
print_front(char *line, size_t size, enum log_level level)
{
	if (log_target == LOG_TARGET_SYSLOG)
		return 0;
	if (is_journal)
		return (size_t)snprintf(line, size, "<%d>", priorities[level]);
	return print_time(line, size);
}

static size_t
print_head(char *line, size_t size, enum log_level level, const char *who)
{
	static const char *const words[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};
	static const char *const dovecot_words[] = {
		[LOG_LEVEL_ERROR] = "Error: ",
		[LOG_LEVEL_WARNING] = "Warning: ",
		[LOG_LEVEL_INFO] = "Info: ",
		[LOG_LEVEL_DEBUG] = "Debug: ",
	};
	bool is_syslog = log_target == LOG_TARGET_SYSLOG;
	size_t used = print_front(line, size, level);

	if (log_is_dovecot())
		return used + (size_t)snprintf(line + used, size - used,
				      "%s: %s", who,
				      is_syslog && level == LOG_LEVEL_INFO
					      ? ""
					      : dovecot_words[level]);
	if (is_syslog)
		return used;
	return used + (size_t)snprintf(line + used, size - used, "%s[%d] %s ",
			      who, (int)getpid(), words[level]);
}

static void
write_line(enum log_level level, char *line, size_t octets)
{
	if (log_target == LOG_TARGET_SYSLOG) {
		write_syslog(LOG_MAIL | priorities[level], line);
		return;
	}
	line[octets] = '\n';
	/* A full or closed stderr must not stop the mail. */
	if (write(STDERR_FILENO, line, octets + 1) < 0)
		return;
}

/* A line that begins with `used` octets: the rest of it, and off it goes. */
__attribute__((format(printf, 4, 0))) static void
finish_line(enum log_level level, char line[LOG_LINE_MAXIMUM_OCTETS + 1],
	size_t used, const char *format, va_list arguments)
{
	size_t limit = LOG_LINE_MAXIMUM_OCTETS;
	int more;

	if (used < limit) {
		more = vsnprintf(line + used, limit - used, format, arguments);
		if (more > 0)
			used += (size_t)more;
	}
	if (used >= limit)
		used = limit - 1;
	write_line(level, line, used);
}

void
log_event(enum log_level level, const char *event, const char *format, ...)
{
	char line[LOG_LINE_MAXIMUM_OCTETS + 1];
	size_t limit = LOG_LINE_MAXIMUM_OCTETS;
	va_list arguments;
	size_t used;

	if (level > log_most)
		return;
	used = print_head(line, limit, level, log_role);
	used += (size_t)snprintf(
		line + used, limit - used, "%s%s", event, format[0] ? " " : "");
	va_start(arguments, format);
	finish_line(level, line, used, format, arguments);
	va_end(arguments);
}

void
log_as(enum log_level level, const char *who, const char *format, ...)
{
	char line[LOG_LINE_MAXIMUM_OCTETS + 1];
	va_list arguments;

	if (level > log_most)
		return;
	va_start(arguments, format);
	finish_line(level, line,
		print_head(line, LOG_LINE_MAXIMUM_OCTETS, level, who), format,
		arguments);
	va_end(arguments);
}

/* Octets of the well-formed UTF-8 sequence at the front (2..4), else 0. */
static size_t
utf8_octets(struct bytes text)
{
	unsigned char first = text.at[0];
	size_t octets = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

	if (first < 0xc2 || first > 0xf4 || text.octets < octets)
		return 0;
	for (size_t i = 1; i < octets; i++)
		if ((text.at[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, above U+10FFFF; C1 controls. */
	if ((first == 0xe0 && text.at[1] < 0xa0) ||
		(first == 0xed && text.at[1] > 0x9f) ||
		(first == 0xf0 && text.at[1] < 0x90) ||
		(first == 0xf4 && text.at[1] > 0x8f) ||
		(first == 0xc2 && text.at[1] < 0xa0))
		return 0;
	return octets;
}

static size_t
quote_one(struct bytes text, char out[5], size_t *taken)
{
	unsigned char octet = text.at[0];
	size_t wide = utf8_octets(text);

	*taken = wide ? wide : 1;
	if (wide) {
		memcpy(out, text.at, wide);
		return wide;
	}
	if (octet >= ' ' && octet <= '~' && octet != '"' && octet != '\\') {
		out[0] = (char)octet;
		return 1;
	}
	return (size_t)snprintf(out, 5, "\\x%02x", octet);
}

const char *
log_quote(char out[LOG_QUOTED_OCTETS], struct bytes text)
{
	size_t used = 0;

	out[used++] = '"';
	while (text.octets > 0) {
		char piece[5];
		size_t taken, octets = quote_one(text, piece, &taken);

		if (used + octets > LOG_QUOTED_OCTETS - 6) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		memcpy(out + used, piece, octets);
		used += octets;
		text = bytes_after(text, taken);
	}
	memcpy(out + used, "\"", 2);
	return out;
}

const char *
log_plain(char out[LOG_QUOTED_OCTETS], struct bytes text)
{
	size_t used = 0;

	while (text.octets > 0) {
		size_t wide = utf8_octets(text);
		unsigned char octet = text.at[0];
		bool is_good = wide > 0 || (octet >= ' ' && octet <= '~' &&
						   !strchr("<>()", octet));

		if (wide == 0)
			wide = 1;
		if (used + wide > LOG_QUOTED_OCTETS - 1)
			break;
		memcpy(out + used, is_good ? text.at : (const void *)"?", wide);
		used += wide;
		text = bytes_after(text, wide);
	}
	out[used] = '\0';
	return out;
}
