/* SPDX-License-Identifier: ISC */
#include "collect/sinks/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_OCTETS 65536

/* What is no message (a journal) stays. */
static void
remove_left(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!entries) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(entries)))
		if (strlen(entry->d_name) == UIDL_OWN_OCTETS)
			unlinkat(directory, entry->d_name, 0);
	closedir(entries);
}

enum outcome
spool_open(struct spool *spool, const struct sink_options *options,
	char error[SINK_ERROR_SIZE])
{
	char parent[4096];
	char *slash;

	spool->directory = -1;
	spool->account = strdup(options->account);
	snprintf(parent, sizeof(parent), "%s", options->spool);
	slash = strrchr(parent, '/');
	if (slash) {
		*slash = '\0';
		mkdir(parent, 0700);
	}
	if (spool->account &&
		(mkdir(options->spool, 0700) == 0 || errno == EEXIST))
		spool->directory = open(
			options->spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->directory < 0) {
		snprintf(error, SINK_ERROR_SIZE, "%.180s: %s", options->spool,
			strerror(errno));
		return outcome_of_errno(errno);
	}
	remove_left(spool->directory);
	return OK;
}

void
spool_close(struct spool *spool)
{
	if (spool->directory >= 0)
		close(spool->directory);
	free(spool->account);
}

enum outcome
spool_begin(struct spool *spool, const struct message_key *key,
	struct sink_delivery **out)
{
	struct sink_delivery *delivery = calloc(1, sizeof(*delivery));
	char id[64];
	enum outcome outcome = OK;

	if (!delivery || !tag_make(spool->account, key, delivery->tag)) {
		free(delivery);
		return ERR_TRY_LATER;
	}
	delivery->octets = (struct octets){
		.files = &files_posix, .makes_lf = spool->makes_lf};
	delivery->octets.fd = files_posix.open(&files_posix, spool->directory,
		delivery->tag, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (delivery->octets.fd < 0) {
		outcome = outcome_of_errno(-delivery->octets.fd);
		free(delivery);
		return outcome;
	}
	if (spool->has_id) {
		snprintf(
			id, sizeof(id), "X-Restante-ID: %s\r\n", delivery->tag);
		outcome = spool_put(spool, delivery, bytes_of_string(id));
	}
	if (outcome == OK)
		*out = delivery;
	else
		spool_drop(spool, &delivery);
	return outcome;
}

enum outcome
spool_put(struct spool *spool, struct sink_delivery *delivery,
	struct bytes octets)
{
	return octets_write(&delivery->octets, octets);
}

enum outcome
spool_end(struct spool *spool, struct sink_delivery *delivery)
{
	return octets_end(&delivery->octets);
}

void
spool_drop(struct spool *spool, struct sink_delivery **delivery)
{
	struct sink_delivery *old = *delivery;

	if (!old)
		return;
	files_posix.close(&files_posix, &old->octets.fd);
	unlinkat(spool->directory, old->tag, 0);
	free(old);
	*delivery = NULL;
}

enum outcome
spool_file_into(struct sink_delivery *delivery, const char *folder)
{
	if (snprintf(delivery->folder, sizeof(delivery->folder), "%s",
		    folder) >= (int)sizeof(delivery->folder))
		return ERR_PEER;
	return OK;
}

int
spool_read(const struct spool *spool, const struct sink_delivery *delivery)
{
	return openat(spool->directory, delivery->tag, O_RDONLY | O_CLOEXEC);
}

enum outcome
spool_each(int fd, enum outcome (*each)(struct bytes octets, void *context),
	void *context)
{
	unsigned char piece[PIECE_OCTETS];
	enum outcome outcome = OK;
	ssize_t got = 1;

	while (outcome == OK && got > 0) {
		got = read(fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			outcome = outcome_of_errno(errno);
		else
			outcome = each(bytes_of(piece, (size_t)got), context);
	}
	return outcome;
}
