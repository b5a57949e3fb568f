/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "net/proxy_header.h"

#define MARK "\r\n\r\n\0\r\nQUIT\n"
/* Whose it is, and what it was handed to. */
#define V4 "\300\0\2\1\300\0\2\2\22\147\3\343"
#define V6                                                                     \
	" \1\r\270\0\0\0\0\0\0\0\0\0\0\0\1"                                    \
	" \1\r\270\0\0\0\0\0\0\0\0\0\0\0\2\22\147\3\343"
#define UNIX16	"/run/proxy.sock\0"
#define UNIX108 UNIX16 UNIX16 UNIX16 UNIX16 UNIX16 UNIX16 "/run/pr.sock"

static const struct {
	struct bytes header;
	const char *client; /* "": none */
} good[] = {
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 4711 995\r\n"), "192.0.2.1:4711"},
	{TEXT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
		"255.255.255.255:65535"},
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 0 0\r\n"), "192.0.2.1:0"},
	{TEXT("PROXY TCP6 2001:db8::1 2001:db8::2 4711 995\r\n"),
		"[2001:db8::1]:4711"},
	{TEXT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{TEXT("PROXY UNKNOWN\r\n"), ""},
	{TEXT("PROXY UNKNOWN \r\n"), ""},
	/* The longest there may be. */
	{TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
		""},
	{TEXT(MARK "\x21\x11\0\14" V4), "192.0.2.1:4711"},
	{TEXT(MARK "\x21\x21\0\44" V6), "[2001:db8::1]:4711"},
	/* LOCAL, with and without what is to be ignored. */
	{TEXT(MARK "\x20\0\0\0"), ""},
	{TEXT(MARK "\x20\x11\0\14" V4), ""},
	{TEXT(MARK "\x20\x11\0\3"
		   "\300\0\2"),
		""},
	/* PROXY, but not of what: skipped whole, whatever it is. */
	{TEXT(MARK "\x21\0\0\0"), ""},
	{TEXT(MARK "\x21\0\0\5abcde"), ""},
	{TEXT(MARK "\x21\x12\0\14" V4), ""},
	{TEXT(MARK "\x21\x31\0\330" UNIX108 UNIX108), ""},
	/* TLVs: an authority, an empty one, one of no known type. */
	{TEXT(MARK "\x21\x11\0\35" V4 "\2\0\4host\4\0\0\356\0\4abcd"),
		"192.0.2.1:4711"},
	/* A checksum alone, and between others. */
	{TEXT(MARK "\x21\x11\0\23" V4 "\3\0\4\xd9\x57\x05\x81"),
		"192.0.2.1:4711"},
	{TEXT(MARK "\x21\x11\0\33" V4 "\2\0\1h\3\0\4\xe0\x13\x43\x0d\4\0\1"
		   "x"),
		"192.0.2.1:4711"},
};

static const struct {
	struct bytes header;
	const char *error;
} bad[] = {
	{TEXT("GET / HTTP/1.0\r\n"), "it sends none"},
	{TEXT("USER alice\r\n"), "it sends none"},
	{TEXT("PROXIES\r\n"), "it sends none"},
	{TEXT("\x16\3\1\2\0\1\0\1\374\3\3"), "it sends none"},
	{TEXT("\r\n\r\n\0\r\nQUIX\n!"), "it sends none"},
	{TEXT("PROXY \n"), "its line does not end with CR LF"},
	{TEXT("PROXY UNKNOWN\n"), "its line does not end with CR LF"},
	{TEXT("PROXY \r\n"), "its line is not of version 1"},
	{TEXT("PROXY UNKNOWNS\r\n"), "its line is not of version 1"},
	{TEXT("PROXY TCP4\r\n"), "its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 4711\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 4711 995 \r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4  192.0.2.1 192.0.2.2 4711 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2 4711 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.01 192.0.2.2 4711 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 04711 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 65536 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 4711 65536\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 -1 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 ::1 ::1 4711 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP6 192.0.2.1 192.0.2.2 4711 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP6 fe80::1%lo fe80::2 4711 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY tcp4 192.0.2.1 192.0.2.2 4711 995\r\n"),
		"its line is not of version 1"},
	{TEXT("PROXY TCP4 192.0.2.1\0 192.0.2.2 4711 995\r\n"),
		"its line is not of version 1"},
	/* One more than the longest. */
	{TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n"),
		"its line is too long"},
	{TEXT(MARK "\x11\x11\0\14" V4), "its version or command is unknown"},
	{TEXT(MARK "\x22\x11\0\14" V4), "its version or command is unknown"},
	{TEXT(MARK "\x21\x11\x07\xf1"), "it is too long"},
	{TEXT(MARK "\x21\x11\0\13" V4), "its addresses are cut off"},
	{TEXT(MARK "\x21\x21\0\14" V4), "its addresses are cut off"},
	{TEXT(MARK "\x21\x11\0\16" V4 "\2\0"), "a TLV runs over its end"},
	{TEXT(MARK "\x21\x11\0\20" V4 "\2\0\2h"), "a TLV runs over its end"},
	{TEXT(MARK "\x21\x11\0\23" V4 "\3\0\4\xd9\x57\x05\x80"),
		"its checksum is wrong"},
	/* As if it were right, of another header. */
	{TEXT(MARK "\x21\x21\0\53" V6 "\3\0\4\xd9\x57\x05\x81"),
		"its checksum is wrong"},
	{TEXT(MARK "\x21\x11\0\22" V4 "\3\0\3\xd9\x57\x05"),
		"its checksum is wrong"},
};

