/* SPDX-License-Identifier: ISC */
#include "tls/certificate_set.h"
#include "base/file.h"
#include "tls/signing_key.h"
#include "tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- life ---- */

static char *
copy_of(struct bytes text)
{
	return strndup((const char *)text.at, text.octets);
}

static void
release_pair(struct certificate_pair *pair)
{
	free(pair->name);
	free(pair->certificate_file);
	free(pair->key_file);
	buffer_release(&pair->certificate);
	buffer_wipe(&pair->key);
}

struct listing {
	struct certificate_set set;
	bool is_good;
};

static void
add(const char *name, struct bytes certificate, struct bytes key, void *context)
{
	struct listing *listing = context;
	size_t count = listing->set.count;
	struct certificate_pair *more = realloc(
		listing->set.pairs, (count + 1) * sizeof(*listing->set.pairs));
	struct certificate_pair *pair;

	if (!more) {
		listing->is_good = false;
		return;
	}
	listing->set.pairs = more;
	listing->set.count++;
	pair = &more[count];
	*pair = (struct certificate_pair){.name = strdup(name),
		.certificate_file = copy_of(certificate),
		.key_file = copy_of(key)};
	buffer_init(&pair->certificate, CERTIFICATE_FILE_MAXIMUM_OCTETS);
	buffer_init(&pair->key, CERTIFICATE_FILE_MAXIMUM_OCTETS);
	if (!pair->name || !pair->certificate_file || !pair->key_file)
		listing->is_good = false;
}

static void
add_made(const struct server_settings *settings, struct listing *listing)
{
	char certificate[4096], key[4096];

	snprintf(certificate, sizeof(certificate), "%s/tls/certificate.pem",
		settings->state);
	snprintf(key, sizeof(key), "%s/tls/key.pem", settings->state);
	add("", bytes_of_string(certificate), bytes_of_string(key), listing);
	if (listing->is_good)
		listing->set.pairs[0].is_made = true;
}

bool
certificate_set_list(
	const struct server_settings *settings, struct certificate_set *out)
{
	struct listing listing = {.is_good = true};

	if (!settings->certificate[0])
		add_made(settings, &listing);
	server_settings_each_pair(settings, add, &listing);
	if (listing.is_good)
		*out = listing.set;
	else
		certificate_set_release(&listing.set);
	return listing.is_good;
}

void
certificate_set_release(struct certificate_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		release_pair(&set->pairs[i]);
	free(set->pairs);
	*set = (struct certificate_set){0};
}

/* ---- files ---- */

static struct certificate_stamp
stamp_of(const char *file, mode_t *out_mode)
{
	struct certificate_stamp stamp = {0};
	struct stat found;

	*out_mode = 0;
	if (stat(file, &found) == 0) {
		stamp = (struct certificate_stamp){.device = found.st_dev,
			.inode = found.st_ino,
			.octets = (uint64_t)found.st_size,
			.modified = found.st_mtim};
		*out_mode = found.st_mode;
	}
	return stamp;
}

