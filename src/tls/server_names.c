/* SPDX-License-Identifier: ISC */
/*
 * Which certificate for which name. One table, sorted by name: sections before
 * the names that certificates carry, then in the order they came.
 */
#include "tls/certificate.h"
#include "tls/context.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SECTIONS_MAXIMUM 1024
#define NAMES_MAXIMUM	 65536
#define NAME_SIZE	 256

struct server_name {
	char *name; /* lower case; "*.example.org" stands for one label */
	SSL_CTX *ctx;
	size_t order;
	bool is_of_certificate;
};

struct section {
	char *name;
	SSL_CTX *ctx; /* with a reference, and so valid in the table too */
};

struct server_names {
	struct section sections[SECTIONS_MAXIMUM];
	struct server_name *table;
	size_t section_count, count;
	bool is_sorted;
};

/* False: too long for a name. */
static bool
to_lower(const char *name, char out[NAME_SIZE])
{
	size_t octets = strlen(name);

	if (octets >= NAME_SIZE)
		return false;
	for (size_t i = 0; i <= octets; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	return true;
}

/* ---- looking up ---- */

static int
compare(const void *one, const void *other)
{
	const struct server_name *a = one, *b = other;
	int by_name = strcmp(a->name, b->name);

	if (by_name != 0)
		return by_name;
	if (a->is_of_certificate != b->is_of_certificate)
		return a->is_of_certificate ? 1 : -1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* The first of that name. */
static SSL_CTX *
find(const struct server_names *names, const char *name)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(names->table[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < names->count && strcmp(names->table[low].name, name) == 0)
		return names->table[low].ctx;
	return NULL;
}

/* As it stands, else with its first label as "*". */
static SSL_CTX *
choose(struct server_names *names, const char *wanted)
{
	char name[NAME_SIZE + 1];
	SSL_CTX *ctx;
	char *dot;

	if (!to_lower(wanted, name))
		return NULL;
	if (!names->is_sorted && names->count > 0)
		qsort(names->table, names->count, sizeof(*names->table),
			compare);
	names->is_sorted = true;
	ctx = find(names, name);
	dot = strchr(name, '.');
	if (ctx || !dot || dot == name)
		return ctx;
	*--dot = '*';
	return find(names, dot);
}

static int
on_server_name(SSL *ssl, int *alert, void *context)
{
	const char *wanted = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = wanted ? choose(context, wanted) : NULL;

	if (!ctx || !SSL_set_SSL_CTX(ssl, ctx))
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_TLSEXT_ERR_OK;
}

/* ---- filling ---- */

static bool
add(struct server_names *names, const char *name, SSL_CTX *ctx,
	bool is_of_certificate)
{
	size_t count = names->count;
	struct server_name *more = names->table;
	char lower[NAME_SIZE];

	if (count == NAMES_MAXIMUM || !to_lower(name, lower))
		return false;
	/* Doubled at each power of two. */
	if ((count & (count - 1)) == 0)
		more = realloc(more, (count ? 2 * count : 1) * sizeof(*more));
	if (!more)
		return false;
	names->table = more;
	more[count] = (struct server_name){
		strdup(lower), ctx, count, is_of_certificate};
	if (!more[count].name)
		return false;
	names->count++;
	names->is_sorted = false;
	return true;
}

SSL_CTX *
server_names_section(struct server_names *names, const char *name)
{
	/* The pairs of a section come one after the other. */
	for (size_t i = names->section_count; i-- > 0;)
		if (strcmp(names->sections[i].name, name) == 0)
			return names->sections[i].ctx;
	return NULL;
}

bool
server_names_add_section(
	struct server_names *names, const char *name, SSL_CTX *ctx)
{
	struct section *section = &names->sections[names->section_count];

	if (names->section_count == SECTIONS_MAXIMUM ||
		!add(names, name, ctx, false))
		return false;
	section->name = names->table[names->count - 1].name;
	section->ctx = ctx;
	SSL_CTX_up_ref(ctx);
	names->section_count++;
	return true;
}

struct adding {
	struct server_names *names;
	SSL_CTX *ctx;
	bool is_good;
};

static void
add_one(const char *name, void *context)
{
	struct adding *adding = context;

	adding->is_good =
		adding->is_good && add(adding->names, name, adding->ctx, true);
}

bool
server_names_add_certificate(
	struct server_names *names, const X509 *certificate, SSL_CTX *ctx)
{
	struct adding adding = {names, ctx, true};

	certificate_each_name(certificate, add_one, &adding);
	return adding.is_good;
}

void
server_names_each(struct server_names *names,
	void (*each)(SSL_CTX *ctx, const void *context), const void *context)
{
	for (size_t i = 0; i < names->section_count; i++)
		each(names->sections[i].ctx, context);
}

/* ---- life ---- */

/* With the context that it hangs on: connections may outlive ours. */
static void
free_names(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long argl,
	void *argp)
{
	struct server_names *names = data;

	if (!names)
		return;
	for (size_t i = 0; i < names->section_count; i++)
		SSL_CTX_free(names->sections[i].ctx);
	for (size_t i = 0; i < names->count; i++)
		free(names->table[i].name);
	free(names->table);
	free(names);
}

static int
names_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(
			0, NULL, NULL, NULL, free_names);
	return index;
}

struct server_names *
server_names_attach(SSL_CTX *main)
{
	struct server_names *names = calloc(1, sizeof(*names));

	if (!names || SSL_CTX_set_ex_data(main, names_index(), names) != 1) {
		free(names);
		return NULL;
	}
	SSL_CTX_set_tlsext_servername_callback(main, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(main, names);
	return names;
}
