/* SPDX-License-Identifier: ISC */
#include "base/log.h"
#include "base/clock.h"
#include "base/syslog_socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static enum log_target log_target = LOG_TARGET_STDERR;
static enum log_level log_most = LOG_LEVEL_INFO;
static const char *log_role = "restante";
static int syslog_fd = -1;
static bool may_open = true;

void
log_open(enum log_target target, enum log_level most, const char *role)
{
	log_target = target;
	log_most = most;
	log_role = role;
	if (target == LOG_TARGET_SYSLOG && syslog_fd < 0)
		syslog_fd = syslog_socket_open(SYSLOG_PATH);
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
	if (syslog_fd >= 0 && syslog_socket_send(syslog_fd, priority, line))
		return;
	if (!may_open || errno == EAGAIN)
		return;
	if (syslog_fd >= 0)
		close(syslog_fd);
	syslog_fd = syslog_socket_open(SYSLOG_PATH);
	if (syslog_fd >= 0)
		syslog_socket_send(syslog_fd, priority, line);
}

static size_t
print_head(char *line, size_t size, enum log_level level)
{
	static const char *const words[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};
	uint64_t now_us = clock_wall_us();
	time_t seconds = (time_t)(now_us / 1000000);
	struct tm utc;
	size_t used;

	gmtime_r(&seconds, &utc);
	used = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
	used += (size_t)snprintf(line + used, size - used, ".%03uZ %s[%d] %s ",
		(unsigned)(now_us / 1000 % 1000), log_role, (int)getpid(),
		words[level]);
	return used;
}

static void
write_line(enum log_level level, char *line, size_t octets)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARNING] = LOG_WARNING,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};

	if (log_target == LOG_TARGET_SYSLOG) {
		write_syslog(LOG_MAIL | priorities[level], line);
		return;
	}
	line[octets] = '\n';
	/* A full or closed stderr must not stop the mail. */
	if (write(STDERR_FILENO, line, octets + 1) < 0)
		return;
}

void
log_event(enum log_level level, const char *event, const char *format, ...)
{
	char line[LOG_LINE_MAXIMUM_OCTETS + 1];
	size_t limit = LOG_LINE_MAXIMUM_OCTETS;
	size_t used = 0;
	va_list arguments;
	int more;

	if (level > log_most)
		return;
	if (log_target == LOG_TARGET_STDERR)
		used = print_head(line, limit, level);
	used += (size_t)snprintf(
		line + used, limit - used, "%s%s", event, format[0] ? " " : "");
	if (used < limit) {
		va_start(arguments, format);
		more = vsnprintf(line + used, limit - used, format, arguments);
		va_end(arguments);
		if (more > 0)
			used += (size_t)more;
	}
	if (used >= limit)
		used = limit - 1;
	write_line(level, line, used);
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
