/* SPDX-License-Identifier: ISC */
/*
 * sink - where collected mail goes. Adding one: a file in sinks/ with a
 * `const struct sink_ops`, a row in sinks.c.
 *
 * A message is begun, put in pieces and ended, all by the thread that collects;
 * then many are flushed at once by another thread. Only what flush answered OK
 * for may be deleted on the server. After a crash the same message comes again,
 * with the same key: a sink that can must not hold it twice then.
 */
#ifndef COLLECT_SINK_H
#define COLLECT_SINK_H

#include "base/outcome.h"
#include "collect/message_key.h"
#include "store/files.h"

#define SINK_ERROR_SIZE 512
#define SINK_FRONT_SIZE 96

struct sink_options {
	/* Where the Maildir is; NULL: the system's. */
	struct files *files;
	const char *account;
	const char *target;  /* the path of the Maildir or mbox */
	const char *spool;   /* a directory for messages on their way */
	const char *command; /* of the pipe */
	/* of those that speak with a server; "" without */
	const char *server, *user, *sender, *recipient, *folder;
	struct bytes password;
	struct tls_context *tls; /* NULL: none */
	bool is_tls_first;
	uint64_t timeout_seconds;
	bool makes_lf;	      /* CRLF of the wire becomes LF */
	bool was_interrupted; /* the last run may have left what the ledger
				 does not know */
};

struct sink;
/* One message on its way; made by begin, freed by drop. */
struct sink_delivery;

struct sink_ops {
	const char *name;
	/* error: for people */
	enum outcome (*open)(const struct sink_options *options,
		struct sink **out, char error[SINK_ERROR_SIZE]);
	void (*close)(struct sink **sink);
	enum outcome (*begin)(struct sink *sink, const struct message_key *key,
		struct sink_delivery **out);
	enum outcome (*put)(struct sink *sink, struct sink_delivery *delivery,
		struct bytes octets);
	enum outcome (*end)(struct sink *sink, struct sink_delivery *delivery);
	/*
	 * Between begin and end: it goes to this folder instead of the usual
	 * one. ERR_PEER: that cannot be the name of one.
	 */
	enum outcome (*file_into)(struct sink *sink,
		struct sink_delivery *delivery, const char *folder);
	/*
	 * Between begin and end, after file_into; NULL: it cannot. Once the
	 * message lasts, the one of key `old` in the same folder goes, if its
	 * octets begin with `front`.
	 */
	enum outcome (*replace)(struct sink *sink,
		struct sink_delivery *delivery, const struct message_key *old,
		const char *front);
	/*
	 * Any thread, one at a time for a sink. outcomes[i] is OK when
	 * deliveries[i] will be there after a power cut. Refused, while others
	 * need not be: ERR_PEER for good, ERR_BUSY for now; `error` says why.
	 */
	void (*flush)(struct sink *sink,
		struct sink_delivery *const *deliveries, size_t count,
		enum outcome *outcomes);
	/* Frees it; what was not flushed leaves no trace. Accepts NULL. */
	void (*drop)(struct sink *sink, struct sink_delivery **delivery);
	/* At most so many go to one flush, and the ledger learns of them before
	   the next; 0: any number. 1 where an answer can be lost. */
	size_t batch;
	bool has_one_folder; /* those of a flush go to the same folder */
	bool has_id;	     /* messages get X-Restante-ID */
};

struct sink {
	const struct sink_ops *ops;
	char error[SINK_ERROR_SIZE]; /* of the last flush, for people */
};

/* NULL: no such sink. */
const struct sink_ops *sink_find(const char *name);

#endif
