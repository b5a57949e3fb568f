/* SPDX-License-Identifier: ISC */
/*
 * An mbox of any octets: cut differently it has the same messages at the same
 * places; each, read by itself, has the octets that were announced. A message
 * of any octets that is written to an mbox, between two others, comes out as it
 * would be sent, and the others as they were.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "message/measure.h"
#include "store/mbox/content.h"
#include "store/mbox/parser.h"
#include "store/mbox/writer.h"

#define TEXT_MAXIMUM_OCTETS (8u << 20)
#define PIECE_OCTETS	    40
#define MESSAGES_MAXIMUM    512
#define FIRST		    "From a Thu Nov 19 08:30:00 2026\nfirst\n\n"
#define FROM		    "From b Thu Nov 19 08:30:00 2026\n"
#define LAST		    "From c Thu Nov 19 08:30:00 2026\nlast\n\n"

enum { FLAG_WRITTEN = 1 };

struct found {
	uint64_t from_offset, offset, end;
	bool has_quotes;
	struct measure measure;
	struct mbox_content content;
	unsigned char digest[UIDL_DIGEST_OCTETS];
	struct buffer text;
};

struct mbox {
	struct found *found;
	unsigned count;
	bool is_no_mbox;
};

static void
begin(void *context, uint64_t from_offset, uint64_t offset,
	struct bytes from_line)
{
	struct mbox *m = context;
	struct found *found = &m->found[m->count % MESSAGES_MAXIMUM];

	assert_true(from_line_is(from_line));
	assert_true(offset > from_offset + from_line.octets);
	assert_true(m->count < MESSAGES_MAXIMUM);
	m->count++;
	found->from_offset = from_offset;
	found->offset = offset;
	buffer_init(&found->text, TEXT_MAXIMUM_OCTETS);
	measure_init(&found->measure);
	assert_true(mbox_content_init(&found->content));
	mbox_content_begin(&found->content);
}

static void
put(void *context, struct bytes octets)
{
	struct mbox *m = context;
	struct found *found = &m->found[m->count - 1];

	assert_true(octets.octets > 0);
	assert_true(buffer_append_bytes(&found->text, octets));
	measure_put(&found->measure, octets);
	mbox_content_put(&found->content, octets);
}

static void
end(void *context, uint64_t end_offset, bool has_quotes)
{
	struct mbox *m = context;
	struct found *found = &m->found[m->count - 1];

	found->end = end_offset;
	found->has_quotes = has_quotes;
	measure_end(&found->measure);
	assert_true(mbox_content_end(&found->content, found->digest));
	mbox_content_release(&found->content);
}

static const struct mbox_events events = {begin, put, end};

/* pace 0: all at once. */
static struct mbox
parse(struct bytes text, uint64_t pace)
{
	struct mbox m = {.found = calloc(MESSAGES_MAXIMUM, sizeof(*m.found))};
	struct mbox_parser parser;

	assert_non_null(m.found);
	mbox_parser_init(&parser, &events, &m);
	if (pace == 0)
		mbox_parser_put(&parser, text);
	while (pace != 0 && text.octets > 0) {
		struct bytes piece = fuzz_cut_piece(&text, &pace, PIECE_OCTETS);

		mbox_parser_put(&parser, piece);
		fuzz_free_piece(&piece);
	}
	mbox_parser_end(&parser);
	m.is_no_mbox = parser.is_no_mbox;
	return m;
}

static void
release(struct mbox *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		buffer_release(&m->found[i].text);
		mbox_content_release(&m->found[i].content);
	}
	free(m->found);
}

/* Its range, by itself, is what was told of it. */
static void
read_again(struct bytes file, const struct found *found, uint64_t pace)
{
	struct mbox one = {.found = calloc(1, sizeof(*one.found)), .count = 1};
	struct mbox_parser parser;
	struct bytes rest = bytes_of(
		file.at + found->offset, (size_t)(found->end - found->offset));
	size_t octets = rest.octets;

	assert_non_null(one.found);
	buffer_init(&one.found->text, TEXT_MAXIMUM_OCTETS);
	measure_init(&one.found->measure);
	assert_true(mbox_content_init(&one.found->content));
	mbox_content_begin(&one.found->content);
	mbox_parser_init_part(&parser, &events, &one, found->offset);
	while (rest.octets > 0) {
		struct bytes piece = fuzz_cut_piece(&rest, &pace, PIECE_OCTETS);

		mbox_parser_put(&parser, piece);
		fuzz_free_piece(&piece);
	}
	mbox_parser_end(&parser);
	assert_true(bytes_equal(
		buffer_bytes(&one.found->text), buffer_bytes(&found->text)));
	assert_int_equal(found->measure.stored_octets, one.found->text.octets);
	assert_true(found->has_quotes == (one.found->text.octets < octets));
	release(&one);
}