static bool
is_same(const struct certificate_stamp *a, const struct certificate_stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->octets == b->octets &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

/* True: something is other than at the last look. */
static bool
look_at(struct certificate_pair *pair)
{
	mode_t mode, key_mode;
	const struct certificate_stamp now[2] = {
		stamp_of(pair->certificate_file, &mode),
		stamp_of(pair->key_file, &key_mode)};
	bool has_changed = !is_same(&now[0], &pair->stamps[0]) ||
			   !is_same(&now[1], &pair->stamps[1]);

	memcpy(pair->stamps, now, sizeof(now));
	pair->is_key_exposed = (key_mode & S_IRWXO) != 0;
	return has_changed;
}

bool
certificate_set_look(struct certificate_set *set)
{
	bool has_changed = false;

	for (size_t i = 0; i < set->count; i++)
		if (look_at(&set->pairs[i]))
			has_changed = set->pairs[i].is_stale = true;
	return has_changed;
}

/* ---- one pair ---- */

static bool
read_file(const char *file, struct buffer *out,
	char error[CERTIFICATE_SET_ERROR_SIZE])
{
	if (file_read(file, out))
		return true;
	snprintf(error, CERTIFICATE_SET_ERROR_SIZE, "cannot read %.300s: %s",
		file, strerror(errno));
	return false;
}

/* The other certificate of its name, when there is one that can be used. */
static const struct certificate_pair *
sibling(const struct certificate_set *set, size_t index)
{
	for (size_t i = 0; i < set->count; i++)
		if (i != index && set->pairs[i].certificate.octets > 0 &&
			strcmp(set->pairs[i].name, set->pairs[index].name) == 0)
			return &set->pairs[i];
	return NULL;
}

/* Would a session take it, beside its sibling? */
static bool
try_pair(const struct certificate_pair *fresh,
	const struct certificate_pair *beside, char why[TLS_ERROR_SIZE])
{
	struct tls_pair pair = {.name = "",
		.certificate = buffer_bytes(&fresh->certificate),
		.key = buffer_bytes(&fresh->key)};
	struct tls_context *context = NULL;
	enum outcome outcome = tls_server_context_new(&pair, &context, why);

	if (outcome == OK && beside) {
		pair.certificate = buffer_bytes(&beside->certificate);
		pair.key = buffer_bytes(&beside->key);
		outcome = tls_context_add(context, &pair, why);
	}
	tls_context_free(&context);
	return outcome == OK;
}

/* True: it can be used, and what it says of itself is in fresh->info. */
static bool
check_pair(struct certificate_pair *fresh,
	const struct certificate_pair *beside,
	char error[CERTIFICATE_SET_ERROR_SIZE])
{
	char why[TLS_ERROR_SIZE];
	EVP_PKEY *key = signing_key_read(buffer_bytes(&fresh->key));
	bool has_key = key != NULL;

	EVP_PKEY_free(key);
	if (certificate_describe(
		    buffer_bytes(&fresh->certificate), &fresh->info, why) != OK)
		snprintf(error, CERTIFICATE_SET_ERROR_SIZE, "%.300s: %.180s",
			fresh->certificate_file, why);
	else if (!has_key)
		snprintf(error, CERTIFICATE_SET_ERROR_SIZE,
			"%.300s: it is no PEM private key without pass phrase",
			fresh->key_file);
	else if (!try_pair(fresh, beside, why))
		snprintf(error, CERTIFICATE_SET_ERROR_SIZE,
			"%.160s, %.160s: %.180s", fresh->certificate_file,
			fresh->key_file, why);
	else
		return true;
	return false;
}

enum outcome
certificate_set_read(struct certificate_set *set, size_t index,
	char error[CERTIFICATE_SET_ERROR_SIZE])
{
	struct certificate_pair *pair = &set->pairs[index];
	struct certificate_pair fresh;
	enum outcome outcome = ERR_BROKEN;

	/* Before it is read: what changes meanwhile is seen at the next look. */
	look_at(pair);
	fresh = *pair;
	buffer_init(&fresh.certificate, CERTIFICATE_FILE_MAXIMUM_OCTETS);
	buffer_init(&fresh.key, CERTIFICATE_FILE_MAXIMUM_OCTETS);
	if (read_file(pair->certificate_file, &fresh.certificate, error) &&
		read_file(pair->key_file, &fresh.key, error) &&
		check_pair(&fresh, sibling(set, index), error)) {
		buffer_release(&pair->certificate);
		buffer_wipe(&pair->key);
		*pair = fresh;
		pair->is_stale = false;
		outcome = OK;
	} else {
		buffer_release(&fresh.certificate);
		buffer_wipe(&fresh.key);
	}
	return outcome;
}

enum outcome
certificate_set_load(
	struct certificate_set *set, char error[CERTIFICATE_SET_ERROR_SIZE])
{
	enum outcome outcome = OK;

	for (size_t i = 0; i < set->count && outcome == OK; i++)
		outcome = certificate_set_read(set, i, error);
	return outcome;
}
