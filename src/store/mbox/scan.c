/* SPDX-License-Identifier: ISC */
#include "store/mbox/scan.h"

#include <stdlib.h>
#include <string.h>

/* File systems stamp by the clock tick. */
#define FRESH_NS 1000000000ull

struct scanning {
	struct mbox_scan *scan;
	struct mbox_parser parser;
	struct mbox_content content;
	struct measure measure;
	struct mbox_message *message; /* in hand */
	enum outcome outcome;
};

static uint64_t
ns_of(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

struct mbox_stamp
mbox_stamp_of(struct files *files, const struct stat *status)
{
	struct mbox_stamp stamp = {
		.device = status->st_dev,
		.inode = status->st_ino,
		.octets = (uint64_t)status->st_size,
		.modified_ns = ns_of(status->st_mtim),
		.changed_ns = ns_of(status->st_ctim),
	};

	stamp.is_fresh = stamp.changed_ns + FRESH_NS >= files->now_ns(files);
	return stamp;
}

bool
mbox_stamp_is_same(
	const struct mbox_stamp *before, const struct mbox_stamp *now)
{
	return !before->is_fresh && before->device == now->device &&
	       before->inode == now->inode && before->octets == now->octets &&
	       before->modified_ns == now->modified_ns &&
	       before->changed_ns == now->changed_ns;
}

static bool
make_room(struct mbox_scan *scan)
{
	uint32_t capacity = scan->capacity * 2 + 16;
	struct mbox_message *more;

	if (scan->count < scan->capacity)
		return true;
	if (scan->count >= SCAN_MAXIMUM_MESSAGES)
		return false;
	more = realloc(scan->messages, capacity * sizeof(*more));
	if (!more)
		return false;
	scan->messages = more;
	scan->capacity = capacity;
	return true;
}

static void
begin(void *context, uint64_t from_offset, uint64_t offset,
	struct bytes from_line)
{
	struct scanning *s = context;
	struct mbox_scan *scan = s->scan;

	s->message = NULL;
	if (s->outcome == OK && !make_room(scan))
		s->outcome = ERR_TRY_LATER;
	if (s->outcome != OK)
		return;
	s->message = &scan->messages[scan->count++];
	*s->message = (struct mbox_message){
		.from_offset = from_offset,
		.offset = offset,
		.arrived_seconds = from_line_seconds(from_line),
	};
	measure_init(&s->measure);
	mbox_content_begin(&s->content);
}

static void
put(void *context, struct bytes octets)
{
	struct scanning *s = context;

	if (!s->message)
		return;
	measure_put(&s->measure, octets);
	mbox_content_put(&s->content, octets);
}

static void
end(void *context, uint64_t end_offset, bool has_quotes)
{
	struct scanning *s = context;

	if (!s->message)
		return;
	s->message->end = end_offset;
	s->message->has_quotes = has_quotes;
	measure_end(&s->measure);
	s->message->index = index_message_of_measure(&s->measure);
	s->scan->octets += s->measure.octets;
	if (!mbox_content_end(&s->content, s->message->digest))
		s->outcome = ERR_TRY_LATER;
}

static const struct mbox_events events = {begin, put, end};

static enum outcome
read_all(struct scanning *s, struct files *files, int fd)
{
	unsigned char *chunk = malloc(SCAN_READ_OCTETS);
	enum outcome outcome = chunk ? OK : ERR_TRY_LATER;
	uint64_t left = s->scan->stamp.octets;

	while (outcome == OK && left > 0) {
		ssize_t n = files_read_all(files, fd, chunk,
			left < SCAN_READ_OCTETS ? (size_t)left
						: SCAN_READ_OCTETS,
			s->scan->stamp.octets - left);

		if (n <= 0) {
			outcome = ERR_TRY_LATER;
			break;
		}
		mbox_parser_put(&s->parser, bytes_of(chunk, (size_t)n));
		left -= (uint64_t)n;
		outcome = s->parser.is_no_mbox ? ERR_BROKEN : s->outcome;
	}
	free(chunk);
	return outcome;
}

static enum outcome
finish(struct scanning *s)
{
	struct mbox_scan *scan = s->scan;

	mbox_parser_end(&s->parser);
	if (s->outcome != OK || s->parser.is_no_mbox)
		return s->parser.is_no_mbox ? ERR_BROKEN : s->outcome;
	for (uint32_t i = 0; i < scan->count; i++)
		scan->messages[i].next =
			i + 1 < scan->count ? scan->messages[i + 1].from_offset
					    : scan->stamp.octets;
	return OK;
}

enum outcome
mbox_scan_read(struct files *files, int fd, struct mbox_scan **out)
{
	struct scanning *s = calloc(1, sizeof(*s));
	struct mbox_scan *scan = calloc(1, sizeof(*scan));
	enum outcome outcome = ERR_TRY_LATER;
	struct stat status;

	if (s && scan && mbox_content_init(&s->content) &&
		files->stat(files, fd, &status) == 0) {
		s->scan = scan;
		scan->stamp = mbox_stamp_of(files, &status);
		mbox_parser_init(&s->parser, &events, s);
		outcome = read_all(s, files, fd);
		if (outcome == OK)
			outcome = finish(s);
	}
	if (s)
		mbox_content_release(&s->content);
	free(s);
	if (outcome == OK)
		*out = scan;
	else
		mbox_scan_free(&scan);
	return outcome;
}

void
mbox_scan_free(struct mbox_scan **scan)
{
	if (!*scan)
		return;
	free((*scan)->messages);
	free(*scan);
	*scan = NULL;
}
