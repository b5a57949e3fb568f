/* SPDX-License-Identifier: ISC */
/* restantectl dns: the records that a domain needs, and those it has. */
#include "collect/discovery/resolver.h"
#include "config/setup_settings.h"
#include "programs/restantectl/command.h"
#include "programs/restantectl/dns.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define HTTPS_PORT 443

struct checking {
	const struct server_settings *settings;
	struct setup_facts facts;
	char url[SETUP_URL_SIZE];
	char page_host[HOST_SIZE]; /* "": there is no page on port 443 */
	char domain[HOST_SIZE];
	struct resolver *resolver;
	json_t *records;
	unsigned wrong, unanswered;
};

/* ---- what is asked ---- */

/* What is wanted; may be there, or must. */
struct wanted {
	const char *name, *type, *value;
	bool is_optional;
};

static void
add_row(struct checking *c, const struct wanted *wanted, const char *state,
	const struct resolver_texts *found)
{
	json_t *texts = json_array();

	for (size_t i = 0; found && i < found->count; i++)
		json_array_append_new(texts, json_string(found->rows[i]));
	json_array_append_new(c->records,
		json_pack("{s:s, s:s, s:s, s:b, s:s, s:o}", "name",
			wanted->name, "type", wanted->type, "value",
			wanted->value, "optional", wanted->is_optional, "state",
			state, "found", texts));
}

/* Of SRV the port and the host count: the rest is the owner's to choose. */
static const char *
what_counts(const char *text, const char *type)
{
	for (int i = 0; i < 2 && strcmp(type, "SRV") == 0; i++)
		text = strchr(text, ' ') ? strchr(text, ' ') + 1 : text;
	return text;
}

static bool
has(const struct resolver_texts *found, const struct wanted *wanted)
{
	for (size_t i = 0; i < found->count; i++)
		if (strcmp(what_counts(found->rows[i], wanted->type),
			    what_counts(wanted->value, wanted->type)) == 0)
			return true;
	return false;
}

static void
check(struct checking *c, const struct wanted *wanted)
{
	struct resolver_texts found = {.count = 0};
	enum resolver_answer answer = resolver_find_texts(
		c->resolver, wanted->name, wanted->type, &found);
	bool is_right = answer == RESOLVER_FOUND && has(&found, wanted);

	if (answer == RESOLVER_FAILED) {
		c->unanswered++;
		add_row(c, wanted, "unanswered", NULL);
		return;
	}
	if (!is_right && (answer == RESOLVER_FOUND || !wanted->is_optional))
		c->wrong++;
	add_row(c, wanted,
		is_right		   ? "ok"
		: answer == RESOLVER_FOUND ? "differs"
					   : "missing",
		&found);
}

/* Any record is as good as another: whose it is we cannot know. */
static void
check_any(struct checking *c, const struct wanted *wanted)
{
	struct resolver_texts found = {.count = 0};
	enum resolver_answer answer = resolver_find_texts(
		c->resolver, wanted->name, wanted->type, &found);

	if (answer == RESOLVER_FAILED)
		c->unanswered++;
	if (answer == RESOLVER_NONE && !wanted->is_optional)
		c->wrong++;
	add_row(c, wanted,
		answer == RESOLVER_FOUND  ? "ok"
		: answer == RESOLVER_NONE ? "missing"
					  : "unanswered",
		&found);
}

/* ---- addresses ---- */

static void
copy_addresses(
	const struct resolver_addresses *from, struct resolver_texts *out)
{
	out->count = 0;
	for (size_t i = 0; i < from->count; i++)
		snprintf(out->rows[out->count++], RESOLVER_TEXT_SIZE, "%s",
			from->texts[i]);
}

