/* SPDX-License-Identifier: ISC */
#include "mail.h"

#include <string.h>

/* 23, 39 and 27 octets. */
#define ONE   "Subject: one\r\n\r\nfirst\r\n"
#define TWO   "Subject: two\r\n\r\nsecond line\r\nand more\r\n"
#define THREE "Subject: three\r\n\r\n1\r\n2\r\n3\r\n"

static const struct {
	const char *name;
	const char *messages[4];
	unsigned times; /* the whole of it, more than once */
} mailboxes[] = {
	{"empty", {NULL}},
	{"one-short-message", {ONE, NULL}},
	{"two-short-messages", {ONE, TWO, NULL}},
	{"three-short-messages", {ONE, TWO, THREE, NULL}},
	{"hundred-short-messages", {ONE, NULL}, 100},
};

static bool
add(struct mail *mail, struct bytes message)
{
	if (mail->count == MAIL_MAXIMUM_MESSAGES)
		return false;
	mail->messages[mail->count++] = message;
	return true;
}

static void
add_all(struct mail *mail, const char *const *message)
{
	for (; *message; message++)
		add(mail, bytes_of_string(*message));
}

static bool
add_named(struct mail *mail, struct bytes name)
{
	for (unsigned i = 0; i < sizeof(mailboxes) / sizeof(*mailboxes); i++) {
		unsigned times = mailboxes[i].times ? mailboxes[i].times : 1;

		if (!bytes_equal(name, bytes_of_string(mailboxes[i].name)))
			continue;
		while (times-- > 0)
			add_all(mail, mailboxes[i].messages);
		return true;
	}
	return false;
}

static bool
wrong(const struct transcript *t, const struct entry *entry, const char *what)
{
	transcript_complain(
		t->path, entry->line, "the transcript's format: %s", what);
	return false;
}

bool
mail_before(const struct transcript *t, struct mail *out)
{
	out->count = 0;
	for (unsigned i = 0; i < t->count; i++) {
		const struct entry *entry = &t->entries[i];

		if (entry->key == KEY_MAILBOX && !add_named(out, entry->value))
			return wrong(t, entry, "no such mailbox");
		if (entry->key == KEY_MESSAGE && !add(out, entry->value))
			return wrong(t, entry, "too many messages");
	}
	return true;
}

/* "2 3": those message numbers of the mailbox are gone. */
static bool
take_away(struct mail *mail, struct bytes numbers)
{
	bool is_gone[MAIL_MAXIMUM_MESSAGES] = {false};
	unsigned kept = 0;
	uint64_t number;

	while (numbers.octets > 0) {
		if (!bytes_to_number(
			    bytes_cut(&numbers, ' '), mail->count, &number) ||
			number == 0)
			return false;
		is_gone[number - 1] = true;
	}
	for (unsigned i = 0; i < mail->count; i++)
		if (!is_gone[i])
			mail->messages[kept++] = mail->messages[i];
	mail->count = kept;
	return true;
}

bool
mail_after(const struct transcript *t, struct mail *out)
{
	const struct entry *entry = transcript_find(t, KEY_MAILBOX_AFTER);
	struct bytes rest, name;

	if (!mail_before(t, out) || !entry)
		return entry == NULL;
	rest = entry->value;
	name = bytes_cut(&rest, ' ');
	if (!bytes_equal(name, bytes_of_string("unchanged"))) {
		out->count = 0;
		if (!add_named(out, name))
			return wrong(t, entry, "no such mailbox");
	}
	if (rest.octets > 0 && (!bytes_equal(bytes_cut(&rest, ' '),
					bytes_of_string("without")) ||
				       !take_away(out, rest)))
		return wrong(t, entry, "NAME without NUMBERS is expected");
	return true;
}

bool
mail_delivered(const struct transcript *t, const char *name, struct mail *out)
{
	for (unsigned i = 0; i < t->count; i++) {
		struct bytes rest = t->entries[i].value;

		if (t->entries[i].key == KEY_DELIVERED &&
			bytes_equal(
				bytes_cut(&rest, ' '), bytes_of_string(name)) &&
			!add(out, rest))
			return wrong(t, &t->entries[i], "too many messages");
	}
	return true;
}
