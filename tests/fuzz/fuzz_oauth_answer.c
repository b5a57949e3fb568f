/* SPDX-License-Identifier: ISC */
/*
 * What an OAuth server sends, and what a browser brings: what is taken can be
 * saved and is read back the same; texts for people are printable.
 */
#include "fuzz.h"

#include "collect/oauth/answer.h"
#include "collect/oauth/browser.h"

enum { FLAG_REQUEST = 1 };

#define NOW 1700000000

static void
check_tokens(struct bytes in)
{
	struct oauth_tokens first = {0}, second = {0};
	struct buffer text;

	if (oauth_read_tokens(in, NOW, &first)) {
		assert_in_range(
			first.access.octets, 1, OAUTH_TOKEN_MAXIMUM_OCTETS);
		assert_in_range(
			first.expires_at, NOW, NOW + OAUTH_EXPIRES_MAXIMUM);
		buffer_init(&text, OAUTH_ANSWER_MAXIMUM_OCTETS);
		assert_true(oauth_write_tokens(&first, &text));
		assert_true(oauth_read_saved(buffer_bytes(&text), &second));
		assert_true(bytes_equal(secret_bytes(&first.access),
			secret_bytes(&second.access)));
		assert_true(bytes_equal(secret_bytes(&first.refresh),
			secret_bytes(&second.refresh)));
		assert_int_equal(first.expires_at, second.expires_at);
		buffer_release(&text);
	}
	oauth_tokens_release(&first);
	oauth_tokens_release(&second);
	oauth_read_saved(in, &first);
	oauth_tokens_release(&first);
}

static void
check_device(struct bytes in)
{
	struct oauth_device device = {.interval = 0};

	if (oauth_read_device(in, &device)) {
		assert_in_range(
			device.code.octets, 1, OAUTH_TOKEN_MAXIMUM_OCTETS);
		assert_in_range(strlen(device.user_code), 1, 63);
		assert_in_range(device.interval, 0, OAUTH_INTERVAL_MAXIMUM);
	}
	secret_release(&device.code);
}

static void
check_error(struct bytes in)
{
	char text[OAUTH_TEXT_SIZE];

	assert_in_range(
		oauth_read_error(in, text), OAUTH_PENDING, OAUTH_FAULTY);
	for (const char *at = text; *at; at++)
		assert_in_range(*at, ' ', '~');
}

static void
check_request(struct bytes in)
{
	char error[INI_ERROR_SIZE] = "";
	struct secret code = {0};

	switch (oauth_browser_read(in, "state", &code, error)) {
	case OAUTH_RETURN_CODE:
		assert_in_range(code.octets, 1, OAUTH_CODE_MAXIMUM_OCTETS);
		break;
	case OAUTH_RETURN_REFUSED:
		assert_true(error[0]);
		break;
	case OAUTH_RETURN_OTHER:
	default:
		assert_int_equal(code.octets, 0);
		break;
	}
	secret_release(&code);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);

	if (head.flags & FLAG_REQUEST) {
		check_request(in);
		return 0;
	}
	check_tokens(in);
	check_device(in);
	check_error(in);
	return 0;
}
