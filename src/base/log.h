/* SPDX-License-Identifier: ISC */
/*
 * log - one line an event: a fixed word, then key=value. Addresses come before
 * anything a peer controls; a peer's text goes through log_quote.
 *
 *   log_event(LOG_LEVEL_INFO, "login", "addr=%s user=%s", address, quoted);
 *
 * stderr lines: `2026-11-24T01:50:00.123Z session-0[4711] info login addr=...`;
 * syslog lines: `login addr=...` (facility mail). Libraries log nothing above
 * debug. No secret is ever a parameter.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* In the order of the words of [server] log-format. */
enum log_format { LOG_FORMAT_RESTANTE, LOG_FORMAT_DOVECOT };

enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG };

#define LOG_LINE_MAXIMUM_OCTETS 2048

/*
 * Before log_open. As Dovecot: "Nov 24 01:50:00 session-0: Info: login addr=..."
 * on stderr, "dovecot: session-0: login addr=..." in syslog. What Dovecot has
 * words of its own for goes through log_as instead of log_event.
 */
void log_set_format(enum log_format format);
bool log_is_dovecot(void);

/* stderr that goes to the journal has "<6>" in front and no time (sd-daemon(3)).
   `role` is borrowed for the life of the process, e.g. "session-0". */
void log_open(enum log_target target, enum log_level most, const char *role);

/* The least that is written from now on. */
void log_set_level(enum log_level most);

/* This process is about to lose the right to open sockets: when syslogd is
   started anew, its lines are lost. */
void log_open_no_more(void);

__attribute__((format(printf, 3, 4))) void log_event(
	enum log_level level, const char *event, const char *format, ...);

/* In the format of Dovecot: `who` instead of the role, and no event. */
__attribute__((format(printf, 3, 4))) void log_as(
	enum log_level level, const char *who, const char *format, ...);

#define LOG_QUOTED_OCTETS 300
/*
 * A peer's text where Dovecot writes it, as in user=<...>: what could end it or
 * is no printable ASCII or UTF-8 is "?". Cut at the size of `out`; returns out.
 */
const char *log_plain(char out[LOG_QUOTED_OCTETS], struct bytes text);
/*
 * A peer's text as `"..."`: printable ASCII and well-formed UTF-8 kept, quote,
 * backslash and everything else as \xHH, cut with "..." at the size of `out`.
 * Returns out, so that it can stand in a call of log_event.
 */
const char *log_quote(char out[LOG_QUOTED_OCTETS], struct bytes text);

#endif
