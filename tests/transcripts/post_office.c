/* SPDX-License-Identifier: ISC */
#include "post_office.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail.h"
#include "store/memory/memory.h"

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

bool
post_office_open(struct post_office *office, const struct transcript *t)
{
	struct store_options options = {0};
	struct mail mail;
	uint32_t count;

	*office = (struct post_office){.files = files_posix};
	office->files.random = countable_random;
	if (!mail_before(t, &mail) || memory_store_new(&options, &office->files,
					      &office->store) != OK)
		return false;
	for (unsigned i = 0; i < mail.count; i++)
		if (append(office->store, "alice", mail.messages[i]) != OK)
			return false;
	return !transcript_find(t, KEY_IN_USE) ||
	       open_maildrop(office->store, "alice", &office->other, &count) ==
		       OK;
}

void
post_office_close(struct post_office *office)
{
	if (!office->store)
		return;
	office->store->ops->release(office->store, &office->other);
	office->store->ops->free(&office->store);
}

/* ---- afterwards ---- */

static void
check_message(struct post_office *office, struct store_session *session,
	uint32_t index, struct bytes wanted, struct report *report)
{
	unsigned char *to = malloc(wanted.octets + 1);
	struct store_read_at_call call = {
		.call.done = post_office_done,
		.session = session,
		.index = index,
		.to = to,
		/* One more, so that a longer one is seen. */
		.room = wanted.octets + 1,
	};
	struct entry expected = {.key = KEY_MESSAGE, .value = wanted};
	struct bytes got;

	if (!to)
		return;
	office->store->ops->read_at(office->store, &call);
	got = bytes_of(to, call.octets);
	if (call.call.outcome != OK || !bytes_equal(got, wanted))
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
