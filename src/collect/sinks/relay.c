/* SPDX-License-Identifier: ISC */
/*
 * LMTP and SMTP: each message to one recipient, over one connection for all. The
 * server's answer to a message can be lost after it has taken it; then that one
 * message comes again, with the same X-Restante-ID.
 * Source: RFC 5321, 2033, 3207, 4954, 5233 (a folder becomes a subaddress).
 */
#include "collect/sinks/relay.h"
#include "base/base64.h"
#include "collect/sinks/spooled.h"
#include "collect/stream.h"
#include "wire/dot_encoder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESS_SIZE	     512
#define COMMAND_SIZE	     1200
#define REPLY_LINES_MAXIMUM  100
#define AUTH_MAXIMUM_OCTETS  16384
#define ENCODED_PIECE_OCTETS 16384

struct relay {
	struct spooled spooled;
	struct stream *stream;
	bool is_lmtp, offers_tls, offers_plain;
	int code; /* of the last reply */
	struct dot_encoder encoder;
};

static struct relay *
self_of(struct sink *sink)
{
	return (struct relay *)sink;
}

static void
explain(struct relay *relay, const char *what, const char *why)
{
	snprintf(relay->spooled.base.error, SINK_ERROR_SIZE, "%.60s: %.180s",
		what, why);
}

/* ---- commands and replies ---- */

static void
note_offer(struct relay *relay, const char *line)
{
	struct bytes rest = bytes_of_string(line);
	struct bytes word = bytes_cut(&rest, ' ');

	if (bytes_equal_ignoring_case(word, bytes_of_string("STARTTLS")))
		relay->offers_tls = true;
	if (!bytes_equal_ignoring_case(word, bytes_of_string("AUTH")))
		return;
	while (rest.octets > 0)
		if (bytes_equal_ignoring_case(
			    bytes_cut(&rest, ' '), bytes_of_string("PLAIN")))
			relay->offers_plain = true;
}

/* The reply's class decides: 2xx and 3xx are OK, 4xx is ERR_BUSY, 5xx ERR_PEER:
 * both are about what was asked, not about the connection. */
static enum outcome
read_reply(struct relay *relay, const char *what)
{
	for (int i = 0; i < REPLY_LINES_MAXIMUM; i++) {
		const char *line;
		enum outcome outcome = stream_read_line(relay->stream, &line);
		uint64_t code = 0;

		if (outcome != OK) {
			explain(relay, what, stream_error(relay->stream));
			return ERR_GONE;
		}
		if (strlen(line) < 3 ||
			!bytes_to_number(bytes_of(line, 3), 599, &code) ||
			code < 200)
			break;
		relay->code = (int)code;
		note_offer(relay, line[3] ? line + 4 : "");
		if (line[3] == '-')
			continue;
		explain(relay, what, line);
		if (code < 400)
			return OK;
		return code < 500 ? ERR_BUSY : ERR_PEER;
	}
	explain(relay, what, "the answer is no reply");
	return ERR_GONE;
}

static enum outcome
say(struct relay *relay, struct bytes octets, const char *what)
{
	if (stream_write(relay->stream, octets) != OK) {
		explain(relay, what, stream_error(relay->stream));
		return ERR_GONE;
	}
	return read_reply(relay, what);
}

__attribute__((format(printf, 3, 4))) static enum outcome
ask(struct relay *relay, const char *what, const char *format, ...)
{
	char line[COMMAND_SIZE];
	va_list arguments;
	int octets;

	va_start(arguments, format);
	octets = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (octets < 0 || octets >= (int)sizeof(line))
		return ERR_PEER;
	return say(relay, bytes_of(line, (size_t)octets), what);
}

/* ---- connecting ---- */

static enum outcome
hello(struct relay *relay)
{
	char name[256] = "localhost";

	gethostname(name, sizeof(name) - 1);
	relay->offers_tls = relay->offers_plain = false;
	return ask(relay, relay->is_lmtp ? "LHLO" : "EHLO", "%s %s\r\n",
		relay->is_lmtp ? "LHLO" : "EHLO", name);
}

