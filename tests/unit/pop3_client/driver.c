/* SPDX-License-Identifier: ISC */
#include "driver.h"

#include <stdlib.h>

static const char *const requests[] = {
	[POP3_REQUEST_GREETING] = "GREETING",
	[POP3_REQUEST_CAPA] = "CAPA",
	[POP3_REQUEST_STLS] = "STLS",
	[POP3_REQUEST_USER] = "USER",
	[POP3_REQUEST_PASS] = "PASS",
	[POP3_REQUEST_APOP] = "APOP",
	[POP3_REQUEST_AUTH] = "AUTH",
	[POP3_REQUEST_STAT] = "STAT",
	[POP3_REQUEST_LIST] = "LIST",
	[POP3_REQUEST_UIDL] = "UIDL",
	[POP3_REQUEST_UIDL_ONE] = "UIDL-ONE",
	[POP3_REQUEST_RETR] = "RETR",
	[POP3_REQUEST_TOP] = "TOP",
	[POP3_REQUEST_DELE] = "DELE",
	[POP3_REQUEST_NOOP] = "NOOP",
	[POP3_REQUEST_RSET] = "RSET",
	[POP3_REQUEST_QUIT] = "QUIT",
};

static const char *const codes[] = {
	[POP3_CODE_NONE] = "NONE",
	[POP3_CODE_IN_USE] = "IN-USE",
	[POP3_CODE_LOGIN_DELAY] = "LOGIN-DELAY",
	[POP3_CODE_SYS_TEMP] = "SYS/TEMP",
	[POP3_CODE_SYS_PERM] = "SYS/PERM",
	[POP3_CODE_AUTH] = "AUTH",
	[POP3_CODE_OTHER] = "OTHER",
};

void
driver_open(struct driver *d, size_t split, size_t chunk_octets)
{
	*d = (struct driver){.client = pop3_client_new(),
		.split = split,
		.chunk_octets = chunk_octets};
	assert_non_null(d->client);
	buffer_init(&d->log, LOG_MAXIMUM_OCTETS);
}

void
driver_close(struct driver *d)
{
	pop3_client_free(&d->client);
	assert_null(d->client);
	buffer_release(&d->log);
}

/* ---- events as text ---- */

static void
put(struct driver *d, const char *text)
{
	assert_true(buffer_append_string(&d->log, text));
}

static void
put_number(struct driver *d, uint64_t number)
{
	assert_true(
		buffer_printf(&d->log, " %llu", (unsigned long long)number));
}

static void
put_data(struct driver *d)
{
	struct bytes data = pop3_client_data(d->client);

	for (size_t i = 0; i < data.octets; i++) {
		if (data.at[i] == 0)
			put(d, "%00");
		else
			assert_true(buffer_append(&d->log, data.at + i, 1));
	}
}

