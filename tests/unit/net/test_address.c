/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/address.h"

/* The longest path a socket takes: 107 octets and the NUL. */
#define PATH_107                                                               \
	"/23456789012345678901234567890123456789012345678901234567890"         \
	"12345678901234567890123456789012345678901234567"

static const struct {
	struct bytes text;
	int family;
	const char *host;
	bool is_loopback;
} addresses[] = {
	{TEXT("192.0.2.1:995"), AF_INET, "192.0.2.1", false},
	{TEXT("0.0.0.0:110"), AF_INET, "0.0.0.0", false},
	{TEXT("127.0.0.1:0"), AF_INET, "127.0.0.1", true},
	{TEXT("127.255.255.255:65535"), AF_INET, "127.255.255.255", true},
	{TEXT("126.255.255.255:1"), AF_INET, "126.255.255.255", false},
	{TEXT("128.0.0.1:1"), AF_INET, "128.0.0.1", false},
	{TEXT("1.0.0.127:1"), AF_INET, "1.0.0.127", false},
	{TEXT("[::1]:110"), AF_INET6, "::1", true},
	{TEXT("[::]:995"), AF_INET6, "::", false},
	{TEXT("[::2]:995"), AF_INET6, "::2", false},
	{TEXT("[2001:db8::1]:995"), AF_INET6, "2001:db8::1", false},
	{TEXT("[::ffff:127.0.0.1]:1"), AF_INET6, "::ffff:127.0.0.1", true},
	{TEXT("[::ffff:127.9.9.9]:1"), AF_INET6, "::ffff:127.9.9.9", true},
	{TEXT("[::ffff:192.0.2.127]:1"), AF_INET6, "::ffff:192.0.2.127", false},
	{TEXT("[::127.0.0.1]:1"), AF_INET6, "::127.0.0.1", false},
	{TEXT("[2001:db8:1111:2222:3333:4444:5555:6666]:1"), AF_INET6,
		"2001:db8:1111:2222:3333:4444:5555:6666", false},
	{TEXT("unix:/run/restante/lmtp.sock"), AF_UNIX, "unix", true},
	{TEXT("unix:/a:b"), AF_UNIX, "unix", true},
	{TEXT("unix:" PATH_107), AF_UNIX, "unix", true},
};

static void
parses_and_prints(void **state)
{
	for (size_t i = 0; i < COUNT(addresses); i++) {
		char text[ADDRESS_TEXT_SIZE], host[ADDRESS_TEXT_SIZE];
		struct address address;

		if (!address_parse(addresses[i].text, &address))
			show_octets("refused", addresses[i].text);
		assert_int_equal(address.any.sa_family, addresses[i].family);
		assert_bytes(bytes_of_string(address_text(&address, text)),
			addresses[i].text, addresses[i].text);
		assert_string_equal(
			address_host_text(&address, host), addresses[i].host);
		assert_int_equal(address_is_loopback(&address),
			addresses[i].is_loopback);
	}
}

static const struct bytes wrong[] = {
	TEXT(""),
	TEXT(":"),
	TEXT(":995"),
	TEXT("192.0.2.1"),
	TEXT("192.0.2.1:"),
	TEXT("192.0.2.1:65536"),
	TEXT("192.0.2.1:4294967296"),
	TEXT("192.0.2.1:-1"),
	TEXT("192.0.2.1:+1"),
	TEXT("192.0.2.1:0995"),
	TEXT("192.0.2.1:995 "),
	TEXT(" 192.0.2.1:995"),
	TEXT("192.0.2.1:995\0"),
	TEXT("192.0.2.1\0:995"),
	TEXT("192.0.2.1:pop3"),
	TEXT("192.0.2.256:995"),
	TEXT("192.0.2:995"),
	TEXT("192.0.2.1.1:995"),
	/* No name is ever looked up. */
	TEXT("localhost:995"),
	TEXT("*:995"),
	TEXT("::1:995"),
	TEXT("::1"),
	TEXT("[::1]"),
	TEXT("[::1]995"),
	TEXT("[::1:995"),
	TEXT("::1]:995"),
	TEXT("[]:995"),
	TEXT("[:995"),
	TEXT("[127.0.0.1]:995"),
	TEXT("[::1%lo]:995"),
	TEXT("[::g]:995"),
	TEXT("[2001:db8:1111:2222:3333:4444:5555:6666:7777]:1"),
	TEXT("[00000000000000000000000000000000000000000000000::1]:1"),
	TEXT("unix:"),
	TEXT("unix:run/lmtp.sock"),
	TEXT("unix:/a\0b"),
	TEXT("unix:@abstract"),
	TEXT("UNIX:/a"),
	TEXT("unix:" PATH_107 "8"),
};

static void
refuses(void **state)
{
	struct address before, address;

	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < COUNT(wrong); i++) {
		address = before;
		if (address_parse(wrong[i], &address))
			show_octets("taken for an address", wrong[i]);
		assert_memory_equal(&address, &before, sizeof(address));
	}
}

/* What the kernel gets: network order, and the size of the family. */
static void
makes_a_sockaddr(void **state)
{
	struct address address;
	const struct sockaddr_in *v4 = (const void *)&address.storage;
	const struct sockaddr_in6 *v6 = (const void *)&address.storage;

	assert_true(address_parse(BYTES("192.0.2.1:995"), &address));
	assert_int_equal(address.octets, sizeof(*v4));
	assert_int_equal(ntohs(v4->sin_port), 995);
	assert_int_equal(ntohl(v4->sin_addr.s_addr), 0xc0000201);
	assert_true(address_parse(BYTES("[2001:db8::1]:110"), &address));
	assert_int_equal(address.octets, sizeof(*v6));
	assert_int_equal(ntohs(v6->sin6_port), 110);
	assert_int_equal(v6->sin6_addr.s6_addr[15], 1);
	assert_int_equal(v6->sin6_scope_id, 0);
	assert_true(address_parse(BYTES("unix:/run/a"), &address));
	assert_string_equal(address.un.sun_path, "/run/a");
}

/* As accept(2) tells a client that bound no name. */
static void
prints_unnamed_peers(void **state)
{
	struct address address = {.octets = sizeof(sa_family_t)};
	char text[ADDRESS_TEXT_SIZE];

	address.un.sun_family = AF_UNIX;
	/* What stands behind the octets means nothing. */
	strcpy(address.un.sun_path, "/not/told");
	assert_string_equal(address_text(&address, text), "unix");
	assert_string_equal(address_host_text(&address, text), "unix");
	assert_true(address_is_loopback(&address));
	address.octets = sizeof(address.un);
	address.un.sun_path[0] = '\0';
	assert_string_equal(address_text(&address, text), "unix");
	address.any.sa_family = AF_UNSPEC;
	assert_false(address_is_loopback(&address));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_prints),
		cmocka_unit_test(refuses),
		cmocka_unit_test(makes_a_sockaddr),
		cmocka_unit_test(prints_unnamed_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
