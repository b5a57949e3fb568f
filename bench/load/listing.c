/* SPDX-License-Identifier: ISC */
/*
 * listing - STAT, UIDL, LIST, QUIT. Numbers in order, sizes that add up to what
 * STAT said, UIDLs of RFC 1939 section 7 and no two alike.
 */
#include "load.h"

#include <inttypes.h>
#include <stdlib.h>

#define UIDL_MOST_OCTETS 70

static bool
is_end(struct bytes line)
{
	return line.octets == 1 && line.at[0] == '.';
}

/* Takes "7 " off the line when 7 is the next message's number. */
static struct bytes
take_msgno(struct client *client, struct bytes line)
{
	struct bytes rest = line;
	uint64_t msgno;

	if (!bytes_to_number(bytes_cut(&rest, ' '), UINT32_MAX, &msgno) ||
		msgno != client->answered + 1 || msgno > client->messages)
		fail(client, "line %" PRIu64 " of a listing: %.*s",
			client->answered + 1, (int)line.octets,
			(const char *)line.at);
	client->answered++;
	return rest;
}

static void
check_count(struct client *client, const char *command)
{
	if (client->answered != client->messages)
		fail(client, "%s lists %" PRIu64 " of %" PRIu64 " messages",
			command, client->answered, client->messages);
	client->answered = 0;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
check_unique(struct client *client)
{
	uint64_t *digests = client->digests;

	if (client->messages > 1)
		qsort(digests, client->messages, sizeof(*digests), compare);
	for (uint64_t i = 1; i < client->messages; i++)
		if (digests[i] == digests[i - 1])
			fail(client, "two messages have one UIDL");
	free(digests);
	client->digests = NULL;
}

/* ---- LIST ---- */

static void
on_list_line(struct client *client, struct bytes line)
{
	uint64_t octets;

	if (!is_end(line)) {
		if (!bytes_to_number(
			    take_msgno(client, line), UINT64_MAX, &octets))
			fail(client, "LIST says: %.*s", (int)line.octets,
				(const char *)line.at);
		client->sum_octets += octets;
		return;
	}
	check_count(client, "LIST");
	if (client->sum_octets != client->octets &&
		!client->load->options.has_loose_sizes)
		fail(client, "LIST adds up to %" PRIu64 ", STAT said %" PRIu64,
			client->sum_octets, client->octets);
	load_timed(client->load, now_ns() - client->began_ns);
	check_unique(client);
	client->load->totals.messages += client->messages;
	pop3_quit(client);
}

static void
on_list(struct client *client, struct bytes line)
{
	pop3_expect_ok(client, line, "LIST");
	client->on_line = on_list_line;
}

/* ---- UIDL ---- */

static void
on_uidl_line(struct client *client, struct bytes line)
{
	struct bytes uidl;
	uint64_t index = client->answered;

	if (is_end(line)) {
		check_count(client, "UIDL");
		client_send(client, "LIST\r\n");
		client->on_line = on_list;
		return;
	}
	uidl = take_msgno(client, line);
	if (uidl.octets < 1 || uidl.octets > UIDL_MOST_OCTETS)
		fail(client, "a UIDL of %zu octets", uidl.octets);
	for (size_t i = 0; i < uidl.octets; i++)
		if (uidl.at[i] < 0x21 || uidl.at[i] > 0x7e)
			fail(client, "octet %d in a UIDL", uidl.at[i]);
	client->digests[index] = XXH3_64bits(uidl.at, uidl.octets);
}

static void
on_uidl(struct client *client, struct bytes line)
{
	pop3_expect_ok(client, line, "UIDL");
	client->digests = calloc(client->messages + 1, sizeof(uint64_t));
	if (!client->digests)
		fail(client, "no memory for %" PRIu64 " UIDLs",
			client->messages);
	client->on_line = on_uidl_line;
}

static void
on_stat(struct client *client, struct bytes line)
{
	pop3_take_stat(client, line);
	client_send(client, "UIDL\r\n");
	client->on_line = on_uidl;
}

static void
logged_in(struct client *client)
{
	client_send(client, "STAT\r\n");
	client->on_line = on_stat;
}

const struct mode mode_listing = {
	.name = "listing",
	.is_repeated = true,
	.greeted = pop3_greeted,
	.logged_in = logged_in,
};
