/* SPDX-License-Identifier: ISC */
#include "report.h"

#include <stdio.h>

#define SHOWN_OCTETS 200

void
report_failure(struct report *report, unsigned line, const char *expected,
	const char *got)
{
	const struct transcript *t = report->transcript;

	/* What is seen afterwards only is said of the last line. */
	if (line == 0 && t->count > 0)
		line = t->entries[t->count - 1].line;
	if (!report->has_failed)
		transcript_complain(t->path, line,
			"in mode %s: expected %s, got %s",
			mode_names[report->mode], expected, got);
	report->has_failed = true;
}

void
report_octets(struct report *report, unsigned line,
	const struct entry *expected, struct bytes got)
{
	char shown[SHOWN_OCTETS], wanted[SHOWN_OCTETS + 32], came[SHOWN_OCTETS];

	escapes_show(
		expected ? expected->value : BYTES_NONE, shown, sizeof(shown));
	snprintf(wanted, sizeof(wanted), "%s: %s",
		expected ? key_name(expected->key) : "", shown);
	escapes_show(got, came, sizeof(came));
	report_failure(report, line, expected ? wanted : "nothing more",
		got.octets ? came : "nothing");
}
