/* SPDX-License-Identifier: ISC */
/* restante discover */
#include "programs/json_text.h"
#include "programs/restante/finding.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define SECTION_MAXIMUM_OCTETS 8192
#define LEAD		       "; "

/* ---- the section ---- */

static bool
write_section(const struct discovery *discovery, struct buffer *out)
{
	struct collect_account account;
	bool is_good = account_init(&account, discovery->who.address) &&
		       finding_set_account(discovery, &account) &&
		       account_write(&account, out);

	account_release(&account);
	return is_good;
}

/* ---- JSON ---- */

static json_t *
describe_steps(const struct discovery *discovery)
{
	static const char *const results[] = {
		[DISCOVERY_NAMED] = "named",
		[DISCOVERY_NOTHING] = "nothing",
		[DISCOVERY_FAILED] = "failed",
		[DISCOVERY_SKIPPED] = "skipped",
		[DISCOVERY_PROBED] = "good",
		[DISCOVERY_REFUSED] = "refused",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < discovery->step_count; i++) {
		const struct discovery_step *step = &discovery->steps[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:o}", "source",
				      discovery_source_name(step->source),
				      "result", results[step->result], "where",
				      json_text(step->where), "text",
				      json_text(step->text)));
	}
	return list;
}

static json_t *
describe_probe(const struct probe *probe)
{
	const struct tls_peer *certificate = &probe->certificate;

	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:I, s:{s:s, s:s, s:I, s:s, "
		"s:b}}",
		"addresses", probe->addresses, "tls", probe->tls, "greeting",
		json_text(probe->greeting), "capabilities",
		json_text(probe->capabilities), "mechanisms",
		json_text(probe->mechanisms), "took_ms",
		(json_int_t)probe->took_ms, "certificate", "names",
		certificate->names, "issuer", certificate->issuer,
		"good_until_seconds",
		(json_int_t)certificate->good_until_seconds, "pin",
		certificate->pin, "is_for_domain", (int)probe->is_for_domain);
}

static json_t *
describe_server(const struct discovery *discovery)
{
	const struct named_server *server = &discovery->server;

	return json_pack("{s:s, s:i, s:s, s:o, s:b}", "host", server->host,
		"port", (int)server->port, "tls",
		server->tls == ACCOUNT_TLS_IMPLICIT ? "implicit" : "starttls",
		"user", json_text(server->user), "wants_oauth",
		(int)server->wants_oauth);
}

static void
print_json(const struct discovery *discovery, struct bytes section)
{
	json_t *object = json_pack("{s:s, s:s, s:b, s:s, s:o}", "address",
		discovery->who.address, "domain", discovery->who.domain,
		"is_found", (int)discovery->is_found, "dnssec", "unknown",
		"steps", describe_steps(discovery));

	if (discovery->is_found) {
		json_object_set_new(object, "source",
			json_string(discovery_source_name(discovery->source)));
		json_object_set_new(object, "trust",
			json_string(discovery_trust_name(discovery->trust)));
		json_object_set_new(
			object, "server", describe_server(discovery));
		json_object_set_new(
			object, "probe", describe_probe(&discovery->probe));
		json_object_set_new(object, "section",
			json_stringn((const char *)section.at, section.octets));
	}
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

/* ---- for people: a file of settings with comments ---- */

static void
print_found(const struct discovery *discovery, struct bytes section)
{
	printf(LEAD "The POP3 server of %s; what was asked:\n" LEAD "\n",
		discovery->who.domain);
	finding_print_steps(discovery, LEAD "  ", stdout);
	puts(LEAD);
	finding_print_server(discovery, LEAD "  ", stdout);
	printf("\n%.*s", (int)section.octets, (const char *)section.at);
	fprintf(stderr,
		"\nTest the login and save it:\n  restante account add %s\n",
		discovery->who.address);
}

static int
tell(const struct arguments *arguments, const struct discovery *discovery)
{
	struct buffer section;
	int code = EX_OK;

	buffer_init(&section, SECTION_MAXIMUM_OCTETS);
	if (discovery->is_found && !write_section(discovery, &section))
		code = complain(EX_OSERR, "no memory");
	else if (arguments->is_json)
		print_json(discovery, buffer_bytes(&section));
	else if (discovery->is_found)
		print_found(discovery, buffer_bytes(&section));
	else
		finding_print_steps(discovery, "  ", stderr);
	buffer_release(&section);
	if (code == EX_OK && !discovery->is_found)
		return complain(EX_NOHOST,
			"no POP3 server was found for %s; its name and port, "
			"from your provider's help pages, go to account add "
			"--host",
			discovery->who.domain);
	return code;
}

int
show_discovery(struct arguments *arguments)
{
	struct finding finding;
	int code = finding_open(&finding, arguments);

	if (code == EX_OK)
		code = finding_run(
			&finding, arguments, arguments->operands.at[0]);
	if (code == EX_OK)
		code = tell(arguments, &finding.discovery);
	finding_close(&finding);
	return code;
}
