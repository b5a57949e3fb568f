/* SPDX-License-Identifier: ISC */
#include "collect/discovery/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SERVICE_NAME_SIZE (HOST_SIZE + 32)
#define TRIES		  2
/* Servers that let so many questions wait are not asked again. */
#define TIMEOUTS_MAXIMUM 2

struct resolver {
	ares_channel channel;
	/* of the query under way */
	bool is_over;
	int status;
	unsigned timeouts; /* in a row */
	struct resolver_addresses addresses;
	struct resolver_records records;
	struct resolver_texts texts;
	int type; /* of the texts */
	bool (*parse)(struct resolver *resolver, const unsigned char *answer,
		int octets);
	char error[RESOLVER_ERROR_SIZE];
};

/* ---- the library ---- */

static bool
load_library(void)
{
	static bool is_loaded;

	if (!is_loaded)
		is_loaded =
			ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
	return is_loaded;
}

struct resolver *
resolver_new(const char *servers, char error[RESOLVER_ERROR_SIZE])
{
	struct ares_options options = {
		.timeout = RESOLVER_TIMEOUT_MS, .tries = TRIES};
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int code = ARES_ENOMEM;

	if (resolver && load_library())
		code = ares_init_options(&resolver->channel, &options,
			ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
	if (code != ARES_SUCCESS) {
		snprintf(error, RESOLVER_ERROR_SIZE, "DNS cannot be used: %s",
			ares_strerror(code));
		free(resolver);
		return NULL;
	}
	if (servers)
		code = ares_set_servers_ports_csv(resolver->channel, servers);
	if (code == ARES_SUCCESS)
		return resolver;
	snprintf(error, RESOLVER_ERROR_SIZE,
		"%.60s is no DNS server: an address is one, or ADDRESS:PORT",
		servers);
	resolver_free(&resolver);
	return NULL;
}

void
resolver_free(struct resolver **resolver)
{
	if (!*resolver)
		return;
	ares_destroy((*resolver)->channel);
	free(*resolver);
	*resolver = NULL;
}

const char *
resolver_error(const struct resolver *resolver)
{
	return resolver->error;
}

/* ---- waiting ---- */

static void
wait_a_step(struct resolver *resolver)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	struct timeval most = {.tv_sec = 1}, left;
	int bits =
		ares_getsock(resolver->channel, sockets, ARES_GETSOCK_MAXNUM);
	const struct timeval *wait =
		ares_timeout(resolver->channel, &most, &left);
	int count = 0, ready;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = 0;

		if (bits >> i & 1)
			events |= POLLIN;
		if (bits >> (i + ARES_GETSOCK_MAXNUM) & 1)
			events |= POLLOUT;
		if (events)
			fds[count++] = (struct pollfd){
				.fd = sockets[i], .events = events};
	}
	ready = poll(fds, (nfds_t)count,
		(int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
	for (int i = 0; i < count && ready > 0; i++)
		if (fds[i].revents)
			ares_process_fd(resolver->channel, fds[i].fd,
				fds[i].events & POLLOUT ? fds[i].fd
							: ARES_SOCKET_BAD);
	if (ready <= 0)
		ares_process_fd(
			resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static enum resolver_answer
wait_for_answer(struct resolver *resolver)
{
	while (!resolver->is_over)
		wait_a_step(resolver);
	if (resolver->status == ARES_ETIMEOUT)
		resolver->timeouts++;
	else
		resolver->timeouts = 0;
	switch (resolver->status) {
	case ARES_SUCCESS:
		return RESOLVER_FOUND;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		return RESOLVER_NONE;
	default:
		snprintf(resolver->error, sizeof(resolver->error), "DNS: %s",
			ares_strerror(resolver->status));
		return RESOLVER_FAILED;
	}
}

static bool
is_given_up(struct resolver *resolver)
{
	if (resolver->timeouts < TIMEOUTS_MAXIMUM)
		return false;
	snprintf(resolver->error, sizeof(resolver->error),
		"DNS: the servers do not answer");
	return true;
}

/* ---- addresses ---- */

static void
on_addresses(
	void *context, int status, int timeouts, struct ares_addrinfo *found)
{
	struct resolver *resolver = context;
	struct resolver_addresses *to = &resolver->addresses;

	resolver->is_over = true;
	resolver->status = status;
	if (status != ARES_SUCCESS)
		return;
	for (struct ares_addrinfo_node *node = found->nodes;
		node && to->count < RESOLVER_ADDRESSES_MAXIMUM;
		node = node->ai_next)
		if (getnameinfo(node->ai_addr, node->ai_addrlen,
			    to->texts[to->count], RESOLVER_ADDRESS_SIZE, NULL,
			    0, NI_NUMERICHOST) == 0)
			to->count++;
	ares_freeaddrinfo(found);
	if (to->count == 0)
		resolver->status = ARES_ENODATA;
}

enum resolver_answer
resolver_find_addresses(struct resolver *resolver, const char *host,
	struct resolver_addresses *out)
{
	struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	enum resolver_answer answer;

	if (is_given_up(resolver))
		return RESOLVER_FAILED;
	resolver->is_over = false;
	resolver->addresses.count = 0;
	ares_getaddrinfo(
		resolver->channel, host, NULL, &hints, on_addresses, resolver);
	answer = wait_for_answer(resolver);
	if (answer == RESOLVER_FOUND)
		*out = resolver->addresses;
	return answer;
}

/* ---- records ---- */

static void
add_record(struct resolver *resolver, const char *host, uint16_t port,
	unsigned priority, unsigned weight)
{
	struct resolver_records *to = &resolver->records;
	size_t at = to->count;
	char name[HOST_SIZE];

	if (at == RESOLVER_RECORDS_MAXIMUM || !host_name_normalize(host, name))
		return;
	/* Lower priority first, then the heavier. */
	while (at > 0 && (to->rows[at - 1].priority > priority ||
				 (to->rows[at - 1].priority == priority &&
					 to->rows[at - 1].weight < weight))) {
		to->rows[at] = to->rows[at - 1];
		at--;
	}
	snprintf(to->rows[at].host, HOST_SIZE, "%s", name);
	to->rows[at].port = port;
	to->rows[at].priority = priority;
	to->rows[at].weight = weight;
	to->count++;
}

static bool
parse_services(
	struct resolver *resolver, const unsigned char *answer, int octets)
{
	struct ares_srv_reply *found = NULL;

	if (ares_parse_srv_reply(answer, octets, &found) != ARES_SUCCESS)
		return false;
	for (struct ares_srv_reply *one = found; one; one = one->next)
		if (one->port > 0)
			add_record(resolver, one->host, one->port,
				one->priority, one->weight);
	ares_free_data(found);
	return true;
}

static bool
parse_exchanges(
	struct resolver *resolver, const unsigned char *answer, int octets)
{
	struct ares_mx_reply *found = NULL;

	if (ares_parse_mx_reply(answer, octets, &found) != ARES_SUCCESS)
		return false;
	for (struct ares_mx_reply *one = found; one; one = one->next)
		add_record(resolver, one->host, 0, one->priority, 0);
	ares_free_data(found);
	return true;
}

static void
on_records(void *context, int status, int timeouts, unsigned char *answer,
	int octets)
{
	struct resolver *resolver = context;

	resolver->is_over = true;
	resolver->status = status;
	if (status != ARES_SUCCESS)
		return;
	if (!resolver->parse(resolver, answer, octets))
		resolver->status = ARES_EBADRESP;
	else if (resolver->records.count == 0)
		resolver->status = ARES_ENODATA;
}

static enum resolver_answer
find_records(struct resolver *resolver, const char *name, int type,
	struct resolver_records *out)
{
	enum resolver_answer answer;

	if (is_given_up(resolver))
		return RESOLVER_FAILED;
	resolver->is_over = false;
	resolver->records.count = 0;
	ares_query(resolver->channel, name, C_IN, type, on_records, resolver);
	answer = wait_for_answer(resolver);
	if (answer == RESOLVER_FOUND)
		*out = resolver->records;
	return answer;
}

enum resolver_answer
resolver_find_services(struct resolver *resolver, const char *service,
	const char *domain, struct resolver_records *out)
{
	char name[SERVICE_NAME_SIZE];

	snprintf(name, sizeof(name), "%s.%s", service, domain);
	resolver->parse = parse_services;
	return find_records(resolver, name, T_SRV, out);
}

enum resolver_answer
resolver_find_exchanges(struct resolver *resolver, const char *domain,
	struct resolver_records *out)
{
	resolver->parse = parse_exchanges;
	return find_records(resolver, domain, T_MX, out);
}

static bool
parse_texts(struct resolver *resolver, const unsigned char *answer, int octets)
{
	if (!resolver_read_texts(
		    answer, octets, resolver->type, &resolver->texts))
		return false;
	resolver->records.count = resolver->texts.count;
	return true;
}

enum resolver_answer
resolver_find_texts(struct resolver *resolver, const char *name,
	const char *type, struct resolver_texts *out)
{
	struct resolver_records none;
	enum resolver_answer answer;

	resolver->parse = parse_texts;
	resolver->type = resolver_type(type);
	answer = find_records(resolver, name, resolver->type, &none);
	if (answer == RESOLVER_FOUND)
		*out = resolver->texts;
	return answer;
}
