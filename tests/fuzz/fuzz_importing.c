/* SPDX-License-Identifier: ISC */
/*
 * Files of other collectors: what is taken is a UIDL that a server could list,
 * and written as the program writes it, it is read back to the same.
 */
#include "fuzz.h"

#include "collect/importing.h"
#include "collect/message_key.h"

#define TEXT_MAXIMUM_OCTETS (1u << 20)

struct taken {
	enum import_program program;
	struct buffer text; /* what was taken, written anew */
	char mailbox[IMPORT_MAILBOX_SIZE];
	unsigned count, stop_after;
};

static void
write_anew(struct taken *taken, const char *mailbox, struct bytes uidl)
{
	const char *at;
	struct buffer *text = &taken->text;

	switch (taken->program) {
	case IMPORT_FETCHMAIL:
		assert_true(buffer_printf(text, "%s ", mailbox));
		break;
	case IMPORT_MPOP:
		/* The host is the first word, the user the rest of the line. */
		at = strrchr(mailbox, '@');
		if (strcmp(mailbox, taken->mailbox) != 0)
			assert_true(buffer_printf(text, " 1 %s %.*s\n", at + 1,
				(int)(at - mailbox), mailbox));
		snprintf(taken->mailbox, sizeof(taken->mailbox), "%s", mailbox);
		break;
	case IMPORT_FDM:
		assert_true(buffer_printf(text, "%zu ", uidl.octets));
		break;
	case IMPORT_GETMAIL:
	case IMPORT_PROGRAMS:
	default:
		break;
	}
	assert_true(buffer_append_bytes(text, uidl));
	if (taken->program == IMPORT_GETMAIL)
		assert_true(buffer_append(text,
			"\0"
			"1",
			2));
	assert_true(buffer_append_string(text, "\n"));
}

static bool
take(const char *mailbox, struct bytes uidl, void *context)
{
	struct taken *taken = context;

	assert_in_range(uidl.octets, 1, MESSAGE_KEY_UIDL_MAXIMUM_OCTETS);
	for (size_t i = 0; i < uidl.octets; i++)
		assert_true(uidl.at[i] >= ' ' && uidl.at[i] != 0x7f);
	assert_true(strlen(mailbox) < IMPORT_MAILBOX_SIZE);
	assert_int_equal(
		mailbox[0] != '\0', taken->program == IMPORT_FETCHMAIL ||
					    taken->program == IMPORT_MPOP);
	write_anew(taken, mailbox, uidl);
	return ++taken->count != taken->stop_after;
}

/* mpop's "#" and " " at a line's front are not a UIDL's. */
static bool
is_ambiguous(struct bytes text)
{
	while (text.octets > 0) {
		struct bytes line = bytes_cut(&text, '\n');

		if (bytes_has(bytes_of(line.at, line.octets > 0), '#'))
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	struct taken first = {
		.program = (enum import_program)(head.flags % IMPORT_PROGRAMS),
		.stop_after = head.flags / 16,
	};
	struct taken second = {.program = first.program};
	unsigned line = 0;
	bool is_good;

	buffer_init(&first.text, TEXT_MAXIMUM_OCTETS);
	buffer_init(&second.text, TEXT_MAXIMUM_OCTETS);
	is_good = import_parse(first.program, in, take, &first, &line);
	assert_true(
		is_good ? line == 0
			: line > 0 || (first.stop_after > 0 &&
					      first.count == first.stop_after));
	if (!is_ambiguous(buffer_bytes(&first.text))) {
		assert_true(import_parse(second.program,
			buffer_bytes(&first.text), take, &second, &line));
		assert_int_equal(second.count, first.count);
		assert_bytes(buffer_bytes(&second.text),
			buffer_bytes(&first.text), in);
	}
	buffer_release(&first.text);
	buffer_release(&second.text);
	return 0;
}
