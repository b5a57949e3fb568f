/* SPDX-License-Identifier: ISC */
/*
 * spooled - what the sinks that take messages whole have in common: begin, put,
 * end and drop go to the spool, and only flush is their own.
 */
#ifndef COLLECT_SINKS_SPOOLED_H
#define COLLECT_SINKS_SPOOLED_H

#include "collect/sinks/spool.h"

/* The first member of each of them. */
struct spooled {
	struct sink base;
	struct spool spool;
	struct sink_options options; /* its strings live as long as the sink */
};

enum outcome spooled_begin(struct sink *sink, const struct message_key *key,
	struct sink_delivery **out);
enum outcome spooled_put(
	struct sink *sink, struct sink_delivery *delivery, struct bytes octets);
enum outcome spooled_end(struct sink *sink, struct sink_delivery *delivery);
enum outcome spooled_file_into(
	struct sink *sink, struct sink_delivery *delivery, const char *folder);
void spooled_drop(struct sink *sink, struct sink_delivery **delivery);
/* size: of the sink's own struct. */
enum outcome spooled_open(const struct sink_ops *ops, size_t size,
	const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE]);
void spooled_close(struct sink **sink);

#endif
