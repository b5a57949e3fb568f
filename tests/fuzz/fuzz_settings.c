/* SPDX-License-Identifier: ISC */
/*
 * A configuration file of the server or of the collector: what is wrong is said
 * in a sentence; what is read is written so that it is read back to the same.
 */
#include "fuzz.h"

#include "collect/account.h"
#include "config/server_settings.h"

#define TEXT_MAXIMUM_OCTETS (4u << 20)

enum { FLAG_COLLECTOR = 1, FLAG_ONLY_CHANGED = 2 };

static void
expect_sentence(const char *error)
{
	size_t octets = strnlen(error, INI_ERROR_SIZE);

	assert_in_range(octets, 1, INI_ERROR_SIZE - 1);
}

static bool
parse_server(struct server_settings *settings, struct bytes text,
	struct buffer *written, bool only_changed)
{
	char error[INI_ERROR_SIZE] = "";

	server_settings_init(settings);
	if (server_settings_parse(settings, "file", text, error) != OK) {
		expect_sentence(error);
		return false;
	}
	if (server_settings_check(settings, error) != OK)
		expect_sentence(error);
	assert_true(server_settings_write(settings, only_changed, written));
	return true;
}

static void
check_server(struct bytes text, bool only_changed)
{
	struct server_settings first, second;
	struct buffer once, twice;

	buffer_init(&once, TEXT_MAXIMUM_OCTETS);
	buffer_init(&twice, TEXT_MAXIMUM_OCTETS);
	if (parse_server(&first, text, &once, only_changed)) {
		assert_true(parse_server(
			&second, buffer_bytes(&once), &twice, only_changed));
		assert_bytes(buffer_bytes(&twice), buffer_bytes(&once), text);
		server_settings_release(&second);
	}
	server_settings_release(&first);
	buffer_release(&once);
	buffer_release(&twice);
}

/* ---- the collector ---- */

static bool
parse_collector(struct collect_settings *settings, struct bytes text)
{
	char error[INI_ERROR_SIZE] = "";

	assert_true(collect_settings_init(settings, "state"));
	if (collect_settings_parse(settings, "file", text, error) == OK)
		return true;
	expect_sentence(error);
	return false;
}

static void
write_accounts(const struct collect_settings *settings, struct buffer *out)
{
	char error[INI_ERROR_SIZE] = "";

	for (size_t i = 0; i < settings->count; i++) {
		const struct collect_account *account = &settings->accounts[i];

		assert_true(account_is_name(account->name));
		if (account_can_write(account, error))
			assert_true(account_write(account, out));
		else
			expect_sentence(error);
	}
}

static void
check_collector(struct bytes text)
{
	struct collect_settings first, second;
	struct buffer once, twice;

	buffer_init(&once, TEXT_MAXIMUM_OCTETS);
	buffer_init(&twice, TEXT_MAXIMUM_OCTETS);
	if (parse_collector(&first, text)) {
		write_accounts(&first, &once);
		assert_true(parse_collector(&second, buffer_bytes(&once)));
		write_accounts(&second, &twice);
		assert_bytes(buffer_bytes(&twice), buffer_bytes(&once), text);
		collect_settings_release(&second);
	}
	collect_settings_release(&first);
	buffer_release(&once);
	buffer_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes text = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&text);

	if (head.flags & FLAG_COLLECTOR)
		check_collector(text);
	else
		check_server(text, head.flags & FLAG_ONLY_CHANGED);
	return 0;
}
