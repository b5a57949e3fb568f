/* SPDX-License-Identifier: ISC */
/* Records as a zone file has them, to be compared with what is wanted. */
#include "collect/discovery/resolver.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- what a record says ---- */

struct record {
	const ns_msg *message;
	const unsigned char *data;
	size_t octets;
};

/* "host.example.org.", or "." */
static bool
put_name(const struct record *record, size_t offset, char *out, size_t size)
{
	char name[NS_MAXDNAME];

	if (offset >= record->octets ||
		ns_name_uncompress(ns_msg_base(*record->message),
			ns_msg_end(*record->message), record->data + offset,
			name, sizeof(name)) < 0)
		return false;
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return snprintf(out, size, strcmp(name, ".") == 0 ? "%s" : "%s.",
		       name) < (int)size;
}

static bool
put_address(const struct record *record, int family, char *out, size_t size)
{
	size_t octets = family == AF_INET ? 4 : 16;

	return record->octets == octets &&
	       inet_ntop(family, record->data, out, (socklen_t)size) != NULL;
}

static bool
put_service(const struct record *record, char *out, size_t size)
{
	int used;

	if (record->octets < 7)
		return false;
	used = snprintf(out, size, "%u %u %u ", ns_get16(record->data),
		ns_get16(record->data + 2), ns_get16(record->data + 4));
	return put_name(record, 6, out + used, size - (size_t)used);
}

static bool
put_exchange(const struct record *record, char *out, size_t size)
{
	int used;

	if (record->octets < 3)
		return false;
	used = snprintf(out, size, "%u ", ns_get16(record->data));
	return put_name(record, 2, out + used, size - (size_t)used);
}

/* RFC 6698 section 2.2. */
static bool
put_tlsa(const struct record *record, char *out, size_t size)
{
	const unsigned char *d = record->data;
	int used;

	if (record->octets < 4 || size < 2 * record->octets + 16)
		return false;
	used = snprintf(out, size, "%u %u %u ", d[0], d[1], d[2]);
	for (size_t i = 3; i < record->octets; i++)
		used += snprintf(out + used, size - (size_t)used, "%02x", d[i]);
	return true;
}

/* What is not printable is "?". */
static size_t
put_plain(const unsigned char *from, size_t octets, char *out)
{
	for (size_t i = 0; i < octets; i++)
		out[i] =
			(char)(from[i] > ' ' && from[i] < 0x7F && from[i] != '"'
					? from[i]
					: '?');
	return octets;
}

/* RFC 8659 section 4.1. */
static bool
put_caa(const struct record *record, char *out, size_t size)
{
	const unsigned char *d = record->data;
	size_t tag = record->octets > 2 ? d[1] : 0, used;

	if (tag == 0 || record->octets < 2 + tag || size < record->octets + 16)
		return false;
	used = (size_t)snprintf(out, size, "%u ", d[0]);
	used += put_plain(d + 2, tag, out + used);
	memcpy(out + used, " \"", 2);
	used += 2;
	used += put_plain(d + 2 + tag, record->octets - 2 - tag, out + used);
	memcpy(out + used, "\"", 2);
	return true;
}

static bool
put_record(const struct record *record, int type, char *out, size_t size)
{
	switch (type) {
	case T_A:
		return put_address(record, AF_INET, out, size);
	case T_AAAA:
		return put_address(record, AF_INET6, out, size);
	case T_SRV:
		return put_service(record, out, size);
	case T_MX:
		return put_exchange(record, out, size);
	case T_TLSA:
		return put_tlsa(record, out, size);
	case T_CAA:
		return put_caa(record, out, size);
	default:
		return false;
	}
}

bool
resolver_read_texts(const unsigned char *answer, int octets, int type,
	struct resolver_texts *out)
{
	ns_msg message;
	ns_rr rr;

	out->count = 0;
	if (ns_initparse(answer, octets, &message) != 0)
		return false;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		struct record record = {.message = &message};

		if (ns_parserr(&message, ns_s_an, i, &rr) != 0)
			return false;
		record.data = ns_rr_rdata(rr);
		record.octets = ns_rr_rdlen(rr);
		if ((int)ns_rr_type(rr) == type &&
			out->count < RESOLVER_RECORDS_MAXIMUM &&
			put_record(&record, type, out->rows[out->count],
				RESOLVER_TEXT_SIZE))
			out->count++;
	}
	return true;
}

int
resolver_type(const char *name)
{
	static const struct {
		const char *name;
		int type;
	} types[] = {{"A", T_A}, {"AAAA", T_AAAA}, {"SRV", T_SRV}, {"MX", T_MX},
		{"TLSA", T_TLSA}, {"CAA", T_CAA}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return 0;
}
