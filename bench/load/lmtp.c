/* SPDX-License-Identifier: ISC */
/*
 * lmtp - one message after the other on every connection, envelope pipelined
 * as Postfix does, each to the next user.
 */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>

static void on_lhlo(struct client *client, struct bytes line);

/* Replies of several lines are taken to their last. */
static bool
is_reply(struct client *client, struct bytes line, const char *code,
	const char *command)
{
	if (line.octets < 3 ||
		!bytes_equal(bytes_of(line.at, 3), bytes_of_string(code)) ||
		(line.octets > 3 && line.at[3] != ' ' && line.at[3] != '-'))
		fail(client, "%s answered: %.*s", command, (int)line.octets,
			(const char *)line.at);
	return line.octets == 3 || line.at[3] == ' ';
}

static void
greeted(struct client *client, struct bytes line)
{
	if (!is_reply(client, line, "220", "greeting"))
		return;
	client_send(client, "LHLO bench.example.org\r\n");
	client->on_line = on_lhlo;
}

static void
on_quit(struct client *client, struct bytes line)
{
	if (is_reply(client, line, "221", "QUIT"))
		client_expect_end(client);
}

/* ---- a message ---- */

static void on_mail(struct client *client, struct bytes line);

static void
next(struct client *client)
{
	struct load *load = client->load;
	const struct options *o = &load->options;

	if (load->started >= o->count) {
		client_send(client, "QUIT\r\n");
		client->on_line = on_quit;
		return;
	}
	client->asked = load->started++;
	client->began_ns = now_ns();
	client_send(client,
		"MAIL FROM:<ruth@example.org>\r\nRCPT TO:<%s%04" PRIu64
		">\r\nDATA\r\n",
		o->user, client->asked % o->users);
	client->on_line = on_mail;
}

static void
on_delivered(struct client *client, struct bytes line)
{
	struct load *load = client->load;

	if (!is_reply(client, line, "250", "the message"))
		return;
	load_timed(load, now_ns() - client->began_ns);
	load->totals.messages++;
	load->totals.octets += load->options.octets;
	next(client);
}

/* Lines of one length, the last one shorter or a little longer. */
static void
send_body(struct client *client, size_t octets)
{
	static const char line[] = "It is a truth universally acknowledged, "
				   "that a message must be in want of\r\n";
	static const char last[] = "a postmaster. However little known the "
				   "feelings or views of such a message may be";
	size_t most = sizeof(line) - 1;

	while (octets > most + 2) {
		client_send_bytes(client, bytes_of(line, most));
		octets -= most;
	}
	client_send_bytes(client, bytes_of(last, octets - 2));
	client_send(client, "\r\n");
}

static void
on_data(struct client *client, struct bytes line)
{
	char header[512];
	int octets;

	if (!is_reply(client, line, "354", "DATA"))
		return;
	octets = snprintf(header, sizeof(header),
		"From: Ruth <ruth@example.org>\r\nTo: <%s@example.org>\r\n"
		"Subject: Number %" PRIu64 "\r\n"
		"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n"
		"Message-ID: <%" PRIu64 ".%" PRIu64 "@bench.example.org>\r\n"
		"\r\n",
		client->user, client->asked, client->asked,
		client->load->totals.first_ns);
	client_send_bytes(client, bytes_of(header, (size_t)octets));
	send_body(client, client->load->options.octets - (size_t)octets);
	client_send(client, ".\r\n");
	client->on_line = on_delivered;
}

static void
on_rcpt(struct client *client, struct bytes line)
{
	if (is_reply(client, line, "250", "RCPT"))
		client->on_line = on_data;
}

static void
on_mail(struct client *client, struct bytes line)
{
	if (is_reply(client, line, "250", "MAIL"))
		client->on_line = on_rcpt;
}

static void
on_lhlo(struct client *client, struct bytes line)
{
	if (is_reply(client, line, "250", "LHLO"))
		next(client);
}

const struct mode mode_lmtp = {
	.name = "lmtp",
	.greeted = greeted,
};
