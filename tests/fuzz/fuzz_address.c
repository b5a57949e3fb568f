/* SPDX-License-Identifier: ISC */
/*
 * Addresses as people write them: what is taken is printed so that it is taken
 * again for the same, and its network is a network.
 */
#include "fuzz.h"

#include "net/address.h"

static void
check_network(const struct address *address)
{
	char host[ADDRESS_TEXT_SIZE], network[ADDRESS_TEXT_SIZE];
	char again[ADDRESS_TEXT_SIZE];

	address_network_text(address, network);
	address_host_text(address, host);
	if (address->any.sa_family == AF_UNIX)
		return;
	assert_true(address_host_to_network(bytes_of_string(host), again));
	assert_string_equal(again, network);
	assert_true(address_host_to_network(bytes_of_string(network), again));
	assert_string_equal(again, network);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	char text[ADDRESS_TEXT_SIZE], again[ADDRESS_TEXT_SIZE];
	struct address address, second;

	(void)address_host_to_network(in, text);
	if (!address_parse(in, &address))
		return 0;
	assert_true(address.octets <= sizeof(address.storage));
	address_text(&address, text);
	assert_true(address_parse(bytes_of_string(text), &second));
	assert_string_equal(address_text(&second, again), text);
	assert_int_equal(
		address_is_loopback(&address), address_is_loopback(&second));
	check_network(&address);
	return 0;
}
