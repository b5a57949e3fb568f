/* SPDX-License-Identifier: ISC */
#include "collect/discovery/discover.h"
#include "base/clock.h"
#include "collect/discovery/guess.h"

#include <libpsl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBE_STEP_SECONDS 10
#define EXCHANGE_DOMAINS   2

struct discovering {
	const struct discovery_options *options;
	struct discovery *out;
	uint64_t until_ms;
	enum discovery_source source;
};

/* ---- words ---- */

const char *
discovery_source_name(enum discovery_source source)
{
	static const char *const names[] = {
		[SOURCE_AUTOCONFIG] = "autoconfig",
		[SOURCE_WELL_KNOWN] = "well-known",
		[SOURCE_DATABASE] = "database",
		[SOURCE_EXCHANGE_AUTOCONFIG] = "exchange-autoconfig",
		[SOURCE_EXCHANGE_DATABASE] = "exchange-database",
		[SOURCE_SRV] = "srv",
		[SOURCE_GUESS] = "guess",
	};

	return names[source];
}

const char *
discovery_trust_name(enum discovery_trust trust)
{
	static const char *const names[] = {
		[TRUST_DOMAIN] = "domain",
		[TRUST_PROVIDER] = "provider",
		[TRUST_NAME] = "name",
		[TRUST_NONE] = "none",
	};

	return names[trust];
}

const char *
discovery_trust_text(enum discovery_trust trust)
{
	static const char *const texts[] = {
		[TRUST_DOMAIN] = "good: the domain itself vouches for it, by "
				 "its web server or in the certificate",
		[TRUST_PROVIDER] = "fair: a public database of providers "
				   "names it, over https",
		[TRUST_NAME] = "fair: its name is within the domain, and its "
			       "certificate is for that name",
		[TRUST_NONE] = "weak: only DNS names it, whose answers are "
			       "not proved; ask your provider",
	};

	return texts[trust];
}

/* Found by a word of DNS that nobody vouches for. */
static bool
is_of_dns(enum discovery_source source)
{
	return source == SOURCE_EXCHANGE_AUTOCONFIG ||
	       source == SOURCE_EXCHANGE_DATABASE || source == SOURCE_SRV;
}

enum discovery_trust
discovery_judge(enum discovery_source source, const char *host,
	const char *domain, bool is_certified_for_domain)
{
	if (is_certified_for_domain || source == SOURCE_AUTOCONFIG ||
		source == SOURCE_WELL_KNOWN)
		return TRUST_DOMAIN;
	if (source == SOURCE_DATABASE)
		return TRUST_PROVIDER;
	if (host_name_is_within(host, domain))
		return TRUST_NAME;
	return is_of_dns(source) ? TRUST_NONE : TRUST_NAME;
}

/* ---- what was tried ---- */

__attribute__((format(printf, 4, 5))) static void
note(struct discovering *d, enum discovery_result result, const char *where,
	const char *format, ...)
{
	struct discovery *out = d->out;
	struct discovery_step *step;
	va_list arguments;

	if (out->step_count == DISCOVERY_STEPS_MAXIMUM)
		return;
	step = &out->steps[out->step_count++];
	step->source = d->source;
	step->result = result;
	snprintf(step->where, sizeof(step->where), "%.300s", where);
	va_start(arguments, format);
	vsnprintf(step->text, sizeof(step->text), format, arguments);
	va_end(arguments);
	if (d->options->on_step)
		d->options->on_step(step, d->options->context);
}

/* False: enough was tried; that is noted. */
static bool
has_time(struct discovering *d, const char *where)
{
	if (clock_monotonic_ms() < d->until_ms)
		return true;
	note(d, DISCOVERY_SKIPPED, where, "not asked: it took too long");
	return false;
}

static void
describe(const struct named_server *server, char *out, size_t size)
{
	snprintf(out, size, "%s:%u", server->host, server->port);
}

/* ---- probes ---- */

/* Keeps the result when it is good. */
static bool
take_probe(struct discovering *d, const struct named_server *server,
	const struct probe *probe)
{
	struct discovery *out = d->out;
	char where[HOST_SIZE + 16];

	describe(server, where, sizeof(where));
	if (!probe_is_good(probe)) {
		note(d, DISCOVERY_REFUSED, where, "%s", probe->error);
		return false;
	}
	note(d, DISCOVERY_PROBED, where, "%s", probe->tls);
	out->is_found = true;
	out->server = *server;
	out->source = d->source;
	out->probe = *probe;
	out->trust = discovery_judge(
		d->source, server->host, out->who.domain, probe->is_for_domain);
	return true;
}

