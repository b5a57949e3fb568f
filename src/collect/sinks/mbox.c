/* SPDX-License-Identifier: ISC */
/*
 * mbox, the mboxrd kind: "From " and ">From " get one ">" more. Locked by a file
 * NAME.lock and by fcntl(2).
 *
 * An append is no single step. So a batch is written to a journal first, with
 * the length that the mbox has, and synced; then appended and synced. After a
 * crash the journal says what the tail must be: a part of the batch is cut off
 * again; a whole batch stays, and its messages are not appended a second time
 * when they come again. The ledger knows a batch before the next one begins.
 */
#include "collect/sinks/mbox.h"
#include "collect/sinks/mbox_file.h"
#include "collect/sinks/spooled.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL_NAME "mbox.journal"
#define LINE_SIZE    4096
#define DIGEST_TEXT  (2 * 32)

struct mbox {
	struct spooled spooled;
	/* "TAG DIGEST\n" of each message of a batch that is whole in its file,
	   and perhaps not in the ledger */
	struct buffer done;
};

static struct mbox *
self_of(struct sink *sink)
{
	return (struct mbox *)sink;
}

/* ---- a message becomes mboxrd ---- */

struct encoding {
	FILE *to;
	EVP_MD_CTX *digest;
	char line[8]; /* the front of a line, until it is clear what it is */
	size_t held;
	bool is_inside; /* of a line that is no "From " */
	bool is_after_lf;
};

static void
put(struct encoding *e, const void *at, size_t octets)
{
	fwrite(at, 1, octets, e->to);
	EVP_DigestUpdate(e->digest, at, octets);
}

/* Could ">" and "From " still be what the line begins with? */
static bool
is_from_so_far(const struct encoding *e, bool *out_is_from)
{
	static const char from[] = "From ";
	size_t front = strspn(e->line, ">");
	size_t rest = e->held - front;

	*out_is_from = false;
	if (strncmp(e->line + front, from, rest) != 0)
		return false;
	*out_is_from = rest == strlen(from);
	return !*out_is_from;
}

static void
end_front(struct encoding *e)
{
	put(e, e->line, e->held);
	e->held = 0;
	memset(e->line, 0, sizeof(e->line));
	e->is_inside = true;
}

static void
put_octet(struct encoding *e, unsigned char octet)
{
	bool is_from;

	if (e->is_inside || octet == '\n') {
		if (!e->is_inside)
			end_front(e);
		put(e, &octet, 1);
		e->is_inside = octet != '\n';
		e->is_after_lf = octet == '\n';
		return;
	}
	/* A row of ">" is not kept: they go out as they are. */
	if (octet == '>' && e->held == strspn(e->line, ">")) {
		put(e, &octet, 1);
		return;
	}
	e->line[e->held++] = (char)octet;
	if (is_from_so_far(e, &is_from))
		return;
	if (is_from)
		put(e, ">", 1);
	end_front(e);
}

static enum outcome
put_piece(struct bytes octets, void *context)
{
	for (size_t i = 0; i < octets.octets; i++)
		put_octet(context, octets.at[i]);
	return OK;
}

/* Appends the message to `to`; the digest is that of all but its "From " line. */
static enum outcome
encode(struct mbox *mbox, const struct sink_delivery *delivery, FILE *to,
	char out_digest[DIGEST_TEXT + 1])
{
	struct encoding e = {.to = to, .digest = EVP_MD_CTX_new()};
	int fd = spool_read(&mbox->spooled.spool, delivery);
	unsigned char digest[32] = {0};
	enum outcome outcome = fd >= 0 ? OK : outcome_of_errno(errno);

	if (outcome == OK && (!e.digest || EVP_DigestInit_ex(e.digest,
						   EVP_sha256(), NULL) != 1))
		outcome = ERR_TRY_LATER;
	if (outcome == OK) {
		fputs("From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n", to);
		outcome = spool_each(fd, put_piece, &e);
		if (e.held > 0)
			end_front(&e);
		put(&e, "\n\n", e.is_after_lf && !e.is_inside ? 1 : 2);
		EVP_DigestFinal_ex(e.digest, digest, NULL);
	}
	for (int i = 0; i < 32; i++)
		snprintf(out_digest + 2 * i, 3, "%02x", digest[i]);
	EVP_MD_CTX_free(e.digest);
	if (fd >= 0)
		close(fd);
	return outcome;
}

