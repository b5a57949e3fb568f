/* SPDX-License-Identifier: ISC */
#include "collect/trust.h"
#include "collect/account.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trust {
	struct trust *next;
	struct tls_context *context;
	char *ca_file, *pins;
	unsigned users;
};

static void
free_trust(struct trust **trust)
{
	tls_context_free(&(*trust)->context);
	free((*trust)->ca_file);
	free((*trust)->pins);
	free(*trust);
	*trust = NULL;
}

static enum outcome
make(const char *ca_file, const char *pins, struct trust **out,
	char error[TLS_ERROR_SIZE])
{
	struct trust *trust = calloc(1, sizeof(*trust));
	enum outcome outcome = ERR_PEER;
	struct tls_pins parsed;
	char path[PATH_MAX];

	snprintf(error, TLS_ERROR_SIZE, "no memory");
	if (!trust)
		return ERR_TRY_LATER;
	trust->ca_file = strdup(ca_file);
	trust->pins = strdup(pins);
	if (!trust->ca_file || !trust->pins)
		outcome = ERR_TRY_LATER;
	else if (!account_expand(ca_file, path, sizeof(path)))
		snprintf(error, TLS_ERROR_SIZE, "ca-file is too long a path");
	else if (!tls_pins_parse(pins, &parsed))
		snprintf(error, TLS_ERROR_SIZE, "tls-pin is no list of pins");
	else
		outcome = tls_client_context_new(
			path[0] ? path : NULL, &trust->context, error);
	if (outcome != OK) {
		free_trust(&trust);
		return outcome;
	}
	tls_context_set_pins(trust->context, &parsed);
	*out = trust;
	return OK;
}

enum outcome
trust_take(struct trust **list, const char *ca_file, const char *pins,
	struct trust **out, char error[TLS_ERROR_SIZE])
{
	struct trust *trust = *list;
	enum outcome outcome = OK;

	while (trust && (strcmp(trust->ca_file, ca_file) != 0 ||
				strcmp(trust->pins, pins) != 0))
		trust = trust->next;
	if (!trust) {
		outcome = make(ca_file, pins, &trust, error);
		if (outcome != OK)
			return outcome;
		trust->next = *list;
		*list = trust;
	}
	trust->users++;
	*out = trust;
	return OK;
}

struct tls_context *
trust_context(const struct trust *trust)
{
	return trust->context;
}

void
trust_give_back(struct trust **list, struct trust **trust)
{
	struct trust **at = list;

	if (!*trust)
		return;
	if (--(*trust)->users == 0) {
		while (*at != *trust)
			at = &(*at)->next;
		*at = (*trust)->next;
		free_trust(trust);
	}
	*trust = NULL;
}
