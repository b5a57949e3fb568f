/* SPDX-License-Identifier: ISC */
#include "collect/discovery/probe.h"
#include "base/clock.h"
#include "base/log.h"
#include "collect/stream.h"

#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct probing {
	const struct probe_options *options;
	struct probe *out;
	struct stream *stream;
	char server[HOST_SIZE + 16]; /* the stream's */
};

__attribute__((format(printf, 3, 4))) static bool
fail(struct probe *probe, enum outcome outcome, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(probe->error, sizeof(probe->error), format, arguments);
	va_end(arguments);
	probe->outcome = outcome;
	return false;
}

/* A server's words, without quotes around them. */
static void
keep_text(char *out, size_t size, const char *text)
{
	char quoted[LOG_QUOTED_OCTETS];
	size_t octets;

	log_quote(quoted, bytes_of_string(text));
	octets = strlen(quoted);
	snprintf(out, size, "%.*s", octets > 2 ? (int)octets - 2 : 0,
		quoted + 1);
}

/* ---- name and port ---- */

/* As the collector itself does, when no resolver is given. */
static bool
find_by_system(
	struct probing *p, const char *host, struct resolver_addresses *found)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
	int code = getaddrinfo(host, NULL, &hints, &all);

	found->count = 0;
	if (code != 0)
		return fail(p->out, ERR_TRY_LATER, "cannot find %s: %s", host,
			gai_strerror(code));
	for (struct addrinfo *one = all;
		one && found->count < RESOLVER_ADDRESSES_MAXIMUM;
		one = one->ai_next)
		if (getnameinfo(one->ai_addr, one->ai_addrlen,
			    found->texts[found->count], RESOLVER_ADDRESS_SIZE,
			    NULL, 0, NI_NUMERICHOST) == 0)
			found->count++;
	freeaddrinfo(all);
	return found->count > 0 ||
	       fail(p->out, ERR_TRY_LATER, "%s has no address", host);
}

static bool
find_addresses(
	struct probing *p, const char *host, struct resolver_addresses *found)
{
	const struct probe_options *options = p->options;
	struct resolver *resolver = options->network->resolver;
	size_t used = 0;

	enum resolver_answer answer = RESOLVER_FOUND;

	if (options->addresses)
		*found = *options->addresses;
	else if (!resolver && !find_by_system(p, host, found))
		return false;
	else if (resolver)
		answer = resolver_find_addresses(resolver, host, found);
	if (answer == RESOLVER_NONE)
		return fail(
			p->out, ERR_PEER, "there is no such name as %s", host);
	if (answer == RESOLVER_FAILED)
		return fail(p->out, ERR_TRY_LATER, "%s is not found: %s", host,
			resolver_error(resolver));
	for (size_t i = 0; i < found->count && used < PROBE_TEXT_SIZE; i++)
		used += (size_t)snprintf(p->out->addresses + used,
			PROBE_TEXT_SIZE - used, "%s%s", i ? ", " : "",
			found->texts[i]);
	p->out->is_done[PROBE_FOUND] = true;
	return true;
}

