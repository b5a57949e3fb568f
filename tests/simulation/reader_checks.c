/* SPDX-License-Identifier: ISC */
#include "office.h"
#include "reader_state.h"
#include "trace.h"

#include <string.h>

/* ---- lists ---- */

static struct known *
known_of(struct reader *r)
{
	uint32_t msgno = pop3_client_msgno(r->client);

	if (msgno < 1 || msgno > r->count)
		violation("%s is told of message %u of %u", r->who, msgno,
			r->count);
	return &r->known[msgno - 1];
}

void
reader_stat(struct reader *r)
{
	uint32_t count = pop3_client_count(r->client);

	if (r->stage == BUSY || r->stage == QUITTING)
		return;
	if (count > MESSAGES_MAXIMUM)
		violation("%s is told of %u messages", r->who, count);
	r->count = count;
	r->octets = pop3_client_octets(r->client);
	memset(r->known, 0, MESSAGES_MAXIMUM * sizeof(*r->known));
}

void
reader_uidl(struct reader *r)
{
	struct known *known = known_of(r);
	struct bytes uidl = pop3_client_data(r->client);

	if (known->uidl[0] && !bytes_equal(uidl, bytes_of_string(known->uidl)))
		violation("%s: message %u had the UIDL %s, now %.*s", r->who,
			pop3_client_msgno(r->client), known->uidl,
			(int)uidl.octets, (const char *)uidl.at);
	if (!bytes_to_string(uidl, known->uidl, sizeof(known->uidl)))
		violation("%s is told a UIDL that is none", r->who);
	r->listed++;
}

void
reader_list(struct reader *r)
{
	struct known *known = known_of(r);
	uint64_t octets = pop3_client_octets(r->client);

	if (known->is_listed && known->octets != octets)
		violation("%s: message %u had %llu octets, now %llu", r->who,
			pop3_client_msgno(r->client),
			(unsigned long long)known->octets,
			(unsigned long long)octets);
	known->octets = octets;
	known->is_listed = true;
	r->listed++;
}

/* What is listed now: all but what was deleted in this session. */
void
reader_check_count(struct reader *r)
{
	uint32_t there = 0;

	for (uint32_t i = 0; i < r->count; i++)
		there += !r->known[i].is_deleted;
	if (r->listed != there)
		violation("%s: %u messages are listed, %u should be", r->who,
			r->listed, there);
	r->listed = 0;
}

/* UIDL and LIST are both here for the first time. */
void
reader_begin_reading(struct reader *r)
{
	struct bytes uidls[MESSAGES_MAXIMUM];
	uint64_t octets = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		if (!r->known[i].uidl[0] || !r->known[i].is_listed)
			violation("%s is not told all of message %u", r->who,
				i + 1);
		uidls[i] = bytes_of_string(r->known[i].uidl);
		octets += r->known[i].octets;
	}
	if (octets != r->octets)
		violation("%s: STAT says %llu octets, LIST %llu", r->who,
			(unsigned long long)r->octets,
			(unsigned long long)octets);
	r->expected.is_excused =
		office.has_unfiled || office_failed_calls() != r->failed_calls;
	expect_list(&r->expected, uidls, r->count);
	r->stage = BUSY;
	r->next = 0;
}

/* ---- messages ---- */

void
reader_message_end(struct reader *r)
{
	struct known *known = known_of(r);
	struct letter *letter = incoming_end(&r->incoming, r->who, r->mailbox);

	if (r->incoming.octets != known->octets)
		violation("%s: message %u was announced with %llu octets and "
			  "has %llu",
			r->who, pop3_client_msgno(r->client),
			(unsigned long long)known->octets,
			(unsigned long long)r->incoming.octets);
	if (known->letter && known->letter != letter)
		violation("%s: message %u was letter %u and is letter %u",
			r->who, pop3_client_msgno(r->client),
			known->letter->number, letter->number);
	for (uint32_t i = 0; i < r->count; i++)
		if (r->known[i].letter == letter && &r->known[i] != known)
			violation("%s has letter %u twice", r->who,
				letter->number);
	known->letter = letter;
	letter_read(letter, bytes_of_string(known->uidl), r->who);
	totals.operations++;
}