static enum outcome
start_tls(struct relay *relay)
{
	enum outcome outcome;

	/* Without the TLS that was asked for, no mail and no secret. */
	if (!relay->offers_tls) {
		explain(relay, "STARTTLS", "it is not offered");
		return ERR_DENIED;
	}
	outcome = ask(relay, "STARTTLS", "STARTTLS\r\n");
	if (outcome == OK) {
		outcome = stream_start_tls(relay->stream);
		if (outcome != OK)
			explain(relay, "TLS", stream_error(relay->stream));
	}
	return outcome == OK ? hello(relay) : outcome;
}

static enum outcome
log_in(struct relay *relay)
{
	const struct sink_options *options = &relay->spooled.options;
	enum outcome outcome = ERR_TRY_LATER;
	struct buffer plain, line;

	if (!stream_is_private(relay->stream) || !relay->offers_plain) {
		explain(relay, "AUTH",
			relay->offers_plain ? "no password without TLS"
					    : "AUTH PLAIN is not offered");
		return ERR_DENIED;
	}
	buffer_init(&plain, AUTH_MAXIMUM_OCTETS);
	buffer_init(&line, 2 * AUTH_MAXIMUM_OCTETS);
	if (buffer_append(&plain, "", 1) &&
		buffer_append_string(&plain, options->user) &&
		buffer_append(&plain, "", 1) &&
		buffer_append_bytes(&plain, options->password) &&
		buffer_append_string(&line, "AUTH PLAIN ") &&
		base64_encode(buffer_bytes(&plain), &line) &&
		buffer_append_string(&line, "\r\n"))
		outcome = say(relay, buffer_bytes(&line), "AUTH");
	buffer_wipe(&plain);
	buffer_wipe(&line);
	return outcome == ERR_PEER ? ERR_DENIED : outcome;
}

static enum outcome
greet(struct relay *relay)
{
	const struct sink_options *options = &relay->spooled.options;
	enum outcome outcome = read_reply(relay, "greeting");

	if (outcome == OK)
		outcome = hello(relay);
	if (outcome == OK && options->tls && !options->is_tls_first)
		outcome = start_tls(relay);
	if (outcome == OK && options->user[0])
		outcome = log_in(relay);
	/* Of the connection, not of a message. */
	return outcome == ERR_PEER || outcome == ERR_BUSY ? ERR_TRY_LATER
							  : outcome;
}

static enum outcome
connect_relay(struct relay *relay)
{
	const struct sink_options *options = &relay->spooled.options;
	struct stream_options stream = {
		.server = options->server,
		.default_port = relay->is_lmtp		? "24"
				: options->is_tls_first ? "465"
							: "587",
		.tls = options->tls,
		.is_tls_first = options->is_tls_first,
		.timeout_seconds = options->timeout_seconds,
	};
	enum outcome outcome =
		stream_open(&stream, &relay->stream, relay->spooled.base.error);

	if (outcome == OK)
		outcome = greet(relay);
	if (outcome != OK)
		stream_close(&relay->stream);
	return outcome;
}

/* ---- a message ---- */

/* "alice@example.org" and "Lists" are "alice+Lists@example.org". */
static bool
make_recipient(
	const struct relay *relay, const char *folder, char out[ADDRESS_SIZE])
{
	const char *address = relay->spooled.options.recipient;
	const char *at = strrchr(address, '@');
	int local = at ? (int)(at - address) : (int)strlen(address);

	return snprintf(out, ADDRESS_SIZE, "%.*s%s%s%s", local, address,
		       folder[0] ? "+" : "", folder,
		       at ? at : "") < ADDRESS_SIZE;
}

static enum outcome
send_piece(struct bytes octets, void *context)
{
	struct relay *relay = context;
	unsigned char out[ENCODED_PIECE_OCTETS];
	enum outcome outcome = OK;

	while (octets.octets > 0 && outcome == OK) {
		size_t held = dot_encoder_put(
			&relay->encoder, &octets, out, sizeof(out));

		outcome = stream_write(relay->stream, bytes_of(out, held));
	}
	return outcome;
}

static enum outcome
send_body(struct relay *relay, const struct sink_delivery *delivery)
{
	unsigned char end[DOT_ENCODER_END_OCTETS];
	int fd = spool_read(&relay->spooled.spool, delivery);
	enum outcome outcome;

	if (fd < 0)
		return outcome_of_errno(errno);
	dot_encoder_init(&relay->encoder);
	outcome = spool_each(fd, send_piece, relay);
	close(fd);
	if (outcome != OK) {
		explain(relay, "DATA", stream_error(relay->stream));
		return ERR_GONE;
	}
	return say(relay, bytes_of(end, dot_encoder_end(&relay->encoder, end)),
		"the message");
}