/* ---- after a crash ---- */

static bool
is_done(const struct mbox *mbox, const char *tag, const char *digest)
{
	struct bytes rest = buffer_bytes(&mbox->done);
	char line[TAG_SIZE + DIGEST_TEXT + 2];

	snprintf(line, sizeof(line), "%s %s", tag, digest);
	while (rest.octets > 0)
		if (bytes_equal(bytes_cut(&rest, '\n'), bytes_of_string(line)))
			return true;
	return false;
}

/*
 * The journal: "LENGTH COUNT PATH\n", COUNT lines "TAG DIGEST\n", the batch.
 * One that is not whole was never followed by an append.
 */
static enum outcome
recover_from(struct mbox *mbox, FILE *journal)
{
	unsigned long long length, count;
	char line[LINE_SIZE], path[LINE_SIZE];
	struct mbox_file file;
	enum mbox_tail tail;
	enum outcome outcome;

	/* We wrote it; a number that is too large is no length of the file. */
	if (!fgets(line, sizeof(line), journal) ||
		/* NOLINTNEXTLINE(cert-err34-c) */
		sscanf(line, "%llu %llu %4000[^\n]", &length, &count, path) !=
			3)
		return OK;
	for (unsigned long long i = 0; i < count; i++)
		if (!fgets(line, sizeof(line), journal) ||
			!buffer_append_string(&mbox->done, line))
			return ERR_TRY_LATER;
	outcome = mbox_file_open(&file, path);
	if (outcome != OK)
		return outcome;
	tail = mbox_file_compare(&file, (off_t)length, journal);
	if (tail != MBOX_TAIL_WHOLE)
		buffer_clear(&mbox->done);
	if (tail == MBOX_TAIL_PART)
		outcome = mbox_file_cut(&file, (off_t)length);
	mbox_file_close(&file);
	return outcome;
}

static enum outcome
recover(struct mbox *mbox)
{
	int fd = openat(mbox->spooled.spool.directory, JOURNAL_NAME,
		O_RDONLY | O_CLOEXEC);
	FILE *journal = fd >= 0 ? fdopen(fd, "r") : NULL;
	enum outcome outcome;

	if (!journal)
		return errno == ENOENT ? OK : outcome_of_errno(errno);
	outcome = recover_from(mbox, journal);
	fclose(journal);
	return outcome;
}

/* ---- a batch ---- */

struct batch {
	struct mbox *mbox;
	const char *folder;
	struct sink_delivery *const *deliveries;
	size_t count;
	enum outcome *outcomes;
	FILE *body; /* what is appended */
	struct buffer lines;
	size_t taken;
};

static bool
is_in(const struct batch *batch, size_t i)
{
	return batch->outcomes[i] == ERR_GONE && /* not looked at yet */
	       strcmp(batch->deliveries[i]->folder, batch->folder) == 0;
}

static enum outcome
encode_all(struct batch *batch)
{
	char digest[DIGEST_TEXT + 1];
	enum outcome outcome = OK;

	for (size_t i = 0; i < batch->count && outcome == OK; i++) {
		const struct sink_delivery *one = batch->deliveries[i];
		long before = ftell(batch->body);

		if (!is_in(batch, i))
			continue;
		outcome = encode(batch->mbox, one, batch->body, digest);
		if (outcome != OK)
			break;
		if (is_done(batch->mbox, one->tag, digest)) {
			fseek(batch->body, before, SEEK_SET);
			continue;
		}
		batch->taken++;
		if (!buffer_printf(&batch->lines, "%s %s\n", one->tag, digest))
			outcome = ERR_TRY_LATER;
	}
	if (outcome == OK &&
		(fflush(batch->body) != 0 ||
			ftruncate(fileno(batch->body), ftell(batch->body)) < 0))
		outcome = outcome_of_errno(errno);
	return outcome;
}