static void
put_capable(struct driver *d)
{
	static const char *const names[] = {"TOP", "USER", "UIDL", "PIPELINING",
		"STLS", "RESP-CODES", "AUTH-RESP-CODE", "UTF8", "SASL"};
	static const char *const mechanisms[] = {
		"PLAIN", "LOGIN", "XOAUTH2", "SCRAM-SHA-256"};

	put(d, "capable");
	for (unsigned i = 0; i < COUNT(names); i++) {
		if (pop3_client_capabilities(d->client) & (1u << i)) {
			put(d, " ");
			put(d, names[i]);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		if (pop3_client_has_mechanism(d->client, mechanisms[i])) {
			put(d, " +");
			put(d, mechanisms[i]);
		}
	}
}

static void
put_refused(struct driver *d)
{
	put(d, "refused ");
	put(d, requests[pop3_client_request_of(d->client)]);
	put_number(d, pop3_client_msgno(d->client));
	put(d, " ");
	put(d, codes[pop3_client_code(d->client)]);
	put(d, " ");
	put_data(d);
}

static void
put_entry(struct driver *d, enum pop3_client_event event)
{
	put(d, event == POP3_CLIENT_UIDL ? "uidl" : "list");
	put_number(d, pop3_client_msgno(d->client));
	if (event == POP3_CLIENT_UIDL) {
		put(d, " ");
		put_data(d);
	} else {
		put_number(d, pop3_client_octets(d->client));
	}
}

static void
put_stat(struct driver *d)
{
	put(d, "stat");
	put_number(d, pop3_client_count(d->client));
	put_number(d, pop3_client_octets(d->client));
}

static void
put_with_data(struct driver *d, const char *word)
{
	put(d, word);
	put_data(d);
}

static void
put_with_msgno(struct driver *d, const char *word)
{
	put(d, word);
	put_number(d, pop3_client_msgno(d->client));
}

static void
put_event(struct driver *d, enum pop3_client_event event)
{
	switch (event) {
	case POP3_CLIENT_GREETED:
		put_with_data(d, "greeted ");
		break;
	case POP3_CLIENT_CAPABLE:
		put_capable(d);
		break;
	case POP3_CLIENT_TLS:
		put(d, "tls");
		break;
	case POP3_CLIENT_CHALLENGE:
		put_with_data(d, "challenge ");
		break;
	case POP3_CLIENT_LOGGED_IN:
		put(d, "logged in");
		break;
	case POP3_CLIENT_STAT:
		put_stat(d);
		break;
	case POP3_CLIENT_UIDL:
	case POP3_CLIENT_LIST:
		put_entry(d, event);
		break;
	case POP3_CLIENT_LIST_END:
		put(d, "end of list");
		break;
	case POP3_CLIENT_MESSAGE:
		put_with_msgno(d, "message");
		break;
	case POP3_CLIENT_MESSAGE_END:
		put(d, "end of message");
		break;
	case POP3_CLIENT_DELETED:
		put_with_msgno(d, "deleted");
		break;
	case POP3_CLIENT_DONE:
		put(d, "done");
		break;
	case POP3_CLIENT_QUIT:
		put(d, "quit");
		break;
	case POP3_CLIENT_REFUSED:
		put_refused(d);
		break;
	case POP3_CLIENT_BROKEN:
		put(d, "broken ");
		put(d, pop3_client_error(d->client));
		break;
	case POP3_CLIENT_OCTETS:
	case POP3_CLIENT_NOTHING:
	default:
		fail_msg("no such event: %d", (int)event);
	}
	put(d, "\n");
}

static void
note(struct driver *d, enum pop3_client_event event)
{
	if (event == POP3_CLIENT_OCTETS) {
		/* It promises some. */
		assert_true(pop3_client_data(d->client).octets > 0);
		put_with_data(d, d->is_in_octets ? "" : "octets ");
		d->is_in_octets = true;
		return;
	}
	if (d->is_in_octets)
		put(d, "\n");
	d->is_in_octets = false;
	put_event(d, event);
	d->is_broken = event == POP3_CLIENT_BROKEN;
	if (event == POP3_CLIENT_TLS && d->stops_at_tls)
		d->has_stopped = true;
}

const char *
driver_log(struct driver *d)
{
	const char *text;

	/* The NUL is only for the one who reads. */
	assert_true(buffer_append(&d->log, "", 1));
	text = (const char *)buffer_bytes(&d->log).at;
	d->log.octets--;
	return text;
}

/* ---- what the server says ---- */

static void
feed_chunk(struct driver *d, const void *octets, size_t count)
{
	unsigned char *copy = malloc(count ? count : 1);
	struct bytes in = bytes_of(copy, count);
	enum pop3_client_event event;

	assert_non_null(copy);
	memcpy(copy, octets, count);
	while (!d->has_stopped && (event = pop3_client_take(d->client, &in)) !=
					  POP3_CLIENT_NOTHING) {
		/* It breaks once and is then silent. */
		assert_false(d->is_broken);
		note(d, event);
	}
	if (!d->has_stopped)
		assert_int_equal(in.octets, 0);
	free(copy);
}

void
driver_feed(struct driver *d, struct bytes server)
{
	while (server.octets > 0 && !d->has_stopped) {
		size_t octets = server.octets;

		if (octets > d->chunk_octets)
			octets = d->chunk_octets;
		if (d->fed_octets < d->split &&
			octets > d->split - d->fed_octets)
			octets = d->split - d->fed_octets;
		feed_chunk(d, server.at, octets);
		d->fed_octets += octets;
		server = bytes_after(server, octets);
	}
}

void
driver_expect_sent(struct driver *d, const char *sent)
{
	struct buffer *output = pop3_client_output(d->client);
	struct bytes is = buffer_bytes(output);

	if (!bytes_equal(is, bytes_of_string(sent)))
		fail_msg("sent \"%.*s\", expected \"%s\"", (int)is.octets,
			(const char *)is.at, sent);
	buffer_consume(output, is.octets);
	buffer_wipe(output);
}

/* ---- dialogues ---- */

static void
play_step(struct driver *d, const struct step *step)
{
	if (step->ask)
		assert_int_equal(step->ask(d->client), OK);
	driver_expect_sent(d, step->sent ? step->sent : "");
	buffer_clear(&d->log);
	d->is_in_octets = false;
	driver_feed(d, step->server);
	if (strcmp(driver_log(d), step->events ? step->events : "") != 0)
		print_message("split behind octet %zu, chunks of %zu\n",
			d->split, d->chunk_octets);
	assert_string_equal(driver_log(d), step->events ? step->events : "");
}

static bool
is_last(const struct step *step)
{
	return !step->ask && !step->sent && step->server.octets == 0 &&
	       !step->events;
}

void
play(const struct dialogue *dialogue, struct driver *d)
{
	for (int i = 0; i < STEPS_MAXIMUM; i++) {
		if (is_last(&dialogue->steps[i]))
			break;
		play_step(d, &dialogue->steps[i]);
	}
	driver_expect_sent(d, "");
	if (!d->is_broken)
		assert_int_equal(pop3_client_pending(d->client), 0);
}

size_t
dialogue_octets(const struct dialogue *dialogue)
{
	size_t octets = 0;

	for (int i = 0; i < STEPS_MAXIMUM; i++)
		octets += dialogue->steps[i].server.octets;
	return octets;
}

static void
play_once(const struct dialogue *dialogue, size_t split, size_t chunk_octets)
{
	struct driver driver;

	driver_open(&driver, split, chunk_octets);
	play(dialogue, &driver);
	driver_close(&driver);
}

void
play_every_way(const struct dialogue *dialogue)
{
	size_t octets = dialogue_octets(dialogue);

	/* Shown with the failure, if there is one. */
	print_message("%s\n", dialogue->name);
	play_once(dialogue, 0, WHOLE);
	play_once(dialogue, 0, 1);
	for (size_t split = 1; split < octets; split++)
		play_once(dialogue, split, WHOLE);
}
