/* SPDX-License-Identifier: ISC */
#include "store/survey.h"
#include "store/index_format.h"
#include "store/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* What a crash may have left behind the last trailer is a few records; where it
   is more the next login makes the index anew. */
#define TAIL_RECORDS 64

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
survey_name(const char *folder, char out[STORE_MAILBOX_MAXIMUM_OCTETS])
{
	bool is_cut = strstr(folder, "%%") != NULL;
	size_t octets = 0;

	for (const char *c = folder; *c; c++) {
		char octet = *c;

		if (octets + 1 >= STORE_MAILBOX_MAXIMUM_OCTETS)
			return false;
		if (*c == '%' && !is_cut) {
			int high = hex_digit(c[1]);
			int low = high < 0 ? -1 : hex_digit(c[2]);

			if (low < 0)
				return false;
			octet = (char)(high * 16 + low);
			c += 2;
		}
		if (octet == '\0')
			return false;
		out[octets++] = octet;
	}
	out[octets] = '\0';
	return octets > 0;
}

/* ---- lists ---- */

static void
insert(struct survey_list *list, const struct survey_row *row,
	bool (*is_before)(const struct survey_row *, const struct survey_row *))
{
	unsigned at = list->count;

	while (at > 0 && is_before(row, &list->rows[at - 1]))
		at--;
	if (at == SURVEY_ROWS)
		return;
	if (list->count < SURVEY_ROWS)
		list->count++;
	memmove(&list->rows[at + 1], &list->rows[at],
		(list->count - at - 1) * sizeof(*row));
	list->rows[at] = *row;
}

static bool
is_larger(const struct survey_row *a, const struct survey_row *b)
{
	return a->octets > b->octets;
}

static bool
is_older(const struct survey_row *a, const struct survey_row *b)
{
	return a->changed_seconds < b->changed_seconds;
}

static void
enter(struct survey *survey, const struct survey_row *row)
{
	survey->mailboxes++;
	survey->messages += row->messages;
	survey->octets += row->octets;
	insert(&survey->largest, row, is_larger);
	insert(&survey->stillest, row, is_older);
}

/* ---- indexes ---- */

/* The last trailer of what was read, which begins at record `first`. */
static bool
find_trailer(const unsigned char *records, size_t count, uint32_t first,
	struct index_trailer *out)
{
	for (size_t i = count; i-- > 0;) {
		const unsigned char *record = records + i * INDEX_RECORD_OCTETS;
		uint32_t number = first + (uint32_t)i;

		if (index_record_kind(record, number) == INDEX_TRAILER &&
			index_read_trailer(record, number, out))
			return true;
	}
	return false;
}

static bool
read_trailer(
	struct files *files, int fd, uint64_t octets, struct index_trailer *out)
{
	unsigned char tail[TAIL_RECORDS * INDEX_RECORD_OCTETS];
	uint64_t records = octets / INDEX_RECORD_OCTETS;
	uint64_t first = records > TAIL_RECORDS ? records - TAIL_RECORDS : 0;
	ssize_t got = files_read_all(
		files, fd, tail, sizeof(tail), first * INDEX_RECORD_OCTETS);

	return got > 0 && first < INDEX_MAXIMUM_RECORDS &&
	       find_trailer(tail, (size_t)got / INDEX_RECORD_OCTETS,
		       (uint32_t)first, out);
}

struct walk {
	struct files *files;
	int state_root;
	struct survey *survey;
};

static bool
look(void *context, const char *name)
{
	struct walk *walk = context;
	char path[STATE_NAME_OCTETS + 16];
	struct survey_row row = {0};
	struct index_trailer trailer;
	struct stat status;
	int fd;

	if (!survey_name(name, row.mailbox) ||
		snprintf(path, sizeof(path), "index/%s/index", name) >=
			(int)sizeof(path))
		return true;
	fd = walk->files->open(
		walk->files, walk->state_root, path, O_RDONLY, 0);
	if (fd < 0)
		return true;
	if (walk->files->stat(walk->files, fd, &status) == 0 &&
		read_trailer(
			walk->files, fd, (uint64_t)status.st_size, &trailer)) {
		row.messages = trailer.count;
		row.octets = trailer.octets;
		row.changed_seconds = (uint64_t)status.st_mtim.tv_sec;
		enter(walk->survey, &row);
	}
	walk->files->close(walk->files, &fd);
	return true;
}

void
survey_take(struct files *files, int state_root, struct survey *out)
{
	struct walk walk = {files, state_root, out};

	*out = (struct survey){0};
	files->list(files, state_root, "index", look, &walk);
}
