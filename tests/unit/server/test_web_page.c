/* SPDX-License-Identifier: ISC */
#include "server/web_page.h"
#include "pop3/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct web_page_role roles[] = {
	{"parent", 0, 100, 0, 90061},
	{"session", 1, 101, 3, 59},
};

static struct web_certificate all_certificates[] = {
	{"", "/etc/c.pem", "mail.example.org, <b>", "EC P-256",
		1700090061 + 10 * 86400},
	{"example.com", "/etc/d.pem", "example.com", "RSA 2048", 1700000000},
};
static const struct web_certificates certificates = {all_certificates, 2};

static struct web_told told = {
	.penalties = {.rows = {{"192.0.2.7", "", 3, 8},
			      {"", "<i>@example.org", 12, 0}},
		.count = 2,
		.all = 5},
	.survey = {.mailboxes = 1200,
		.messages = 34567,
		.octets = 9ull << 30,
		.largest = {.rows = {{"big<er>", 5, 3ull << 20,
				    1700090061 - 3 * 86400}},
			.count = 1},
		.stillest = {.rows = {{"old", 1, 17, 1600000000}}, .count = 1}},
};

static struct web_history history;

/* More minutes than are kept, with a peak in the last one. */
static void
fill_history(void)
{
	struct web_counters now = {0};

	history = (struct web_history){0};
	for (unsigned i = 0; i < WEB_HISTORY_SAMPLES + 40; i++) {
		web_history_add(&history, &now);
		now.logins += i % 7;
		now.retrieved_octets += 1000;
	}
	now.logins += 5000;
	web_history_add(&history, &now);
}

static struct stats_sum sums;

static void
fill_sums(void)
{
	struct stats *stats = calloc(1, sizeof(*stats));

	assert_non_null(stats);
	stats_count_login(stats, "PLAIN", true);
	stats_count_login(stats, "PLAIN", true);
	stats_count_login(stats, "USER", false);
	stats_count_login(stats, "X\" 1", false);
	stats_count_time(stats, STATS_FSYNC, 100);
	stats_count_time(stats, STATS_FSYNC, 101);
	stats_count_time(stats, STATS_FSYNC, 1000000);
	stats_count_time(stats, STATS_FSYNC, 11000000);
	stats_count_time(stats, STATS_MAILDROP_OPEN, 42);
	stats_add(stats, detail.pop3_commands[pop3_command_count], 6);
	assert_int_equal(stats->logins, 2);
	assert_int_equal(stats->failed_logins, 2);
	sums = (struct stats_sum){0};
	stats_add_up(stats, &sums);
	free(stats);
}

static char *
page(bool (*make)(const struct web_snapshot *snapshot, struct buffer *out))
{
	struct web_snapshot snapshot = {.version = "1.2.3",
		.hostname = "<mail> & \"co\"",
		.now_seconds = 1700090061,
		.started_seconds = 1700000000,
		.counters = {.connections = 1234567,
			.closed_connections = 1234560,
			.logins = 20,
			.failed_logins = 3,
			.deliveries = 4,
			.retrieved_octets = 5ull << 30},
		.sums = sums,
		.told = &told,
		.history = &history,
		.certificates = &certificates,
		.roles = roles,
		.role_count = 2};
	struct buffer out;
	char *text;

	buffer_init(&out, WEB_PAGE_MAXIMUM_OCTETS);
	assert_true(make(&snapshot, &out));
	text = strndup((const char *)buffer_bytes(&out).at, out.octets);
	buffer_release(&out);
	return text;
}

static void
the_ring_keeps_the_newest(void **state)
{
	size_t logins = offsetof(struct web_counters, logins), last;

	fill_history();
	last = web_history_steps(&history) - 1;
	assert_int_equal(last, WEB_HISTORY_SAMPLES - 2);
	assert_true(web_history_step(&history, last, logins) >= 5000);
	assert_int_equal(web_history_step(&history, 0, logins), 41 % 7);
	assert_int_equal(web_history_step(&history, 1, logins), 42 % 7);
	assert_int_equal(
		web_history_step(&history, 0,
			offsetof(struct web_counters, retrieved_octets)),
		1000);
}

/* A column ends where it ended a minute ago. */
static void
columns_stand_still(void **state)
{
	size_t logins = offsetof(struct web_counters, logins);
	size_t closed = offsetof(struct web_counters, closed_connections);
	struct web_counters now = {0};

	history = (struct web_history){0};
	assert_int_equal(web_history_columns(&history), 0);
	for (unsigned i = 0; i < 3 * WEB_HISTORY_SAMPLES; i++) {
		uint64_t sum = 0;
		size_t columns;

		web_history_add(&history, &now);
		columns = web_history_columns(&history);
		for (size_t c = 0; c < columns; c++) {
			uint64_t in = web_history_column(&history, c, logins);

			sum += in;
			/* All but the last are full. */
			if (c + 1 < columns)
				assert_int_equal(in, WEB_HISTORY_PLOT_STEPS);
		}
		assert_true(columns <= WEB_HISTORY_COLUMNS);
		assert_true(sum <= i && sum + WEB_HISTORY_PLOT_STEPS >
						web_history_steps(&history));
		now.logins++;
	}
	now.logins += 500;
	now.closed_connections = now.logins - 30;
	web_history_add(&history, &now);
	assert_int_equal(
		web_history_ahead(&history, web_history_columns(&history) - 1,
			logins, closed),
		3 * WEB_HISTORY_SAMPLES - 1);
}

