/* SPDX-License-Identifier: ISC */
/* login - USER, PASS, STAT, QUIT. */
#include "load.h"

static void
on_stat(struct client *client, struct bytes line)
{
	pop3_take_stat(client, line);
	client->load->totals.messages += client->messages;
	pop3_quit(client);
}

static void
logged_in(struct client *client)
{
	client_send(client, "STAT\r\n");
	client->on_line = on_stat;
}

const struct mode mode_login = {
	.name = "login",
	.is_repeated = true,
	.times_sessions = true,
	.greeted = pop3_greeted,
	.logged_in = logged_in,
};
