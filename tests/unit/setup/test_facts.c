/* SPDX-License-Identifier: ISC */
#include "config/setup_settings.h"
#include "setup/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
addresses(void **state)
{
	static const char *const good[] = {"a@b", "a.b+c@example.org",
		"\"@\"@example.org", "\xC3\xBC@xn--bcher-kva.example"};
	static const char *const bad[] = {"", "a", "@b", "a@", "a b@c", "a\n@b",
		"a@b c", "a@b\"", "\xFF@b", "\xEF\xBF\xBE@b",
		"\xEF\xBF\xBD\xEF\xBF\xBF@b", "a@.b", "a@-b", "a@[::1]"};
	struct setup_who who;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(setup_who_parse(good[i], &who));
		assert_string_equal(who.address, good[i]);
		assert_string_equal(who.domain, strrchr(good[i], '@') + 1);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(setup_who_parse(bad[i], &who));
		assert_string_equal(who.address, "");
		assert_string_equal(who.local, "");
	}
}

static void
servers(void **state)
{
	static const char *const bad[] = {"", "a", "a:", ":1", "a:0", "a:65536",
		"a:b", "a b:1", "[::1]:465", "a:1:2"};
	struct setup_server server = {.port = 7};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(
			setup_server_parse(bytes_of_string(bad[i]), &server));
	assert_int_equal(server.port, 7);
	assert_true(setup_server_parse(
		bytes_of_string("smtp.example.org:465"), &server));
	assert_string_equal(server.host, "smtp.example.org");
	assert_false(server.is_starttls);
	assert_true(setup_server_parse(bytes_of_string("s:587"), &server));
	assert_true(server.is_starttls);
}

static void
settings_become_facts(void **state)
{
	static const char text[] =
		"[server]\nhostname = mail.example.org\n"
		"[listener pop3s]\naddress = unix:/x, [::]:9995\n"
		"[listener pop3]\naddress = unix:/y\n"
		"[listener setup]\naddress = 0.0.0.0:443\n"
		"[setup]\nsubmission = s.example.org:587\n";
	char error[INI_ERROR_SIZE] = "", url[SETUP_URL_SIZE];
	struct server_settings settings;
	struct setup_facts facts;

	server_settings_init(&settings);
	assert_int_equal(server_settings_parse(
				 &settings, "x", bytes_of_string(text), error),
		OK);
	assert_int_equal(server_settings_check(&settings, error), OK);
	assert_true(setup_settings_url(&settings, url));
	assert_string_equal(url, "https://mail.example.org/");
	setup_settings_facts(&settings, url, &facts);
	assert_int_equal(facts.pop3_count, 1);
	assert_int_equal(facts.pop3[0].port, 9995);
	assert_false(facts.pop3[0].is_starttls);
	assert_int_equal(facts.submission.port, 587);
	assert_string_equal(facts.name, "mail.example.org");
	server_settings_release(&settings);
}

/* Whatever room there is: an answer, or none. */
static void
no_room(void **state)
{
	const struct setup_facts facts = {.name = "n",
		.pop3 = {{"h", 995, false}},
		.pop3_count = 1,
		.submission = {"s", 465, false},
		.url = "https://h/"};
	struct http_request request;
	size_t room = 0;
	unsigned status;

	assert_int_equal(
		http_request_read(bytes_of_string("GET /?emailaddress=a@b "
						  "HTTP/1.1\r\n\r\n"),
			&request),
		200);
	do {
		struct buffer out;

		buffer_init(&out, room);
		status = setup_answer(&facts, &request, &out);
		room += 13;
		buffer_release(&out);
	} while (status == 0);
	assert_int_equal(status, 200);
	assert_true(room > 2000);
}

static void
codes(void **state)
{
	struct buffer out;

	buffer_init(&out, SETUP_QR_OCTETS);
	assert_true(setup_draw_qr("https://mail.example.org/", &out));
	assert_non_null(memmem(buffer_bytes(&out).at, out.octets, "</svg>", 6));
	buffer_release(&out);
	buffer_init(&out, 100);
	assert_false(setup_draw_qr("https://mail.example.org/", &out));
	buffer_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(servers),
		cmocka_unit_test(settings_become_facts),
		cmocka_unit_test(no_room),
		cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
