/* SPDX-License-Identifier: ISC */
#include "collect/discovery/guess.h"

#include <stdio.h>
#include <uv.h>

#define STEP_SECONDS 5

/* By name, then by port: 995 of any before 110. */
static const char *const prefixes[] = {"pop.", "pop3.", "mail.", ""};
#define PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))

struct guessing {
	struct guess *guess;
	struct probe_options options;
	struct resolver_addresses addresses;
	uv_thread_t thread;
	bool is_running;
};

/* Before the threads begin: the resolver is used by one at a time. False: nobody
 * has the name. */
static bool
find(const struct network *network, const char *host, uint16_t port,
	struct resolver_addresses *out)
{
	detours_apply(&network->detours, &host, &port);
	return !network->resolver /* the proxy finds it */ ||
	       resolver_find_addresses(network->resolver, host, out) ==
		       RESOLVER_FOUND;
}

static void
work(void *context)
{
	struct guessing *guessing = context;

	probe_server(&guessing->options, &guessing->guess->probe);
}

static void
set(struct guessing *guessing, const struct network *network,
	const struct mail_address *who)
{
	struct named_server *server = &guessing->guess->server;

	snprintf(server->user, sizeof(server->user), "%s", who->address);
	guessing->options = (struct probe_options){
		.network = network,
		.host = server->host,
		.port = server->port,
		.tls = server->tls,
		.domain = who->domain,
		.step_seconds = STEP_SECONDS,
		.addresses = &guessing->addresses,
	};
}

static size_t
choose(struct guessing guessings[GUESSES_MAXIMUM],
	const struct network *network, const struct mail_address *who,
	struct guess *out)
{
	size_t count = 0;

	for (size_t i = 0; i < GUESSES_MAXIMUM; i++) {
		bool is_tls_first = i < PREFIXES;
		struct guessing *guessing = &guessings[count];
		struct named_server *server = &out[count].server;

		*server = (struct named_server){
			.port = is_tls_first ? 995 : 110,
			.tls = is_tls_first ? ACCOUNT_TLS_IMPLICIT
					    : ACCOUNT_TLS_STARTTLS,
		};
		if (snprintf(server->host, HOST_SIZE, "%s%s",
			    prefixes[i % PREFIXES], who->domain) >= HOST_SIZE ||
			!find(network, server->host, server->port,
				&guessing->addresses))
			continue;
		guessing->guess = &out[count++];
		set(guessing, network, who);
	}
	return count;
}

size_t
guess_servers(const struct network *network, const struct mail_address *who,
	struct guess out[GUESSES_MAXIMUM])
{
	struct guessing guessings[GUESSES_MAXIMUM] = {{0}};
	size_t count = choose(guessings, network, who, out);

	for (size_t i = 0; i < count; i++) {
		guessings[i].is_running = uv_thread_create(&guessings[i].thread,
						  work, &guessings[i]) == 0;
		if (!guessings[i].is_running)
			work(&guessings[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (guessings[i].is_running)
			uv_thread_join(&guessings[i].thread);
	return count;
}