static enum outcome
write_journal(struct batch *batch, const char *path, off_t length)
{
	int directory = batch->mbox->spooled.spool.directory;
	int fd = openat(directory, JOURNAL_NAME ".new",
		O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *journal = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool is_good;

	if (!journal)
		return outcome_of_errno(errno);
	fprintf(journal, "%lld %zu %s\n", (long long)length, batch->taken,
		path);
	fwrite(batch->lines.memory + batch->lines.start, 1, batch->lines.octets,
		journal);
	is_good = mbox_file_copy(batch->body, journal) &&
		  fflush(journal) == 0 && fsync(fd) == 0 &&
		  renameat(directory, JOURNAL_NAME ".new", directory,
			  JOURNAL_NAME) == 0 &&
		  fsync(directory) == 0;
	fclose(journal);
	return is_good ? OK : outcome_of_errno(errno);
}

static enum outcome
append_batch(struct batch *batch)
{
	char path[LINE_SIZE];
	struct mbox_file file;
	enum outcome outcome;

	if (!mbox_file_path(batch->mbox->spooled.options.target, batch->folder,
		    path, sizeof(path)))
		return ERR_PEER;
	outcome = encode_all(batch);
	if (outcome != OK || batch->taken == 0)
		return outcome;
	outcome = mbox_file_open(&file, path);
	if (outcome != OK) {
		snprintf(batch->mbox->spooled.base.error, SINK_ERROR_SIZE,
			"%.150s: %s", path, strerror(errno));
		return outcome;
	}
	outcome = write_journal(batch, path, file.octets);
	if (outcome == OK)
		outcome = mbox_file_append(&file, batch->body);
	mbox_file_close(&file);
	return outcome;
}

static void
flush_folder(struct batch *batch)
{
	enum outcome outcome = ERR_TRY_LATER;

	buffer_init(&batch->lines, 1u << 20);
	batch->taken = 0;
	batch->body = tmpfile();
	if (batch->body)
		outcome = append_batch(batch);
	if (batch->body)
		fclose(batch->body);
	buffer_release(&batch->lines);
	for (size_t i = 0; i < batch->count; i++)
		if (is_in(batch, i))
			batch->outcomes[i] = outcome;
}

static void
mbox_flush(struct sink *sink, struct sink_delivery *const *deliveries,
	size_t count, enum outcome *outcomes)
{
	struct batch batch = {.mbox = self_of(sink),
		.deliveries = deliveries,
		.count = count,
		.outcomes = outcomes};

	for (size_t i = 0; i < count; i++)
		outcomes[i] = ERR_GONE;
	/* One journal for one file: the ledger learns of each before the next,
	   since a flush holds messages of one folder only (batch). */
	for (size_t i = 0; i < count; i++) {
		if (outcomes[i] != ERR_GONE)
			continue;
		batch.folder = deliveries[i]->folder;
		flush_folder(&batch);
	}
}

/* ---- opening ---- */

static void
mbox_close(struct sink **sink)
{
	if (!*sink)
		return;
	buffer_release(&self_of(*sink)->done);
	spooled_close(sink);
}

static enum outcome
mbox_open(const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE])
{
	struct sink_options lf = *options;
	struct sink *sink = NULL;
	enum outcome outcome;

	lf.makes_lf = true;
	outcome = spooled_open(
		&sink_mbox, sizeof(struct mbox), &lf, &sink, error);
	if (outcome != OK)
		return outcome;
	buffer_init(&self_of(sink)->done, 1u << 20);
	if (options->was_interrupted)
		outcome = recover(self_of(sink));
	if (outcome == OK) {
		*out = sink;
		return OK;
	}
	snprintf(error, SINK_ERROR_SIZE,
		"the mbox %.150s cannot be made good: %s", options->target,
		strerror(errno));
	mbox_close(&sink);
	return outcome;
}

const struct sink_ops sink_mbox = {
	.name = "mbox",
	.open = mbox_open,
	.close = mbox_close,
	.begin = spooled_begin,
	.put = spooled_put,
	.end = spooled_end,
	.file_into = spooled_file_into,
	.flush = mbox_flush,
	.drop = spooled_drop,
	.has_one_folder = true,
};