static bool
connect_to(struct probing *p, const char *host, uint16_t port)
{
	const struct network *network = p->options->network;
	char error[STREAM_ERROR_SIZE];
	struct stream_options options = {
		.server = p->server,
		.default_port = "",
		.name = p->options->host,
		.proxy = network->proxy,
		.tls = network->tls,
		.timeout_seconds = p->options->step_seconds,
	};
	enum outcome outcome;

	snprintf(p->server, sizeof(p->server),
		strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
	outcome = stream_open(&options, &p->stream, error);
	return outcome == OK || fail(p->out, outcome, "%s", error);
}

static bool
connect_to_any(struct probing *p, const char *host, uint16_t port)
{
	struct resolver_addresses found;
	bool is_open = false;

	if (!find_addresses(p, host, &found))
		return false;
	for (size_t i = 0; i < found.count && !is_open; i++)
		is_open = connect_to(p, found.texts[i], port);
	return is_open;
}

static bool
open_port(struct probing *p)
{
	const struct network *network = p->options->network;
	const char *host = p->options->host;
	uint16_t port = p->options->port;
	bool is_open;

	detours_apply(&network->detours, &host, &port);
	if (network->proxy) {
		snprintf(p->out->addresses, PROBE_TEXT_SIZE, "by the proxy %s",
			network->proxy->host);
		p->out->is_done[PROBE_FOUND] = true;
		is_open = connect_to(p, host, port);
	} else {
		is_open = connect_to_any(p, host, port);
	}
	p->out->is_done[PROBE_CONNECTED] = is_open;
	return is_open;
}

/* ---- dialog ---- */

static bool
lost(struct probing *p, enum outcome outcome, const char *when)
{
	return fail(p->out, outcome, "%s: %s", when, stream_error(p->stream));
}

/* False: there is none, or it is not +OK. */
static bool
read_reply(struct probing *p, const char *when, const char **out_line)
{
	enum outcome outcome = stream_read_line(p->stream, out_line);
	char said[PROBE_TEXT_SIZE];

	if (outcome != OK)
		return lost(p, outcome, when);
	if (strncmp(*out_line, "+OK", 3) == 0)
		return true;
	keep_text(said, sizeof(said), *out_line);
	if (strncmp(*out_line, "-ERR", 4) == 0)
		return fail(p->out, ERR_TRY_LATER, "%s: it says %.200s", when,
			said);
	return fail(p->out, ERR_PEER, "%s: it does not speak POP3: %.200s",
		when, said);
}

static bool
greet(struct probing *p)
{
	const char *line;

	if (!read_reply(p, "greeting", &line))
		return false;
	keep_text(p->out->greeting, PROBE_TEXT_SIZE, line);
	p->out->is_done[PROBE_GREETED] = true;
	return true;
}

static bool
say(struct probing *p, const char *command)
{
	enum outcome outcome =
		stream_write(p->stream, bytes_of_string(command));

	return outcome == OK || lost(p, outcome, "sending");
}

/* "SASL PLAIN LOGIN": is it that verb? Then what follows. */
static const char *
after_verb(const char *line, const char *verb)
{
	size_t octets = strlen(verb);

	if (strncasecmp(line, verb, octets) != 0 ||
		(line[octets] != ' ' && line[octets] != '\0'))
		return NULL;
	return line[octets] ? line + octets + 1 : line + octets;
}

static void
take_capability(struct probe *probe, const char *line)
{
	size_t used = strlen(probe->capabilities);
	const char *mechanisms = after_verb(line, "SASL");
	char text[PROBE_TEXT_SIZE];

	keep_text(text, sizeof(text), line);
	snprintf(probe->capabilities + used, PROBE_CAPABILITIES_SIZE - used,
		"%s%s", used ? " | " : "", text);
	probe->has_uidl |= after_verb(line, "UIDL") != NULL;
	probe->has_pipelining |= after_verb(line, "PIPELINING") != NULL;
	probe->has_stls |= after_verb(line, "STLS") != NULL;
	probe->has_login |= after_verb(line, "USER") != NULL || mechanisms;
	if (mechanisms)
		keep_text(probe->mechanisms, PROBE_TEXT_SIZE, mechanisms);
}

static void
forget_capabilities(struct probe *probe)
{
	probe->capabilities[0] = probe->mechanisms[0] = '\0';
	probe->has_uidl = probe->has_pipelining = false;
	probe->has_stls = probe->has_login = false;
}

/* A server may have no CAPA. */
static bool
ask_capabilities(struct probing *p)
{
	const char *line = "";
	enum outcome outcome;

	forget_capabilities(p->out);
	if (!say(p, "CAPA\r\n"))
		return false;
	outcome = stream_read_line(p->stream, &line);
	if (outcome != OK)
		return lost(p, outcome, "CAPA");
	if (strncmp(line, "-ERR", 4) == 0)
		return true;
	if (strncmp(line, "+OK", 3) != 0)
		return fail(p->out, ERR_PEER,
			"CAPA: it answers neither +OK nor -ERR");
	for (int i = 0; i < PROBE_CAPA_MAXIMUM; i++) {
		outcome = stream_read_line(p->stream, &line);
		if (outcome != OK)
			return lost(p, outcome, "CAPA");
		if (strcmp(line, ".") == 0)
			return true;
		take_capability(p->out, line);
	}
	return fail(p->out, ERR_PEER, "CAPA: it has more than %d lines",
		PROBE_CAPA_MAXIMUM);
}

static bool
secure(struct probing *p)
{
	enum outcome outcome = stream_start_tls(p->stream);
	const struct tls *tls = stream_tls(p->stream);
	struct probe *out = p->out;

	out->has_certificate =
		tls && tls_peer_certificate(tls, &out->certificate);
	out->is_for_domain = out->has_certificate && p->options->domain &&
			     tls_peer_is_for(tls, p->options->domain);
	if (outcome != OK)
		return lost(p, outcome, "TLS");
	snprintf(out->tls, sizeof(out->tls), "%s", tls_description(tls));
	out->is_done[PROBE_SECURED] = true;
	return true;
}

static bool
start_tls(struct probing *p)
{
	const char *line;

	if (!ask_capabilities(p))
		return false;
	if (!p->out->has_stls)
		return fail(p->out, ERR_DENIED,
			"it offers no TLS (no STLS in CAPA)");
	return say(p, "STLS\r\n") && read_reply(p, "STLS", &line) && secure(p);
}

static bool
talk(struct probing *p)
{
	bool is_good;

	switch (p->options->tls) {
	case ACCOUNT_TLS_IMPLICIT:
		is_good = secure(p) && greet(p);
		break;
	case ACCOUNT_TLS_STARTTLS:
		is_good = greet(p) && start_tls(p);
		break;
	case ACCOUNT_TLS_NONE:
	default:
		is_good = greet(p);
		break;
	}
	if (!is_good || !ask_capabilities(p))
		return false;
	p->out->is_done[PROBE_ASKED] = true;
	return say(p, "QUIT\r\n");
}

void
probe_server(const struct probe_options *options, struct probe *out)
{
	struct probing probing = {.options = options, .out = out};
	uint64_t began_ms = clock_monotonic_ms();

	*out = (struct probe){.outcome = OK};
	if (open_port(&probing) && talk(&probing))
		out->outcome = OK;
	out->took_ms = clock_monotonic_ms() - began_ms;
	stream_close(&probing.stream);
}

bool
probe_is_good(const struct probe *probe)
{
	return probe->outcome == OK && probe->is_done[PROBE_ASKED];
}
