/* SPDX-License-Identifier: ISC */
/* The tables of the status page. */
#include "server/web_page_parts.h"
#include "setup/escape.h"

#define CERTIFICATES_SHOWN 12
#define PENALTIES_SHOWN	   12
/* A certificate that ends sooner is shown as something to be done. */
#define CERTIFICATE_SOON_DAYS 14

/* ---- mailboxes ---- */

static const char *
age_text(uint64_t now_seconds, uint64_t then_seconds, char out[32])
{
	return web_uptime_text(
		now_seconds > then_seconds ? now_seconds - then_seconds : 0,
		out);
}

static bool
put_mailboxes(const struct web_snapshot *snapshot, const char *title,
	const struct survey_list *list, struct buffer *out)
{
	bool is_good = buffer_printf(out,
		"<section><h2>%s</h2><table><tr><th>Mailbox</th><th>Messages"
		"</th><th>Size</th><th>Unchanged</th></tr>\n",
		title);
	char messages[32], octets[32], age[32];

	for (unsigned i = 0; i < list->count && is_good; i++) {
		const struct survey_row *row = &list->rows[i];

		is_good = buffer_append_string(out, "<tr><td>") &&
			  setup_escape(row->mailbox, out) &&
			  buffer_printf(out,
				  "</td><td>%s</td><td>%s</td><td>%s</td></tr>"
				  "\n",
				  web_grouped(row->messages, messages),
				  web_octets_text(row->octets, octets),
				  age_text(snapshot->now_seconds,
					  row->changed_seconds, age));
	}
	if (list->count == 0)
		is_good = is_good && buffer_append_string(out,
					     "<tr><td colspan=\"4\">none has "
					     "an index yet</td></tr>"
					     "\n");
	return is_good && buffer_append_string(out, "</table></section>\n");
}

/* ---- penalties ---- */

static bool
put_penalty(const struct web_penalty *row, struct buffer *out)
{
	return buffer_append_string(out, "<tr><td>") &&
	       setup_escape(row->network[0] ? row->network : "anywhere", out) &&
	       buffer_append_string(out, "</td><td>") &&
	       setup_escape(
		       row->account[0] ? row->account : "any account", out) &&
	       buffer_printf(out, "</td><td>%u</td><td>%u s</td></tr>\n",
		       row->failures, row->wait_seconds);
}

static bool
put_penalties(const struct web_penalties *penalties, struct buffer *out)
{
	unsigned count = penalties->count < PENALTIES_SHOWN ? penalties->count
							    : PENALTIES_SHOWN;
	bool is_good = buffer_append_string(out,
		"<section><h2>Failed logins held against somebody</h2><table>"
		"<tr><th>From</th><th>At</th><th>Failures</th><th>Waits</th>"
		"</tr>\n");

	for (unsigned i = 0; i < count && is_good; i++)
		is_good = put_penalty(&penalties->rows[i], out);
	if (penalties->all == 0)
		is_good = is_good &&
			  buffer_append_string(out,
				  "<tr><td colspan=\"4\">none</td></tr>\n");
	if (penalties->all > count)
		is_good =
			is_good &&
			buffer_printf(out,
				"<tr><td colspan=\"4\">and %u more</td></tr>\n",
				penalties->all - count);
	return is_good && buffer_append_string(out, "</table></section>\n");
}

/* ---- processes ---- */

static bool
put_roles(const struct web_snapshot *snapshot, struct buffer *out)
{
	bool is_good = buffer_append_string(out,
		"<section><h2>Processes</h2><table><tr><th>Role</th>"
		"<th>Process</th><th>Up</th><th>Restarts</th></tr>\n");
	char uptime[32];

	for (size_t i = 0; i < snapshot->role_count && is_good; i++) {
		const struct web_page_role *role = &snapshot->roles[i];

		is_good = buffer_printf(out,
			"<tr><td>%s %u</td><td>%u</td><td>%s</td><td%s>%u</td>"
			"</tr>\n",
			role->name, role->number, role->pid,
			web_uptime_text(role->uptime_seconds, uptime),
			role->restarts > 0 ? " class=\"bad\"" : "",
			role->restarts);
	}
	return is_good && buffer_append_string(out, "</table></section>\n");
}

/* ---- certificates ---- */

static bool
put_certificate(const struct web_certificate *certificate, uint64_t now_seconds,
	struct buffer *out)
{
	struct certificate_info info = {
		.until_seconds = certificate->until_seconds};
	long days = certificate_days_left(&info, now_seconds);

	return buffer_append_string(out, "<tr><td>") &&
	       setup_escape(certificate->names, out) &&
	       buffer_printf(out, "</td><td>%s</td><td%s>", certificate->kind,
		       days < CERTIFICATE_SOON_DAYS ? " class=\"bad\"" : "") &&
	       (days < 0 ? buffer_append_string(out, "expired")
			 : buffer_printf(out, "%ld", days)) &&
	       buffer_append_string(out, "</td></tr>\n");
}

static bool
put_certificates(const struct web_snapshot *snapshot, struct buffer *out)
{
	const struct web_certificate *soonest[CERTIFICATES_SHOWN];
	size_t count = web_certificates_soonest(
		snapshot->certificates, soonest, CERTIFICATES_SHOWN);
	bool is_good = buffer_append_string(out,
		"<section><h2>Certificates</h2><table><tr><th>For</th>"
		"<th>Key</th><th>Days left</th></tr>\n");

	for (size_t i = 0; i < count && is_good; i++)
		is_good =
			put_certificate(soonest[i], snapshot->now_seconds, out);
	if (snapshot->certificates->count > count)
		is_good = is_good &&
			  buffer_printf(out,
				  "<tr><td colspan=\"3\">and %zu that last "
				  "longer</td></tr>\n",
				  snapshot->certificates->count - count);
	return is_good && buffer_append_string(out, "</table></section>\n");
}

bool
web_put_tables(const struct web_snapshot *snapshot, struct buffer *out)
{
	const struct web_told *told = snapshot->told;

	return put_mailboxes(snapshot, "Largest mailboxes",
		       &told->survey.largest, out) &&
	       put_mailboxes(snapshot, "Mailboxes unchanged for longest",
		       &told->survey.stillest, out) &&
	       put_penalties(&told->penalties, out) &&
	       put_certificates(snapshot, out) && put_roles(snapshot, out);
}
