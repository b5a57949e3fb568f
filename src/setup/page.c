/* SPDX-License-Identifier: ISC */
#include "setup/page.h"
#include "setup/escape.h"

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<style>\n"
	":root{color-scheme:light dark;--ink:#1d1f21;--dim:#5f6368;"
	"--line:#dcdcd8;--card:#fff;--page:#f4f4f1;--key:#2a6fb0;"
	"--on:#fff;--bad:#c2410c}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e8e8e4;--dim:#a0a09a;"
	"--line:#3a3a38;--card:#242423;--page:#171716;--key:#6aaee8;"
	"--on:#171716;--bad:#f0824a}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;padding:1rem;"
	"max-width:46rem;background:var(--page);color:var(--ink);"
	"font:16px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.5rem;margin:.4rem 0;overflow-wrap:anywhere}"
	"h2{font-size:1.05rem;margin:0 0 .5rem}p{margin:.4rem 0}\n"
	".dim{color:var(--dim)}.bad{color:var(--bad);font-weight:600}\n"
	"section{background:var(--card);border:1px solid var(--line);"
	"border-radius:.7rem;padding:1rem 1.2rem;margin:1rem 0}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;"
	"gap:.3rem 1.2rem;margin:0}dt{color:var(--dim)}"
	"dd{margin:0;overflow-wrap:anywhere;font-weight:600}\n"
	"@media(max-width:21rem){dl{grid-template-columns:1fr;gap:0}"
	"dd{margin-bottom:.5rem}}\n"
	"form{display:flex;gap:.6rem;flex-wrap:wrap}"
	"input{flex:1 1 14rem;min-width:0}input,button,.button{font:inherit;"
	"padding:.5rem .8rem;border-radius:.5rem;border:1px solid "
	"var(--line);background:var(--card);color:var(--ink)}"
	"button,.button{background:var(--key);color:var(--on);"
	"border-color:var(--key);text-decoration:none;display:inline-block;"
	"cursor:pointer}\n"
	".qr{width:11rem;height:11rem;display:block;border-radius:.5rem}"
	".phone{display:flex;gap:1.2rem;flex-wrap:wrap;align-items:center}"
	".phone p{flex:1 1 14rem}\n"
	"</style>\n<title>";

static bool
put_heading(const struct setup_facts *facts, struct buffer *out)
{
	return buffer_append_string(out, head) &&
	       setup_escape(facts->name, out) &&
	       buffer_append_string(
		       out, ": set up your mail</title></head><body>\n<h1>") &&
	       setup_escape(facts->name, out) &&
	       buffer_append_string(out,
		       "</h1>\n<p>How to set up your mail program. Most need "
		       "no more than your address and your password, and find "
		       "the rest here by themselves.</p>\n");
}

static bool
put_form(const struct setup_who *who, bool is_wrong, struct buffer *out)
{
	return buffer_append_string(out,
		       "<section><h2><label for=\"address\">Your mail address"
		       "</label></h2>\n<form method=\"get\" action=\"/\">"
		       "<input id=\"address\" type=\"email\" "
		       "name=\"emailaddress\" autocomplete=\"email\" "
		       "required value=\"") &&
	       setup_escape(who->address, out) &&
	       buffer_append_string(out, "\"><button>Show</button></form>\n") &&
	       (!is_wrong ||
		       buffer_append_string(out,
			       "<p class=\"bad\">That is no mail address.</p>"
			       "\n")) &&
	       buffer_append_string(out,
		       "<p class=\"dim\">It fills in what is below, and is not "
		       "kept. This page never asks for your password: type "
		       "that into your mail program alone.</p></section>\n");
}

static bool
put_login(const struct setup_facts *facts, const struct setup_who *who,
	struct buffer *out)
{
	if (who->address[0])
		return setup_escape(setup_login(facts, who), out);
	return buffer_append_string(
		out, facts->is_local_part
			     ? "what stands before the @ of your address"
			     : "your whole mail address");
}

static bool
put_server(const struct setup_facts *facts, const struct setup_server *server,
	const char *title, const char *type, const struct setup_who *who,
	struct buffer *out)
{
	return buffer_printf(out,
		       "<section><h2>%s</h2><dl><dt>Type</dt><dd>%s</dd>"
		       "<dt>Server</dt><dd>%s</dd><dt>Port</dt><dd>%u</dd>"
		       "<dt>Encryption</dt><dd>%s</dd>"
		       "<dt>User name</dt><dd>",
		       title, type, server->host, server->port,
		       server->is_starttls ? "STARTTLS" : "SSL/TLS") &&
	       put_login(facts, who, out) &&
	       buffer_append_string(out,
		       "</dd><dt>Password</dt><dd>the one of your mail</dd>"
		       "<dt>Authentication</dt><dd>normal password</dd></dl>"
		       "</section>\n");
}

static bool
put_servers(const struct setup_facts *facts, const struct setup_who *who,
	struct buffer *out)
{
	bool is_good = true;

	for (size_t i = 0; i < facts->pop3_count; i++)
		is_good = is_good &&
			  put_server(facts, &facts->pop3[i],
				  i > 0 ? "To receive, if that cannot be set"
					: "To receive mail",
				  "POP3", who, out);
	if (facts->submission.host[0])
		is_good = is_good && put_server(facts, &facts->submission,
					     "To send mail", "SMTP", who, out);
	return is_good;
}

static bool
put_profile(const struct setup_facts *facts, const struct setup_who *who,
	struct buffer *out)
{
	if (!facts->submission.host[0])
		return true;
	if (!who->address[0])
		return buffer_append_string(out,
			"<section><h2>iPhone, iPad, Mac</h2><p>Type your "
			"address above: there is a profile then that sets "
			"up Mail.</p></section>\n");
	return buffer_append_string(out,
		       "<section><h2>iPhone, iPad, Mac</h2><p><a "
		       "class=\"button\" href=\"/mail.mobileconfig?"
		       "emailaddress=") &&
	       setup_escape_query(who->address, out) &&
	       buffer_append_string(out,
		       "\">Get the profile</a></p><p class=\"dim\">Then open "
		       "Settings and install it there. It asks for your "
		       "password, and says that it is not signed.</p>"
		       "</section>\n");
}

static bool
put_phone(const struct setup_facts *facts, struct buffer *out)
{
	if (facts->qr.octets == 0)
		return true;
	return buffer_append_string(out,
		       "<section><h2>On a phone</h2><div class=\"phone\">") &&
	       buffer_append_bytes(out, facts->qr) &&
	       buffer_append_string(out,
		       "<p>The code is the address of this page and nothing "
		       "else: ") &&
	       setup_escape(facts->url, out) &&
	       buffer_append_string(out, "</p></div></section>\n");
}

bool
setup_write_page(const struct setup_facts *facts, const struct setup_who *who,
	bool is_wrong, struct buffer *out)
{
	return put_heading(facts, out) && put_form(who, is_wrong, out) &&
	       put_servers(facts, who, out) && put_profile(facts, who, out) &&
	       put_phone(facts, out) &&
	       buffer_append_string(out, "</body></html>\n");
}
