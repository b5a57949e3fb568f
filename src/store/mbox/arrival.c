/* SPDX-License-Identifier: ISC */
#include "store/mbox/arrival.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <xxhash.h>

#include "store/mbox/journal.h"
#include "store/mbox/look.h"
#include "store/mbox/uidls.h"
#include "store/quota.h"

/* ---- coming in ---- */

static void
note(struct mbox_arriving *a, enum outcome outcome)
{
	if (a->outcome == OK)
		a->outcome = outcome;
}

static void
put(void *context, struct bytes octets, bool is_quote)
{
	struct mbox_arriving *a = context;

	if (a->outcome == OK)
		note(a, mbox_spool_put(&a->spool, octets));
	if (is_quote)
		return;
	measure_put(&a->measure, octets);
	mbox_content_put(&a->content, octets);
}

enum outcome
mbox_arriving_begin(struct mbox_arriving *a)
{
	mbox_spool_init(&a->spool, &a->mbox.state);
	mbox_writer_init(&a->writer, put, a);
	measure_init(&a->measure);
	if (!mbox_content_init(&a->content))
		return ERR_TRY_LATER;
	mbox_content_begin(&a->content);
	return OK;
}

enum outcome
mbox_arriving_write(struct mbox_arriving *a, struct bytes chunk)
{
	size_t room = sizeof(a->first) - a->first_octets;
	size_t most = chunk.octets < room ? chunk.octets : room;

	memcpy(a->first + a->first_octets, chunk.at, most);
	a->first_octets += most;
	mbox_writer_put(&a->writer, chunk);
	return a->outcome;
}

/* LMTP puts it in front: the envelope's sender, for the From_ line. */
static struct bytes
sender_of(const struct mbox_arriving *a)
{
	static const char field[] = "Return-Path: <";
	struct bytes first = bytes_of(a->first, a->first_octets);
	const unsigned char *end;

	if (first.octets < sizeof(field) - 1 ||
		memcmp(first.at, field, sizeof(field) - 1) != 0)
		return BYTES_NONE;
	first = bytes_after(first, sizeof(field) - 1);
	end = memchr(first.at, '>', first.octets);
	if (!end)
		return BYTES_NONE;
	first.octets = (size_t)(end - first.at);
	return first;
}

void
mbox_arriving_end(struct mbox_arriving *a)
{
	mbox_spool_release(&a->spool);
	mbox_content_release(&a->content);
}

/* ---- what is appended ---- */

struct appending {
	struct mbox_arriving *a;
	int journal;
	char lead[FROM_LINE_OCTETS + 2]; /* line ends, the From_ line */
	size_t lead_octets;
	struct mbox_arrival arrival;
	uint64_t written;
	XXH3_state_t *digest;
};

/* An empty line must stand before a From_ line. */
static enum outcome
make_lead(struct appending *p, uint64_t end)
{
	struct mbox_arriving *a = p->a;
	struct files *files = a->mbox.files;
	size_t room = end < 2 ? (size_t)end : 2;
	char last[2] = "\n\n";
	ssize_t n = files_read_all(
		files, a->mbox.descriptor, last + 2 - room, room, end - room);

	if (n != (ssize_t)room)
		return n < 0 ? outcome_of_errno((int)-n) : ERR_TRY_LATER;
	if (last[1] != '\n')
		p->lead[p->lead_octets++] = '\n';
	if (last[1] != '\n' || last[0] != '\n')
		p->lead[p->lead_octets++] = '\n';
	p->lead_octets += from_line_write(p->lead + p->lead_octets,
		sender_of(a), files->now_ns(files) / 1000000000);
	return OK;
}

/* All octets, in order. */
static int
each(struct appending *p, int (*use)(void *context, struct bytes octets))
{
	int error = use(p, bytes_of(p->lead, p->lead_octets));

	if (error == 0)
		error = mbox_spool_each(&p->a->spool, use, p);
	return error == 0 ? use(p, bytes_of("\n", 1)) : error;
}

static int
digest_octets(void *context, struct bytes octets)
{
	struct appending *p = context;

	p->arrival.octets += octets.octets;
	return XXH3_64bits_update(p->digest, octets.at, octets.octets) == XXH_OK
		       ? 0
		       : -EIO;
}

static int
write_octets(void *context, struct bytes octets)
{
	struct appending *p = context;
	int error = files_write_all(p->a->mbox.files, p->a->mbox.descriptor,
		octets, p->arrival.offset + p->written);

	p->written += octets.octets;
	return error;
}

