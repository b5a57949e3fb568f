/* SPDX-License-Identifier: ISC */
/*
 * idle - logged in and silent. Says "ready" when all connections are, so that
 * the server can be looked at; goes on with NOOP and QUIT when its standard
 * input ends.
 */
#include "load.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static void
on_noop(struct client *client, struct bytes line)
{
	pop3_expect_ok(client, line, "NOOP");
	pop3_quit(client);
}

static void
wake_all(struct load *load)
{
	for (uint64_t i = 0; i < load->options.connections; i++) {
		struct client *client = &load->clients[i];

		client_send(client, "NOOP\r\n");
		client->on_line = on_noop;
		client_flush(client);
	}
}

static void
unexpected(struct client *client, struct bytes line)
{
	fail(client, "said without being asked: %.*s", (int)line.octets,
		(const char *)line.at);
}

static void
wait_for_end_of_input(struct load *load)
{
	struct pollfd input = {STDIN_FILENO, POLLIN, 0};
	char octet;

	puts("ready");
	fflush(stdout);
	while (poll(&input, 1, -1) < 0 || read(STDIN_FILENO, &octet, 1) > 0)
		;
	wake_all(load);
}

static void
on_stat(struct client *client, struct bytes line)
{
	struct load *load = client->load;

	pop3_take_stat(client, line);
	client->on_line = unexpected;
	/* Each login that is done makes room for another. */
	if (load->started < load->options.connections)
		client_begin(&load->clients[load->started]);
	if (++load->totals.messages == load->options.connections)
		wait_for_end_of_input(load);
}

static void
logged_in(struct client *client)
{
	client_send(client, "STAT\r\n");
	client->on_line = on_stat;
}

const struct mode mode_idle = {
	.name = "idle",
	.greeted = pop3_greeted,
	.logged_in = logged_in,
};
