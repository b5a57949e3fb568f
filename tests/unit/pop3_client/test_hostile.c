/* SPDX-License-Identifier: ISC */
/* Servers that lie, flood or are not alone on the line. */
#include "driver.h"

#include <stdlib.h>

/* ---- what is asked behind the greeting ---- */

static enum outcome
retr_1(struct pop3_client *c)
{
	return pop3_client_retr(c, 1);
}

static enum outcome
dele_1(struct pop3_client *c)
{
	return pop3_client_dele(c, 1);
}

static enum outcome
uidl_2(struct pop3_client *c)
{
	return pop3_client_uidl_one(c, 2);
}

static enum outcome
log_in(struct pop3_client *c)
{
	return pop3_client_user_pass(
		c, bytes_of_string("alice"), bytes_of_string("secret"), true);
}

static enum outcome
auth(struct pop3_client *c)
{
	return pop3_client_auth(c, "PLAIN", false, BYTES_NONE);
}

static enum outcome
stls_and_capa(struct pop3_client *c)
{
	assert_int_equal(pop3_client_stls(c), OK);
	return pop3_client_capa(c);
}

/* ---- one answer ---- */

struct attack {
	enum outcome (*ask)(struct pop3_client *client); /* NULL: nothing */
	struct bytes server;
	const char *sentence; /* how the error begins */
};

#define UNASKED	 "the server spoke without being asked"
#define NEITHER	 "the server answered neither +OK nor -ERR: "
#define MSGNO	 "the server listed an impossible message number"
#define STAT	 "the server answered STAT without numbers"
#define SIZE	 "the server listed an impossible size"
#define NUL	 "the server sent a NUL in a reply"
#define TAMPERED "data came in clear between STLS and TLS"

