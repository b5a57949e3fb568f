/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "base/base64.h"

/* RFC 4648 section 10, and what uses the whole alphabet. */
static const struct {
	struct bytes plain, coded;
} vectors[] = {
	{TEXT(""), TEXT("")},
	{TEXT("f"), TEXT("Zg==")},
	{TEXT("fo"), TEXT("Zm8=")},
	{TEXT("foo"), TEXT("Zm9v")},
	{TEXT("foob"), TEXT("Zm9vYg==")},
	{TEXT("fooba"), TEXT("Zm9vYmE=")},
	{TEXT("foobar"), TEXT("Zm9vYmFy")},
	{TEXT("\0"), TEXT("AA==")},
	{TEXT("\0\0\0"), TEXT("AAAA")},
	{TEXT("\0alice\0secret"), TEXT("AGFsaWNlAHNlY3JldA==")},
	{TEXT("\xff\xff\xff\xfb\xef\xbe"), TEXT("////++++")},
};

static void
codes_vectors(void **state)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct buffer out;

		buffer_init(&out, 64);
		assert_true(base64_encode(vectors[i].plain, &out));
		assert_bytes(
			buffer_bytes(&out), vectors[i].coded, vectors[i].plain);
		buffer_clear(&out);
		assert_true(base64_decode(vectors[i].coded, &out));
		assert_bytes(
			buffer_bytes(&out), vectors[i].plain, vectors[i].coded);
		buffer_release(&out);
	}
}

static const struct bytes wrong[] = {
	TEXT("Z"),
	TEXT("Zg"),
	TEXT("Zg="),
	TEXT("Zm9vY"),
	/* padding: in the middle, too much, alone, of the wrong shape */
	TEXT("Zg==Zm9v"),
	TEXT("Zm8=Zm9v"),
	TEXT("Z==="),
	TEXT("===="),
	TEXT("="),
	TEXT("=Zg="),
	TEXT("Zg=g"),
	TEXT("Zm9v===="),
	TEXT("Zg==="),
	/* stray bits in the last group */
	TEXT("Zh=="),
	TEXT("Zv=="),
	TEXT("Zm9="),
	TEXT("Zm+="),
	/* outside the alphabet */
	TEXT("Zm9v\r\n"),
	TEXT("Zm9v\r\nab"),
	TEXT(" Zm9"),
	TEXT("Zm9 "),
	TEXT("Zm\0v"),
	TEXT("\0\0\0\0"),
	TEXT("Zm-_"),
	TEXT("Zm9\xf6"),
	TEXT("Zm*v"),
	TEXT("Zm8\0"),
	TEXT("Zm9vZm9.Zm9v"),
};

static void
refuses_what_is_not_base64(void **state)
{
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct buffer out;

		buffer_init(&out, 64);
		assert_true(buffer_append_string(&out, "kept"));
		if (base64_decode(wrong[i], &out))
			show_octets("taken for base64", wrong[i]);
		assert_bytes(buffer_bytes(&out), BYTES("kept"), wrong[i]);
		buffer_release(&out);
	}
}

/* What stands behind the end is not looked at. */
static void
groups_are_whole(void **state)
{
	for (size_t octets = 0; octets <= 12; octets++) {
		struct buffer out;

		buffer_init(&out, 64);
		assert_int_equal(
			base64_decode(bytes_of("Zm9vZm9vZm9v", octets), &out),
			octets % 4 == 0);
		buffer_release(&out);
	}
}

static void
alphabet_is_64_octets(void **state)
{
	unsigned right = 0;

	for (unsigned octet = 0; octet < 256; octet++) {
		const unsigned char group[4] = {
			'A', 'A', 'A', (unsigned char)octet};
		struct buffer out;

		buffer_init(&out, 3);
		right += base64_decode(bytes_of(group, 4), &out);
		buffer_release(&out);
	}
	/* And "=", which AAA= is right with. */
	assert_int_equal(right, 65);
}

static void
comes_back(void **state)
{
	uint64_t seed = 4648;

	for (size_t octets = 0; octets < 200; octets++) {
		unsigned char plain[200];
		struct buffer coded, out;

		for (size_t i = 0; i < octets; i++)
			plain[i] = (unsigned char)random_next(&seed);
		buffer_init(&coded, 400);
		buffer_init(&out, octets);
		assert_true(base64_encode(bytes_of(plain, octets), &coded));
		assert_int_equal(coded.octets, (octets + 2) / 3 * 4);
		assert_true(base64_decode(buffer_bytes(&coded), &out));
		assert_bytes(buffer_bytes(&out), bytes_of(plain, octets),
			buffer_bytes(&coded));
		buffer_release(&coded);
		buffer_release(&out);
	}
}

static void
without_room(void **state)
{
	struct buffer out;

	buffer_init(&out, 7);
	assert_false(base64_encode(BYTES("foob"), &out));
	assert_int_equal(out.octets, 0);
	assert_true(buffer_append_string(&out, "kept"));
	assert_false(base64_decode(BYTES("Zm9vYg=="), &out));
	assert_bytes(buffer_bytes(&out), BYTES("kept"), BYTES_NONE);
	assert_true(base64_decode(BYTES("Zm9v"), &out));
	assert_bytes(buffer_bytes(&out), BYTES("keptfoo"), BYTES_NONE);
	buffer_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_vectors),
		cmocka_unit_test(refuses_what_is_not_base64),
		cmocka_unit_test(groups_are_whole),
		cmocka_unit_test(alphabet_is_64_octets),
		cmocka_unit_test(comes_back),
		cmocka_unit_test(without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