static enum outcome
describe(struct appending *p)
{
	struct mbox *mbox = &p->a->mbox;
	uint64_t from = 0;
	struct stat status;
	enum outcome outcome;
	int error = mbox->files->stat(mbox->files, mbox->descriptor, &status);

	if (error != 0)
		return outcome_of_errno(-error);
	p->arrival.inode = status.st_ino;
	p->arrival.offset = (uint64_t)status.st_size;
	if (p->arrival.offset > JOURNAL_SAMPLE_OCTETS)
		from = p->arrival.offset - JOURNAL_SAMPLE_OCTETS;
	outcome = mbox_sample(mbox->files, mbox->descriptor, from,
		p->arrival.offset, &p->arrival.sample);
	if (outcome == OK)
		outcome = make_lead(p, p->arrival.offset);
	if (outcome != OK)
		return outcome;
	p->digest = XXH3_createState();
	if (!p->digest || XXH3_64bits_reset(p->digest) != XXH_OK)
		return ERR_TRY_LATER;
	p->arrival.lead = XXH3_64bits(p->lead, p->lead_octets);
	error = each(p, digest_octets);
	p->arrival.content = XXH3_64bits_digest(p->digest);
	return outcome_of_errno(-error);
}

static int
promise(struct appending *p)
{
	struct mbox *mbox = &p->a->mbox;
	int error;

	p->journal = mbox_journal_open(mbox, O_RDWR | O_CREAT);
	if (p->journal < 0)
		return p->journal;
	error = mbox_journal_put_arrival(mbox, p->journal, &p->arrival);
	return error == 0 ? mbox->files->sync_data(mbox->files, p->journal)
			  : error;
}

static int
forget(struct appending *p)
{
	struct mbox *mbox = &p->a->mbox;
	int error = mbox_journal_clear_arrival(mbox, p->journal);

	return error == 0 ? mbox->files->sync_data(mbox->files, p->journal)
			  : error;
}

/* Refused: nothing of it may stay. When even that fails the journal knows. */
static void
take_back(struct appending *p)
{
	struct mbox *mbox = &p->a->mbox;
	struct files *files = mbox->files;

	if (p->journal >= 0 &&
		files->truncate(files, mbox->descriptor, p->arrival.offset) ==
			0 &&
		files->sync(files, mbox->descriptor) == 0)
		forget(p);
}

static enum outcome
append(struct mbox_arriving *a)
{
	struct appending p = {.a = a, .journal = -1};
	enum outcome outcome = describe(&p);
	int error = 0;

	if (outcome == OK)
		error = promise(&p);
	if (outcome == OK && error == 0)
		error = each(&p, write_octets);
	if (outcome == OK && error == 0)
		error = a->mbox.files->sync(a->mbox.files, a->mbox.descriptor);
	if (outcome == OK && error == 0)
		error = forget(&p);
	if (outcome == OK && error != 0) {
		take_back(&p);
		outcome = outcome_of_errno(-error);
	}
	XXH3_freeState(p.digest);
	a->mbox.files->close(a->mbox.files, &p.journal);
	return outcome;
}

/* ---- the end ---- */

static enum outcome
check_quota(struct mbox_arriving *a, struct mbox_scan **kept)
{
	const struct store_quota *quota = &a->quota;
	enum outcome outcome;

	if (quota->messages == 0 && quota->octets == 0)
		return OK;
	outcome = mbox_look(&a->mbox, kept);
	if (outcome != OK)
		return outcome;
	return quota_judge(quota, (*kept)->count + 1ull,
		(*kept)->octets + a->measure.octets);
}

/* Its UIDL is known from now on, whatever comes before it in the file. */
static enum outcome
name_it(struct mbox_arriving *a, struct mbox_uidls *uidls, char *out_uidl)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	uint64_t number = mbox_uidls_own_number(uidls);

	if (!mbox_content_end(&a->content, digest) ||
		!mbox_uidls_add(uidls, MBOX_UIDLS_KEPT, digest, number) ||
		!mbox_uidls_print(digest, number, out_uidl))
		return ERR_TRY_LATER;
	return mbox_uidls_sync(uidls);
}

static enum outcome
name_and_append(struct mbox_arriving *a, char *out_uidl)
{
	struct mbox_uidls uidls;
	enum outcome outcome = mbox_uidls_open(&uidls, &a->mbox.state);

	if (outcome != OK)
		return outcome;
	outcome = name_it(a, &uidls, out_uidl);
	if (outcome == OK) {
		outcome = append(a);
		if (outcome != OK)
			mbox_uidls_take_back(&uidls);
	}
	mbox_uidls_release(&uidls);
	return outcome;
}

enum outcome
mbox_arriving_commit(struct mbox_arriving *a, struct mbox_scan **kept,
	char out_uidl[UIDL_MAXIMUM_OCTETS + 1])
{
	char uidl[UIDL_MAXIMUM_OCTETS + 1] = "";
	struct mbox *mbox = &a->mbox;
	enum outcome outcome;

	mbox_writer_end(&a->writer);
	measure_end(&a->measure);
	outcome = a->outcome;
	if (outcome == OK)
		outcome = mbox_lock(mbox, true);
	if (outcome != OK)
		return outcome == ERR_BUSY ? ERR_TRY_LATER : outcome;
	if (mbox->is_read_only)
		outcome = mbox_trouble(mbox, -EACCES);
	if (outcome == OK)
		outcome = check_quota(a, kept);
	if (outcome == OK)
		outcome = name_and_append(a, uidl);
	mbox_unlock(mbox);
	if (outcome == OK)
		memcpy(out_uidl, uidl, sizeof(uidl));
	return outcome;
}
