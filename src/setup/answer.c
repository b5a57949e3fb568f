/* SPDX-License-Identifier: ISC */
#include "setup/answer.h"
#include "setup/autodiscover.h"
#include "setup/files.h"
#include "setup/page.h"

#include <stdio.h>
#include <string.h>

#define TEXT "text/plain; charset=utf-8"
#define XML  "text/xml; charset=utf-8"

/* ---- the head ---- */

static const char *
reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{400, "Bad Request"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{411, "Length Required"},
		{413, "Content Too Large"},
		{417, "Expectation Failed"},
		{431, "Request Header Fields Too Large"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Internal Server Error";
}

/* What is sent, before its length is known. */
struct reply {
	unsigned status;
	const char *type;
	const char *more; /* header lines, each with its CRLF */
	bool is_head_only;
	struct buffer body;
};

static unsigned
send(struct reply *reply, struct buffer *out)
{
	bool is_good = buffer_printf(out,
		"HTTP/1.1 %u %s\r\nContent-Type: %s\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n"
		"Cache-Control: no-store\r\n"
		"Content-Security-Policy: default-src 'none'; style-src "
		"'unsafe-inline'; form-action 'self'; base-uri 'none'; "
		"frame-ancestors 'none'\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"Referrer-Policy: no-referrer\r\n%s\r\n",
		reply->status, reason(reply->status), reply->type,
		reply->body.octets, reply->more ? reply->more : "");

	if (!reply->is_head_only)
		is_good = is_good &&
			  buffer_append_bytes(out, buffer_bytes(&reply->body));
	buffer_release(&reply->body);
	return is_good ? reply->status : 0;
}

static bool
say(struct reply *reply, unsigned status)
{
	reply->status = status;
	reply->type = TEXT;
	buffer_clear(&reply->body);
	return buffer_printf(&reply->body, "%s.\n", reason(status));
}

/* ---- what there is ---- */

struct question {
	const struct setup_facts *facts;
	const struct http_request *request;
	struct setup_who who;
	bool is_wrong; /* what was said is no address */
};

static bool
make_page(const struct question *q, struct reply *reply)
{
	reply->type = "text/html; charset=utf-8";
	return setup_write_page(q->facts, &q->who, q->is_wrong, &reply->body);
}

/* For whose domain: of the address, else of the host that was asked
   (autoconfig.DOMAIN). It is the client's word, and goes back to him alone. */
static bool
make_autoconfig(const struct question *q, struct reply *reply)
{
	static const char prefix[] = "autoconfig.";
	char domain[SETUP_HOST_SIZE] = "";
	struct bytes rest = q->request->host, host = bytes_cut(&rest, ':');

	if (host.octets > sizeof(prefix) &&
		bytes_equal_ignoring_case(bytes_of(host.at, sizeof(prefix) - 1),
			bytes_of_string(prefix)))
		host = bytes_after(host, sizeof(prefix) - 1);
	if (q->who.domain[0])
		snprintf(domain, sizeof(domain), "%s", q->who.domain);
	else if (!setup_is_host(host) ||
		 !bytes_to_string(host, domain, sizeof(domain)))
		return say(reply, 400);
	reply->type = XML;
	return setup_write_autoconfig(q->facts, domain, &reply->body);
}

static bool
make_autodiscover(const struct question *q, struct reply *reply)
{
	struct setup_who who;

	reply->type = XML;
	if (autodiscover_read(q->request->body, &who))
		return autodiscover_write(q->facts, &who, &reply->body);
	return autodiscover_refuse(&reply->body);
}

static bool
make_profile(const struct question *q, struct reply *reply)
{
	if (!q->facts->submission.host[0])
		return say(reply, 404);
	if (!q->who.address[0])
		return say(reply, 400);
	reply->type = "application/x-apple-aspen-config";
	reply->more = "Content-Disposition: attachment; "
		      "filename=\"mail.mobileconfig\"\r\n";
	return setup_write_profile(q->facts, &q->who, &reply->body);
}

static const struct route {
	const char *path;
	bool is_post;
	bool (*make)(const struct question *question, struct reply *reply);
} routes[] = {
	{"/", false, make_page},
	{"/mail/config-v1.1.xml", false, make_autoconfig},
	{"/.well-known/autoconfig/mail/config-v1.1.xml", false,
		make_autoconfig},
	/* WORKAROUND(Outlook): it asks for /Autodiscover/Autodiscover.xml. */
	{"/autodiscover/autodiscover.xml", true, make_autodiscover},
	{"/mail.mobileconfig", false, make_profile},
};

static const struct route *
find(struct bytes path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (bytes_equal_ignoring_case(
			    path, bytes_of_string(routes[i].path)))
			return &routes[i];
	return NULL;
}

/* ---- choosing ---- */

static bool
is_allowed(const struct route *route, struct bytes method, struct reply *reply)
{
	bool is_head = bytes_equal(method, bytes_of_string("HEAD"));

	reply->more =
		route->is_post ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n";
	if (route->is_post)
		return bytes_equal(method, bytes_of_string("POST"));
	reply->is_head_only = is_head;
	return is_head || bytes_equal(method, bytes_of_string("GET"));
}

static void
read_who(const struct http_request *request, struct question *q)
{
	char text[SETUP_ADDRESS_SIZE];

	if (http_query_value(
		    request->query, "emailaddress", text, sizeof(text)) &&
		text[0])
		q->is_wrong = !setup_who_parse(text, &q->who);
}

static bool
make(const struct setup_facts *facts, const struct http_request *request,
	struct reply *reply)
{
	struct question question = {.facts = facts, .request = request};
	const struct route *route = find(request->path);

	if (!route || facts->pop3_count == 0)
		return say(reply, 404);
	if (!is_allowed(route, request->method, reply))
		return say(reply, 405);
	reply->more = NULL;
	reply->status = 200;
	read_who(request, &question);
	return route->make(&question, reply);
}

unsigned
setup_answer(const struct setup_facts *facts,
	const struct http_request *request, struct buffer *out)
{
	struct reply reply = {0};

	buffer_init(&reply.body, SETUP_ANSWER_OCTETS);
	if (!make(facts, request, &reply))
		say(&reply, 500);
	return send(&reply, out);
}

unsigned
setup_refuse(unsigned status, struct buffer *out)
{
	struct reply reply = {0};

	buffer_init(&reply.body, SETUP_ANSWER_OCTETS);
	say(&reply, status);
	return send(&reply, out);
}
