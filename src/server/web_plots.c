/* SPDX-License-Identifier: ISC */
/* A day of the counters, as SVG. */
#include "server/web_page_parts.h"

#include <stdio.h>
#include <string.h>

#define PLOT_HEIGHT 60

/* ---- numbers ---- */

const char *
web_grouped(uint64_t number, char out[32])
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

const char *
web_octets_text(uint64_t octets, char out[32])
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

const char *
web_uptime_text(uint64_t seconds, char out[32])
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

#define AT(name) offsetof(struct web_counters, name)
#define NOTHING	 SIZE_MAX

/* One or two counters, the second on top of the first. */
struct card {
	const char *title;
	const char *names[2];
	size_t offsets[2];
	bool is_octets;
	/* How far the first is ahead of the second, not what they counted. */
	bool is_ahead;
};

static const struct card cards[] = {
	{"Open connections", {"open", NULL},
		{AT(connections), AT(closed_connections)}, false, true},
	{"Logins", {"ok", "failed"}, {AT(logins), AT(failed_logins)}, false,
		false},
	{"Deliveries", {"ok", "refused"},
		{AT(deliveries), AT(rejected_deliveries)}, false, false},
	{"Octets retrieved", {"retrieved", NULL},
		{AT(retrieved_octets), NOTHING}, true, false},
	{"Messages retrieved", {"retrieved", NULL},
		{AT(retrieved_messages), NOTHING}, false, false},
	{"Messages deleted", {"deleted", NULL}, {AT(deleted_messages), NOTHING},
		false, false},
	{"Connections", {"accepted", "refused"},
		{AT(connections), AT(refused_connections)}, false, false},
	{"TLS handshakes", {"ok", "failed"},
		{AT(handshakes), AT(failed_handshakes)}, false, false},
};

/* What series `which` of the card has in a column. */
static uint64_t
value(const struct web_history *history, const struct card *card,
	unsigned which, size_t column)
{
	if (card->is_ahead)
		return which > 0 ? 0
				 : web_history_ahead(history, column,
					   card->offsets[0], card->offsets[1]);
	return card->offsets[which] == NOTHING
		       ? 0
		       : web_history_column(
				 history, column, card->offsets[which]);
}

static uint64_t
highest(const struct web_history *history, const struct card *card)
{
	uint64_t most = 0;

	for (size_t i = 0; i < web_history_columns(history); i++) {
		uint64_t both =
			value(history, card, 0, i) + value(history, card, 1, i);

		if (both > most)
			most = both;
	}
	return most;
}

/* A bar of its column's height; what is not nothing can be seen. */
static double
height(uint64_t number, uint64_t most)
{
	double share = most > 0 ? (double)number / (double)most : 0;

	return number > 0 && share * PLOT_HEIGHT < 1 ? 1 : share * PLOT_HEIGHT;
}

/* The newest column stands at the right edge. */
static bool
put_series(const struct web_history *history, const struct card *card,
	unsigned which, uint64_t most, struct buffer *out)
{
	size_t columns = web_history_columns(history);
	bool is_good = buffer_printf(
		out, "<path class=\"p%c\" d=\"", which > 0 ? 'b' : 'a');

	for (size_t i = 0; i < columns && is_good; i++) {
		double below =
			which > 0 ? height(value(history, card, 0, i), most)
				  : 0;
		double own = height(value(history, card, which, i), most);

		if (below + own > PLOT_HEIGHT)
			below = PLOT_HEIGHT - own;
		if (own > 0)
			is_good = buffer_printf(out, "M%zu %.1fh1v-%.1fh-1z",
				WEB_HISTORY_COLUMNS - columns + i,
				PLOT_HEIGHT - below, own);
	}
	return is_good && buffer_append_string(out, "\"/>\n");
}

static bool
put_plot(const struct web_history *history, const struct card *card,
	uint64_t most, struct buffer *out)
{
	bool has_two = card->names[1] != NULL;

	return buffer_printf(out,
		       "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\""
		       " role=\"img\" aria-label=\"%s, the last day\">\n"
		       "<path class=\"half\" d=\"M0 %dH%d\"/>\n",
		       WEB_HISTORY_COLUMNS, PLOT_HEIGHT, card->title,
		       PLOT_HEIGHT / 2, WEB_HISTORY_COLUMNS) &&
	       put_series(history, card, 0, most, out) &&
	       (!has_two || put_series(history, card, 1, most, out)) &&
	       buffer_append_string(out, "</svg>\n");
}

/* ---- cards ---- */

static uint64_t
sum(const struct web_history *history, const struct card *card, unsigned which)
{
	uint64_t all = 0;

	for (size_t i = 0; i < web_history_columns(history); i++)
		all += value(history, card, which, i);
	return all;
}

static bool
put_key(const struct web_snapshot *snapshot, const struct card *card,
	struct buffer *out)
{
	char failed[32];

	if (!card->names[1])
		return true;
	return buffer_printf(out,
		"<p class=\"key\"><span class=\"a\">%s</span><span class=\"b\">"
		"%s: %s</span></p>\n",
		card->names[0], card->names[1],
		web_grouped(sum(snapshot->history, card, 1), failed));
}

static bool
put_card(const struct web_snapshot *snapshot, const struct card *card,
	struct buffer *out)
{
	const struct web_counters *c = &snapshot->counters;
	const struct web_history *history = snapshot->history;
	const char *(*text)(uint64_t, char[32]) =
		card->is_octets ? web_octets_text : web_grouped;
	uint64_t most = highest(history, card);
	uint64_t big = card->is_ahead ? c->connections - c->closed_connections
				      : sum(history, card, 0);
	char big_text[32], most_text[32];

	return buffer_printf(out,
		       "<section class=\"plot\"><h2>%s</h2><p class=\"big\">"
		       "%s</p>\n",
		       card->title, text(big, big_text)) &&
	       put_key(snapshot, card, out) &&
	       put_plot(history, card, most, out) &&
	       buffer_printf(out,
		       "<p class=\"ends\"><span>24 h ago</span><span>at most "
		       "%s%s</span><span>now</span></p></section>\n",
		       text(most, most_text),
		       card->is_ahead ? "" : " in 10 min");
}

bool
web_put_cards(const struct web_snapshot *snapshot, struct buffer *out)
{
	bool is_good = true;

	for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++)
		is_good = is_good && put_card(snapshot, &cards[i], out);
	return is_good;
}
