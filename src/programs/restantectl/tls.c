/* SPDX-License-Identifier: ISC */
/* tls check: the files, then what the listeners show. One JSON object holds
   what was found; what is printed for people comes from it. */
#include "base/clock.h"
#include "programs/restantectl/command.h"
#include "programs/restantectl/tls_probe.h"
#include "tls/certificate_set.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>

struct checking {
	const struct server_settings *settings;
	const char *domain; /* NULL: all */
	struct certificate_set set;
	uint64_t now_seconds;
	json_t *certificates, *listeners;
	unsigned problems, unanswered;
};

static const char *
text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* ---- what is wrong, and what is worth knowing ---- */

__attribute__((format(printf, 3, 4))) static void
note(json_t *row, const char *kind, const char *format, ...)
{
	char line[CERTIFICATE_SET_ERROR_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	json_array_append_new(json_object_get(row, kind), json_string(line));
}

#define PROBLEM(checking, row, ...)                                            \
	((checking)->problems++, note((row), "problems", __VA_ARGS__))
#define NOTE(row, ...) note((row), "notes", __VA_ARGS__)

/* ---- which certificates ---- */

static bool
is_for(const struct certificate_pair *pair, const char *name)
{
	return strcasecmp(pair->name, name) == 0 ||
	       (pair->certificate.octets > 0 &&
		       certificate_covers(
			       buffer_bytes(&pair->certificate), name));
}

/* Would this one be shown to who asks for `name`? */
static bool
is_shown(const struct checking *c, const struct certificate_pair *pair,
	const char *name)
{
	if (is_for(pair, name))
		return true;
	for (size_t i = 0; i < c->set.count; i++)
		if (is_for(&c->set.pairs[i], name))
			return false;
	return !pair->name[0];
}

static bool
is_covered(const struct checking *c, const char *name)
{
	for (size_t i = 0; i < c->set.count; i++)
		if (c->set.pairs[i].certificate.octets > 0 &&
			certificate_covers(
				buffer_bytes(&c->set.pairs[i].certificate),
				name))
			return true;
	return false;
}

/* ---- files ---- */

static const char *const chain_words[] = {
	[CHAIN_TRUSTED] = "complete, trusted here",
	[CHAIN_SELF_SIGNED] = "self-signed",
	[CHAIN_INCOMPLETE] = "incomplete",
	[CHAIN_UNKNOWN_ROOT] = "complete, to a root not trusted here",
	[CHAIN_BROKEN] = "broken",
};

static void
check_chain(
	struct checking *c, const struct certificate_pair *pair, json_t *row)
{
	char why[CERTIFICATE_ERROR_SIZE] = "";
	enum certificate_chain chain =
		certificate_chain(buffer_bytes(&pair->certificate), why);

	json_object_set_new(row, "chain", json_string(chain_words[chain]));
	if (chain == CHAIN_INCOMPLETE)
		PROBLEM(c, row,
			"the certificate of its issuer is missing in the file, "
			"or not trusted here: %s",
			why);
	else if (chain == CHAIN_BROKEN)
		PROBLEM(c, row, "its chain is not valid: %s", why);
	else if (chain == CHAIN_SELF_SIGNED)
		NOTE(row, "clients refuse it unless they are given the file");
	else if (chain == CHAIN_UNKNOWN_ROOT)
		NOTE(row, "clients need to be given its root");
}

static void
check_time(struct checking *c, const struct certificate_pair *pair, json_t *row)
{
	long days = certificate_days_left(&pair->info, c->now_seconds);
	time_t until = (time_t)pair->info.until_seconds;
	char day[16] = "";
	struct tm parts;

	if (gmtime_r(&until, &parts))
		strftime(day, sizeof(day), "%Y-%m-%d", &parts);
	json_object_set_new(row, "days_left", json_integer(days));
	json_object_set_new(row, "until", json_string(day));
	if (days < 0)
		PROBLEM(c, row, "it has expired");
	else if (pair->info.from_seconds > c->now_seconds)
		PROBLEM(c, row, "it is not yet valid");
	else if ((uint64_t)days * 86400 < c->settings->expiry_warning_seconds)
		PROBLEM(c, row, "it expires in %ld days: renew it", days);
}

static void
check_names(const struct checking *c, const struct certificate_pair *pair,
	json_t *row)
{
	struct bytes pem = buffer_bytes(&pair->certificate);
	bool is_for_host = certificate_covers(pem, c->settings->hostname);

	json_object_set_new(row, "covers_hostname", json_boolean(is_for_host));
	if (!pair->info.names[0])
		NOTE(row, "no host's name stands in it (subjectAltName)");
	else if (pair->name[0] && !certificate_covers(pem, pair->name))
		NOTE(row, "it is not for %s itself", pair->name);
}

static void
check_pair(struct checking *c, size_t index)
{
	struct certificate_pair *pair = &c->set.pairs[index];
	json_t *row = json_pack("{s:s, s:s, s:s, s:b, s:[], s:[]}", "domain",
		pair->name, "certificate", pair->certificate_file, "key_file",
		pair->key_file, "made_by_the_server", pair->is_made, "problems",
		"notes");
	char error[CERTIFICATE_SET_ERROR_SIZE];

	json_array_append_new(c->certificates, row);
	if (certificate_set_read(&c->set, index, error) != OK) {
		PROBLEM(c, row, "%s", error);
		return;
	}
	json_object_set_new(row, "names", json_string(pair->info.names));
	json_object_set_new(row, "key", json_string(pair->info.kind));
	json_object_set_new(row, "certificates_in_file",
		json_integer(pair->info.certificates));
	check_chain(c, pair, row);
	check_time(c, pair, row);
	check_names(c, pair, row);
	if (pair->is_key_exposed)
		PROBLEM(c, row,
			"every user of this machine may read or write %s: "
			"chmod o= it",
			pair->key_file);
}

/* Of all that was read, those that DOMAIN means. */
static void
keep_those_of_domain(struct checking *c)
{
	json_t *kept = json_array();

	for (size_t i = 0; i < c->set.count; i++)
		if (is_shown(c, &c->set.pairs[i], c->domain))
			json_array_append(
				kept, json_array_get(c->certificates, i));
	json_decref(c->certificates);
	c->certificates = kept;
}

static void
count_problems(struct checking *c)
{
	size_t index;
	json_t *row;

	c->problems = 0;
	json_array_foreach(c->certificates, index, row) c->problems +=
		(unsigned)json_array_size(json_object_get(row, "problems"));
}

static void
check_files(struct checking *c)
{
	for (size_t i = 0; i < c->set.count; i++)
		check_pair(c, i);
	if (c->domain)
		keep_those_of_domain(c);
	count_problems(c);
}

/* ---- listeners ---- */

/* The file of what was shown, or NULL. */
static const struct certificate_pair *
whose(const struct checking *c, const struct tls_probe *probe)
{
	for (size_t i = 0; i < c->set.count; i++)
		if (c->set.pairs[i].certificate.octets > 0 &&
			memcmp(c->set.pairs[i].info.id, probe->id,
				sizeof(probe->id)) == 0)
			return &c->set.pairs[i];
	return NULL;
}

static void
judge_shown(struct checking *c, const struct tls_probe *probe, const char *name,
	json_t *row)
{
	const struct certificate_pair *shown = whose(c, probe);

	json_object_set_new(row, "protocol", json_string(probe->protocol));
	if (shown)
		json_object_set_new(
			row, "shows", json_string(shown->certificate_file));
	if (!shown)
		PROBLEM(c, row,
			"it shows a certificate that stands in none of the "
			"files: has it read them since? (SIGHUP)");
	else if (!is_shown(c, shown, name))
		PROBLEM(c, row, "it shows that of another name");
}

static void
check_address(struct checking *c, const struct listener_settings *listener,
	struct bytes address, const char *name)
{
	const char *word = listener->kind == LISTENER_POP3 ? "pop3" : "pop3s";
	struct tls_probe probe;
	json_t *row = json_pack("{s:s, s:s%, s:s, s:[], s:[]}", "listener",
		word, "address", address.at, address.octets, "name", name,
		"problems", "notes");

	json_array_append_new(c->listeners, row);
	if (tls_probe(listener, address, name, &probe)) {
		judge_shown(c, &probe, name, row);
		return;
	}
	c->unanswered++;
	note(row, "problems", "%s", probe.error);
}

static void
check_listeners(struct checking *c, const char *name)
{
	for (size_t i = 0; i < c->settings->listener_count; i++) {
		const struct listener_settings *l = &c->settings->listeners[i];
		struct bytes rest = bytes_of_string(l->address);

		if (l->kind != LISTENER_POP3 && l->kind != LISTENER_POP3S)
			continue;
		while (rest.octets > 0)
			check_address(
				c, l, bytes_trim(bytes_cut(&rest, ',')), name);
	}
}

/* As a client that was set up with each name sees them. */
static void
check_all_listeners(struct checking *c)
{
	check_listeners(c, c->domain ? c->domain : c->settings->hostname);
	for (size_t i = 0; i < c->set.count && !c->domain; i++)
		if (c->set.pairs[i].name[0] &&
			strcmp(c->set.pairs[i].name,
				c->set.pairs[i - 1].name) != 0)
			check_listeners(c, c->set.pairs[i].name);
}

/* ---- printing ---- */

static void
print_lines(const json_t *row, const char *kind, const char *word)
{
	size_t index;
	json_t *line;

	json_array_foreach(json_object_get(row, kind), index, line)
		printf("  %-9s %s\n", word, json_string_value(line));
}

static void
print_validity(const json_t *row)
{
	long long days = json_integer_value(json_object_get(row, "days_left"));

	if (days < 0)
		printf("  %-9s not since %s\n", "valid", text(row, "until"));
	else
		printf("  %-9s %lld days, until %s\n", "valid", days,
			text(row, "until"));
}

static void
print_certificate(const json_t *row)
{
	const char *domain = text(row, "domain");

	printf("[tls%s%s] %s\n", *domain ? " " : "", domain,
		text(row, "certificate"));
	printf("  %-9s %s\n", "key", text(row, "key_file"));
	if (json_object_get(row, "key")) {
		printf("  %-9s %s\n", "kind", text(row, "key"));
		printf("  %-9s %s\n", "for", text(row, "names"));
		printf("  %-9s %s\n", "chain", text(row, "chain"));
		print_validity(row);
	}
	print_lines(row, "notes", "note");
	print_lines(row, "problems", "PROBLEM");
	putchar('\n');
}

static void
print_listener(const json_t *row)
{
	printf("%s %s asked for %s\n", text(row, "listener"),
		text(row, "address"), text(row, "name"));
	if (json_object_get(row, "protocol"))
		printf("  %-9s %s\n", "speaks", text(row, "protocol"));
	if (json_object_get(row, "shows"))
		printf("  %-9s %s\n", "shows", text(row, "shows"));
	print_lines(row, "problems", "PROBLEM");
	putchar('\n');
}

static void
print_found(const struct checking *c, const char *uncovered)
{
	unsigned all = c->problems + c->unanswered;
	size_t index;
	json_t *row;

	json_array_foreach(c->certificates, index, row) print_certificate(row);
	json_array_foreach(c->listeners, index, row) print_listener(row);
	if (uncovered)
		printf("PROBLEM no certificate is for %s\n", uncovered);
	if (all > 0)
		printf("%u problem%s\n", all, all == 1 ? "" : "s");
	else
		puts("all is well");
}

static void
print_json(const struct checking *c, const char *uncovered)
{
	json_t *all = json_pack("{s:O, s:O, s:s?, s:I}", "certificates",
		c->certificates, "listeners", c->listeners, "uncovered",
		uncovered, "problems", (json_int_t)c->problems + c->unanswered);

	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

int
tls_check(struct arguments *arguments)
{
	struct checking c = {.settings = &arguments->settings,
		.domain = arguments->operands.count > 0
				  ? arguments->operands.at[0]
				  : NULL,
		.now_seconds = clock_wall_seconds(),
		.certificates = json_array(),
		.listeners = json_array()};
	const char *wanted = c.domain ? c.domain : c.settings->hostname;
	const char *uncovered = NULL;

	if (!certificate_set_list(c.settings, &c.set))
		return complain(EX_OSERR, "no memory");
	check_files(&c);
	check_all_listeners(&c);
	if (!is_covered(&c, wanted)) {
		uncovered = wanted;
		c.problems++;
	}
	(arguments->is_json ? print_json : print_found)(&c, uncovered);
	certificate_set_release(&c.set);
	json_decref(c.certificates);
	json_decref(c.listeners);
	if (c.problems > 0)
		return EX_CONFIG;
	return c.unanswered > 0 ? EX_UNAVAILABLE : EX_OK;
}
