/* SPDX-License-Identifier: ISC */
#include "server/web_page.h"

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
			.retrieved_octets = 5ull << 30},
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
	char *text = page(web_page_metrics);

	assert_non_null(strstr(text, "restante_build_info{version=\"1.2.3\"} "
				     "1\n"));
	assert_non_null(strstr(text, "\nrestante_sessions 7\n"));
	assert_non_null(strstr(text, "\nrestante_connections_total 1234567\n"));
	assert_non_null(
		strstr(text, "\nrestante_logins_total{result=\"failed\"} 3\n"));
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
	for (const char *at = text; (at = strstr(at, "<rect ")); at++)
		bars++;
	/* Octets in every minute, logins in six of seven. */
	assert_true(bars > 600 && bars < 720);
	assert_non_null(strstr(text, "height=\"60.0\""));
	assert_non_null(strstr(text, "5.0 GiB"));
	assert_non_null(strstr(text, "7 connections open"));
	assert_non_null(strstr(text, "<td>session 1</td><td>101</td>"));
	/* What ends first stands first; names are no HTML. */
	assert_true(strstr(text, "<td>example.com</td><td>RSA 2048</td><td>"
				 "expired</td>") <
		    strstr(text, "<td>mail.example.org, &lt;b&gt;</td><td>EC "
				 "P-256</td><td>10</td>"));
	assert_null(strstr(text, "<script"));
	free(text);
}

static void
no_room(void **state)
{
	struct web_snapshot snapshot = {.version = "1",
		.hostname = "h",
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
		cmocka_unit_test(a_ring_that_begins),
		cmocka_unit_test(metrics),
		cmocka_unit_test(a_host_name_is_not_html),
		cmocka_unit_test(status),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
