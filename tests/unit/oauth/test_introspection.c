/* SPDX-License-Identifier: ISC */
/* What an introspection server answered; that it is asked is a system test. */
#include "../check.h"

#include "oauth/introspection.h"

#include <stdlib.h>
#include <unistd.h>

#define NOW 1000000

static const struct oauth_rules rules = {
	.issuer = "", .audience = "", .scope = "", .user_claim = "username"};

#define WHO	  "\"username\":\"anna\""
#define NO_ANSWER "its answer is no JSON object with \"active\""

static const struct {
	const char *answer;
	enum outcome outcome;
	const char *error;
} rows[] = {
	{"{\"active\":true," WHO "}", OK, ""},
	{"{\"active\":true," WHO ",\"exp\":1000001,\"token_type\":\"bearer\"}",
		OK, ""},
	{"{\"active\":false}", ERR_DENIED, "not active"},
	{"{\"active\":false," WHO "}", ERR_DENIED, "not active"},
	{"{\"active\":true," WHO ",\"exp\":1}", ERR_DENIED, "expired"},
	{"{\"active\":true," WHO ",\"token_type\":\"mac\"}", ERR_DENIED,
		"no bearer token"},
	{"{\"active\":true}", ERR_DENIED, "no user: it has no \"username\""},
	/* None of these says anything of the token. */
	{"{\"active\":\"true\"," WHO "}", ERR_TRY_LATER, NO_ANSWER},
	{"{\"active\":1," WHO "}", ERR_TRY_LATER, NO_ANSWER},
	{"{" WHO "}", ERR_TRY_LATER, NO_ANSWER},
	{"{\"active\":false,\"active\":true," WHO "}", ERR_TRY_LATER,
		NO_ANSWER},
	{"[true]", ERR_TRY_LATER, NO_ANSWER},
	{"<html>", ERR_TRY_LATER, NO_ANSWER},
	{"", ERR_TRY_LATER, NO_ANSWER},
};

static void
test_answers(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct oauth_answer answer = {.user = "before"};
		char error[OAUTH_ERROR_SIZE] = "";
		enum outcome outcome =
			introspection_judge(bytes_of_string(rows[i].answer),
				&rules, NOW, &answer, error);

		if (outcome != rows[i].outcome ||
			strcmp(error, rows[i].error) != 0)
			fail_msg("%s: %d, %s", rows[i].answer, (int)outcome,
				error);
		assert_string_equal(
			answer.user, outcome == OK ? "anna" : "before");
	}
}

static const struct {
	const char *text;
	bool is_good;
} files[] = {
	{"pop3\nsecret\n", true},
	{"pop3\n secret \nmore\n", true},
	{"pop3\nsecret", true},
	{"pop3\n", false},
	{"pop3", false},
	{"\nsecret\n", false},
	{"", false},
};

static void
test_client_files(void **state)
{
	char file[] = "/tmp/restante-client-XXXXXX";
	int fd = mkstemp(file);

	assert_true(fd >= 0);
	for (size_t i = 0; i < COUNT(files); i++) {
		struct introspection in = {0};
		char error[OAUTH_ERROR_SIZE] = "";
		ssize_t octets = (ssize_t)strlen(files[i].text);

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(
			pwrite(fd, files[i].text, (size_t)octets, 0), octets);
		assert_int_equal(introspection_read_client(&in, file, error),
			files[i].is_good);
		if (files[i].is_good) {
			assert_string_equal(in.client, "pop3");
			assert_bytes(secret_bytes(&in.secret), BYTES("secret"),
				BYTES_NONE);
		} else {
			assert_non_null(strstr(error, "must have two lines"));
			assert_null(strstr(error, "secret\n"));
		}
		secret_release(&in.secret);
	}
	close(fd);
	unlink(file);
	{
		struct introspection in = {0};
		char error[OAUTH_ERROR_SIZE] = "";

		assert_false(introspection_read_client(&in, file, error));
		assert_non_null(strstr(error, file));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_client_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
