/* SPDX-License-Identifier: ISC */
/* restantectl deliver: an LMTP client on the server's own socket, for MTAs that
 * pipe and for tests. The exit code says what the MTA may do. */
#include "programs/restantectl/command.h"
#include "wire/dot_encoder.h"
#include "wire/line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#define CHUNK_OCTETS	       32768
#define REPLY_MAXIMUM_OCTETS   2048
#define ADDRESS_MAXIMUM_OCTETS 320

struct wire {
	int fd;
	struct line_reader lines;
	struct buffer in;
	char reply[REPLY_MAXIMUM_OCTETS + 1]; /* the last line */
};

static bool
send_all(struct wire *wire, struct bytes bytes)
{
	while (bytes.octets > 0) {
		ssize_t sent =
			send(wire->fd, bytes.at, bytes.octets, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes = bytes_after(bytes, (size_t)sent);
	}
	return true;
}

static bool
next_line(struct wire *wire)
{
	for (;;) {
		struct bytes in = buffer_bytes(&wire->in), line;
		size_t before = in.octets;
		enum line_event event =
			line_reader_take(&wire->lines, &in, &line);
		unsigned char *to;
		ssize_t got;

		if (event == LINE_READY)
			bytes_to_string(line, wire->reply, sizeof(wire->reply));
		buffer_consume(&wire->in, before - in.octets);
		if (event != LINE_NEEDS_MORE)
			return event == LINE_READY;
		to = buffer_reserve(&wire->in, REPLY_MAXIMUM_OCTETS);
		got = to ? recv(wire->fd, to, REPLY_MAXIMUM_OCTETS, 0) : -1;
		if (got <= 0)
			return false;
		buffer_grow(&wire->in, (size_t)got);
	}
}

/* The code of the next reply, its last line in wire->reply; 0: no server. */
static int
read_reply(struct wire *wire)
{
	uint64_t code;

	do
		if (!next_line(wire) || strlen(wire->reply) < 3)
			return 0;
	while (wire->reply[3] == '-');
	if (!bytes_to_number(bytes_of(wire->reply, 3), 599, &code))
		return 0;
	return (int)code;
}

/* 250 is good; the rest is what sysexits(3) makes of it. */
static int
judge(struct wire *wire, int code, int expected)
{
	if (code == expected)
		return EX_OK;
	if (code == 0)
		return complain(
			EX_TEMPFAIL, "the server closed the connection");
	if (code == 550 && strstr(wire->reply, "5.1.1"))
		return complain(EX_NOUSER, "%s", wire->reply);
	if (code == 552 && strstr(wire->reply, "5.2.2"))
		return complain(EX_CANTCREAT, "%s", wire->reply);
	return complain(
		code >= 500 ? EX_DATAERR : EX_TEMPFAIL, "%s", wire->reply);
}

static int
command(struct wire *wire, int expected, const char *verb, const char *address)
{
	char line[ADDRESS_MAXIMUM_OCTETS + 32];

	if (address)
		snprintf(line, sizeof(line), "%s<%s>\r\n", verb, address);
	else
		snprintf(line, sizeof(line), "%s\r\n", verb);
	if (!send_all(wire, bytes_of_string(line)))
		return judge(wire, 0, expected);
	return judge(wire, read_reply(wire), expected);
}

/* ---- the message ---- */

static bool
send_encoded(struct wire *wire, struct dot_encoder *encoder, struct bytes chunk)
{
	unsigned char out[CHUNK_OCTETS];

	while (chunk.octets > 0) {
		size_t octets =
			dot_encoder_put(encoder, &chunk, out, sizeof(out));

		if (!send_all(wire, bytes_of(out, octets)))
			return false;
	}
	return true;
}

/* MTAs that pipe may put mbox's "From " line in front. */
static struct bytes
without_from_line(struct bytes chunk)
{
	const unsigned char *end;

	if (chunk.octets < 5 || memcmp(chunk.at, "From ", 5) != 0)
		return chunk;
	end = memchr(chunk.at, '\n', chunk.octets);
	return end ? bytes_after(chunk, (size_t)(end - chunk.at) + 1) : chunk;
}

static int
send_message(struct wire *wire)
{
	unsigned char in[CHUNK_OCTETS], end[DOT_ENCODER_END_OCTETS];
	struct dot_encoder encoder;
	bool is_first = true;
	size_t octets;

	dot_encoder_init(&encoder);
	while ((octets = fread(in, 1, sizeof(in), stdin)) > 0) {
		struct bytes chunk = bytes_of(in, octets);

		if (is_first)
			chunk = without_from_line(chunk);
		is_first = false;
		if (!send_encoded(wire, &encoder, chunk))
			return judge(wire, 0, 250);
	}
	/* Half a message must not look like a whole one: no end line. */
	if (ferror(stdin))
		return complain(EX_TEMPFAIL, "cannot read the message: %s",
			strerror(errno));
	octets = dot_encoder_end(&encoder, end);
	if (!send_all(wire, bytes_of(end, octets)))
		return judge(wire, 0, 250);
	return judge(wire, read_reply(wire), 250);
}

static bool
is_address(const char *text)
{
	return strlen(text) <= ADDRESS_MAXIMUM_OCTETS &&
	       !strpbrk(text, "<>\r\n \t");
}

static int
converse(struct wire *wire, const struct arguments *arguments)
{
	int code = judge(wire, read_reply(wire), 220);

	if (code == EX_OK)
		code = command(wire, 250, "LHLO localhost", NULL);
	if (code == EX_OK)
		code = command(wire, 250, "MAIL FROM:", arguments->sender);
	if (code == EX_OK)
		code = command(
			wire, 250, "RCPT TO:", arguments->operands.at[0]);
	if (code == EX_OK)
		code = command(wire, 354, "DATA", NULL);
	return code == EX_OK ? send_message(wire) : code;
}

int
deliver(struct arguments *arguments)
{
	struct wire wire = {.fd = -1};
	int code;

	if (strcmp(arguments->sender, "<>") == 0)
		arguments->sender = "";
	if (!arguments->operands.at[0][0] ||
		!is_address(arguments->operands.at[0]))
		return complain(EX_DATAERR, "that is not an address: %s",
			arguments->operands.at[0]);
	if (!is_address(arguments->sender))
		return complain(EX_DATAERR,
			"that is not a sender's address: %s",
			arguments->sender);
	wire.fd = connect_control(&arguments->settings, "lmtp.sock");
	if (wire.fd < 0)
		/* Also without permission: a slip in the set-up must not make
		   an MTA send mail back. */
		return complain(EX_TEMPFAIL,
			"no server answers on %s/control/lmtp.sock: %s",
			arguments->settings.state, strerror(errno));
	line_reader_init(&wire.lines, REPLY_MAXIMUM_OCTETS);
	buffer_init(&wire.in, 2 * REPLY_MAXIMUM_OCTETS);
	code = converse(&wire, arguments);
	line_reader_release(&wire.lines);
	buffer_release(&wire.in);
	close(wire.fd);
	return code;
}
