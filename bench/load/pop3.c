/* SPDX-License-Identifier: ISC */
#include "load.h"

#include <inttypes.h>

void
pop3_expect_ok(struct client *client, struct bytes line, const char *command)
{
	if (line.octets < 3 ||
		!bytes_equal(bytes_of(line.at, 3), bytes_of_string("+OK")) ||
		(line.octets > 3 && line.at[3] != ' '))
		fail(client, "%s answered: %.*s", command, (int)line.octets,
			(const char *)line.at);
}

static void
on_pass(struct client *client, struct bytes line)
{
	pop3_expect_ok(client, line, "PASS");
	client->load->mode->logged_in(client);
}

static void
on_user(struct client *client, struct bytes line)
{
	pop3_expect_ok(client, line, "USER");
	client_send(client, "PASS %s\r\n", client->load->options.password);
	client->on_line = on_pass;
}

void
pop3_greeted(struct client *client, struct bytes line)
{
	pop3_expect_ok(client, line, "greeting");
	client_send(client, "USER %s\r\n", client->user);
	client->on_line = on_user;
}

void
pop3_take_stat(struct client *client, struct bytes line)
{
	struct bytes rest = line;

	pop3_expect_ok(client, line, "STAT");
	bytes_cut(&rest, ' ');
	if (!bytes_to_number(
		    bytes_cut(&rest, ' '), UINT32_MAX, &client->messages) ||
		!bytes_to_number(rest, UINT64_MAX, &client->octets))
		fail(client, "STAT answered: %.*s", (int)line.octets,
			(const char *)line.at);
}

static void
on_quit(struct client *client, struct bytes line)
{
	pop3_expect_ok(client, line, "QUIT");
	client_expect_end(client);
}

void
pop3_quit(struct client *client)
{
	client_send(client, "QUIT\r\n");
	client->on_line = on_quit;
}
