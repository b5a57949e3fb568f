/* SPDX-License-Identifier: ISC */
/* Set-up keys as values. A wrong one is a failure of the transcript. */
#include <stdlib.h>
#include <string.h>

#include "dialog.h"

static void
wrong(const struct dialog *d, const struct entry *entry, const char *expected)
{
	report_octets(d->report, entry->line, entry, BYTES_NONE);
	report_failure(d->report, entry->line, expected, key_name(entry->key));
}

uint64_t
dialog_number(const struct dialog *d, enum key key, uint64_t otherwise)
{
	const struct entry *entry = transcript_find(d->report->transcript, key);

	if (entry && !bytes_to_number(entry->value, UINT32_MAX, &otherwise))
		wrong(d, entry, "a number");
	return otherwise;
}

bool
dialog_is_yes(const struct dialog *d, enum key key, bool otherwise)
{
	const struct entry *entry = transcript_find(d->report->transcript, key);

	if (!entry)
		return otherwise;
	if (bytes_equal(entry->value, bytes_of_string("yes")))
		return true;
	if (!bytes_equal(entry->value, bytes_of_string("no")))
		wrong(d, entry, "yes or no");
	return false;
}

static enum outcome
outcome_named(
	const struct dialog *d, const struct entry *entry, struct bytes name)
{
	for (unsigned i = OK; i <= ERR_GONE; i++)
		if (bytes_equal(name,
			    bytes_of_string(outcome_name((enum outcome)i))))
			return (enum outcome)i;
	wrong(d, entry, "an outcome's name");
	return OK;
}

enum outcome
dialog_outcome(const struct dialog *d, enum key key)
{
	const struct entry *entry = transcript_find(d->report->transcript, key);

	return entry ? outcome_named(d, entry, entry->value) : OK;
}

enum outcome
dialog_outcome_for(const struct dialog *d, enum key key, struct bytes name)
{
	const struct transcript *t = d->report->transcript;

	for (unsigned i = 0; i < t->count; i++) {
		struct bytes rest = t->entries[i].value;

		if (t->entries[i].key == key &&
			bytes_equal(bytes_cut(&rest, ' '), name))
			return outcome_named(d, &t->entries[i], rest);
	}
	return OK;
}

const char *
dialog_text(const struct dialog *d, enum key key)
{
	const struct entry *entry = transcript_find(d->report->transcript, key);

	return entry ? (const char *)entry->value.at : NULL;
}
