/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "accounts/password.h"

static const char spaces[] = "  a password with  spaces ";

/* ---- hashes made here ---- */

static enum outcome
password_hash(struct bytes password, char hash[ACCOUNT_HASH_SIZE])
{
	struct credential credential = {0};
	enum outcome outcome = password_set(&credential, password, NULL, 0);

	if (outcome == OK)
		memcpy(hash, credential.hash, ACCOUNT_HASH_SIZE);
	else
		assert_string_equal(credential.hash, "");
	return outcome;
}

static void
hash_of(struct bytes password, char hash[ACCOUNT_HASH_SIZE])
{
	assert_int_equal(password_hash(password, hash), OK);
	/* yescrypt */
	assert_memory_equal(hash, "$y$", 3);
}

static void
the_right_one_is_right(void **state)
{
	char hash[ACCOUNT_HASH_SIZE];

	hash_of(BYTES("secret"), hash);
	assert_int_equal(password_check(BYTES("secret"), hash), OK);
	assert_int_equal(password_check(BYTES("Secret"), hash), ERR_DENIED);
	assert_int_equal(password_check(BYTES("secret "), hash), ERR_DENIED);
	assert_int_equal(password_check(BYTES(" secret"), hash), ERR_DENIED);
	assert_int_equal(password_check(BYTES("secre"), hash), ERR_DENIED);
	assert_int_equal(password_check(BYTES(""), hash), ERR_DENIED);
	/* What stands before a NUL is not the password. */
	assert_int_equal(password_check(BYTES("secret\0"), hash), ERR_DENIED);
	assert_int_equal(password_check(BYTES("secret\0x"), hash), ERR_DENIED);
}

static void
spaces_belong_to_it(void **state)
{
	char hash[ACCOUNT_HASH_SIZE];

	hash_of(bytes_of_string(spaces), hash);
	assert_int_equal(password_check(bytes_of_string(spaces), hash), OK);
	assert_int_equal(
		password_check(bytes_after(bytes_of_string(spaces), 1), hash),
		ERR_DENIED);
	assert_int_equal(password_check(BYTES("a"), hash), ERR_DENIED);
}

static void
it_may_be_as_long_as_255_octets(void **state)
{
	char hash[ACCOUNT_HASH_SIZE] = "untouched";
	unsigned char password[PASSWORD_MAXIMUM_OCTETS + 1];

	assert_int_equal(PASSWORD_MAXIMUM_OCTETS, 255);
	for (size_t i = 0; i < sizeof(password); i++)
		password[i] = i % 7 ? (unsigned char)(i % 255 + 1) : ' ';
	assert_int_equal(
		password_hash(bytes_of(password, sizeof(password)), hash),
		ERR_PEER);
	assert_string_equal(hash, "untouched");
	hash_of(bytes_of(password, PASSWORD_MAXIMUM_OCTETS), hash);
	assert_int_equal(
		password_check(
			bytes_of(password, PASSWORD_MAXIMUM_OCTETS), hash),
		OK);
	/* Every octet counts, the last one too, and one more is wrong. */
	assert_int_equal(
		password_check(bytes_of(password, sizeof(password)), hash),
		ERR_DENIED);
	password[PASSWORD_MAXIMUM_OCTETS - 1] ^= 1;
	assert_int_equal(
		password_check(
			bytes_of(password, PASSWORD_MAXIMUM_OCTETS), hash),
		ERR_DENIED);
}

static void
what_cannot_be_one_is_refused(void **state)
{
	char hash[ACCOUNT_HASH_SIZE] = "untouched";

	assert_int_equal(password_hash(BYTES(""), hash), ERR_PEER);
	assert_int_equal(password_hash(BYTES("a\0b"), hash), ERR_PEER);
	assert_int_equal(password_hash(BYTES("\0"), hash), ERR_PEER);
	assert_string_equal(hash, "untouched");
}

static void
two_hashes_of_one_password_differ(void **state)
{
	char first[ACCOUNT_HASH_SIZE], second[ACCOUNT_HASH_SIZE];

	hash_of(BYTES("secret"), first);
	hash_of(BYTES("secret"), second);
	assert_string_not_equal(first, second);
	assert_int_equal(password_check(BYTES("secret"), second), OK);
}

/* ---- hashes of others ---- */

static void
hashes_of_other_systems_are_read(void **state)
{
	/* as "openssl passwd" makes them: another implementation */
	static const char *const hashes[] = {
		"$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1",
		"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
		("$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBn"
		 "IFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"),
	};

	for (size_t i = 0; i < COUNT(hashes); i++) {
		assert_int_equal(
			password_check(BYTES("Hello world!"), hashes[i]), OK);
		assert_int_equal(
			password_check(BYTES("Hello world"), hashes[i]),
			ERR_DENIED);
	}
}

static void
what_is_no_hash_opens_nothing(void **state)
{
	static const char *const hashes[] = {"", "*", "*0", "*1", "!", "x",
		"secret", "$", "$y$", "$y$j9T$", "$y$j9T$salt", "$99$x$y",
		"\x01"};
	static const struct bytes passwords[] = {TEXT(""), TEXT("*"),
		TEXT("*0"), TEXT("!"), TEXT("x"), TEXT("secret")};

	for (size_t i = 0; i < COUNT(hashes); i++)
		for (size_t j = 0; j < COUNT(passwords); j++)
			assert_int_equal(
				password_check(passwords[j], hashes[i]),
				ERR_DENIED);
}

/* One that cannot be a password is not tried as another. */
static void
what_is_cut_opens_nothing(void **state)
{
	/* of no octets at all */
	static const char hash[] =
		"$5$saltstring$FdNfA4gXqvCeO6iZs7G/.wwwoywYZqo0l1pwmfWaBA7";
	static const unsigned char zeros[PASSWORD_MAXIMUM_OCTETS + 1];

	assert_int_equal(password_check(BYTES(""), hash), OK);
	assert_int_equal(password_check(BYTES("\0"), hash), ERR_DENIED);
	assert_int_equal(password_check(BYTES("\0x"), hash), ERR_DENIED);
	assert_int_equal(password_check(bytes_of(zeros, sizeof(zeros)), hash),
		ERR_DENIED);
}

static void
nobody_has_no_password(void **state)
{
	assert_int_equal(password_check(BYTES("secret"), NULL), ERR_DENIED);
	assert_int_equal(password_check(BYTES(""), NULL), ERR_DENIED);
	assert_int_equal(password_check(BYTES("nobody"), NULL), ERR_DENIED);
	assert_int_equal(password_check(BYTES("a\0b"), NULL), ERR_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_one_is_right),
		cmocka_unit_test(spaces_belong_to_it),
		cmocka_unit_test(it_may_be_as_long_as_255_octets),
		cmocka_unit_test(what_cannot_be_one_is_refused),
		cmocka_unit_test(two_hashes_of_one_password_differ),
		cmocka_unit_test(hashes_of_other_systems_are_read),
		cmocka_unit_test(what_is_no_hash_opens_nothing),
		cmocka_unit_test(what_is_cut_opens_nothing),
		cmocka_unit_test(nobody_has_no_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
