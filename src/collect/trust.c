/* SPDX-License-Identifier: ISC */
#include "collect/trust.h"
#include "collect/secret_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trust {
	struct trust *next;
	struct tls_context *context;
	char *ca_file, *pins, *certificate, *key;
	unsigned users;
};

static void
free_trust(struct trust **trust)
{
	tls_context_free(&(*trust)->context);
	free((*trust)->ca_file);
	free((*trust)->pins);
	free((*trust)->certificate);
	free((*trust)->key);
	free(*trust);
	*trust = NULL;
}

/* ---- what is shown ---- */

static enum outcome
check_key(const char *path, char error[TLS_ERROR_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char problem[INI_ERROR_SIZE];
	enum outcome outcome;

	if (fd < 0) {
		snprintf(error, TLS_ERROR_SIZE, "tls-key %.200s: %s", path,
			strerror(errno));
		return ERR_DENIED;
	}
	outcome = secret_source_check_file(fd, path, problem);
	close(fd);
	if (outcome != OK)
		snprintf(error, TLS_ERROR_SIZE, "tls-key %.360s", problem);
	return outcome;
}

static enum outcome
show_certificate(struct trust *trust, char error[TLS_ERROR_SIZE])
{
	char certificate[PATH_MAX], key[PATH_MAX];
	enum outcome outcome;

	if (!trust->certificate[0])
		return OK;
	if (!account_expand(
		    trust->certificate, certificate, sizeof(certificate)) ||
		!account_expand(trust->key, key, sizeof(key))) {
		snprintf(error, TLS_ERROR_SIZE,
			"tls-certificate or tls-key is too long a path");
		return ERR_PEER;
	}
	outcome = check_key(key, error);
	if (outcome == OK)
		outcome = tls_context_set_certificate(
			trust->context, certificate, key, error);
	return outcome;
}

/* ---- what is trusted ---- */

static enum outcome
make_context(struct trust *trust, char error[TLS_ERROR_SIZE])
{
	struct tls_pins parsed;
	char path[PATH_MAX];
	enum outcome outcome = ERR_PEER;

	if (!account_expand(trust->ca_file, path, sizeof(path)))
		snprintf(error, TLS_ERROR_SIZE, "ca-file is too long a path");
	else if (!tls_pins_parse(trust->pins, &parsed))
		snprintf(error, TLS_ERROR_SIZE, "tls-pin is no list of pins");
	else
		outcome = tls_client_context_new(
			path[0] ? path : NULL, &trust->context, error);
	if (outcome == OK)
		tls_context_set_pins(trust->context, &parsed);
	return outcome;
}

static enum outcome
make(const struct trust_wants *wants, struct trust **out,
	char error[TLS_ERROR_SIZE])
{
	struct trust *trust = calloc(1, sizeof(*trust));
	enum outcome outcome = ERR_TRY_LATER;

	snprintf(error, TLS_ERROR_SIZE, "no memory");
	if (!trust)
		return ERR_TRY_LATER;
	trust->ca_file = strdup(wants->ca_file);
	trust->pins = strdup(wants->pins);
	trust->certificate = strdup(wants->certificate);
	trust->key = strdup(wants->key);
	if (trust->ca_file && trust->pins && trust->certificate && trust->key)
		outcome = make_context(trust, error);
	if (outcome == OK)
		outcome = show_certificate(trust, error);
	if (outcome == OK)
		*out = trust;
	else
		free_trust(&trust);
	return outcome;
}

/* ---- sharing ---- */

static bool
is_wanted(const struct trust *trust, const struct trust_wants *wants)
{
	return strcmp(trust->ca_file, wants->ca_file) == 0 &&
	       strcmp(trust->pins, wants->pins) == 0 &&
	       strcmp(trust->certificate, wants->certificate) == 0 &&
	       strcmp(trust->key, wants->key) == 0;
}

enum outcome
trust_take(struct trust **list, const struct trust_wants *wants,
	struct trust **out, char error[TLS_ERROR_SIZE])
{
	struct trust *trust = *list;
	enum outcome outcome;

	while (trust && !is_wanted(trust, wants))
		trust = trust->next;
	if (!trust) {
		outcome = make(wants, &trust, error);
		if (outcome != OK)
			return outcome;
		trust->next = *list;
		*list = trust;
	}
	trust->users++;
	*out = trust;
	return OK;
}

struct trust_wants
trust_of_account(const struct collect_account *account)
{
	return (struct trust_wants){account->ca_file, account->tls_pin,
		account->tls_certificate, account->tls_key};
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