static const struct attack attacks[] = {
	/* before it is asked */
	{NULL, TEXT("x"), UNASKED},
	{NULL, TEXT("\r\n"), UNASKED},
	{NULL, TEXT("+OK again\r\n"), UNASKED},
	{NULL, TEXT("+OK 1 message\r\n"), UNASKED},
	{dele_1, TEXT("+OK\r\n+OK\r\n"), UNASKED},
	{dele_1, TEXT("-ERR\r\n-ERR\r\n"), UNASKED},
	{retr_1, TEXT("+OK\r\n.\r\n.\r\n"), UNASKED},
	{retr_1, TEXT("+OK\r\nbody\r\n.\r\n+OK\r\n"), UNASKED},
	{pop3_client_uidl, TEXT("+OK\r\n.\r\n1 a\r\n"), UNASKED},
	{pop3_client_capa, TEXT("+OK\r\n.\r\nTOP\r\n"), UNASKED},
	{log_in, TEXT("+OK\r\n+OK\r\n+OK 3 100\r\n"), UNASKED},
	{pop3_client_quit, TEXT("+OK bye\r\nmore\r\n"), UNASKED},
	/* a challenge, and another before it is answered */
	{auth, TEXT("+ \r\n+ \r\n"), UNASKED},
	{auth, TEXT("+ \r\n+OK\r\n"), UNASKED},
	{auth, TEXT("+ !\r\n+ !\r\n"),
		"the server goes on with a login that was cancelled"},
	{auth, TEXT("+ !\r\n+ \r\n"),
		"the server goes on with a login that was cancelled"},
	/* neither +OK nor -ERR */
	{dele_1, TEXT("\r\n"), NEITHER "\"\""},
	{dele_1, TEXT("OK\r\n"), NEITHER "\"OK\""},
	{dele_1, TEXT("+ERR no\r\n"), NEITHER "\"+ERR no\""},
	{dele_1, TEXT("+OKAY\r\n"), NEITHER "\"+OKAY\""},
	{dele_1, TEXT("-ERRor\r\n"), NEITHER "\"-ERRor\""},
	{dele_1, TEXT(" +OK\r\n"), NEITHER "\" +OK\""},
	{dele_1, TEXT("+\r\n"), NEITHER "\"+\""},
	{dele_1, TEXT("+ dGVzdA==\r\n"), NEITHER "\"+ dGVzdA==\""},
	{dele_1, TEXT("* OK [CAPABILITY IMAP4rev1]\r\n"), NEITHER},
	{dele_1, TEXT("220 mail ESMTP\r\n"), NEITHER},
	{dele_1, TEXT("\x16\x03\x03\r\n"), NEITHER "\"\\x16\\x03\\x03\""},
	{dele_1, TEXT("HTTP/1.1 400 Bad Request\r\n"), NEITHER},
	/* NUL */
	{dele_1, TEXT("+OK\0\r\n"), NUL},
	{dele_1, TEXT("\0+OK\r\n"), NUL},
	{pop3_client_capa, TEXT("+OK\r\nTOP\0\r\n.\r\n"), NUL},
	{pop3_client_uidl, TEXT("+OK\r\n1 a\0b\r\n.\r\n"), NUL},
	{pop3_client_list, TEXT("+OK\r\n1\0 2\r\n.\r\n"), NUL},
	/* STAT */
	{pop3_client_stat, TEXT("+OK\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK 1\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK 1 \r\n"), STAT},
	{pop3_client_stat, TEXT("+OK 1  2\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK -1 2\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK 1 -2\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK +1 2\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK 0x1 2\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK one two\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK 16000001 2\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK 4294967297 2\r\n"), STAT},
	{pop3_client_stat, TEXT("+OK 1 18446744073709551616\r\n"), STAT},
	/* message numbers */
	{pop3_client_uidl, TEXT("+OK\r\n0 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n-1 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n+1 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n01 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\na b\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n..1 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n16000001 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n2147483648 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n4294967296 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n4294967297 a\r\n"), MSGNO},
	{pop3_client_uidl, TEXT("+OK\r\n18446744073709551617 a\r\n"), MSGNO},
	{pop3_client_list, TEXT("+OK\r\n0 1\r\n"), MSGNO},
	{pop3_client_list, TEXT("+OK\r\n4294967297 1\r\n"), MSGNO},
	{uidl_2, TEXT("+OK 0 a\r\n"), MSGNO},
	{uidl_2, TEXT("+OK\r\n"), MSGNO},
	{uidl_2, TEXT("+OK 3 a\r\n"),
		"the server gave the UIDL of another message"},
	/* sizes */
	{pop3_client_list, TEXT("+OK\r\n1\r\n"), SIZE},
	{pop3_client_list, TEXT("+OK\r\n1 \r\n"), SIZE},
	{pop3_client_list, TEXT("+OK\r\n1 -1\r\n"), SIZE},
	{pop3_client_list, TEXT("+OK\r\n1 1e9\r\n"), SIZE},
	{pop3_client_list, TEXT("+OK\r\n1 18446744073709551616\r\n"), SIZE},
	/* UIDLs */
	{pop3_client_uidl, TEXT("+OK\r\n1\r\n"),
		"the server listed a message without its UIDL"},
	{pop3_client_uidl, TEXT("+OK\r\n1  \r\n"),
		"the server listed a message without its UIDL"},
	{pop3_client_uidl, TEXT("+OK\r\n1 a\x1b[0mb\r\n"),
		"the server listed a UIDL with a control character"},
	{pop3_client_uidl, TEXT("+OK\r\n1 a\rb\r\n"),
		"the server listed a UIDL with a control character"},
	{uidl_2, TEXT("+OK 2 a\x7f\r\n"),
		"the server listed a UIDL with a control character"},
	/* TLS */
	{pop3_client_stls, TEXT("+OK\r\n+OK\r\n"), TAMPERED},
	{pop3_client_stls, TEXT("+OK\r\n\r\n"), TAMPERED},
	{pop3_client_stls, TEXT("+OK\r\n\x16"), TAMPERED},
	{pop3_client_stls, TEXT("+OK\r\n\0"), TAMPERED},
	/* asked in clear, it would be answered in clear */
	{stls_and_capa, TEXT("+OK\r\n"), TAMPERED},
};

static const struct bytes ok = TEXT("+OK\r\n");

/*
 * When a chunk ends with STLS's own +OK, the rest is TLS's to refuse, and is
 * never taken for a reply.
 */
static bool
is_split_at_tls(const struct attack *attack, const struct driver *d)
{
	return d->has_stopped && attack->ask == pop3_client_stls &&
	       d->fed_octets == 2 * ok.octets;
}

static void
suffer(const struct attack *attack, size_t split, size_t chunk_octets)
{
	struct driver d;

	driver_open(&d, split + ok.octets, chunk_octets);
	d.stops_at_tls = true;
	driver_feed(&d, ok);
	if (attack->ask)
		assert_int_equal(attack->ask(d.client), OK);
	driver_feed(&d, attack->server);
	if (!is_split_at_tls(attack, &d)) {
		assert_true(d.is_broken);
		assert_memory_equal(pop3_client_error(d.client),
			attack->sentence, strlen(attack->sentence));
		/* Nothing it says afterwards counts. */
		d.stops_at_tls = d.has_stopped = false;
		driver_feed(&d, ok);
	}
	driver_close(&d);
}

