/* SPDX-License-Identifier: ISC */
#include "collect/sinks/spooled.h"

#include <stdlib.h>

static struct spooled *
self_of(struct sink *sink)
{
	return (struct spooled *)sink;
}

enum outcome
spooled_begin(struct sink *sink, const struct message_key *key,
	struct sink_delivery **out)
{
	return spool_begin(&self_of(sink)->spool, key, out);
}

enum outcome
spooled_put(
	struct sink *sink, struct sink_delivery *delivery, struct bytes octets)
{
	return spool_put(&self_of(sink)->spool, delivery, octets);
}

enum outcome
spooled_end(struct sink *sink, struct sink_delivery *delivery)
{
	return spool_end(&self_of(sink)->spool, delivery);
}

enum outcome
spooled_file_into(
	struct sink *sink, struct sink_delivery *delivery, const char *folder)
{
	return spool_file_into(delivery, folder);
}

void
spooled_drop(struct sink *sink, struct sink_delivery **delivery)
{
	spool_drop(&self_of(sink)->spool, delivery);
}

enum outcome
spooled_open(const struct sink_ops *ops, size_t size,
	const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE])
{
	struct spooled *self = calloc(1, size);
	struct sink *sink;
	enum outcome outcome;

	if (!self)
		return ERR_TRY_LATER;
	sink = &self->base;
	sink->ops = ops;
	self->options = *options;
	self->spool.makes_lf = options->makes_lf;
	self->spool.has_id = ops->has_id;
	outcome = spool_open(&self->spool, options, error);
	if (outcome == OK)
		*out = sink;
	else
		spooled_close(&sink);
	return outcome;
}

void
spooled_close(struct sink **sink)
{
	if (!*sink)
		return;
	spool_close(&self_of(*sink)->spool);
	free(*sink);
	*sink = NULL;
}