/* This server's own name: it must have an address; which, we cannot know. */
static void
check_host(struct checking *c, const char *host)
{
	char name[HOST_SIZE + 1];
	struct resolver_addresses addresses;
	struct resolver_texts found = {.count = 0};
	struct wanted wanted = {
		.name = name, .type = "A", .value = "ADDRESS-OF-THIS-SERVER"};
	enum resolver_answer answer = RESOLVER_NONE;

	snprintf(name, sizeof(name), "%s.", host);
	answer = resolver_find_addresses(c->resolver, name, &addresses);
	if (answer == RESOLVER_FOUND)
		copy_addresses(&addresses, &found);
	if (answer == RESOLVER_NONE)
		c->wrong++;
	if (answer == RESOLVER_FAILED)
		c->unanswered++;
	add_row(c, &wanted,
		answer == RESOLVER_FOUND  ? "ok"
		: answer == RESOLVER_NONE ? "missing"
					  : "unanswered",
		&found);
}

static bool
share_one(
	const struct resolver_addresses *a, const struct resolver_addresses *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (strcmp(a->texts[i], b->texts[j]) == 0)
				return true;
	return false;
}

/* A name that leads to the page, as CNAME or by addresses of its own. */
static void
check_alias(struct checking *c, const char *label)
{
	char name[HOST_SIZE + 16], value[HOST_SIZE + 1];
	struct resolver_addresses own, page;
	struct resolver_texts found = {.count = 0};
	const struct wanted wanted = {
		.name = name, .type = "CNAME", .value = value};
	enum resolver_answer answer, of_page;
	bool is_right;

	snprintf(name, sizeof(name), "%s.%s.", label, c->domain);
	snprintf(value, sizeof(value), "%s.", c->page_host);
	answer = resolver_find_addresses(c->resolver, name, &own);
	of_page = resolver_find_addresses(c->resolver, c->page_host, &page);
	if (answer == RESOLVER_FOUND)
		copy_addresses(&own, &found);
	if (answer == RESOLVER_FAILED || of_page == RESOLVER_FAILED) {
		c->unanswered++;
		add_row(c, &wanted, "unanswered", &found);
		return;
	}
	is_right = answer == RESOLVER_FOUND && of_page == RESOLVER_FOUND &&
		   share_one(&own, &page);
	c->wrong += !is_right;
	add_row(c, &wanted,
		is_right		   ? "ok"
		: answer == RESOLVER_FOUND ? "differs"
					   : "missing",
		&found);
}

/* ---- what a domain needs ---- */

/* RFC 6186, RFC 8314 section 5.1. Without a server: that there is none. */
static void
check_service(
	struct checking *c, const char *service, const struct setup_server *to)
{
	char name[HOST_SIZE + 32], value[HOST_SIZE + 32];
	const struct wanted wanted = {.name = name,
		.type = "SRV",
		.value = value,
		.is_optional = !to};

	snprintf(name, sizeof(name), "%s._tcp.%s.", service, c->domain);
	if (to)
		snprintf(
			value, sizeof(value), "0 1 %u %s.", to->port, to->host);
	else
		snprintf(value, sizeof(value), "0 0 0 .");
	check(c, &wanted);
}

static const struct setup_server *
pop3_server(const struct setup_facts *facts, bool is_starttls)
{
	for (size_t i = 0; i < facts->pop3_count; i++)
		if (facts->pop3[i].is_starttls == is_starttls)
			return &facts->pop3[i];
	return NULL;
}

static void
check_services(struct checking *c)
{
	const struct setup_server *submission = &c->facts.submission;

	check_service(c, "_pop3s", pop3_server(&c->facts, false));
	check_service(c, "_pop3", pop3_server(&c->facts, true));
	if (submission->host[0])
		check_service(c,
			submission->is_starttls ? "_submission"
						: "_submissions",
			submission);
}

static void
check_exchange(struct checking *c)
{
	char name[HOST_SIZE + 1];
	const struct wanted wanted = {.name = name,
		.type = "MX",
		.value = "10 YOUR-MAIL-TRANSFER-AGENT.",
		.is_optional = true};

	snprintf(name, sizeof(name), "%s.", c->domain);
	check_any(c, &wanted);
}

/* RFC 6698: optional, but one that is wrong shuts out who checks it. */
static void
check_tlsa(struct checking *c)
{
	const struct setup_server *to = pop3_server(&c->facts, false);
	char name[HOST_SIZE + 32], value[DNS_TLSA_SIZE];
	const struct wanted wanted = {.name = name,
		.type = "TLSA",
		.value = value,
		.is_optional = true};

	if (!to || !dns_tlsa_of(c->settings, value))
		return;
	snprintf(name, sizeof(name), "_%u._tcp.%s.", to->port, to->host);
	check(c, &wanted);
}

