/* SPDX-License-Identifier: ISC */
#include "server/web_page.h"

#include <string.h>

struct sample {
	const char *labels; /* `{result="ok"}`, or "" */
	size_t offset;	    /* of a counter */
	size_t less_offset; /* of one to take away, or NOTHING */
};

struct family {
	const char *name, *type, *unit, *help;
	struct sample samples[2]; /* the second without labels: none */
};

#define NOTHING	 SIZE_MAX
#define AT(name) offsetof(struct web_counters, name)

static const struct family families[] = {
	{"restante_connections", "counter", NULL,
		"Connections accepted, POP3 and LMTP",
		{{"", AT(connections), NOTHING}}},
	{"restante_refused_connections", "counter", NULL,
		"Connections too many from one address before the login",
		{{"", AT(refused_connections), NOTHING}}},
	{"restante_sessions", "gauge", NULL, "Connections open now",
		{{"", AT(connections), AT(closed_connections)}}},
	{"restante_tls_handshakes", "counter", NULL, "TLS handshakes",
		{{"{result=\"ok\"}", AT(handshakes), NOTHING},
			{"{result=\"failed\"}", AT(failed_handshakes),
				NOTHING}}},
	{"restante_logins", "counter", NULL, "Attempts to log in",
		{{"{result=\"ok\"}", AT(logins), NOTHING},
			{"{result=\"failed\"}", AT(failed_logins), NOTHING}}},
	{"restante_retrieved_messages", "counter", NULL,
		"Messages sent whole (RETR)",
		{{"", AT(retrieved_messages), NOTHING}}},
	{"restante_retrieved_bytes", "counter", "bytes",
		"Octets of messages sent",
		{{"", AT(retrieved_octets), NOTHING}}},
	{"restante_deleted_messages", "counter", NULL,
		"Messages removed at QUIT",
		{{"", AT(deleted_messages), NOTHING}}},
	{"restante_deliveries", "counter", NULL,
		"Recipients of messages that came by LMTP",
		{{"{result=\"ok\"}", AT(deliveries), NOTHING},
			{"{result=\"refused\"}", AT(rejected_deliveries),
				NOTHING}}},
};

static uint64_t
number_at(const struct web_counters *counters, size_t offset)
{
	uint64_t number;

	if (offset == NOTHING)
		return 0;
	memcpy(&number, (const char *)counters + offset, sizeof(number));
	return number;
}

static bool
put_head(struct buffer *out, const char *name, const char *type,
	const char *unit, const char *help)
{
	return buffer_printf(out, "# TYPE %s %s\n", name, type) &&
	       (!unit || buffer_printf(out, "# UNIT %s %s\n", name, unit)) &&
	       buffer_printf(out, "# HELP %s %s.\n", name, help);
}

static bool
put_family(const struct family *family, const struct web_counters *counters,
	struct buffer *out)
{
	bool is_counter = strcmp(family->type, "counter") == 0;
	bool is_good = put_head(
		out, family->name, family->type, family->unit, family->help);

	for (size_t i = 0; i < 2 && is_good; i++) {
		const struct sample *sample = &family->samples[i];

		if (sample->labels)
			is_good = buffer_printf(out, "%s%s%s %llu\n",
				family->name, is_counter ? "_total" : "",
				sample->labels,
				(unsigned long long)(number_at(counters,
							     sample->offset) -
						     number_at(counters,
							     sample->less_offset)));
	}
	return is_good;
}

static bool
put_roles(const struct web_snapshot *snapshot, struct buffer *out)
{
	bool is_good = put_head(out, "restante_role_restarts", "counter", NULL,
		"Starts of a role after its first");

	for (size_t i = 0; i < snapshot->role_count && is_good; i++)
		is_good = buffer_printf(out,
			"restante_role_restarts_total{role=\"%s\",number="
			"\"%u\"} %u\n",
			snapshot->roles[i].name, snapshot->roles[i].number,
			snapshot->roles[i].restarts);
	return is_good;
}

static bool
put_certificates(
	const struct web_certificates *certificates, struct buffer *out)
{
	bool is_good = put_head(out,
		"restante_certificate_expiry_timestamp_seconds", "gauge",
		"seconds",
		"When a certificate ends, since 1970; domain is that of "
		"[tls DOMAIN]");

	for (size_t i = 0; i < certificates->count && is_good; i++) {
		const struct web_certificate *at = &certificates->all[i];

		is_good = buffer_printf(out,
			"restante_certificate_expiry_timestamp_seconds{domain="
			"\"%s\",key=\"%s\"} %llu\n",
			at->name, at->kind,
			(unsigned long long)at->until_seconds);
	}
	return is_good;
}

bool
web_page_metrics(const struct web_snapshot *snapshot, struct buffer *out)
{
	bool is_good =
		put_head(out, "restante_build", "info", NULL, "What runs") &&
		buffer_printf(out, "restante_build_info{version=\"%s\"} 1\n",
			snapshot->version) &&
		put_head(out, "restante_start_time_seconds", "gauge", "seconds",
			"When the parent started, since "
			"1970") &&
		buffer_printf(out, "restante_start_time_seconds %llu\n",
			(unsigned long long)snapshot->started_seconds);

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		is_good = is_good &&
			  put_family(&families[i], &snapshot->counters, out);
	return is_good && put_certificates(snapshot->certificates, out) &&
	       put_roles(snapshot, out) && buffer_append_string(out, "# EOF\n");
}