static void
compare(struct bytes file, uint64_t pace)
{
	struct mbox whole = parse(file, 0), cut = parse(file, pace | 1);
	uint64_t at = 0;

	assert_true(whole.is_no_mbox == cut.is_no_mbox);
	assert_int_equal(whole.count, cut.count);
	for (unsigned i = 0; i < whole.count && !whole.is_no_mbox; i++) {
		const struct found *a = &whole.found[i], *b = &cut.found[i];

		assert_true(a->from_offset >= at && a->end >= a->offset &&
			    a->end <= file.octets);
		at = a->end;
		assert_int_equal(a->from_offset, b->from_offset);
		assert_int_equal(a->offset, b->offset);
		assert_int_equal(a->end, b->end);
		assert_true(bytes_equal(
			buffer_bytes(&a->text), buffer_bytes(&b->text)));
		assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
		read_again(file, a, pace);
	}
	release(&whole);
	release(&cut);
}

/* ---- a message of our own ---- */

static void
write_octets(void *context, struct bytes octets, bool is_quote)
{
	assert_true(!is_quote || bytes_equal(octets, bytes_of_string(">")));
	assert_true(buffer_append_bytes(context, octets));
}

static void
as_sent(struct bytes from, struct buffer *out)
{
	buffer_init(out, TEXT_MAXIMUM_OCTETS);
	for (size_t i = 0; i < from.octets; i++) {
		if (from.at[i] == '\n' && (i == 0 || from.at[i - 1] != '\r'))
			assert_true(buffer_append(out, "\r", 1));
		assert_true(buffer_append(out, from.at + i, 1));
	}
	if (from.octets > 0 && from.at[from.octets - 1] != '\n')
		assert_true(buffer_append(out, "\r\n", 2));
}

static void
assert_same_sent(struct bytes one, struct bytes two)
{
	struct buffer a, b;

	as_sent(one, &a);
	as_sent(two, &b);
	assert_true(bytes_equal(buffer_bytes(&a), buffer_bytes(&b)));
	buffer_release(&a);
	buffer_release(&b);
}

static void
write_message(struct bytes message, uint64_t pace)
{
	struct mbox_writer writer;
	struct bytes rest = message;
	struct buffer file;
	struct mbox m;

	buffer_init(&file, TEXT_MAXIMUM_OCTETS);
	assert_true(buffer_append_string(&file, FIRST FROM));
	mbox_writer_init(&writer, write_octets, &file);
	while (rest.octets > 0) {
		struct bytes piece = fuzz_cut_piece(&rest, &pace, PIECE_OCTETS);

		mbox_writer_put(&writer, piece);
		fuzz_free_piece(&piece);
	}
	mbox_writer_end(&writer);
	assert_true(buffer_append_string(&file, "\n" LAST));
	m = parse(buffer_bytes(&file), pace | 1);
	assert_int_equal(m.count, 3);
	assert_true(bytes_equal(
		buffer_bytes(&m.found[0].text), bytes_of_string("first\n")));
	assert_same_sent(buffer_bytes(&m.found[1].text), message);
	assert_true(bytes_equal(
		buffer_bytes(&m.found[2].text), bytes_of_string("last\n")));
	release(&m);
	compare(buffer_bytes(&file), pace);
	buffer_release(&file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);

	/* So many messages need no more octets than this. */
	if (in.octets > MESSAGES_MAXIMUM * 20)
		in.octets = MESSAGES_MAXIMUM * 20;
	if (head.flags & FLAG_WRITTEN)
		write_message(in, head.pace);
	else
		compare(in, head.pace);
	return 0;
}