static bool
probe_named(struct discovering *d, const struct named_server *server)
{
	struct probe_options options = {
		.network = d->options->network,
		.host = server->host,
		.port = server->port,
		.tls = server->tls,
		.domain = d->out->who.domain,
		.step_seconds = PROBE_STEP_SECONDS,
	};
	struct probe probe;

	if (!has_time(d, server->host))
		return false;
	probe_server(&options, &probe);
	return take_probe(d, server, &probe);
}

/* ---- files of autoconfig ---- */

static void
note_autoconfig(
	struct discovering *d, const char *url, const struct autoconfig *found)
{
	char server[HOST_SIZE + 16];

	if (found->count > 0) {
		describe(&found->servers[0], server, sizeof(server));
		note(d, DISCOVERY_NAMED, url, "%s%s, login %.100s", server,
			found->servers[0].tls == ACCOUNT_TLS_STARTTLS
				? " with STLS"
				: "",
			found->servers[0].user);
	} else if (found->without_tls > 0) {
		note(d, DISCOVERY_NOTHING, url,
			"it names a POP3 server without TLS, which is not "
			"used");
	} else if (found->unusable > 0) {
		note(d, DISCOVERY_NOTHING, url,
			"it names a POP3 server by what is no name, port or "
			"login");
	} else {
		note(d, DISCOVERY_NOTHING, url, "it names no POP3 server%s",
			found->has_imap ? ", but one for IMAP" : "");
	}
}

/* told: the whole URL, of which `where` is the part that is shown. */
static bool
try_file(struct discovering *d, const char *where, const char *told)
{
	char error[HTTPS_ERROR_SIZE], wrong[AUTOCONFIG_ERROR_SIZE];
	struct autoconfig found;
	enum https_answer answer;
	struct buffer text;
	bool is_found = false;

	if (!has_time(d, where))
		return false;
	buffer_init(&text, AUTOCONFIG_MAXIMUM_OCTETS);
	answer = https_get(d->options->network, told, &text, error);
	if (answer != HTTPS_FOUND) {
		note(d,
			answer == HTTPS_NONE ? DISCOVERY_NOTHING
					     : DISCOVERY_FAILED,
			where, "%s", error);
	} else if (autoconfig_parse(buffer_bytes(&text), &d->out->who, &found,
			   wrong) != OK) {
		note(d, DISCOVERY_FAILED, where, "no autoconfig file: %s",
			wrong);
	} else {
		note_autoconfig(d, where, &found);
		for (size_t i = 0; i < found.count && !is_found; i++)
			is_found = probe_named(d, &found.servers[i]);
	}
	buffer_release(&text);
	return is_found;
}

/* The unreserved octets of RFC 3986, and @, as they are. */
static void
escape(const char *text, char *out, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@";
	size_t used = 0;

	for (; *text && used + 4 < size; text++) {
		if (strchr(plain, *text))
			out[used++] = *text;
		else
			used += (size_t)snprintf(out + used, size - used,
				"%%%02X", (unsigned char)*text);
	}
	out[used] = '\0';
}

/* Of the domain itself, which may know the address. */
static bool
try_domain(struct discovering *d)
{
	const struct mail_address *who = &d->out->who;
	char escaped[3 * MAIL_ADDRESS_SIZE], where[HOST_SIZE + 64];
	char told[sizeof(escaped) + sizeof(where) + 32];

	escape(who->address, escaped, sizeof(escaped));
	d->source = SOURCE_AUTOCONFIG;
	snprintf(where, sizeof(where),
		"https://autoconfig.%s/mail/config-v1.1.xml", who->domain);
	snprintf(told, sizeof(told), "%s?emailaddress=%s", where, escaped);
	if (try_file(d, where, told))
		return true;
	d->source = SOURCE_WELL_KNOWN;
	snprintf(where, sizeof(where),
		"https://%s/.well-known/autoconfig/mail/config-v1.1.xml",
		who->domain);
	return try_file(d, where, where);
}

static bool
try_database(
	struct discovering *d, enum discovery_source source, const char *domain)
{
	char url[HTTPS_URL_MAXIMUM_OCTETS];

	d->source = source;
	if (!d->options->database[0]) {
		note(d, DISCOVERY_SKIPPED, "the database of providers",
			"not asked: provider-database is empty");
		return false;
	}
	snprintf(url, sizeof(url), "%s%s", d->options->database, domain);
	return try_file(d, url, url);
}

/* ---- the mail exchange ---- */

/* The domains a provider may have put its files under: the one of the host, and
 * the one that was registered. */
static size_t
domains_of(const char *host, char domains[EXCHANGE_DOMAINS][HOST_SIZE])
{
	const char *registered = psl_registrable_domain(psl_builtin(), host);
	const char *parent = strchr(host, '.');
	size_t count = 0;

	if (!registered)
		return 0;
	if (parent && host_name_is_within(parent + 1, registered) &&
		strcmp(parent + 1, registered) != 0)
		snprintf(domains[count++], HOST_SIZE, "%s", parent + 1);
	snprintf(domains[count++], HOST_SIZE, "%s", registered);
	return count;
}

