/* SPDX-License-Identifier: ISC */
/* The status page: HTML made here, no script, no image, no font. */
#include "server/web_page.h"
#include "server/web_page_parts.h"
#include "setup/escape.h"

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<meta http-equiv=\"refresh\" content=\"60\">\n"
	"<title>Restante</title>\n<style>\n"
	":root{color-scheme:light dark;--ink:#1d1f21;--dim:#5f6368;"
	"--line:#dcdcd8;--card:#fff;--page:#f4f4f1;--bar:#2a6fb0;"
	"--bad:#c2410c}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e8e8e4;--dim:#a0a09a;"
	"--line:#3a3a38;--card:#242423;--page:#171716;--bar:#6aaee8;"
	"--bad:#f0824a}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;padding:1rem;"
	"max-width:80rem;background:var(--page);color:var(--ink);"
	"font:15px/1.45 system-ui,sans-serif}\n"
	"h1{font-size:1.4rem;margin:.2rem 0;overflow-wrap:anywhere}"
	"h2{font-size:.95rem;margin:0;font-weight:600}"
	"p{margin:.2rem 0;color:var(--dim)}\n"
	".grid{display:grid;gap:.8rem;margin:.8rem 0;grid-template-columns:"
	"repeat(auto-fit,minmax(min(17rem,100%),1fr))}\n"
	".wide{grid-template-columns:"
	"repeat(auto-fit,minmax(min(28rem,100%),1fr))}\n"
	"section{background:var(--card);border:1px solid var(--line);"
	"border-radius:.6rem;padding:.8rem 1rem;overflow-x:auto}\n"
	".big{font-size:1.7rem;line-height:1.2;color:var(--ink)}"
	".big,td,.key{font-variant-numeric:tabular-nums}\n"
	".key{font-size:.85rem}.ends{display:flex;justify-content:"
	"space-between;font-size:.75rem;margin:.1rem 0 0}\n"
	".a::before,.b::before{content:\"\";display:inline-block;width:.6em;"
	"height:.6em;border-radius:.15em;margin:0 .35em 0 0;"
	"background:var(--bar)}.b::before{background:var(--bad);"
	"margin-left:.8em}\n"
	".plot{display:flex;flex-direction:column}"
	"svg{width:100%;height:4.5rem;display:block;margin-top:auto;"
	"border-bottom:1px solid var(--line)}.pa{fill:var(--bar)}"
	".pb{fill:var(--bad)}.half{stroke:var(--line);stroke-width:1;"
	"vector-effect:non-scaling-stroke}\n"
	"table{border-collapse:collapse;width:100%;margin-top:.4rem}"
	"th,td{text-align:right;padding:.25rem 0 .25rem .8rem;border-top:1px "
	"solid var(--line);white-space:nowrap}"
	"th:first-child,td:first-child{text-align:left;padding-left:0;"
	"white-space:normal;overflow-wrap:anywhere}"
	"th{font-weight:600;font-size:.8rem;color:var(--dim);border-top:0}"
	"@media(max-width:34rem){tr{display:grid;grid-template-columns:"
	"repeat(3,1fr);border-top:1px solid var(--line)}"
	"th,td{border:0;padding:.1rem 0}th:first-child,td:first-child{"
	"grid-column:1/-1}tr:first-child{border:0}}\n"
	".bad{color:var(--bad);font-weight:600}a{color:var(--bar)}\n"
	"</style></head><body>\n";

/* ---- the page ---- */

static bool
put_title(const struct web_snapshot *snapshot, struct buffer *out)
{
	const struct web_counters *c = &snapshot->counters;
	const struct survey *survey = &snapshot->told->survey;
	char sessions[32], uptime[32], mailboxes[32], messages[32], octets[32];

	return buffer_append_string(out, head) &&
	       buffer_append_string(out, "<h1>") &&
	       setup_escape(snapshot->hostname, out) &&
	       buffer_printf(out,
		       "</h1>\n<p>restanted %s, up %s, %s connections open "
		       "now; %s messages in %s mailboxes, %s</p>\n",
		       snapshot->version,
		       web_uptime_text(snapshot->now_seconds -
					       snapshot->started_seconds,
			       uptime),
		       web_grouped(c->connections - c->closed_connections,
			       sessions),
		       web_grouped(survey->messages, messages),
		       web_grouped(survey->mailboxes, mailboxes),
		       web_octets_text(survey->octets, octets));
}

bool
web_page_status(const struct web_snapshot *snapshot, struct buffer *out)
{
	return put_title(snapshot, out) &&
	       buffer_append_string(out, "<div class=\"grid\">\n") &&
	       web_put_cards(snapshot, out) &&
	       buffer_append_string(
		       out, "</div>\n<div class=\"grid wide\">\n") &&
	       web_put_tables(snapshot, out) &&
	       buffer_append_string(out,
		       "</div>\n<p>For programs: <a href=\"/metrics\">/metrics"
		       "</a></p>\n</body></html>\n");
}
