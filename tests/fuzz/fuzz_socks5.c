/* SPDX-License-Identifier: ISC */
/*
 * What a SOCKS5 proxy says: cut anyhow it comes to the same, it never wants more
 * than fits, and what stands behind its reply is left to the server. And URLs:
 * what is taken has its parts.
 */
#include "fuzz.h"

#include "net/socks5.h"

enum { FLAG_LOGIN = 1, FLAG_ADDRESS = 2, FLAG_URL = 4 };

struct end {
	enum socks5_result result;
	size_t taken;
	struct buffer sent;
};

static struct end
run(struct bytes said, uint8_t flags, uint64_t *pace)
{
	struct socks5_proxy proxy = {.host = "proxy", .port = 1080};
	size_t all = said.octets;
	struct socks5 socks5;
	struct end end = {0};

	buffer_init(&end.sent, SOCKS5_OUTPUT_MAXIMUM_OCTETS);
	if (flags & FLAG_LOGIN) {
		memset(proxy.user, 'u', SOCKS5_FIELD_MAXIMUM_OCTETS);
		memset(proxy.password, 'p', SOCKS5_FIELD_MAXIMUM_OCTETS);
	}
	end.result = socks5_begin(&socks5, &proxy,
		flags & FLAG_ADDRESS ? "2001:db8::1" : "mail.example.org", 995,
		&end.sent);
	while (end.result == SOCKS5_MORE && said.octets > 0) {
		size_t wanted = socks5_wanted(&socks5);
		struct bytes piece;

		assert_in_range(wanted, 1, sizeof(socks5.input));
		if (pace) {
			piece = fuzz_cut_piece(&said, pace, wanted);
			end.result = socks5_take(&socks5, piece, &end.sent);
			fuzz_free_piece(&piece);
		} else {
			piece = fuzz_take_octets(&said, wanted);
			end.result = socks5_take(&socks5, piece, &end.sent);
		}
	}
	assert_int_equal(
		end.result == SOCKS5_FAILED, socks5_error(&socks5)[0] != '\0');
	end.taken = all - said.octets;
	return end;
}

static void
check_url(struct bytes text)
{
	struct socks5_proxy proxy;
	char url[2048];

	if (!bytes_to_string(text, url, sizeof(url)) ||
		!socks5_parse(url, &proxy))
		return;
	assert_true(proxy.host[0] && proxy.port > 0);
	assert_int_equal(proxy.user[0] != 0, proxy.password[0] != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	struct end whole, cut;

	if (head.flags & FLAG_URL) {
		check_url(in);
		return 0;
	}
	whole = run(in, head.flags, NULL);
	cut = run(in, head.flags, &head.pace);
	assert_int_equal(whole.result, cut.result);
	assert_int_equal(whole.taken, cut.taken);
	assert_bytes(buffer_bytes(&whole.sent), buffer_bytes(&cut.sent), in);
	buffer_release(&whole.sent);
	buffer_release(&cut.sent);
	return 0;
}
