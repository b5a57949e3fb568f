/* SPDX-License-Identifier: ISC */
/*
 * spool - messages on their way into a sink that takes them whole: each is a
 * file in a directory of the account's own until it is dropped. What a run that
 * was killed left there is removed: the message comes again.
 */
#ifndef COLLECT_SINKS_SPOOL_H
#define COLLECT_SINKS_SPOOL_H

#include "base/buffer.h"
#include "collect/sink.h"
#include "collect/sinks/octets.h"
#include "collect/tag.h"

#include <sys/types.h>

#define SPOOL_FOLDER_SIZE 256

struct spool {
	char *account;
	int directory;
	bool makes_lf;
	bool has_id; /* each begins with X-Restante-ID */
};

struct sink_delivery {
	struct octets octets;
	char tag[TAG_SIZE]; /* the file's name, too */
	char folder[SPOOL_FOLDER_SIZE];
};

/* error: for people */
enum outcome spool_open(struct spool *spool, const struct sink_options *options,
	char error[SINK_ERROR_SIZE]);
void spool_close(struct spool *spool);
enum outcome spool_begin(struct spool *spool, const struct message_key *key,
	struct sink_delivery **out);
enum outcome spool_put(struct spool *spool, struct sink_delivery *delivery,
	struct bytes octets);
enum outcome spool_end(struct spool *spool, struct sink_delivery *delivery);
void spool_drop(struct spool *spool, struct sink_delivery **delivery);
enum outcome spool_file_into(
	struct sink_delivery *delivery, const char *folder);
/* For reading, from its first octet. -1: errno. */
int spool_read(const struct spool *spool, const struct sink_delivery *delivery);
/* All of `fd` from where it stands, in pieces. */
enum outcome spool_each(int fd,
	enum outcome (*each)(struct bytes octets, void *context),
	void *context);

#endif
