/* SPDX-License-Identifier: ISC */
/*
 * A reader logs in, asks for the lists, reads some messages or all, in any
 * order or all at once, asks for lists again, marks some as deleted, changes
 * its mind, quits or goes without a word. It checks all that it is told
 * against what it was told before and against the model.
 */
#include "reader_state.h"
#include "chance.h"
#include "office.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS	(2 * MINUTE)
#define PENDING_MAXIMUM 20

static struct reader readers[READERS + 1]; /* the last one looks through */
static unsigned left, may_delete;
static unsigned char seen[LETTERS_MAXIMUM / 8];
static bool has_looked;

static void
end(struct reader *r)
{
	wire_close(&r->wire);
	pop3_client_free(&r->client);
	event_stop(&r->event);
	r->stage = RESTING;
	if (left > 0 && !r->is_looking)
		event_pause(&r->event, SECOND, 3 * MINUTE);
}

/* -ERR: another program has removed it, a disk fails; or a marked one. */
static void
on_refused(struct reader *r)
{
	enum pop3_client_request request = pop3_client_request_of(r->client);

	/* Nothing has failed that damages a mailbox. */
	if (r->failures == office.failures &&
		r->failed_calls == office_failed_calls() &&
		pop3_client_code(r->client) == POP3_CODE_SYS_PERM)
		violation("%s is told that %s is damaged", r->who,
			mailbox_names[r->mailbox]);
	r->has_failed = true;
	if (request == POP3_REQUEST_RETR || request == POP3_REQUEST_DELE ||
		request == POP3_REQUEST_UIDL_ONE)
		return;
	trace(r->who, "%s: -ERR", mailbox_names[r->mailbox]);
	end(r);
}

/* ---- what it wants ---- */

static bool
may_read(struct reader *r, uint32_t index)
{
	return index < r->count && !r->known[index].is_deleted;
}

/* NULL: the model has never heard of it. */
static struct letter *
letter_known(struct reader *r, uint32_t index)
{
	const struct known *known = &r->known[index];

	return known->letter ? known->letter
			     : letter_of_uidl(r->mailbox,
				       bytes_of_string(known->uidl));
}

/* Only what was read, now or before. */
static void
mark(struct reader *r, uint32_t index)
{
	if (!may_read(r, index) || !(may_delete & (1u << r->mailbox)) ||
		r->awaits_list || !letter_known(r, index))
		return;
	pop3_client_dele(r->client, index + 1);
	r->known[index].is_deleted = true;
}

static void
unmark_all(struct reader *r)
{
	if (r->awaits_list)
		return;
	pop3_client_rset(r->client);
	for (uint32_t i = 0; i < r->count; i++)
		r->known[i].is_deleted = false;
}

/* What is marked must not change before it comes. */
static void
ask_for_list(struct reader *r, enum outcome (*list)(struct pop3_client *client))
{
	if (pop3_client_pending(r->client) > 0)
		return;
	list(r->client);
	r->awaits_list = true;
}

static void
wish(struct reader *r)
{
	uint32_t index = (uint32_t)chance_below(r->count + 1);

	switch (chance_below(10)) {
	case 0:
		pop3_client_noop(r->client);
		break;
	case 1:
		ask_for_list(r, pop3_client_list);
		break;
	case 2:
		ask_for_list(r, pop3_client_uidl);
		break;
	case 3:
		if (chance_one_in(3))
			unmark_all(r);
		break;
	case 4:
	case 5:
	case 6:
		mark(r, index);
		break;
	default:
		if (may_read(r, index))
			pop3_client_retr(r->client, index + 1);
	}
}

static void
say_leaving(struct reader *r)
{
	r->leaving = model_leaving();
	for (uint32_t i = 0; i < r->count; i++)
		if (r->known[i].is_deleted)
			letter_leaving(letter_known(r, i), r->leaving);
}

static void
finish(struct reader *r)
{
	if (!r->is_looking && chance_one_in(6)) {
		trace(r->who, "goes without a word");
		end(r);
		return;
	}
	say_leaving(r);
	pop3_client_quit(r->client);
	r->stage = QUITTING;
}

static void
go_on(struct reader *r)
{
	while (r->stage == BUSY && r->reads_all && r->next < r->count &&
		pop3_client_pending(r->client) < PENDING_MAXIMUM) {
		if (may_read(r, r->next))
			pop3_client_retr(r->client, r->next + 1);
		r->next++;
	}
	while (r->stage == BUSY && r->wishes > 0 &&
		(!r->reads_all || r->next == r->count) &&
		pop3_client_pending(r->client) < PENDING_MAXIMUM) {
		r->wishes--;
		wish(r);
	}
	if (r->stage == BUSY && pop3_client_pending(r->client) == 0)
		finish(r);
}

/* ---- events ---- */

static void
on_login(struct reader *r)
{
	r->stage = LISTS;
	r->listed = 0;
	pop3_client_stat(r->client);
	pop3_client_uidl(r->client);
	pop3_client_list(r->client);
}

static void
note_seen(struct reader *r)
{
	unsigned char read[LETTERS_MAXIMUM / 8] = {0};

	for (uint32_t i = 0; i < r->count; i++)
		if (r->known[i].letter)
			read[r->known[i].letter->number / 8] |=
				(unsigned char)(1u
						<< (r->known[i].letter->number %
							   8));
	if (r->reads_all && !r->has_failed)
		expect_read(&r->expected, read);
	if (r->is_looking && !r->has_failed) {
		memcpy(seen, read, sizeof(seen));
		has_looked = true;
	}
}

