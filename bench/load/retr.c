/* SPDX-License-Identifier: ISC */
/* retr - STAT, every message in order (and DELE), QUIT. */
#include "load.h"

#include <inttypes.h>

static void on_reply(struct client *client, struct bytes line);

/* Replies come in the order of the commands: RETR, with DELE between. */
static uint64_t
commands(const struct client *client, uint64_t messages)
{
	return client->load->options.deletes ? 2 * messages : messages;
}

static void
ask_next(struct client *client)
{
	bool deletes = client->load->options.deletes;
	uint64_t msgno = (deletes ? client->asked / 2 : client->asked) + 1;
	bool is_dele = deletes && client->asked % 2;

	client_send(
		client, "%s %" PRIu64 "\r\n", is_dele ? "DELE" : "RETR", msgno);
	client->asked++;
}

/* Half the window at once, so that pipelined commands travel together. */
static void
ask(struct client *client)
{
	uint64_t all = commands(client, client->messages);
	uint64_t window = client->load->options.window;
	uint64_t waiting = client->asked - client->answered;

	if (window > 1 && waiting > window / 2)
		return;
	while (client->asked < all && client->asked - client->answered < window)
		ask_next(client);
	client->on_line = on_reply;
}

static void
check_sum(struct client *client)
{
	if (client->sum_octets != client->octets &&
		!client->load->options.has_loose_sizes)
		fail(client, "STAT said %" PRIu64 " octets, %" PRIu64 " came",
			client->octets, client->sum_octets);
}

static void
go_on(struct client *client)
{
	if (client->answered < commands(client, client->messages)) {
		ask(client);
		return;
	}
	check_sum(client);
	pop3_quit(client);
}

/* "+OK 120 octets": what many say, and then it has to be so. */
static uint64_t
announced(struct bytes line)
{
	struct bytes rest = line;
	uint64_t octets = 0;

	bytes_cut(&rest, ' ');
	if (!bytes_to_number(bytes_cut(&rest, ' '), UINT64_MAX, &octets))
		return 0;
	return bytes_equal(rest, bytes_of_string("octets")) ? octets : 0;
}

static void
on_reply(struct client *client, struct bytes line)
{
	if (client->load->options.deletes && client->answered % 2) {
		pop3_expect_ok(client, line, "DELE");
		client->answered++;
		go_on(client);
		return;
	}
	pop3_expect_ok(client, line, "RETR");
	client->announced_octets = announced(line);
	client_expect_body(client);
}

static void
body_ended(struct client *client)
{
	struct totals *totals = &client->load->totals;
	uint64_t octets = client->body.octets;

	if (client->announced_octets && client->announced_octets != octets &&
		!client->load->options.has_loose_sizes)
		fail(client, "RETR announced %" PRIu64 ", %" PRIu64 " came",
			client->announced_octets, octets);
	client->sum_octets += octets;
	totals->messages++;
	totals->octets += octets;
	totals->digest += body_digest(&client->body);
	client->answered++;
	go_on(client);
}

static void
on_stat(struct client *client, struct bytes line)
{
	pop3_take_stat(client, line);
	go_on(client);
}

static void
logged_in(struct client *client)
{
	client_send(client, "STAT\r\n");
	client->on_line = on_stat;
}

const struct mode mode_retr = {
	.name = "retr",
	.is_repeated = true,
	.times_sessions = true,
	.greeted = pop3_greeted,
	.logged_in = logged_in,
	.body_ended = body_ended,
};
