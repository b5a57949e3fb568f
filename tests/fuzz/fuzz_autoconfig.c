/* SPDX-License-Identifier: ISC */
/*
 * An autoconfig file of a stranger: what is taken of it can stand in the file of
 * settings and is read back the same; what is wrong is said in a sentence. Names
 * of hosts: normalized again they are the same.
 */
#include "fuzz.h"

#include "collect/account.h"
#include "collect/discovery/autoconfig.h"
#include "collect/discovery/detour.h"

#include <stdlib.h>

enum { FLAG_HOST = 1, FLAG_DETOUR = 2 };

#define SECTION_MAXIMUM_OCTETS 8192

static const struct mail_address alice = {
	"alice@example.org", "alice", "example.org"};

static void
set(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	assert_non_null(*to);
}

/* As discover and account add write it. */
static void
check_server(const struct named_server *server)
{
	struct collect_account account;
	struct collect_settings settings;
	char error[INI_ERROR_SIZE] = "";
	struct buffer text;

	assert_in_range(server->port, 1, 65535);
	assert_int_not_equal(server->tls, ACCOUNT_TLS_NONE);
	assert_true(account_init(&account, "a"));
	set(&account.host, server->host);
	set(&account.user, server->user);
	account.port = server->port;
	account.tls = server->tls;
	buffer_init(&text, SECTION_MAXIMUM_OCTETS);
	assert_true(account_can_write(&account, error));
	assert_true(account_write(&account, &text));
	assert_true(collect_settings_init(&settings, "state"));
	assert_int_equal(collect_settings_parse(
				 &settings, "file", buffer_bytes(&text), error),
		OK);
	assert_int_equal(settings.count, 1);
	assert_string_equal(settings.accounts[0].host, server->host);
	assert_string_equal(settings.accounts[0].user, server->user);
	collect_settings_release(&settings);
	buffer_release(&text);
	account_release(&account);
}

static void
check_text(struct bytes in, bool is_detour)
{
	char text[2048], once[HOST_SIZE], twice[HOST_SIZE];
	struct detours detours;

	if (!bytes_to_string(in, text, sizeof(text)))
		return;
	if (is_detour) {
		if (detours_parse(text, &detours))
			assert_in_range(detours.count, 0, DETOURS_MAXIMUM);
		return;
	}
	if (!host_name_normalize(text, once))
		return;
	assert_true(host_name_normalize(once, twice));
	assert_string_equal(once, twice);
	for (const char *at = once; *at; at++)
		assert_non_null(
			strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", *at));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	char error[AUTOCONFIG_ERROR_SIZE] = "";
	struct autoconfig found;

	if (head.flags & (FLAG_HOST | FLAG_DETOUR)) {
		check_text(in, head.flags & FLAG_DETOUR);
		return 0;
	}
	if (autoconfig_parse(in, &alice, &found, error) != OK) {
		assert_in_range(
			strnlen(error, sizeof(error)), 1, sizeof(error) - 1);
		return 0;
	}
	assert_in_range(found.count, 0, AUTOCONFIG_SERVERS_MAXIMUM);
	for (size_t i = 0; i < found.count; i++)
		check_server(&found.servers[i]);
	return 0;
}
