/* SPDX-License-Identifier: ISC */
#include "server/web_page.h"
#include "pop3/commands.h"

#include <stdio.h>
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

static bool
put_logins(const struct stats_sum *sums, struct buffer *out)
{
	bool is_good = put_head(out, "restante_logins", "counter", NULL,
		"Attempts to log in; USER is USER and PASS");

	for (unsigned i = 0; i < STATS_METHODS && is_good; i++) {
		const char *name = stats_method_name(i);

		is_good = buffer_printf(out,
			"restante_logins_total{mechanism=\"%s\",result=\"ok\"} "
			"%llu\n"
			"restante_logins_total{mechanism=\"%s\",result="
			"\"failed\"} %llu\n",
			name, (unsigned long long)sums->logins_by[i].ok, name,
			(unsigned long long)sums->logins_by[i].failed);
	}
	return is_good;
}

static bool
put_commands(const struct stats_sum *sums, struct buffer *out)
{
	bool is_good = put_head(out, "restante_pop3_commands", "counter", NULL,
		"Commands that came, right or wrong");

	for (unsigned i = 0; i <= pop3_command_count && is_good; i++)
		is_good = buffer_printf(out,
			"restante_pop3_commands_total{command=\"%s\"} %llu\n",
			i < pop3_command_count ? pop3_commands[i].verb
					       : "unknown",
			(unsigned long long)sums->pop3_commands[i]);
	return is_good;
}

/* ---- times ---- */

/* "0.00025", and "+Inf"; `out` has 24 octets. */
static const char *
seconds_text(uint64_t us, char out[24])
{
	size_t octets;

	if (us == UINT64_MAX)
		return "+Inf";
	snprintf(out, 24, "%llu.%06llu", (unsigned long long)us / 1000000,
		(unsigned long long)us % 1000000);
	octets = strlen(out);
	while (out[octets - 1] == '0' && out[octets - 2] != '.')
		out[--octets] = '\0';
	return out;
}

/* `label` ends in a comma, or is "". */
static bool
put_times(const char *name, const char *label,
	const struct stats_sum_times *times, struct buffer *out)
{
	int label_octets = (int)strlen(label);
	uint64_t below = 0;
	bool is_good = true;
	char bound[24], sum[24];

	for (unsigned i = 0; i < STATS_BUCKETS && is_good; i++) {
		below += times->buckets[i];
		is_good = buffer_printf(out, "%s_bucket{%sle=\"%s\"} %llu\n",
			name, label,
			seconds_text(stats_bucket_bound_us(i), bound),
			(unsigned long long)below);
	}
	if (label_octets > 0)
		return is_good &&
		       buffer_printf(out,
			       "%s_count{%.*s} %llu\n%s_sum{%.*s} %s\n", name,
			       label_octets - 1, label,
			       (unsigned long long)below, name,
			       label_octets - 1, label,
			       seconds_text(times->sum_us, sum));
	return is_good && buffer_printf(out, "%s_count %llu\n%s_sum %s\n", name,
				  (unsigned long long)below, name,
				  seconds_text(times->sum_us, sum));
}

static bool
put_all_times(const struct stats_sum *sums, struct buffer *out)
{
	static const struct {
		enum stats_timing timing;
		const char *label;
	} calls[] = {{STATS_FSYNC, "call=\"fsync\","},
		{STATS_FDATASYNC, "call=\"fdatasync\","},
		{STATS_SYNCFS, "call=\"syncfs\","}};
	bool is_good = put_head(out, "restante_store_sync_seconds", "histogram",
		"seconds", "What the disk takes to make something durable");

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		is_good =
			is_good &&
			put_times("restante_store_sync_seconds", calls[i].label,
				&sums->times[calls[i].timing], out);
	return is_good &&
	       put_head(out, "restante_maildrop_open_seconds", "histogram",
		       "seconds",
		       "From the right password to an open maildrop") &&
	       put_times("restante_maildrop_open_seconds", "",
		       &sums->times[STATS_MAILDROP_OPEN], out);
}

/* ---- what was told ---- */

static bool
put_gauge(const char *name, const char *unit, const char *help, uint64_t value,
	struct buffer *out)
{
	return put_head(out, name, "gauge", unit, help) &&
	       buffer_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static bool
put_told(const struct web_told *told, struct buffer *out)
{
	const struct survey *survey = &told->survey;

	return put_gauge("restante_penalties", NULL,
		       "Networks and accounts with failed logins held against "
		       "them",
		       told->penalties.all, out) &&
	       put_gauge("restante_mailboxes", NULL, "Mailboxes with an index",
		       survey->mailboxes, out) &&
	       put_gauge("restante_mailbox_messages", NULL, "Messages in them",
		       survey->messages, out) &&
	       put_gauge("restante_mailbox_bytes", "bytes",
		       "Octets of messages in them", survey->octets, out);
}

bool
web_page_metrics(const struct web_snapshot *snapshot, struct buffer *out)
{
	bool is_good =
		put_head(out, "restante_build", "info", NULL, "What runs") &&
		buffer_printf(out, "restante_build_info{version=\"%s\"} 1\n",
			snapshot->version) &&
		put_gauge("restante_start_time_seconds", "seconds",
			"When the parent started, since 1970",
			snapshot->started_seconds, out);

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		is_good = is_good &&
			  put_family(&families[i], &snapshot->counters, out);
	return is_good && put_logins(&snapshot->sums, out) &&
	       put_commands(&snapshot->sums, out) &&
	       put_all_times(&snapshot->sums, out) &&
	       put_told(snapshot->told, out) &&
	       put_certificates(snapshot->certificates, out) &&
	       put_roles(snapshot, out) && buffer_append_string(out, "# EOF\n");
}
