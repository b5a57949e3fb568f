/* SPDX-License-Identifier: ISC */
/* What became of messages, and what follows from it. */
#include "model.h"
#include "clock.h"
#include "trace.h"

#include <stdlib.h>
#include <string.h>

static unsigned leavings;
static uint64_t kept_ns;

void
model_set_kept(uint64_t new_kept_ns)
{
	kept_ns = new_kept_ns;
	leavings = 0;
}

void
letter_accepted(struct letter *letter)
{
	/* It may have been read and deleted before its sender knew. */
	if (letter->fate == OFFERED)
		letter->fate = ACCEPTED;
}

void
letter_refused(struct letter *letter, bool is_certain)
{
	if (is_certain && letter->fate == OFFERED)
		letter->fate = REFUSED;
}

bool
letter_is_due(const struct letter *letter)
{
	return kept_ns > 0 &&
	       letter->born_ns / SECOND * SECOND + kept_ns <= clock_now_ns();
}

/* ---- leaving ---- */

unsigned
model_leaving(void)
{
	return ++leavings;
}

void
letter_leaving(struct letter *letter, unsigned leaving)
{
	/* What was in doubt before cannot tell of the others. */
	if (letter->fate == ACCEPTED)
		letter->fate = LEAVING;
	else if (letter->fate == OFFERED)
		letter->fate = LOOSE;
	letter->leaving = leaving;
}

void
model_left(unsigned leaving)
{
	for (unsigned i = 0; i < letter_count(); i++) {
		struct letter *letter = letter_at(i);

		if (letter->leaving == leaving)
			letter->fate = DELETED;
	}
}

/* ---- reading ---- */

void
letter_read(struct letter *letter, struct bytes uidl, const char *who)
{
	struct letter *other = letter_of_uidl(letter->mailbox, uidl);

	if (letter->fate == DELETED)
		violation("%s reads letter %u, which was deleted", who,
			letter->number);
	if (letter->fate == VANISHED)
		violation("%s reads letter %u, which was listed and had "
			  "vanished",
			who, letter->number);
	if (letter->fate == REFUSED)
		violation("%s reads letter %u, which was refused", who,
			letter->number);
	if (other && other != letter)
		violation("%s reads letter %u with the UIDL %s of letter %u",
			who, letter->number, other->uidl, other->number);
	if (letter->uidl[0] && !letter->was_removed &&
		!bytes_equal(uidl, bytes_of_string(letter->uidl)))
		violation("%s reads letter %u, whose UIDL was %s, with %.*s",
			who, letter->number, letter->uidl, (int)uidl.octets,
			(const char *)uidl.at);
	if (!bytes_to_string(uidl, letter->uidl, sizeof(letter->uidl)))
		violation("%s was told no UIDL of letter %u", who,
			letter->number);
}

/* ---- a session ---- */

static bool
has_bit(const unsigned char *bits, unsigned i)
{
	return bits[i / 8] & (1u << (i % 8));
}

void
expect_begin(struct expectation *e, unsigned mailbox)
{
	memset(e, 0, sizeof(*e));
	e->mailbox = mailbox;
	e->letters = letter_count();
	for (unsigned i = 0; i < e->letters; i++)
		if (letter_at(i)->mailbox == mailbox &&
			letter_at(i)->fate == ACCEPTED)
			e->must[i / 8] |= (unsigned char)(1u << (i % 8));
}

static bool
is_listed(
	const struct letter *letter, const struct bytes *uidls, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (bytes_equal(uidls[i], bytes_of_string(letter->uidl)))
			return true;
	return false;
}

/* All of one QUIT, or none. */
static void
settle(unsigned leaving, const struct bytes *uidls, uint32_t count)
{
	unsigned there = 0, gone = 0;

	for (unsigned i = 0; i < letter_count(); i++) {
		struct letter *letter = letter_at(i);

		if (letter->leaving != leaving || letter->fate != LEAVING)
			continue;
		if (is_listed(letter, uidls, count)) {
			there++;
			letter->fate = ACCEPTED;
		} else {
			gone += !letter_is_due(letter);
			letter->fate = DELETED;
		}
	}
	if (there > 0 && gone > 0)
		violation("of the messages of one QUIT %u are gone and %u are "
			  "there",
			gone, there);
}

static void
settle_all(
	const struct expectation *e, const struct bytes *uidls, uint32_t count)
{
	for (unsigned i = 0; i < e->letters; i++)
		if (letter_at(i)->mailbox == e->mailbox &&
			letter_at(i)->fate == LEAVING)
			settle(letter_at(i)->leaving, uidls, count);
}

static void
check_unique(const struct bytes *uidls, uint32_t count, unsigned mailbox)
{
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (bytes_equal(uidls[i], uidls[j]))
				violation("%s lists the UIDL %.*s twice",
					mailbox_names[mailbox],
					(int)uidls[i].octets,
					(const char *)uidls[i].at);
}

/* `must` is of the beginning; what left or was taken since is not missed. */
static void
check_letter(const struct expectation *e, const struct letter *letter,
	bool is_there, const char *how)
{
	if (is_there && letter->fate == DELETED)
		violation("letter %u was deleted in %s, and is %s again",
			letter->number, mailbox_names[e->mailbox], how);
	if (!is_there && !e->is_excused && has_bit(e->must, letter->number) &&
		letter->fate == ACCEPTED && !letter_is_due(letter))
		violation("letter %u was accepted for %s, and is not %s",
			letter->number, mailbox_names[e->mailbox], how);
}

void
expect_list(
	const struct expectation *e, const struct bytes *uidls, uint32_t count)
{
	check_unique(uidls, count, e->mailbox);
	if (!e->is_excused)
		settle_all(e, uidls, count);
	for (unsigned i = 0; i < e->letters; i++) {
		struct letter *letter = letter_at(i);
		bool is_there;

		if (letter->mailbox != e->mailbox || !letter->uidl[0])
			continue;
		is_there = is_listed(letter, uidls, count);
		check_letter(e, letter, is_there, "listed");
		/* Read once, and gone: it must not come again. */
		if (!is_there && !e->is_excused && letter->fate == OFFERED)
			letter->fate = VANISHED;
	}
}

void
expect_read(const struct expectation *e, const unsigned char *was_read)
{
	for (unsigned i = 0; i < e->letters; i++)
		if (letter_at(i)->mailbox == e->mailbox &&
			!has_bit(was_read, i))
			check_letter(e, letter_at(i), false, "readable");
}