static void
each_is_broken_with_a_sentence(void **state)
{
	for (size_t i = 0; i < COUNT(attacks); i++) {
		const struct attack *attack = &attacks[i];

		print_message("%.*s\n", (int)attack->server.octets,
			(const char *)attack->server.at);
		suffer(attack, 0, WHOLE);
		suffer(attack, 0, 1);
		for (size_t at = 1; at < attack->server.octets; at++)
			suffer(attack, at, WHOLE);
	}
}

/* ---- without end ---- */

static void
feed_greeting(struct driver *d)
{
	driver_feed(d, ok);
	buffer_clear(&d->log);
}

/* "+OK xxx...", in all `octets` with its CRLF when it has one. */
static void
feed_long_line(struct driver *d, size_t octets, bool has_end)
{
	char *line = malloc(octets);

	assert_non_null(line);
	memset(line, 'x', octets);
	memcpy(line, "+OK ", 4);
	if (has_end)
		memcpy(line + octets - 2, "\r\n", 2);
	driver_feed(d, bytes_of(line, octets));
	free(line);
}

static void
say_long_line(size_t octets, bool has_end, size_t chunk, bool is_good)
{
	struct driver d;

	driver_open(&d, 0, chunk);
	feed_greeting(&d);
	assert_int_equal(pop3_client_noop(d.client), OK);
	feed_long_line(&d, octets, has_end);
	if (is_good)
		assert_string_equal(driver_log(&d), "done\n");
	else
		assert_memory_equal(pop3_client_error(d.client),
			"the server sent a line ", 23);
	assert_int_equal(d.is_broken, !is_good);
	driver_close(&d);
}

static void
a_line_has_its_maximum(void **state)
{
	const size_t most = POP3_CLIENT_LINE_MAXIMUM_OCTETS;
	static const size_t chunks[] = {WHOLE, 1, 7, 4095, 4096, 4097};

	for (size_t i = 0; i < COUNT(chunks); i++) {
		say_long_line(most, true, chunks[i], true);
		say_long_line(most + 1, true, chunks[i], false);
		/* Its end is not waited for. */
		say_long_line(most + 1, false, chunks[i], false);
	}
	say_long_line(100u << 20, false, 65536, false);
}

static void
feed_lines(struct driver *d, const char *line, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		driver_feed(d, bytes_of_string(line));
}

static void
capabilities_have_their_maximum(void **state)
{
	struct driver d;

	driver_open(&d, 0, WHOLE);
	feed_greeting(&d);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(pop3_client_capa(d.client), OK);
		feed_lines(&d, "+OK\r\n", 1);
		feed_lines(&d, "X-MORE\r\n", POP3_CLIENT_CAPA_MAXIMUM_LINES);
		feed_lines(&d, ".\r\n", 1);
		assert_false(d.is_broken);
	}
	assert_int_equal(pop3_client_capa(d.client), OK);
	feed_lines(&d, "+OK\r\n", 1);
	feed_lines(&d, "X-MORE\r\n", POP3_CLIENT_CAPA_MAXIMUM_LINES + 1);
	assert_true(d.is_broken);
	assert_string_equal(pop3_client_error(d.client),
		"the server lists capabilities without end");
	driver_close(&d);
}

/* As many lines as a thousand messages at once. */
static enum pop3_client_event
flood(struct pop3_client *client, uint32_t *out_lines)
{
	static char thousand[1000 * 5];
	enum pop3_client_event event = POP3_CLIENT_NOTHING;
	struct bytes in;

	for (size_t i = 0; i < sizeof(thousand); i += 5)
		memcpy(thousand + i, "1 1\r\n", 5);
	for (;;) {
		in = bytes_of(thousand, sizeof(thousand));
		while ((event = pop3_client_take(client, &in)) ==
			POP3_CLIENT_LIST)
			(*out_lines)++;
		if (event != POP3_CLIENT_NOTHING)
			return event;
	}
}

static void
lists_have_their_maximum(void **state)
{
	struct driver d;
	uint32_t lines = 0;

	driver_open(&d, 0, WHOLE);
	feed_greeting(&d);
	/* Each list has its own count. */
	assert_int_equal(pop3_client_list(d.client), OK);
	driver_feed(&d, bytes_of_string("+OK\r\n1 1\r\n.\r\n"));
	assert_int_equal(pop3_client_list(d.client), OK);
	feed_lines(&d, "+OK\r\n", 1);
	assert_int_equal(flood(d.client, &lines), POP3_CLIENT_BROKEN);
	assert_int_equal(lines, POP3_CLIENT_MESSAGES_MAXIMUM);
	assert_string_equal(pop3_client_error(d.client),
		"the server lists messages without end");
	driver_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_broken_with_a_sentence),
		cmocka_unit_test(a_line_has_its_maximum),
		cmocka_unit_test(capabilities_have_their_maximum),
		cmocka_unit_test(lists_have_their_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
