/* SPDX-License-Identifier: ISC */
/*
 * A server says anything to a client session. However its octets are cut, the
 * same events come; it breaks at most once and is then silent; there are not
 * more answers than requests, and what it says never gets into a command.
 *
 * The input: a count, so many requests of two octets (which, message number),
 * then the server's octets.
 */
#include "../unit/pop3_client/driver.h"
#include "fuzz.h"

#define REQUESTS_MAXIMUM 16
#define REQUESTS	 13

static enum outcome
ask(struct pop3_client *client, unsigned which, uint32_t msgno)
{
	switch (which % REQUESTS) {
	case 0:
		return pop3_client_capa(client);
	case 1:
		return pop3_client_user_pass(
			client, BYTES("alice"), BYTES("secret"), msgno & 1);
	case 2:
		return pop3_client_stat(client);
	case 3:
		return pop3_client_uidl(client);
	case 4:
		return pop3_client_list(client);
	case 5:
		return pop3_client_retr(client, msgno);
	case 6:
		return pop3_client_dele(client, msgno);
	case 7:
		return pop3_client_quit(client);
	case 8:
		return pop3_client_top(client, msgno, 3);
	case 9:
		return pop3_client_uidl_one(client, msgno);
	case 10:
		return pop3_client_auth(
			client, "PLAIN", msgno & 1, BYTES("\0alice\0secret"));
	case 11:
		return pop3_client_stls(client);
	default:
		return pop3_client_noop(client);
	}
}

/* Lines of our own alone: their number is that of the requests. */
static unsigned
take_commands(struct pop3_client *client)
{
	struct buffer *output = pop3_client_output(client);
	struct bytes said = buffer_bytes(output);
	unsigned lines = 0;

	for (size_t i = 0; i < said.octets; i++) {
		lines += said.at[i] == '\n';
		assert_true(said.at[i] >= ' ' || said.at[i] == '\r' ||
			    said.at[i] == '\n');
	}
	buffer_consume(output, said.octets);
	return lines;
}

static void
play_input(struct driver *d, struct bytes requests, struct bytes server)
{
	unsigned asked = 1; /* the greeting */

	while (requests.octets >= 2) {
		unsigned which = fuzz_take_octet(&requests);
		uint32_t msgno = fuzz_take_octet(&requests);

		asked += ask(d->client, which, msgno) == OK ? 1 : 0;
	}
	(void)take_commands(d->client);
	driver_feed(d, server);
	/* USER has PASS in its wake. */
	assert_true(take_commands(d->client) <= asked);
	assert_true(pop3_client_answers(d->client) <= 2 * asked);
	assert_non_null(pop3_client_error(d->client));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes server = bytes_of(data, octets), requests;
	struct driver whole, pieces;
	uint8_t count = fuzz_take_octet(&server) % REQUESTS_MAXIMUM;
	uint8_t cut = fuzz_take_octet(&server);

	requests = fuzz_take_octets(&server, 2u * count);
	driver_open(&whole, 0, WHOLE);
	driver_open(&pieces, cut, 1 + cut % 7u);
	whole.stops_at_tls = pieces.stops_at_tls = true;
	play_input(&whole, requests, server);
	play_input(&pieces, requests, server);
	/* What comes behind STLS is only noticed when it comes with it. */
	if (!whole.has_stopped && !pieces.has_stopped)
		assert_string_equal(driver_log(&whole), driver_log(&pieces));
	driver_close(&whole);
	driver_close(&pieces);
	return 0;
}