/* In pieces that end at `first`, then every `every` octets. */
static enum proxy_result
take(struct proxy_header *header, struct bytes whole, size_t first,
	size_t every, size_t *out_taken)
{
	enum proxy_result result = PROXY_MORE;
	size_t taken = 0, end = first;

	proxy_header_init(header);
	while (result == PROXY_MORE && taken < whole.octets) {
		struct bytes piece;

		if (end > whole.octets)
			end = whole.octets;
		piece = bytes_of(whole.at + taken, end - taken);
		result = proxy_header_take(header, &piece);
		taken = end - piece.octets;
		if (result == PROXY_MORE)
			assert_int_equal(piece.octets, 0);
		end += every;
	}
	*out_taken = taken;
	return result;
}

static void
check_good(size_t row, struct bytes whole, size_t first, size_t every)
{
	char text[ADDRESS_TEXT_SIZE] = "";
	struct proxy_header header;
	size_t taken;

	if (take(&header, whole, first, every, &taken) != PROXY_DONE)
		fail_msg("row %zu: %s", row, header.error);
	assert_int_equal(taken, good[row].header.octets);
	if (header.client.octets > 0)
		address_text(&header.client, text);
	assert_string_equal(text, good[row].client);
	proxy_header_release(&header);
}

static void
takes_headers_and_nothing_behind(void **state)
{
	unsigned char octets[512];

	for (size_t i = 0; i < COUNT(good); i++) {
		struct bytes header = good[i].header;
		struct bytes whole = {octets, header.octets + 7};

		memcpy(octets, header.at, header.octets);
		memcpy(octets + header.octets, "CAPA\r\n\n", 7);
		for (size_t first = 1; first <= whole.octets; first++)
			check_good(i, whole, first, whole.octets);
		check_good(i, whole, 1, 1);
		check_good(i, whole, 3, 5);
	}
}

static void
awaits_the_rest(void **state)
{
	struct proxy_header header;
	size_t taken;

	for (size_t i = 0; i < COUNT(good); i++)
		for (size_t n = 1; n < good[i].header.octets; n++) {
			struct bytes part = bytes_of(good[i].header.at, n);

			assert_int_equal(
				take(&header, part, n, 1, &taken), PROXY_MORE);
			assert_int_equal(header.client.octets, 0);
			proxy_header_release(&header);
		}
}

static void
refuses_the_rest(void **state)
{
	struct proxy_header header;
	size_t taken;

	for (size_t i = 0; i < COUNT(bad); i++)
		for (size_t first = 1; first <= bad[i].header.octets; first++) {
			enum proxy_result result = take(&header, bad[i].header,
				first, first == 1 ? 1 : 4096, &taken);

			if (result != PROXY_FAILED)
				fail_msg("row %zu: taken", i);
			assert_string_equal(header.error, bad[i].error);
			proxy_header_release(&header);
		}
}

static void
has_a_maximum(void **state)
{
	unsigned char octets[PROXY_HEADER_MAXIMUM_OCTETS + 1] =
		MARK "\x20\0\x07\xf0";
	struct bytes whole = bytes_of(octets, sizeof(octets));
	struct proxy_header header;
	size_t taken;

	assert_int_equal(take(&header, whole, 1000, 1000, &taken), PROXY_DONE);
	assert_int_equal(taken, PROXY_HEADER_MAXIMUM_OCTETS);
	proxy_header_release(&header);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_headers_and_nothing_behind),
		cmocka_unit_test(awaits_the_rest),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(has_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