static void
on_quit(struct reader *r)
{
	note_seen(r);
	model_left(r->leaving);
	trace(r->who, "%s: %u messages, good bye", mailbox_names[r->mailbox],
		r->count);
	totals.operations++;
	end(r);
}

static void
on_list_end(struct reader *r)
{
	bool is_first = r->stage == LISTS;

	reader_check_count(r);
	r->awaits_list = false;
	if (is_first && pop3_client_pending(r->client) == 0)
		reader_begin_reading(r);
}

/* A server whose store died says -ERR unasked. */
static void
on_broken(struct reader *r)
{
	if (r->failures == office.failures)
		violation("%s: the server broke the protocol: %s", r->who,
			pop3_client_error(r->client));
	end(r);
}

static void
on_event_of(struct reader *r, enum pop3_client_event event)
{
	switch (event) {
	case POP3_CLIENT_GREETED:
		r->stage = LOGIN;
		expect_begin(&r->expected, r->mailbox);
		pop3_client_user_pass(r->client,
			bytes_of_string(mailbox_names[r->mailbox]),
			bytes_of_string("secret"), chance_one_in(2));
		break;
	case POP3_CLIENT_LOGGED_IN:
		on_login(r);
		break;
	case POP3_CLIENT_STAT:
		reader_stat(r);
		break;
	case POP3_CLIENT_UIDL:
		reader_uidl(r);
		break;
	case POP3_CLIENT_LIST:
		reader_list(r);
		break;
	case POP3_CLIENT_LIST_END:
		on_list_end(r);
		break;
	case POP3_CLIENT_MESSAGE:
		incoming_begin(&r->incoming);
		break;
	case POP3_CLIENT_OCTETS:
		incoming_put(&r->incoming, pop3_client_data(r->client));
		break;
	case POP3_CLIENT_MESSAGE_END:
		reader_message_end(r);
		break;
	case POP3_CLIENT_QUIT:
		on_quit(r);
		break;
	case POP3_CLIENT_REFUSED:
		on_refused(r);
		break;
	case POP3_CLIENT_BROKEN:
		on_broken(r);
		break;
	case POP3_CLIENT_NOTHING:
	case POP3_CLIENT_CAPABLE:
	case POP3_CLIENT_TLS:
	case POP3_CLIENT_CHALLENGE:
	case POP3_CLIENT_DELETED:
	case POP3_CLIENT_DONE:
	default:
		break;
	}
}

static void
on_woken(void *context)
{
	struct reader *r = context;
	struct bytes in = wire_received(r->wire);
	size_t before = in.octets;
	enum pop3_client_event event = POP3_CLIENT_DONE;
	struct buffer *out;

	while (r->wire && event != POP3_CLIENT_NOTHING) {
		event = pop3_client_take(r->client, &in);
		on_event_of(r, event);
	}
	if (!r->wire)
		return;
	wire_take(r->wire, before);
	if (wire_is_over(r->wire)) {
		trace(r->who, "%s: cut off", mailbox_names[r->mailbox]);
		end(r);
		return;
	}
	go_on(r);
	if (!r->wire)
		return;
	out = pop3_client_output(r->client);
	buffer_consume(out, wire_send(r->wire, buffer_bytes(out)));
	event_start(&r->event, PATIENCE_NS);
}

/* ---- beginning ---- */

static void
begin(struct reader *r, unsigned mailbox)
{
	r->mailbox = mailbox;
	r->stage = GREETING;
	r->count = r->listed = 0;
	r->has_failed = r->awaits_list = false;
	r->failures = office.failures;
	r->failed_calls = office_failed_calls();
	r->reads_all = r->is_looking || chance_one_in(3);
	r->wishes = r->is_looking ? 0 : (unsigned)chance_below(20);
	r->client = pop3_client_new();
	r->wire = wire_connect(PORT_POP3, on_woken, r);
	if (!r->client || !r->wire)
		abort();
	totals.sessions++;
	event_start(&r->event, PATIENCE_NS);
}

static void
on_event(void *context)
{
	struct reader *r = context;

	if (r->wire) {
		trace(r->who, "%s: no answer", mailbox_names[r->mailbox]);
		end(r);
	} else if (left > 0) {
		left--;
		begin(r, (unsigned)chance_below(MAILBOXES));
	}
}

void
readers_begin(unsigned sessions, unsigned new_may_delete)
{
	left = sessions;
	may_delete = new_may_delete;
	has_looked = false;
	for (unsigned i = 0; i <= READERS; i++) {
		struct reader *r = &readers[i];

		*r = (struct reader){.stage = RESTING};
		snprintf(r->who, sizeof(r->who), "reader %u", i);
		r->is_looking = i == READERS;
		r->known = calloc(MESSAGES_MAXIMUM, sizeof(*r->known));
		if (!r->known)
			abort();
		event_init(&r->event, on_event, r);
		if (!r->is_looking)
			event_pause(&r->event, SECOND, MINUTE);
	}
}

bool
readers_rest(void)
{
	bool is_resting = true;

	left = 0;
	for (unsigned i = 0; i < READERS; i++)
		is_resting = is_resting && !readers[i].wire;
	return is_resting;
}

bool
readers_look_through(unsigned mailbox)
{
	struct reader *r = &readers[READERS];

	if (r->wire)
		return false;
	if (has_looked && r->mailbox == mailbox) {
		has_looked = false;
		return true;
	}
	has_looked = false;
	begin(r, mailbox);
	return false;
}

const unsigned char *
readers_seen(void)
{
	return seen;
}

void
readers_end(void)
{
	left = 0;
	for (unsigned i = 0; i <= READERS; i++) {
		end(&readers[i]);
		free(readers[i].known);
	}
}