static void
a_ring_that_begins(void **state)
{
	struct web_counters now = {.logins = 4};

	history = (struct web_history){0};
	assert_int_equal(web_history_steps(&history), 0);
	web_history_add(&history, &now);
	assert_int_equal(web_history_steps(&history), 0);
	now.logins = 9;
	web_history_add(&history, &now);
	assert_int_equal(web_history_steps(&history), 1);
	assert_int_equal(web_history_step(&history, 0,
				 offsetof(struct web_counters, logins)),
		5);
}

/* OpenMetrics: TYPE before samples, counters end in _total, # EOF last. */
static void
metrics(void **state)
{
	char *text;

	fill_sums();
	text = page(web_page_metrics);
	assert_non_null(strstr(text, "restante_build_info{version=\"1.2.3\"} "
				     "1\n"));
	assert_non_null(strstr(text, "\nrestante_sessions 7\n"));
	assert_non_null(strstr(text, "\nrestante_connections_total 1234567\n"));
	assert_non_null(strstr(text, "\nrestante_logins_total{mechanism="
				     "\"PLAIN\",result=\"ok\"} 2\n"));
	assert_non_null(strstr(text, "\nrestante_logins_total{mechanism="
				     "\"other\",result=\"failed\"} 1\n"));
	assert_non_null(strstr(text, "\nrestante_pop3_commands_total{command="
				     "\"unknown\"} 6\n"));
	assert_non_null(strstr(text, "\nrestante_penalties 5\n"));
	assert_non_null(strstr(text, "\nrestante_mailbox_messages 34567\n"));
	/* At most so long, and all that were shorter. */
	assert_non_null(
		strstr(text, "\nrestante_store_sync_seconds_bucket{call="
			     "\"fsync\",le=\"0.0001\"} 1\n"));
	assert_non_null(strstr(text, "{call=\"fsync\",le=\"0.00025\"} 2\n"));
	assert_non_null(strstr(text, "{call=\"fsync\",le=\"0.5\"} 2\n"));
	assert_non_null(strstr(text, "{call=\"fsync\",le=\"1.0\"} 3\n"));
	assert_non_null(strstr(text, "{call=\"fsync\",le=\"10.0\"} 3\n"));
	assert_non_null(strstr(text, "{call=\"fsync\",le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(text, "_count{call=\"fsync\"} 4\n"));
	assert_non_null(strstr(text, "_sum{call=\"fsync\"} 12.000201\n"));
	assert_non_null(strstr(
		text, "\nrestante_maildrop_open_seconds_sum 0.000042\n"));
	assert_non_null(strstr(text, "\nrestante_role_restarts_total{role="
				     "\"session\",number=\"1\"} 3\n"));
	assert_non_null(strstr(text,
		"# UNIT restante_certificate_expiry_timestamp_seconds "
		"seconds\n"));
	assert_non_null(strstr(text,
		"\nrestante_certificate_expiry_timestamp_seconds{domain="
		"\"example.com\",key=\"RSA 2048\"} 1700000000\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
}

static void
a_host_name_is_not_html(void **state)
{
	char *text = page(web_page_status);

	assert_null(strstr(text, "<mail>"));
	assert_non_null(strstr(text, "&lt;mail&gt; &amp; &quot;co&quot;"));
	free(text);
}

static void
status(void **state)
{
	char *text;
	size_t bars = 0;

	fill_history();
	text = page(web_page_status);
	for (const char *at = text; (at = strstr(at, "h1v-")); at++)
		bars++;
	/* Octets and logins in each column. */
	assert_int_equal(bars, 2 * WEB_HISTORY_COLUMNS);
	assert_non_null(strstr(text, "v-60.0h"));
	assert_non_null(strstr(text, "9.0 GiB"));
	assert_non_null(strstr(text, "34,567 messages in 1,200 mailboxes"));
	assert_non_null(strstr(text, "<td>big&lt;er&gt;</td><td>5</td><td>3.0 "
				     "MiB</td><td>3 d</td>"));
	assert_non_null(strstr(text, "<td>anywhere</td><td>&lt;i&gt;@example"
				     ".org</td><td>12</td><td>0 s</td>"));
	assert_non_null(strstr(text, "and 3 more"));
	assert_non_null(strstr(text, "7 connections open"));
	assert_non_null(strstr(text, "<td>session 1</td><td>101</td>"));
	/* What ends first stands first; names are no HTML. */
	assert_true(
		strstr(text, "<td>example.com</td><td>RSA 2048</td><td class="
			     "\"bad\">expired</td>") <
		strstr(text, "<td>mail.example.org, &lt;b&gt;</td><td>EC "
			     "P-256</td><td class=\"bad\">10</td>"));
	assert_null(strstr(text, "<script"));
	free(text);
}

static void
no_room(void **state)
{
	struct web_snapshot snapshot = {.version = "1",
		.hostname = "h",
		.told = &told,
		.history = &history,
		.certificates = &certificates};

	for (size_t room = 0; room < 2000; room += 7) {
		struct buffer out;

		buffer_init(&out, room);
		assert_false(web_page_status(&snapshot, &out));
		buffer_release(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ring_keeps_the_newest),
		cmocka_unit_test(columns_stand_still),
		cmocka_unit_test(a_ring_that_begins),
		cmocka_unit_test(metrics),
		cmocka_unit_test(a_host_name_is_not_html),
		cmocka_unit_test(status),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
