/* SPDX-License-Identifier: ISC */
/*
 * IMAP APPEND, so that POP3 mail lands in a webmail: with the date at which it
 * arrived first, and \Seen when its Status header says so. Whether a message is
 * there already (its answer was lost) is asked by X-Restante-ID first.
 * Source: RFC 3501, 9051.
 */
#include "collect/sinks/imap.h"
#include "collect/header.h"
#include "collect/sinks/spooled.h"
#include "collect/stream.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define COMMAND_SIZE  2048
#define QUOTED_SIZE   600
#define LINES_MAXIMUM 10000
#define HEAD_OCTETS   65536
#define DATE_SIZE     40

struct imap {
	struct spooled spooled;
	struct stream *stream;
	unsigned number; /* of the command under way */
	bool is_found;	 /* by SEARCH */
	bool offers_tls;
	char selected[QUOTED_SIZE];
};

static struct imap *
self_of(struct sink *sink)
{
	return (struct imap *)sink;
}

static void
explain(struct imap *imap, const char *what, const char *why)
{
	snprintf(imap->spooled.base.error, SINK_ERROR_SIZE, "%.60s: %.180s",
		what, why);
}

/* ---- commands and replies ---- */

/* RFC 3501 "quoted": what has no place in one is no name we send. */
static bool
quote(const char *text, char out[QUOTED_SIZE])
{
	size_t held = 0;

	out[held++] = '"';
	for (; *text; text++) {
		if (*text == '\r' || *text == '\n' || held > QUOTED_SIZE - 5)
			return false;
		if (*text == '"' || *text == '\\')
			out[held++] = '\\';
		out[held++] = *text;
	}
	out[held++] = '"';
	out[held] = '\0';
	return true;
}

static void
on_untagged(struct imap *imap, const char *line)
{
	if (strncasecmp(line, "* SEARCH ", 9) == 0 &&
		line[9 + strspn(line + 9, " ")] != '\0')
		imap->is_found = true;
	if (strncasecmp(line, "* CAPABILITY", 12) == 0 &&
		strcasestr(line, "STARTTLS"))
		imap->offers_tls = true;
}

/* OK, or "+" when it is awaited; NO and BAD are ERR_PEER. */
static enum outcome
read_reply(struct imap *imap, const char *what, bool awaits_plus)
{
	char tag[16];
	size_t octets;

	snprintf(tag, sizeof(tag), "r%u ", imap->number);
	octets = strlen(tag);
	for (int i = 0; i < LINES_MAXIMUM; i++) {
		const char *line;

		if (stream_read_line(imap->stream, &line) != OK) {
			explain(imap, what, stream_error(imap->stream));
			return ERR_GONE;
		}
		if (awaits_plus && line[0] == '+')
			return OK;
		on_untagged(imap, line);
		if (strncmp(line, tag, octets) != 0)
			continue;
		explain(imap, what, line + octets);
		return strncasecmp(line + octets, "OK", 2) == 0 ? OK : ERR_PEER;
	}
	explain(imap, what, "an answer without end");
	return ERR_GONE;
}

__attribute__((format(printf, 4, 5))) static enum outcome
ask(struct imap *imap, const char *what, bool awaits_plus, const char *format,
	...)
{
	char line[COMMAND_SIZE];
	va_list arguments;
	int front, octets;

	imap->number++;
	front = snprintf(line, sizeof(line), "r%u ", imap->number);
	va_start(arguments, format);
	octets = vsnprintf(line + front, sizeof(line) - (size_t)front - 2,
		format, arguments);
	va_end(arguments);
	if (octets < 0 || octets >= (int)sizeof(line) - front - 2)
		return ERR_PEER;
	octets += front;
	memcpy(line + octets, "\r\n", 2);
	if (stream_write(imap->stream, bytes_of(line, (size_t)octets + 2)) !=
		OK) {
		explain(imap, what, stream_error(imap->stream));
		return ERR_GONE;
	}
	explicit_bzero(line, sizeof(line));
	return read_reply(imap, what, awaits_plus);
}

/* ---- connecting ---- */

