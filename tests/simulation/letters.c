/* SPDX-License-Identifier: ISC */
/* Messages: how they are written, and known again. */
#include "chance.h"
#include "clock.h"
#include "model.h"
#include "trace.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTER_MAXIMUM_OCTETS 200000
#define LARGE_OCTETS	      70000 /* above what the journal takes */

const char *const mailbox_names[MAILBOXES] = {"alice", "bob", "carol"};

static struct letter *letters[LETTERS_MAXIMUM];
static unsigned count;

void
model_begin(void)
{
	count = 0;
	model_set_kept(0);
}

void
model_end(void)
{
	for (unsigned i = 0; i < count; i++) {
		free((void *)(uintptr_t)letters[i]->text.at);
		free(letters[i]);
	}
	count = 0;
}

int
mailbox_number(struct bytes name)
{
	for (int i = 0; i < MAILBOXES; i++)
		if (bytes_equal(name, bytes_of_string(mailbox_names[i])))
			return i;
	return -1;
}

/* ---- writing ---- */

/* What has gone wrong somewhere before. */
static const char *const lines[] = {"", ".", "..", ".x", "...end", "From me",
	"a line", "+OK", "-ERR", " ", "\t.", "caf\xE9", "QUIT", ".\r.",
	"a longer line that goes on for a while and then ends like the others"};

static void
write_body(struct buffer *to, bool is_foreign)
{
	bool is_lf = is_foreign && chance_one_in(2);
	uint64_t n = chance_between(0, 20);
	bool is_large = chance_one_in(60);

	for (; n > 0; n--) {
		const char *line =
			lines[chance_below(sizeof(lines) / sizeof(*lines))];

		buffer_append_string(to, line);
		if (chance_one_in(8))
			buffer_append_string(to, line);
		buffer_append_string(
			to, is_lf && chance_one_in(2) ? "\n" : "\r\n");
	}
	while (is_large && to->octets < LARGE_OCTETS)
		buffer_append_string(to,
			"a line of a message that is too large for the journal "
			"and so is synced in its own file\r\n");
	if (is_foreign && chance_one_in(4))
		buffer_append_string(to, "an end without a line end");
}

/* LF becomes CRLF, and there is one at the end. */
static void
note_sent(struct letter *letter)
{
	struct buffer sent;
	struct bytes all;
	unsigned char before = 0;

	buffer_init(&sent, 2 * LETTER_MAXIMUM_OCTETS);
	for (size_t i = 0; i < letter->text.octets; i++) {
		unsigned char octet = letter->text.at[i];

		if (octet == '\n' && before != '\r')
			buffer_append(&sent, "\r", 1);
		buffer_append(&sent, &octet, 1);
		before = octet;
	}
	if (before != '\n')
		buffer_append(&sent, "\r\n", 2);
	all = buffer_bytes(&sent);
	letter->octets = all.octets;
	letter->digest = XXH3_64bits(all.at, all.octets);
	SHA256(all.at, all.octets, letter->sha256);
	buffer_release(&sent);
}

static struct letter *
add(unsigned mailbox, struct bytes text)
{
	struct letter *letter = calloc(1, sizeof(*letter));
	unsigned char *copy = malloc(text.octets);

	if (!letter || !copy || count == LETTERS_MAXIMUM)
		abort();
	memcpy(copy, text.at, text.octets);
	letter->text = bytes_of(copy, text.octets);
	letter->number = letter->claimed = count;
	letter->mailbox = mailbox;
	letter->born_ns = clock_now_ns();
	letters[count++] = letter;
	return letter;
}

struct letter *
letter_new(unsigned mailbox, bool is_foreign)
{
	struct letter *letter;
	struct buffer text;

	buffer_init(&text, LETTER_MAXIMUM_OCTETS);
	buffer_printf(&text, "X-Letter: %u\r\nSubject: %llu\r\n\r\n", count,
		(unsigned long long)chance_below(1000000));
	write_body(&text, is_foreign);
	letter = add(mailbox, buffer_bytes(&text));
	letter->is_foreign = is_foreign;
	if (is_foreign) /* by its name, which it shares with earlier ones */
		letter->born_ns = CLOCK_START_NS;
	buffer_release(&text);
	note_sent(letter);
	return letter;
}

struct letter *
letter_again(const struct letter *first, unsigned mailbox)
{
	struct letter *letter = add(mailbox, first->text);

	letter->claimed = first->number;
	letter->octets = first->octets;
	letter->digest = first->digest;
	memcpy(letter->sha256, first->sha256, sizeof(letter->sha256));
	return letter;
}

/* ---- knowing again ---- */

unsigned
letter_count(void)
{
	return count;
}

struct letter *
letter_at(unsigned number)
{
	return letters[number];
}

struct letter *
letter_of_uidl(unsigned mailbox, struct bytes uidl)
{
	for (unsigned i = count; i > 0; i--) {
		struct letter *letter = letters[i - 1];

		if (letter->mailbox == mailbox &&
			bytes_equal(uidl, bytes_of_string(letter->uidl)))
			return letter;
	}
	return NULL;
}

struct letter *
letter_of_digest(unsigned mailbox, const unsigned char sha256[32])
{
	for (unsigned i = 0; i < count; i++)
		if (letters[i]->mailbox == mailbox &&
			memcmp(letters[i]->sha256, sha256, 32) == 0)
			return letters[i];
	return NULL;
}

void
incoming_begin(struct incoming *incoming)
{
	XXH3_64bits_reset(&incoming->digest);
	incoming->octets = 0;
	incoming->head_octets = 0;
}

void
incoming_put(struct incoming *incoming, struct bytes octets)
{
	size_t room = sizeof(incoming->head) - 1 - incoming->head_octets;
	size_t n = octets.octets < room ? octets.octets : room;

	if (n > 0)
		memcpy(incoming->head + incoming->head_octets, octets.at, n);
	incoming->head_octets += (unsigned)n;
	incoming->octets += octets.octets;
	XXH3_64bits_update(&incoming->digest, octets.at, octets.octets);
}

struct letter *
incoming_end(struct incoming *incoming, const char *who, unsigned mailbox)
{
	struct letter *letter;
	unsigned number;

	incoming->head[incoming->head_octets] = '\0';
	/* A number that is too large is no letter's.
	   NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(incoming->head, "X-Letter: %u", &number) != 1 ||
		number >= count)
		violation("%s has a message in %s that nobody wrote", who,
			mailbox_names[mailbox]);
	letter = letters[number];
	for (unsigned i = number; letter->mailbox != mailbox;
		letter = letters[i])
		if (++i == count || letters[i]->claimed != number)
			violation("%s has letter %u in %s, where it was not "
				  "sent",
				who, number, mailbox_names[mailbox]);
	if (letter->octets != incoming->octets ||
		letter->digest != XXH3_64bits_digest(&incoming->digest))
		violation("%s has letter %u with other octets (%llu, not %llu)",
			who, number, (unsigned long long)incoming->octets,
			(unsigned long long)letter->octets);
	return letter;
}
