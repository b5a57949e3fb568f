/* SPDX-License-Identifier: ISC */
#include "post_office.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail.h"
#include "store/memory/memory.h"
#include "store/registry.h"

const char *post_office_store = "memory";

const struct person people[] = {
	{"alice", "secret", ""},
	{"bob", " two  words ", ""},
	{"carol", "carol", ""},
	/* Password: an e with its accent as a character of its own. */
	{"j\xC3\xBCrgen", "caf\xC3\xA9 noir", ""},
	{"user", "pencil", ""},
	{"mrose", "tanstaaf", "c4c9334bac560ecc979e58001b3e22fb"},
};

const unsigned people_count = sizeof(people) / sizeof(*people);

const struct person *
person_named(struct bytes name)
{
	for (unsigned i = 0; i < people_count; i++)
		if (bytes_equal(name, bytes_of_string(people[i].name)))
			return &people[i];
	return NULL;
}

void
post_office_done(struct store_call *call)
{
}

static int
countable_random(struct files *files, void *to, size_t octets)
{
	struct post_office *office = (struct post_office *)files;

	memset(to, office->next_random++, octets);
	return 0;
}

/* ---- before ---- */

static enum outcome
append(struct store *store, const char *mailbox, struct bytes message)
{
	struct store_append_call call = {
		.call.done = post_office_done,
		.mailbox = mailbox,
		.chunk = message,
	};

	store->ops->append_begin(store, &call);
	if (call.call.outcome != OK)
		return call.call.outcome;
	store->ops->append_write(store, &call);
	store->ops->append_commit(store, &call);
	return call.call.outcome;
}

static enum outcome
open_maildrop(struct store *store, const char *mailbox,
	struct store_session **out, uint32_t *out_count)
{
	struct store_open_call call = {
		.call.done = post_office_done,
		.mailbox = mailbox,
		.snapshot.descriptor = -1,
	};

	store->ops->open(store, &call);
	if (call.call.outcome != OK)
		return call.call.outcome;
	close(call.snapshot.descriptor);
	*out = call.session;
	*out_count = call.snapshot.count;
	return OK;
}

static int
make_folder(const struct post_office *office, const char *name)
{
	char path[sizeof(office->folder) + 16];

	snprintf(path, sizeof(path), "%s/%s", office->folder, name);
	return mkdir(path, 0700) == 0
		       ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		       : -1;
}

static bool
open_store(struct post_office *office)
{
	struct store_options options = {
		.kind = post_office_store,
		.mail_template = "%u",
		.is_shared = true,
		.hostname = "mail.example.org",
		.executor = &executor_inline,
	};

	if (strcmp(post_office_store, "memory") == 0)
		return memory_store_new(
			       &options, &office->files, &office->store) == OK;
	strcpy(office->folder, "/tmp/restante-transcript-XXXXXX");
	if (!mkdtemp(office->folder))
		return false;
	options.mail_root = make_folder(office, "mail");
	options.state_root = make_folder(office, "state");
	return options.mail_root >= 0 && options.state_root >= 0 &&
	       store_open(&options, &office->store) == OK;
}

bool
post_office_open(struct post_office *office, const struct transcript *t)
{
	struct mail mail;
	uint32_t count;

	*office = (struct post_office){.files = files_posix};
	office->files.random = countable_random;
	if (!mail_before(t, &mail) || !open_store(office))
		return false;
	for (unsigned i = 0; i < mail.count; i++)
		if (append(office->store, "alice", mail.messages[i]) != OK)
			return false;
	return !transcript_find(t, KEY_IN_USE) ||
	       open_maildrop(office->store, "alice", &office->other, &count) ==
		       OK;
}

static int
remove_one(
	const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
	return remove(path);
}

void
post_office_close(struct post_office *office)
{
	if (office->store) {
		office->store->ops->release(office->store, &office->other);
		office->store->ops->free(&office->store);
	}
	if (office->folder[0])
		nftw(office->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- afterwards ---- */

/* What a client gets of it: a store may keep other line ends. */
static void
as_sent(struct bytes from, struct buffer *out)
{
	bool is_good = true;

	buffer_init(out, 2 * from.octets + 2);
	for (size_t i = 0; i < from.octets && is_good; i++) {
		if (from.at[i] == '\n' && (i == 0 || from.at[i - 1] != '\r'))
			is_good = buffer_append(out, "\r", 1);
		is_good = is_good && buffer_append(out, from.at + i, 1);
	}
	if (from.octets > 0 && from.at[from.octets - 1] != '\n')
		is_good = is_good && buffer_append(out, "\r\n", 2);
	if (!is_good)
		abort();
}

static bool
is_same(struct bytes got, struct bytes wanted)
{
	struct buffer one, two;
	bool is_same;

	if (strcmp(post_office_store, "mbox") != 0)
		return bytes_equal(got, wanted);
	as_sent(got, &one);
	as_sent(wanted, &two);
	is_same = bytes_equal(buffer_bytes(&one), buffer_bytes(&two));
	buffer_release(&one);
	buffer_release(&two);
	return is_same;
}

static void
check_message(struct post_office *office, struct store_session *session,
	uint32_t index, struct bytes wanted, struct report *report)
{
	unsigned char *to = malloc(wanted.octets + 3);
	struct store_read_at_call call = {
		.call.done = post_office_done,
		.session = session,
		.index = index,
		.to = to,
		/* More, so that a longer one is seen. */
		.room = wanted.octets + 3,
	};
	struct entry expected = {.key = KEY_MESSAGE, .value = wanted};
	struct bytes got;

	if (!to)
		return;
	office->store->ops->read_at(office->store, &call);
	got = bytes_of(to, call.octets);
	if (call.call.outcome != OK || !is_same(got, wanted))
		report_octets(report, 0, &expected, got);
	free(to);
}

static void
check_mail(struct post_office *office, const char *name,
	const struct mail *mail, struct report *report)
{
	struct store_session *session = NULL;
	char expected[64], got[64];
	uint32_t count;

	if (open_maildrop(office->store, name, &session, &count) != OK) {
		report_failure(report, 0, "a maildrop that opens", "none");
		return;
	}
	snprintf(expected, sizeof(expected), "%u messages of %s afterwards",
		mail->count, name);
	snprintf(got, sizeof(got), "%u", count);
	if (count != mail->count)
		report_failure(report, 0, expected, got);
	for (uint32_t i = 0; i < count && !report->has_failed; i++)
		check_message(office, session, i, mail->messages[i], report);
	office->store->ops->release(office->store, &session);
}

/* A session that was refused must not have freed the other's lock. */
static void
check_lock(struct post_office *office, struct report *report)
{
	struct store_stat_call call = {
		.call.done = post_office_done,
		.mailbox = "alice",
	};
	bool is_held = office->other != NULL;

	office->store->ops->stat(office->store, &call);
	if (call.is_open != is_held)
		report_failure(report, 0,
			is_held ? "a lock that is held" : "a lock that is free",
			is_held ? "a free one" : "one held");
	office->store->ops->release(office->store, &office->other);
}

void
post_office_check(struct post_office *office, struct report *report)
{
	struct mail mail;

	check_lock(office, report);
	for (unsigned i = 0; i < people_count && !report->has_failed; i++) {
		const char *name = people[i].name;
		bool is_good = true;

		mail.count = 0;
		if (strcmp(name, "alice") == 0)
			is_good = mail_after(report->transcript, &mail);
		if (is_good && mail_delivered(report->transcript, name, &mail))
			check_mail(office, name, &mail, report);
		else
			report->has_failed = true;
	}
}
