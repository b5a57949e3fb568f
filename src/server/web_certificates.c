/* SPDX-License-Identifier: ISC */
#include "server/web_certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many there are now. False: memory. */
static bool
resize(struct web_certificates *certificates, size_t count)
{
	struct web_certificate *more;

	if (count == certificates->count)
		return true;
	more = calloc(count, sizeof(*more));
	if (!more)
		return false;
	free(certificates->all);
	certificates->all = more;
	certificates->count = count;
	return true;
}

/* A path may be longer than what is shown of it. */
static void
get_cut(struct message_reader *reader, char *out, size_t size)
{
	struct bytes text = message_get_bytes(reader);

	if (text.octets >= size)
		text.octets = size - 1;
	bytes_to_string(text, out, size);
}

bool
web_certificates_take(
	struct web_certificates *certificates, struct message *message)
{
	struct web_certificate told = {0};
	struct message_reader reader;
	uint32_t number, count;

	message_reader_init(&reader, message);
	number = message_get_u32(&reader);
	count = message_get_u32(&reader);
	message_get_string(&reader, told.name, sizeof(told.name));
	get_cut(&reader, told.file, sizeof(told.file));
	message_get_string(&reader, told.names, sizeof(told.names));
	message_get_string(&reader, told.kind, sizeof(told.kind));
	told.until_seconds = message_get_u64(&reader);
	if (!message_reader_finish(&reader) || number >= count ||
		count > WEB_CERTIFICATES_MAXIMUM ||
		!resize(certificates, count))
		return false;
	certificates->all[number] = told;
	return true;
}

static int
compare(const void *one, const void *other)
{
	const struct web_certificate *a =
		*(const struct web_certificate *const *)one;
	const struct web_certificate *b =
		*(const struct web_certificate *const *)other;

	return a->until_seconds < b->until_seconds
		       ? -1
		       : a->until_seconds > b->until_seconds;
}

size_t
web_certificates_soonest(const struct web_certificates *certificates,
	const struct web_certificate *out[], size_t size)
{
	size_t count = certificates->count;
	const struct web_certificate **all = calloc(count + 1, sizeof(*all));

	if (!all)
		return 0;
	for (size_t i = 0; i < count; i++)
		all[i] = &certificates->all[i];
	qsort(all, count, sizeof(*all), compare);
	if (count > size)
		count = size;
	memcpy(out, all, count * sizeof(*all));
	free(all);
	return count;
}