static enum outcome
log_in(struct imap *imap)
{
	const struct sink_options *options = &imap->spooled.options;
	char user[QUOTED_SIZE], password[QUOTED_SIZE], text[QUOTED_SIZE / 2];
	enum outcome outcome = ERR_DENIED;

	if (!stream_is_private(imap->stream)) {
		explain(imap, "LOGIN", "no password without TLS");
		return ERR_DENIED;
	}
	if (!quote(options->user, user) ||
		!bytes_to_string(options->password, text, sizeof(text)) ||
		!quote(text, password))
		explain(imap, "LOGIN", "the name or password cannot be sent");
	else
		outcome = ask(
			imap, "LOGIN", false, "LOGIN %s %s", user, password);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(text, sizeof(text));
	return outcome == ERR_PEER ? ERR_DENIED : outcome;
}

static enum outcome
start_tls(struct imap *imap)
{
	enum outcome outcome = ask(imap, "CAPABILITY", false, "CAPABILITY");

	if (outcome != OK)
		return outcome;
	if (!imap->offers_tls) {
		explain(imap, "STARTTLS", "it is not offered");
		return ERR_DENIED;
	}
	outcome = ask(imap, "STARTTLS", false, "STARTTLS");
	if (outcome == OK) {
		outcome = stream_start_tls(imap->stream);
		if (outcome != OK)
			explain(imap, "TLS", stream_error(imap->stream));
	}
	return outcome;
}

static enum outcome
greet(struct imap *imap)
{
	const struct sink_options *options = &imap->spooled.options;
	enum outcome outcome = OK;
	const char *line;

	if (stream_read_line(imap->stream, &line) != OK) {
		explain(imap, "greeting", stream_error(imap->stream));
		return ERR_GONE;
	}
	if (strncasecmp(line, "* OK", 4) != 0) {
		explain(imap, "greeting", line);
		return ERR_TRY_LATER;
	}
	if (options->tls && !options->is_tls_first)
		outcome = start_tls(imap);
	if (outcome == OK)
		outcome = log_in(imap);
	return outcome == ERR_PEER ? ERR_TRY_LATER : outcome;
}

static enum outcome
connect_imap(struct imap *imap)
{
	const struct sink_options *options = &imap->spooled.options;
	struct stream_options stream = {
		.server = options->server,
		.default_port = options->is_tls_first ? "993" : "143",
		.tls = options->tls,
		.is_tls_first = options->is_tls_first,
		.timeout_seconds = options->timeout_seconds,
	};
	enum outcome outcome =
		stream_open(&stream, &imap->stream, imap->spooled.base.error);

	imap->selected[0] = '\0';
	if (outcome == OK)
		outcome = greet(imap);
	if (outcome != OK)
		stream_close(&imap->stream);
	return outcome;
}

/* ---- a message ---- */

/* "02-Nov-2026 10:00:00 +0000", of the topmost Received, or of Date. */
static void
read_header(struct imap *imap, const struct sink_delivery *delivery,
	char date[DATE_SIZE], bool *out_is_seen)
{
	char status[64] = "";
	int fd = spool_read(&imap->spooled.spool, delivery);
	unsigned char *head = malloc(HEAD_OCTETS);
	ssize_t got = fd >= 0 && head ? read(fd, head, HEAD_OCTETS) : 0;
	struct bytes text = bytes_of(head, got > 0 ? (size_t)got : 0);
	uint64_t seconds;
	struct tm tm;
	time_t when;

	date[0] = '\0';
	if (header_arrived(text, &seconds)) {
		when = (time_t)seconds;
		if (gmtime_r(&when, &tm))
			strftime(date, DATE_SIZE,
				"\"%d-%b-%Y %H:%M:%S +0000\" ", &tm);
	}
	*out_is_seen = header_value(text, "Status", status, sizeof(status)) &&
		       strchr(status, 'R');
	free(head);
	if (fd >= 0)
		close(fd);
}

