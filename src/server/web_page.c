/* SPDX-License-Identifier: ISC */
/* The status page: HTML and SVG made here, no script, no image, no font. */
#include "server/web_page.h"

#include <stdio.h>
#include <string.h>

#define PLOT_WIDTH	   360 /* one column a step */
#define PLOT_HEIGHT	   60
#define CERTIFICATES_SHOWN 12

bool
web_page_escape(const char *text, struct buffer *out)
{
	static const struct {
		char octet;
		const char *entity;
	} entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"},
		{'"', "&quot;"}, {'\'', "&#39;"}};
	bool is_good = true;

	for (; *text && is_good; text++) {
		const char *entity = NULL;

		for (size_t i = 0; i < sizeof(entities) / sizeof(*entities);
			i++)
			if (entities[i].octet == *text)
				entity = entities[i].entity;
		is_good = entity ? buffer_append_string(out, entity)
				 : buffer_append(out, text, 1);
	}
	return is_good;
}

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta http-equiv=\"refresh\" content=\"60\">\n"
	"<title>Restante</title>\n<style>\n"
	":root{color-scheme:light dark;--ink:#1c1c1c;--dim:#666;"
	"--line:#ddd;--card:#fff;--page:#f4f4f2;--bar:#2a6fb0}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e8e8e6;--dim:#9a9a98;"
	"--line:#3a3a3a;--card:#242424;--page:#181818;--bar:#6aaee8}}\n"
	"body{margin:0 auto;padding:1rem;max-width:64rem;background:"
	"var(--page);color:var(--ink);font:16px/1.4 system-ui,sans-serif}\n"
	"h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1rem;margin:0 0 .4rem}"
	"p{margin:.2rem 0;color:var(--dim)}\n"
	".grid{display:grid;gap:1rem;margin:1rem 0;grid-template-columns:"
	"repeat(auto-fit,minmax(min(18rem,100%),1fr))}\n"
	"section{background:var(--card);border:1px solid var(--line);"
	"border-radius:.5rem;padding:.8rem;overflow-x:auto}\n"
	".big{font-size:1.8rem;color:var(--ink);font-variant-numeric:"
	"tabular-nums}svg{width:100%;height:5rem;display:block}\n"
	"rect{fill:var(--bar);shape-rendering:crispEdges}table{border-collapse:"
	"collapse;width:100%}"
	"th,td{text-align:right;padding:.25rem .5rem;border-bottom:1px solid "
	"var(--line);font-variant-numeric:tabular-nums}"
	"th:first-child,td:first-child{text-align:left}"
	"th{font-weight:600;color:var(--dim)}\n"
	"</style></head><body>\n";

/* ---- numbers ---- */

/* "1,234,567"; `out` has 32 octets. */
static const char *
grouped(uint64_t number, char out[32])
{
	char digits[24];
	int count = snprintf(
		digits, sizeof(digits), "%llu", (unsigned long long)number);
	size_t at = 0;

	for (int i = 0; i < count; i++) {
		if (i > 0 && (count - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}

static const char *
octets_text(uint64_t octets, char out[32])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)octets;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(*units);
		unit++)
		value /= 1024;
	snprintf(out, 32, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return out;
}

static const char *
uptime_text(uint64_t seconds, char out[32])
{
	unsigned long long s = seconds;

	if (s < 7200)
		snprintf(out, 32, "%llu min", s / 60);
	else if (s < 172800)
		snprintf(out, 32, "%llu h", s / 3600);
	else
		snprintf(out, 32, "%llu d", s / 86400);
	return out;
}

/* ---- plots ---- */

static uint64_t
largest_step(const struct web_history *history, size_t offset)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < web_history_steps(history); i++) {
		uint64_t step = web_history_step(history, i, offset);

		if (step > largest)
			largest = step;
	}
	return largest;
}

/* The newest step stands at the right edge. */
static bool
put_plot(const struct web_history *history, size_t offset, const char *name,
	struct buffer *out)
{
	uint64_t largest = largest_step(history, offset);
	size_t steps = web_history_steps(history);
	bool is_good = buffer_printf(out,
		"<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
		"role=\"img\" aria-label=\"%s a minute, six hours\">\n",
		PLOT_WIDTH, PLOT_HEIGHT, name);

