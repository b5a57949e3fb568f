/* SPDX-License-Identifier: ISC */
#include "store/maildir/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/little_endian.h"

#define HEAD_OCTETS	32
#define ENTRY_OCTETS	32
#define MINIMUM_OCTETS	4096
#define JOURNAL_MAXIMUM (1u << 28) /* entries */

/* Offsets within the head and within an entry. */
enum { AT_MAGIC = 8, AT_COUNT = 16 };
enum { AT_INODE = 16, AT_FLAGS = 24 };

static const unsigned char magic[8] = "rst-dele";

static size_t
record_octets(uint32_t count)
{
	return HEAD_OCTETS + (size_t)count * ENTRY_OCTETS;
}

static int
enter(struct mailbox *mailbox)
{
	int error = mailbox_sync_state(mailbox, "mailbox");

	mailbox->is_journal_entered = error == 0;
	return error;
}

enum outcome
journal_reserve(struct mailbox *mailbox, uint32_t messages)
{
	struct files *files = mailbox->files;
	uint64_t octets = MINIMUM_OCTETS;
	struct stat status;
	int fd, error;

	while (octets < record_octets(messages))
		octets *= 2;
	if (octets <= mailbox->journal_octets)
		return OK;
	fd = mailbox_open_state(
		mailbox, "mailbox", "deletions", O_RDWR | O_CREAT);
	if (fd < 0)
		return outcome_of_errno(-fd);
	error = files->stat(files, fd, &status);
	if (error == 0 && (uint64_t)status.st_size < octets) {
		error = files->allocate(files, fd, octets);
		if (error == 0)
			error = files->sync(files, fd);
		if (error == 0 && status.st_size == 0)
			error = enter(mailbox);
	}
	files->close(files, &fd);
	if (error != 0)
		return outcome_of_errno(-error);
	mailbox->journal_octets = octets;
	return OK;
}

bool
journal_add(struct journal *journal, const struct journal_entry *entry)
{
	unsigned char *to;

	if (journal->count == journal->capacity) {
		uint32_t capacity = journal->capacity * 2 + 32;
		unsigned char *more = NULL;

		if (capacity <= JOURNAL_MAXIMUM)
			more = realloc(
				journal->record, record_octets(capacity));
		if (!more)
			return false;
		journal->record = more;
		journal->capacity = capacity;
	}
	to = journal->record + record_octets(journal->count++);
	memset(to, 0, ENTRY_OCTETS);
	memcpy(to, entry->digest, UIDL_DIGEST_OCTETS);
	little_put(to + AT_INODE, 8, entry->inode);
	to[AT_FLAGS] = entry->may_come_again;
	return true;
}

static void
decode(const unsigned char *from, struct journal_entry *out)
{
	memcpy(out->digest, from, UIDL_DIGEST_OCTETS);
	out->inode = little_get(from + AT_INODE, 8);
	out->may_come_again = from[AT_FLAGS] != 0;
}

void
journal_get(
	const struct journal *journal, uint32_t at, struct journal_entry *out)
{
	decode(journal->record + record_octets(at), out);
}

void
journal_release(struct journal *journal)
{
	free(journal->record);
	*journal = JOURNAL_EMPTY;
}

static uint64_t
checksum(const unsigned char *record, uint32_t count)
{
	return XXH3_64bits(record + 8, record_octets(count) - 8);
}

enum outcome
journal_write(struct mailbox *mailbox, struct journal *journal)
{
	struct files *files = mailbox->files;
	unsigned char *head = journal->record;
	int fd, error;

	memset(head, 0, HEAD_OCTETS);
	memcpy(head + AT_MAGIC, magic, sizeof(magic));
	little_put(head + AT_COUNT, 4, journal->count);
	little_put(head, 8, checksum(head, journal->count));
	fd = mailbox_open_state(mailbox, "mailbox", "deletions", O_WRONLY);
	if (fd < 0)
		return outcome_of_errno(-fd);
	error = files_write_all(
		files, fd, bytes_of(head, record_octets(journal->count)), 0);
	if (error == 0)
		error = files->sync_data(files, fd);
	files->close(files, &fd);
	if (error == 0 && !mailbox->is_journal_entered)
		error = enter(mailbox);
	return outcome_of_errno(-error);
}

enum outcome
journal_clear(struct mailbox *mailbox, bool must_sync)
{
	static const unsigned char zeros[HEAD_OCTETS];
	struct files *files = mailbox->files;
	int fd = mailbox_open_state(mailbox, "mailbox", "deletions", O_WRONLY);
	int error;

	if (fd < 0)
		return outcome_of_errno(-fd);
	error = files_write_all(files, fd, bytes_of(zeros, sizeof(zeros)), 0);
	if (error == 0 && must_sync)
		error = files->sync_data(files, fd);
	files->close(files, &fd);
	return outcome_of_errno(-error);
}

static enum outcome
read_record(struct files *files, int fd, struct journal *out)
{
	unsigned char head[HEAD_OCTETS];
	unsigned char *record;
	struct stat status;
	uint32_t count;
	ssize_t n = files_read_all(files, fd, head, sizeof(head), 0);

	*out = JOURNAL_EMPTY;
	if (n < 0)
		return ERR_TRY_LATER;
	if (n < HEAD_OCTETS || memcmp(head + AT_MAGIC, magic, sizeof(magic)))
		return OK;
	count = (uint32_t)little_get(head + AT_COUNT, 4);
	if (files->stat(files, fd, &status) != 0)
		return ERR_TRY_LATER;
	/* A torn head may say anything: memory for it would be gigabytes. */
	if (count > JOURNAL_MAXIMUM ||
		record_octets(count) > (uint64_t)status.st_size)
		return OK;
	record = malloc(record_octets(count));
	if (!record)
		return ERR_TRY_LATER;
	n = files_read_all(files, fd, record, record_octets(count), 0);
	if (n >= 0 && (size_t)n == record_octets(count) &&
		little_get(record, 8) == checksum(record, count)) {
		*out = (struct journal){count, count, record};
		return OK;
	}
	free(record);
	/* Torn: it was never acknowledged, and nothing of it was done. */
	return n < 0 ? ERR_TRY_LATER : OK;
}

enum outcome
journal_read(struct mailbox *mailbox, struct journal *out)
{
	struct files *files = mailbox->files;
	int fd = mailbox_open_state(mailbox, "mailbox", "deletions", O_RDONLY);
	enum outcome outcome;

	if (fd == -ENOENT) {
		*out = JOURNAL_EMPTY;
		return OK;
	}
	if (fd < 0)
		return outcome_of_errno(-fd);
	outcome = read_record(files, fd, out);
	files->close(files, &fd);
	return outcome;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, UIDL_DIGEST_OCTETS);
}

void
journal_sort(struct journal *journal)
{
	if (journal->count > 0)
		qsort(journal->record + HEAD_OCTETS, journal->count,
			ENTRY_OCTETS, compare);
}

bool
journal_find(const struct journal *journal,
	const unsigned char digest[UIDL_DIGEST_OCTETS],
	struct journal_entry *out)
{
	const unsigned char *found =
		bsearch(digest, journal->record + HEAD_OCTETS, journal->count,
			ENTRY_OCTETS, compare);

	if (found)
		decode(found, out);
	return found != NULL;
}