static void
check_caa(struct checking *c)
{
	char name[HOST_SIZE + 1];
	const struct wanted wanted = {.name = name,
		.type = "CAA",
		.value = "0 issue \"YOUR-CERTIFICATE-AUTHORITY\"",
		.is_optional = true};

	snprintf(name, sizeof(name), "%s.", c->domain);
	check_any(c, &wanted);
}

/* Programs ask on port 443 alone. */
static bool
find_page(struct checking *c)
{
	struct bytes rest, authority, host;
	char text[SETUP_URL_SIZE];

	if (!setup_settings_url(c->settings, c->url))
		return false;
	rest = bytes_after(bytes_of_string(c->url), strlen("https://"));
	authority = bytes_cut(&rest, '/');
	host = bytes_cut(&authority, ':');
	if (authority.octets > 0 &&
		!bytes_equal(authority, bytes_of_string("443")))
		return false;
	return bytes_to_string(host, text, sizeof(text)) &&
	       host_name_normalize(text, c->page_host);
}

static void
check_all(struct checking *c)
{
	check_exchange(c);
	check_host(c, c->settings->hostname);
	check_services(c);
	if (c->page_host[0]) {
		check_alias(c, "autoconfig");
		check_alias(c, "autodiscover");
	}
	check_tlsa(c);
	check_caa(c);
}

/* ---- printing ---- */

static const char *
text(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

/* As a zone file: what is not ours to fill in is a comment. */
static void
print_row(const json_t *row)
{
	const json_t *found = json_object_get(row, "found"), *one;
	const char *state = text(row, "state");
	bool is_hint = strstr(text(row, "value"), "YOUR-") ||
		       strstr(text(row, "value"), "ADDRESS-");
	bool is_optional = json_is_true(json_object_get(row, "optional"));
	size_t index;

	printf("%s%s IN %s %s\n  ; %s", is_hint ? "; " : "", text(row, "name"),
		text(row, "type"), text(row, "value"), state);
	if (is_optional && strcmp(state, "missing") == 0)
		printf(", and need not be there");
	json_array_foreach(found, index, one)
		printf("%s %s", index > 0 ? "," : ":", json_string_value(one));
	printf("\n");
}

static void
print(const struct checking *c)
{
	size_t index;
	json_t *row;

	printf("; %s, whose mail is on %s\n", c->domain, c->settings->hostname);
	json_array_foreach(c->records, index, row) print_row(row);
	if (!c->page_host[0])
		printf("; no autoconfig and autodiscover: there is no "
		       "[listener "
		       "setup] on port %d, nor a [setup] url\n",
			HTTPS_PORT);
}

static int
code_of(const struct checking *c)
{
	if (c->wrong > 0)
		return EX_CONFIG;
	return c->unanswered > 0 ? EX_UNAVAILABLE : EX_OK;
}

int
dns(struct arguments *arguments)
{
	struct checking c = {.settings = &arguments->settings};
	char error[RESOLVER_ERROR_SIZE];
	int code;

	if (!host_name_normalize(arguments->operands.at[0], c.domain))
		return complain(
			EX_USAGE, "%s is no domain", arguments->operands.at[0]);
	c.resolver = resolver_new(arguments->dns_server, error);
	if (!c.resolver)
		return complain(EX_USAGE, "%s", error);
	if (!find_page(&c))
		c.page_host[0] = '\0';
	setup_settings_facts(c.settings, c.url, &c.facts);
	c.records = json_array();
	check_all(&c);
	code = code_of(&c);
	if (arguments->is_json) {
		json_t *all = json_pack("{s:s, s:s, s:O}", "domain", c.domain,
			"hostname", c.settings->hostname, "records", c.records);

		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(all);
	} else {
		print(&c);
	}
	json_decref(c.records);
	resolver_free(&c.resolver);
	return code;
}