	for (size_t i = 0; i < steps && is_good; i++) {
		uint64_t step = web_history_step(history, i, offset);
		double height =
			step ? (double)step / (double)largest * PLOT_HEIGHT : 0;

		if (step > 0)
			is_good = buffer_printf(out,
				"<rect x=\"%zu\" y=\"%.1f\" width=\"1\" "
				"height=\"%.1f\"/>\n",
				PLOT_WIDTH - steps + i, PLOT_HEIGHT - height,
				height);
	}
	return is_good && buffer_append_string(out, "</svg>\n");
}

struct card {
	const char *name;
	size_t offset;
	bool is_octets;
};

#define AT(name) offsetof(struct web_counters, name)

static const struct card cards[] = {
	{"Logins", AT(logins), false},
	{"Logins that failed", AT(failed_logins), false},
	{"Messages delivered", AT(deliveries), false},
	{"Deliveries refused", AT(rejected_deliveries), false},
	{"Messages retrieved", AT(retrieved_messages), false},
	{"Octets retrieved", AT(retrieved_octets), true},
	{"Messages deleted", AT(deleted_messages), false},
	{"Connections", AT(connections), false},
};

static bool
put_card(const struct web_snapshot *snapshot, const struct card *card,
	struct buffer *out)
{
	uint64_t total, most = largest_step(snapshot->history, card->offset);
	const char *(*text)(uint64_t, char[32]) =
		card->is_octets ? octets_text : grouped;
	char total_text[32], most_text[32];

	memcpy(&total, (const char *)&snapshot->counters + card->offset,
		sizeof(total));
	return buffer_printf(out,
		       "<section><h2>%s</h2><p class=\"big\">%s</p>\n",
		       card->name, text(total, total_text)) &&
	       put_plot(snapshot->history, card->offset, card->name, out) &&
	       buffer_printf(out,
		       "<p>six hours; at most %s a minute</p></section>\n",
		       text(most, most_text));
}

/* ---- the page ---- */

static bool
put_title(const struct web_snapshot *snapshot, struct buffer *out)
{
	const struct web_counters *c = &snapshot->counters;
	char sessions[32], uptime[32];

	return buffer_append_string(out, head) &&
	       buffer_append_string(out, "<h1>") &&
	       web_page_escape(snapshot->hostname, out) &&
	       buffer_printf(out,
		       "</h1>\n<p>restanted %s, up %s, %s connections open "
		       "now</p>\n<div class=\"grid\">\n",
		       snapshot->version,
		       uptime_text(snapshot->now_seconds -
					   snapshot->started_seconds,
			       uptime),
		       grouped(c->connections - c->closed_connections,
			       sessions));
}

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
			"<tr><td>%s %u</td><td>%u</td><td>%s</td><td>%u</td>"
			"</tr>\n",
			role->name, role->number, role->pid,
			uptime_text(role->uptime_seconds, uptime),
			role->restarts);
	}
	return is_good && buffer_append_string(out, "</table></section>\n");
}

static bool
put_certificate(const struct web_certificate *certificate, uint64_t now_seconds,
	struct buffer *out)
{
	struct certificate_info info = {
		.until_seconds = certificate->until_seconds};
	long days = certificate_days_left(&info, now_seconds);

	return buffer_append_string(out, "<tr><td>") &&
	       web_page_escape(certificate->names, out) &&
	       buffer_printf(out, "</td><td>%s</td><td>", certificate->kind) &&
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
				  "<tr><td>and %zu that last longer</td><td>"
				  "</td><td></td></tr>\n",
				  snapshot->certificates->count - count);
	return is_good && buffer_append_string(out, "</table></section>\n");
}

bool
web_page_status(const struct web_snapshot *snapshot, struct buffer *out)
{
	bool is_good = put_title(snapshot, out);

	for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++)
		is_good = is_good && put_card(snapshot, &cards[i], out);
	return is_good && buffer_append_string(out, "</div>\n") &&
	       put_certificates(snapshot, out) && put_roles(snapshot, out) &&
	       buffer_append_string(out,
		       "<p>For programs: <a href=\"/metrics\">/metrics</a></p>"
		       "\n</body></html>\n");
}