static bool
try_exchange_domain(struct discovering *d, const char *domain)
{
	char url[HOST_SIZE + 64];

	if (strcmp(domain, d->out->who.domain) == 0)
		return false; /* asked already */
	d->source = SOURCE_EXCHANGE_AUTOCONFIG;
	snprintf(url, sizeof(url),
		"https://autoconfig.%.253s/mail/config-v1.1.xml", domain);
	return try_file(d, url, url) ||
	       try_database(d, SOURCE_EXCHANGE_DATABASE, domain);
}

/* False, when it is noted: there is no resolver, or no record. */
static bool
has_records(struct discovering *d, enum resolver_answer answer,
	const char *where, const struct resolver_records *records)
{
	switch (answer) {
	case RESOLVER_NONE:
		note(d, DISCOVERY_NOTHING, where, "there is no such record");
		return false;
	case RESOLVER_FAILED:
		note(d, DISCOVERY_FAILED, where, "%s",
			resolver_error(d->options->network->resolver));
		return false;
	case RESOLVER_FOUND:
	default:
		note(d, DISCOVERY_NAMED, where, "%s", records->rows[0].host);
		return true;
	}
}

static bool
may_ask_dns(struct discovering *d, const char *where)
{
	if (d->options->network->resolver)
		return has_time(d, where);
	note(d, DISCOVERY_SKIPPED, where,
		"not asked: with a proxy nothing goes past it");
	return false;
}

static bool
try_exchange(struct discovering *d)
{
	char domains[EXCHANGE_DOMAINS][HOST_SIZE], where[HOST_SIZE + 16];
	struct resolver_records records = {.count = 0};
	size_t count;

	d->source = SOURCE_EXCHANGE_AUTOCONFIG;
	snprintf(where, sizeof(where), "MX of %s", d->out->who.domain);
	if (!may_ask_dns(d, where) ||
		!has_records(d,
			resolver_find_exchanges(d->options->network->resolver,
				d->out->who.domain, &records),
			where, &records))
		return false;
	count = domains_of(records.rows[0].host, domains);
	for (size_t i = 0; i < count; i++)
		if (try_exchange_domain(d, domains[i]))
			return true;
	return false;
}

/* ---- SRV ---- */

static bool
try_service(struct discovering *d, const char *service, enum account_tls tls)
{
	struct resolver_records records = {.count = 0};
	struct named_server server = {.tls = tls};
	char where[HOST_SIZE + 32];

	snprintf(where, sizeof(where), "%s.%s", service, d->out->who.domain);
	if (!may_ask_dns(d, where) ||
		!has_records(d,
			resolver_find_services(d->options->network->resolver,
				service, d->out->who.domain, &records),
			where, &records))
		return false;
	snprintf(server.user, sizeof(server.user), "%s", d->out->who.address);
	for (size_t i = 0; i < records.count; i++) {
		snprintf(server.host, sizeof(server.host), "%s",
			records.rows[i].host);
		server.port = records.rows[i].port;
		if (probe_named(d, &server))
			return true;
	}
	return false;
}

/* RFC 8314 section 5.1: TLS from the first octet is to be preferred. */
static bool
try_services(struct discovering *d)
{
	d->source = SOURCE_SRV;
	return try_service(d, "_pop3s._tcp", ACCOUNT_TLS_IMPLICIT) ||
	       try_service(d, "_pop3._tcp", ACCOUNT_TLS_STARTTLS);
}

/* ---- the usual names ---- */

static bool
try_guesses(struct discovering *d)
{
	struct guess guesses[GUESSES_MAXIMUM];
	size_t count;

	d->source = SOURCE_GUESS;
	if (!has_time(d, "the usual names"))
		return false;
	count = guess_servers(d->options->network, &d->out->who, guesses);
	for (size_t i = 0; i < count; i++)
		if (take_probe(d, &guesses[i].server, &guesses[i].probe))
			return true;
	if (count == 0)
		note(d, DISCOVERY_NOTHING, "the usual names",
			"none of pop., pop3., mail. and the domain itself has "
			"an address");
	return false;
}

void
discover(const struct discovery_options *options,
	const struct mail_address *who, struct discovery *out)
{
	struct discovering d = {.options = options, .out = out};

	*out = (struct discovery){.who = *who};
	d.until_ms = clock_monotonic_ms() + DISCOVERY_SECONDS * UINT64_C(1000);
	(void)(try_domain(&d) ||
		try_database(&d, SOURCE_DATABASE, who->domain) ||
		try_exchange(&d) || try_services(&d) || try_guesses(&d));
}