static enum outcome
select_folder(struct imap *imap, const char *folder)
{
	enum outcome outcome;

	if (strcmp(imap->selected, folder) == 0)
		return OK;
	outcome = ask(imap, "SELECT", false, "EXAMINE %s", folder);
	if (outcome == ERR_PEER) {
		outcome = ask(imap, "CREATE", false, "CREATE %s", folder);
		if (outcome == OK)
			outcome = ask(
				imap, "SELECT", false, "EXAMINE %s", folder);
	}
	if (outcome == OK)
		snprintf(imap->selected, sizeof(imap->selected), "%s", folder);
	return outcome;
}

static enum outcome
send_piece(struct bytes octets, void *context)
{
	return stream_write(context, octets);
}

static enum outcome
append(struct imap *imap, const struct sink_delivery *delivery,
	const char *folder)
{
	char date[DATE_SIZE];
	bool is_seen;
	int fd;
	enum outcome outcome;

	read_header(imap, delivery, date, &is_seen);
	outcome = ask(imap, "APPEND", true, "APPEND %s %s%s{%lld}", folder,
		is_seen ? "(\\Seen) " : "", date,
		(long long)delivery->octets.written);
	if (outcome != OK)
		return outcome;
	fd = spool_read(&imap->spooled.spool, delivery);
	if (fd < 0)
		return ERR_GONE;
	outcome = spool_each(fd, send_piece, imap->stream);
	close(fd);
	if (outcome == OK)
		outcome = stream_write(imap->stream, bytes_of("\r\n", 2));
	if (outcome == OK)
		return read_reply(imap, "APPEND", false);
	explain(imap, "APPEND", stream_error(imap->stream));
	return ERR_GONE;
}

static enum outcome
deliver(struct imap *imap, const struct sink_delivery *delivery)
{
	const char *name = delivery->folder[0] ? delivery->folder
					       : imap->spooled.options.folder;
	char folder[QUOTED_SIZE];
	enum outcome outcome = OK;

	if (!quote(name, folder))
		return ERR_PEER;
	if (!imap->stream)
		outcome = connect_imap(imap);
	if (outcome == OK)
		outcome = select_folder(imap, folder);
	imap->is_found = false;
	if (outcome == OK)
		outcome = ask(imap, "SEARCH", false,
			"UID SEARCH HEADER X-Restante-ID %s", delivery->tag);
	if (outcome == OK && !imap->is_found)
		outcome = append(imap, delivery, folder);
	return outcome;
}

static void
imap_flush(struct sink *sink, struct sink_delivery *const *deliveries,
	size_t count, enum outcome *outcomes)
{
	struct imap *imap = self_of(sink);

	for (size_t i = 0; i < count; i++) {
		bool is_old = imap->stream != NULL;

		outcomes[i] = deliver(imap, deliveries[i]);
		if (outcomes[i] != ERR_GONE)
			continue;
		stream_close(&imap->stream);
		/* Idle for too long, perhaps; SEARCH finds what was taken. */
		if (is_old)
			outcomes[i] = deliver(imap, deliveries[i]);
		if (outcomes[i] == ERR_GONE)
			stream_close(&imap->stream);
	}
}

/* ---- opening ---- */

static enum outcome
imap_open(const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE])
{
	if (options->server[0] && options->user[0])
		return spooled_open(
			&sink_imap, sizeof(struct imap), options, out, error);
	snprintf(error, SINK_ERROR_SIZE,
		"deliver = imap needs deliver-server and deliver-user");
	return ERR_PEER;
}

static void
imap_close(struct sink **sink)
{
	struct imap *imap;

	if (!*sink)
		return;
	imap = self_of(*sink);
	if (imap->stream)
		stream_write(imap->stream, bytes_of_string("rx LOGOUT\r\n"));
	stream_close(&imap->stream);
	spooled_close(sink);
}

const struct sink_ops sink_imap = {
	.name = "imap",
	.open = imap_open,
	.close = imap_close,
	.begin = spooled_begin,
	.put = spooled_put,
	.end = spooled_end,
	.file_into = spooled_file_into,
	.flush = imap_flush,
	.drop = spooled_drop,
	.batch = 1,
	.has_id = true,
};
