/* SPDX-License-Identifier: ISC */
/*
 * What a proxy says in front of a connection: cut anyhow it comes to the same,
 * nothing behind it is taken, it has its maximum, and an address that came out
 * comes out again when it is written as version 1 says it.
 */
#include "fuzz.h"

#include "net/proxy_header.h"

struct end {
	enum proxy_result result;
	size_t taken;
	const char *error;
	char client[ADDRESS_TEXT_SIZE];
	bool is_v6;
};

/* Adds what was taken of `piece`. */
static enum proxy_result
take(struct proxy_header *header, struct bytes piece, size_t *taken)
{
	struct bytes left = piece;
	enum proxy_result result = proxy_header_take(header, &left);

	if (result == PROXY_MORE)
		assert_int_equal(left.octets, 0);
	*taken += piece.octets - left.octets;
	return result;
}

/* Whole when there is no pace. */
static struct end
run(struct bytes said, uint64_t *pace)
{
	struct end end = {.result = PROXY_MORE};
	struct proxy_header header;

	proxy_header_init(&header);
	if (!pace)
		end.result = take(&header, said, &end.taken);
	while (pace && end.result == PROXY_MORE && said.octets > 0) {
		struct bytes piece = fuzz_cut_piece(&said, pace, 64);

		end.result = take(&header, piece, &end.taken);
		fuzz_free_piece(&piece);
	}
	end.error = header.error;
	assert_int_equal(end.result == PROXY_FAILED, header.error != NULL);
	if (header.client.octets > 0) {
		end.is_v6 = header.client.any.sa_family == AF_INET6;
		address_text(&header.client, end.client);
	}
	proxy_header_release(&header);
	return end;
}

static void
check_again(const struct end *first)
{
	char host[ADDRESS_TEXT_SIZE], line[3 * ADDRESS_TEXT_SIZE];
	const char *colon = strrchr(first->client, ':');
	struct end again;

	snprintf(host, sizeof(host), "%.*s",
		(int)(colon - first->client) - 2 * first->is_v6,
		first->client + first->is_v6);
	snprintf(line, sizeof(line), "PROXY TCP%c %s %s %s 1\r\n",
		first->is_v6 ? '6' : '4', host, host, colon + 1);
	again = run(bytes_of_string(line), NULL);
	assert_int_equal(again.result, PROXY_DONE);
	assert_string_equal(again.client, first->client);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	struct end whole = run(in, NULL), cut = run(in, &head.pace);

	assert_int_equal(whole.result, cut.result);
	if (whole.error)
		assert_string_equal(whole.error, cut.error);
	if (whole.result == PROXY_DONE)
		assert_int_equal(whole.taken, cut.taken);
	assert_in_range(whole.taken, 0, PROXY_HEADER_MAXIMUM_OCTETS);
	assert_string_equal(whole.client, cut.client);
	if (whole.client[0] && whole.result == PROXY_DONE)
		check_again(&whole);
	return 0;
}
