/* SPDX-License-Identifier: ISC */
#include "programs/restante/finding.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- the network ---- */

static int
set_proxy(struct finding *finding, const char *url)
{
	if (!url)
		return EX_OK;
	if (!socks5_parse(url, &finding->proxy))
		return complain(EX_USAGE,
			"--proxy: it is socks5://[USER:PASSWORD@]HOST[:PORT]");
	finding->network.proxy_url = url;
	finding->network.proxy = &finding->proxy;
	return EX_OK;
}

static int
set_resolver(struct finding *finding, const struct arguments *arguments)
{
	char error[RESOLVER_ERROR_SIZE];

	if (arguments->proxy && arguments->dns_server)
		return complain(EX_USAGE,
			"--dns-server and --proxy: the proxy finds names");
	if (arguments->proxy)
		return EX_OK;
	finding->network.resolver = resolver_new(arguments->dns_server, error);
	return finding->network.resolver
		       ? EX_OK
		       : complain(EX_USAGE, "--dns-server: %s", error);
}

int
finding_open(struct finding *finding, const struct arguments *arguments)
{
	char error[TLS_ERROR_SIZE];
	int code;

	*finding = (struct finding){.network.ca_file = arguments->ca_file};
	if (arguments->connect_to && !detours_parse(arguments->connect_to,
					     &finding->network.detours))
		return complain(EX_USAGE,
			"--connect-to: it is HOST:PORT:TO-HOST:TO-PORT, with "
			"commas between several");
	code = set_proxy(finding, arguments->proxy);
	if (code == EX_OK)
		code = set_resolver(finding, arguments);
	if (code == EX_OK && tls_client_context_new(arguments->ca_file,
				     &finding->network.tls, error) != OK)
		code = complain(EX_NOINPUT, "%s", error);
	return code;
}

void
finding_close(struct finding *finding)
{
	resolver_free(&finding->network.resolver);
	tls_context_free(&finding->network.tls);
	explicit_bzero(&finding->proxy, sizeof(finding->proxy));
}

/* ---- looking ---- */

/* One line that the next one replaces. */
static void
show_step(const struct discovery_step *step, void *context)
{
	fprintf(stderr, "\r\033[K%.70s", step->where);
	fflush(stderr);
}

int
finding_run(struct finding *finding, const struct arguments *arguments,
	const char *address)
{
	bool is_shown = isatty(STDERR_FILENO) && !arguments->is_json;
	struct discovery_options options = {
		.network = &finding->network,
		.database = arguments->settings.provider_database,
		.on_step = is_shown ? show_step : NULL,
	};
	char error[MAIL_ADDRESS_ERROR_SIZE];
	struct mail_address who;

	if (!mail_address_parse(address, &who, error))
		return complain(EX_DATAERR, "%s", error);
	if (!account_is_name(who.address))
		return complain(EX_DATAERR,
			"%s cannot be an account's name: letters, digits and "
			"@ . _ + -",
			who.address);
	discover(&options, &who, &finding->discovery);
	if (is_shown)
		fputs("\r\033[K", stderr);
	return EX_OK;
}

bool
finding_set_account(
	const struct discovery *discovery, struct collect_account *account)
{
	const struct named_server *server = &discovery->server;
	uint16_t usual = server->tls == ACCOUNT_TLS_IMPLICIT ? 995 : 110;

	free(account->host);
	account->host = strdup(server->host);
	account->tls = server->tls;
	account->port = server->port == usual ? 0 : server->port;
	if (strcmp(server->user, account->name) != 0) {
		free(account->user);
		account->user = strdup(server->user);
	}
	return account->host && account->user;
}

/* ---- for people ---- */

static const char *
sign_of(enum discovery_result result)
{
	static const char *const signs[] = {
		[DISCOVERY_NAMED] = "named",
		[DISCOVERY_NOTHING] = "nothing",
		[DISCOVERY_FAILED] = "failed",
		[DISCOVERY_SKIPPED] = "skipped",
		[DISCOVERY_PROBED] = "answers",
		[DISCOVERY_REFUSED] = "no good",
	};

	return signs[result];
}

void
finding_print_steps(
	const struct discovery *discovery, const char *lead, FILE *to)
{
	for (size_t i = 0; i < discovery->step_count; i++) {
		const struct discovery_step *step = &discovery->steps[i];

		fprintf(to, "%s%-8s %s: %s\n", lead, sign_of(step->result),
			step->where, step->text);
	}
}

static void
print_certificate(const struct probe *probe, const char *lead, FILE *to)
{
	const struct tls_peer *certificate = &probe->certificate;
	int64_t left =
		certificate->good_until_seconds - (int64_t)clock_wall_seconds();

	fprintf(to, "%scertificate   for %s; by %s; good for %lld days\n", lead,
		certificate->names, certificate->issuer,
		(long long)(left / 86400));
	fprintf(to, "%skey           %s\n", lead, certificate->pin);
}

static void
print_lacks(const struct probe *probe, const char *lead, FILE *to)
{
	if (!probe->capabilities[0])
		fprintf(to,
			"%snote          it has no CAPA: what it can do is "
			"seen when it is collected from\n",
			lead);
	else if (!probe->has_uidl)
		fprintf(to,
			"%snote          it does not announce UIDL, without "
			"which nothing can be collected twice\n",
			lead);
	else if (!probe->has_pipelining)
		fprintf(to,
			"%snote          it has no PIPELINING: many small "
			"messages take long\n",
			lead);
}

void
finding_print_server(
	const struct discovery *discovery, const char *lead, FILE *to)
{
	const struct named_server *server = &discovery->server;
	const struct probe *probe = &discovery->probe;

	fprintf(to, "%sserver        %s:%u (%s), %llu ms\n", lead, server->host,
		server->port, probe->addresses,
		(unsigned long long)probe->took_ms);
	fprintf(to, "%snamed by      %s; DNSSEC is not checked\n", lead,
		discovery_source_name(discovery->source));
	fprintf(to, "%strust         %s\n", lead,
		discovery_trust_text(discovery->trust));
	fprintf(to, "%sTLS           %s%s, verified\n", lead,
		server->tls == ACCOUNT_TLS_STARTTLS ? "by STLS, " : "",
		probe->tls);
	print_certificate(probe, lead, to);
	if (probe->is_for_domain)
		fprintf(to, "%s              and for %s\n", lead,
			discovery->who.domain);
	fprintf(to, "%sgreeting      %s\n", lead, probe->greeting);
	fprintf(to, "%scapabilities  %s\n", lead, probe->capabilities);
	print_lacks(probe, lead, to);
	if (server->wants_oauth)
		fprintf(to,
			"%snote          it is said to want OAuth2, and to "
			"take no password\n",
			lead);
}
