/* SPDX-License-Identifier: ISC */
#include "store/maildir/maildir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <xxhash.h>

#include "store/maildir/job.h"

/* What is used of the host's name; leaves room for the rest of 255. */
#define HOSTNAME_OCTETS 127

/* Differs after each start of the system; by chance alone where it has no
   such id, which only costs reading what was not synced once more. */
static uint32_t
read_boot(struct files *files)
{
	unsigned char id[64];
	ssize_t n = 0;
	int fd = files->open(files, AT_FDCWD, "/proc/sys/kernel/random/boot_id",
		O_RDONLY, 0);

	if (fd >= 0)
		n = files_read_all(files, fd, id, sizeof(id), 0);
	files->close(files, &fd);
	if (n <= 0) {
		n = 16;
		if (files->random(files, id, (size_t)n) != 0)
			return 0;
	}
	return (uint32_t)XXH3_64bits(id, (size_t)n);
}

/* What of it a name can hold: what ends a base name or a path becomes "_". */
static char *
own_hostname(const char *from)
{
	char *name = strndup(from[0] ? from : "localhost", HOSTNAME_OCTETS);

	for (char *at = name; at && *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c <= 0x20 || c >= 0x7F || strchr("/:,", c))
			*at = '_';
	}
	return name;
}

static uint32_t
journal_octets(const struct store_options *options)
{
	uint32_t octets = options->journal_octets;

	if (octets == 0)
		return 0;
	if (octets < DELIVERY_LOG_MINIMUM)
		return DELIVERY_LOG_MINIMUM;
	return octets > DELIVERY_LOG_MAXIMUM ? DELIVERY_LOG_MAXIMUM : octets;
}

/* Each is two descriptors: an eighth of those that there may be. */
static size_t
kept_maximum(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	return limit.rlim_cur / 16 < MAILDIR_IDLE_MAXIMUM
		       ? limit.rlim_cur / 16
		       : MAILDIR_IDLE_MAXIMUM;
}

enum outcome
maildir_store_new(
	struct store_options *options, struct files *files, struct store **out)
{
	struct maildir_store *store = calloc(1, sizeof(*store));
	struct stat status;

	if (!store)
		return ERR_TRY_LATER;
	store->store.ops = &maildir_ops;
	store->executor = options->executor;
	store->notice = options->notice;
	store->template = strdup(options->mail_template);
	store->hostname = own_hostname(options->hostname);
	store->settings = (struct maildir_settings){
		.files = files,
		.executor = options->executor,
		.mail_root = -1,
		.state_root = -1,
		.template = store->template,
		.hostname = store->hostname,
		.is_shared = options->is_shared,
		.quota = options->quota,
		.boot = read_boot(files),
	};
	if (!store->template || !store->hostname ||
		!slots_init(&store->slots, &store->settings,
			MAILDIR_IDLE_MAXIMUM, kept_maximum())) {
		job_free_store(store);
		return ERR_TRY_LATER;
	}
	store->settings.mail_root = options->mail_root;
	store->settings.state_root = options->state_root;
	options->mail_root = options->state_root = -1;
	if (files->stat(files, store->settings.mail_root, &status) == 0)
		store->settings.mail_device = status.st_dev;
	store->settings.watches = store->watches = watches_new();
	store->settings.journal_oldest_seconds = &store->group.oldest_seconds;
	group_start(&store->group, &store->settings, journal_octets(options),
		store->notice);
	*out = &store->store;
	return OK;
}