static enum outcome
begin_mail(struct relay *relay, const struct sink_delivery *delivery)
{
	char recipient[ADDRESS_SIZE];
	enum outcome outcome;

	if (!make_recipient(relay, delivery->folder, recipient))
		return ERR_PEER;
	outcome = ask(relay, "MAIL", "MAIL FROM:<%s>\r\n",
		relay->spooled.options.sender);
	if (outcome == OK)
		outcome = ask(relay, "RCPT", "RCPT TO:<%s>\r\n", recipient);
	if (outcome == OK)
		outcome = ask(relay, "DATA", "DATA\r\n");
	return outcome;
}

static enum outcome
deliver(struct relay *relay, const struct sink_delivery *delivery)
{
	char why[SINK_ERROR_SIZE];
	bool is_old = relay->stream != NULL;
	enum outcome outcome = is_old ? OK : connect_relay(relay);

	if (outcome == OK)
		outcome = begin_mail(relay, delivery);
	/* Idle for too long: nothing was sent yet. 421 says so, too. */
	if (is_old && (outcome == ERR_GONE || relay->code == 421)) {
		stream_close(&relay->stream);
		outcome = connect_relay(relay);
		if (outcome == OK)
			outcome = begin_mail(relay, delivery);
	}
	if (outcome == OK)
		return send_body(relay, delivery);
	memcpy(why, relay->spooled.base.error, sizeof(why));
	if (relay->stream && ask(relay, "RSET", "RSET\r\n") != OK)
		stream_close(&relay->stream);
	memcpy(relay->spooled.base.error, why, sizeof(why));
	return outcome;
}

static void
relay_flush(struct sink *sink, struct sink_delivery *const *deliveries,
	size_t count, enum outcome *outcomes)
{
	struct relay *relay = self_of(sink);

	for (size_t i = 0; i < count; i++) {
		relay->code = 0;
		outcomes[i] = deliver(relay, deliveries[i]);
		if (outcomes[i] == ERR_GONE)
			stream_close(&relay->stream);
	}
}

/* ---- opening ---- */

static bool
is_address(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || strchr("<>\x7f", *text))
			return false;
	return true;
}

static enum outcome
open_relay(const struct sink_ops *ops, const struct sink_options *options,
	struct sink **out, char error[SINK_ERROR_SIZE])
{
	enum outcome outcome;

	if (!options->server[0] || !options->recipient[0] ||
		!is_address(options->recipient) ||
		!is_address(options->sender)) {
		snprintf(error, SINK_ERROR_SIZE,
			"deliver = %s needs deliver-server and "
			"deliver-recipient, an address",
			ops->name);
		return ERR_PEER;
	}
	outcome = spooled_open(ops, sizeof(struct relay), options, out, error);
	if (outcome == OK)
		self_of(*out)->is_lmtp = ops == &sink_lmtp;
	return outcome;
}

static enum outcome
lmtp_open(const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE])
{
	return open_relay(&sink_lmtp, options, out, error);
}

static enum outcome
smtp_open(const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE])
{
	return open_relay(&sink_smtp, options, out, error);
}

static void
relay_close(struct sink **sink)
{
	struct relay *relay;

	if (!*sink)
		return;
	relay = self_of(*sink);
	if (relay->stream)
		stream_write(relay->stream, bytes_of_string("QUIT\r\n"));
	stream_close(&relay->stream);
	spooled_close(sink);
}

#define RELAY_OPS                                                              \
	.close = relay_close, .begin = spooled_begin, .put = spooled_put,      \
	.end = spooled_end, .file_into = spooled_file_into,                    \
	.flush = relay_flush, .drop = spooled_drop, .batch = 1, .has_id = true

const struct sink_ops sink_lmtp = {
	.name = "lmtp", .open = lmtp_open, RELAY_OPS};
const struct sink_ops sink_smtp = {
	.name = "smtp", .open = smtp_open, RELAY_OPS};
