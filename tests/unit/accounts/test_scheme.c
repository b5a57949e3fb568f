/* SPDX-License-Identifier: ISC */
/* Passwords as other servers write them. The rows were made by doveadm pw of
   Dovecot 2.3.19; tests/system/test_passwd_file.py asks it again. */
#include "../check.h"

#include "accounts/password.h"
#include "accounts/scheme.h"

#define PASSWORD "Pass word1"

static const char *const good[] = {
	"{PLAIN}Pass word1",
	"{CLEAR}Pass word1",
	"{CLEARTEXT}Pass word1",
	"{plain}Pass word1",
	"{PLAIN.B64}UGFzcyB3b3JkMQ==",
	"{PLAIN.HEX}5061737320776f726431",
	"{CRYPT}$2y$05$lgF87rKHrU5uxXjNoK43Kei/fPAPIx4DcqPaGKo2EGllCWBcdDpdq",
	"{DES-CRYPT}SSpbsrF8P/.5k",
	"{MD5}$1$HHS1IAzx$Znp2/zM0EaodhQYwc1zOy/",
	"{MD5}4d161b47160bc610763b8cafb715cf51",
	"{MD5-CRYPT}$1$NZHOzZaS$kYta5Sdv6rfJLerQIZE2N1",
	"{SHA256-CRYPT}$5$F5VFKr8wpAQakvdL$"
	"bVRGGVfRZRQdAV4UgZkOw38WS6/QMeSZ7MmM3nhg/e9",
	"{SHA512-CRYPT}$6$B/N4NOg1CckynL2w$"
	"dcO8q.auko26QCwPagAir3K8reKZI3IEVMm8oslqnp2nGqaT0R3uZmV5VnSq2Fo1r7FsJJ"
	"GlQcn/rH1NrzUu81",
	"{BLF-CRYPT}$2y$05$"
	"RccySZM9fug2Bpsoit2eROjseEYEkb0XXF6pYurZX0TlemrVafAru",
	"{PLAIN-MD5}4d161b47160bc610763b8cafb715cf51",
	"{LDAP-MD5}TRYbRxYLxhB2O4yvtxXPUQ==",
	"{SHA}iTMlcIm/FNVRpXSEDbwtZqw+CjE=",
	"{SHA1}iTMlcIm/FNVRpXSEDbwtZqw+CjE=",
	"{SHA256}7hdmALOfH5cX3bwBagay7ua8kEyNfhex1HDG1R47D4k=",
	"{SHA256.HEX}"
	"ee176600b39f1f9717ddbc016a06b2eee6bc904c8d7e17b1d470c6d51e3b0f89",
	"{sha256.hex}"
	"EE176600B39F1F9717DDBC016A06B2EEE6BC904C8D7E17B1D470C6D51E3B0F89",
	"{SHA512}0LT8h/jv99QKrXx+RAHt3eWIW6WfA3EA3apluqpUFKV6bJsuywPL85GZH61suP"
	"CO36lmJDTIj1rp6MXZnc/y/Q==",
	"{SMD5}0xgAeIqN6s4v1M3cReZYI6oGvvQ=",
	"{SMD5.HEX}ff8f3059bb5a6fefeae2fd16c8a84dfcc8931d6b",
	"{SSHA}3FgN7aQKJObr1y26AX5kKsaPSXlWSAaw",
	"{SSHA.HEX}e05813a8848f7b5e7a34cd9532e97bf2e6fc3e6712b2b4b0",
	"{SSHA256}IA92PVMFQuvE1taBrz73rznG/jrdtGknI1+f0947B0Ir2M2y",
	"{SSHA512}oGq/jOZAltuMXfuzmiBydRWtEcOvFMaPxLscGz30kYUsiK0YJI7jMmz2YS2f3"
	"D8qnvn92OVHkGXoBPUgwUau5EP6uHQ=",
	"{SSHA512.B64}2kmWCYrcTTGl2FtX/hXToDaAlmFVPjbc7ku0MmusHQ/r/F8ox0uSGAPfp"
	"tw/dOUrTZ1AOr2BKoNWvrGHz+8g7rYliJ4=",
	"{PBKDF2}$1$sI7wzZgI/pz89rVw$5000$"
	"665b5ded3755272aab4596e1c25b20d377504a47",
	"{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$2MJ1VJ5tTc744tWMvRPZtw$"
	"J+XVGyRjTKxh3pxQ88EnlxlWczN0RdUQZIxS6BwE/5M",
	"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$a4Fxu0nSdvabwOf2J/ap4Q$"
	"Jx5ttO+2tvS+I/U7NZwPUaRuNOZN3NpmtIaAMYblR7o",
	"{SCRAM-SHA-1}4096,rTWg6nQD4Ffm1w95qIMr4w==,"
	"PosnyVjX7YeAK2xsasX/0hTXjjg=,JHwbkp2pQVb1hqo4zrUJ6Sxt+bU=",
	"{SCRAM-SHA-256}4096,SDpVvDkvikhwhn6K8gUzHw==,"
	"7v2jyvdruIcNT0AYJQ7ayTx/nzrZusVVrlOSqQNF5YI=,"
	"SbCHdo2AYsuY1tIEy39eevWEtgWoL7VqPaiGSni+pbU=",
};

static struct credential
read_good(const char *text)
{
	struct credential credential = {0};
	struct bytes scheme;

	if (scheme_read(bytes_of_string(text), "CRYPT", &credential, &scheme) !=
		SCHEME_OK)
		fail_msg("%s", text);
	return credential;
}

static void
passwords_are_right_or_wrong(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		struct credential credential = read_good(good[i]);

		if (password_check(BYTES(PASSWORD), credential.hash) != OK)
			fail_msg("%s is refused", good[i]);
		/* DES-CRYPT looks at 8 characters alone. */
		if (password_check(BYTES("pass word1"), credential.hash) !=
			ERR_DENIED)
			fail_msg("%s takes another", good[i]);
		if (password_check(BYTES(""), credential.hash) != ERR_DENIED)
			fail_msg("%s takes none", good[i]);
	}
}

/* Those that settings may name are those that there are. */
static void
all_names_are_known(void **state)
{
	struct bytes rest = BYTES(SCHEME_NAMES);
	unsigned count = 0;

	while (rest.octets > 0) {
		struct bytes word = bytes_cut(&rest, ' '), scheme;
		struct credential credential;
		char name[32];

		assert_true(bytes_to_string(word, name, sizeof(name)));
		assert_int_not_equal(
			scheme_read(BYTES("?"), name, &credential, &scheme),
			SCHEME_UNKNOWN);
		count++;
	}
	assert_int_equal(count, 25);
}

static void
the_standard_is_for_those_without(void **state)
{
	struct credential credential = {0};
	struct bytes scheme;

	assert_int_equal(
		scheme_read(BYTES("Pass word1"), "PLAIN", &credential, &scheme),
		SCHEME_OK);
	assert_bytes(scheme, BYTES("PLAIN"), BYTES(""));
	assert_int_equal(password_check(BYTES(PASSWORD), credential.hash), OK);
	assert_int_equal(scheme_read(bytes_of_string(strchr(good[17], '}') + 1),
				 "sha1", &credential, &scheme),
		SCHEME_OK);
	assert_int_equal(password_check(BYTES(PASSWORD), credential.hash), OK);
	assert_int_equal(scheme_read(bytes_of_string(strchr(good[11], '}') + 1),
				 "CRYPT", &credential, &scheme),
		SCHEME_OK);
	assert_string_equal(credential.hash, strchr(good[11], '}') + 1);
}

static void
scram_has_its_keys(void **state)
{
	struct credential credential = read_good(good[COUNT(good) - 1]);
	struct scram_keys made = {0}, *keys = &credential.scram[SCRAM_SHA_256];

	assert_int_equal(keys->iterations, 4096);
	assert_int_equal(keys->salt_octets, 16);
	assert_true(scram_keys_derive(SCRAM_SHA_256, BYTES(PASSWORD),
		bytes_of(keys->salt, 16), 4096, &made));
	assert_memory_equal(&made, keys, sizeof(made));
	assert_int_equal(credential.scram[SCRAM_SHA_1].iterations, 0);
}

static void
what_cannot_be_checked_is_told_apart(void **state)
{
	static const struct {
		const char *text, *scheme;
		enum scheme_result result;
	} rows[] = {
		{"{OTP}sha1 1024 6a4bacc6fcc03160", "OTP", SCHEME_UNKNOWN},
		{"{CRAM-MD5}38f2eb346ea4", "CRAM-MD5", SCHEME_UNKNOWN},
		{"{}secret", "", SCHEME_UNKNOWN},
		{"{PLAIN.b32}x", "PLAIN.b32", SCHEME_UNKNOWN},
		{"{PLAIN.}x", "PLAIN.", SCHEME_UNKNOWN},
		{"{PLAIN", "CRYPT", SCHEME_MALFORMED},
		{"{PLAIN}", "PLAIN", SCHEME_MALFORMED},
		/* a password where a hash belongs */
		{"secret!", "CRYPT", SCHEME_MALFORMED},
		{"{CRYPT}{PLAIN}x", "CRYPT", SCHEME_MALFORMED},
		{"{CRYPT}$99$x$y", "CRYPT", SCHEME_MALFORMED},
		{"{MD5-CRYPT}$5$salt$hash", "MD5-CRYPT", SCHEME_MALFORMED},
		{"{SHA256-CRYPT}secret", "SHA256-CRYPT", SCHEME_MALFORMED},
		{"{PLAIN-MD5}4d161b47160bc610763b8cafb715cf5", "PLAIN-MD5",
			SCHEME_MALFORMED},
		{"{PLAIN-MD5}4d161b47160bc610763b8cafb715cf511a", "PLAIN-MD5",
			SCHEME_MALFORMED},
		{"{SHA1}iTMlcIm/FNVRpXSEDbwtZqw+CjE", "SHA1", SCHEME_MALFORMED},
		{"{SHA1.hex}zz", "SHA1.hex", SCHEME_MALFORMED},
		/* no salt */
		{"{SSHA}iTMlcIm/FNVRpXSEDbwtZqw+CjE=", "SSHA",
			SCHEME_MALFORMED},
		{"{PBKDF2}$1$$5000$665b5ded3755272aab4596e1c25b20d377504a47",
			"PBKDF2", SCHEME_MALFORMED},
		{"{PBKDF2}$1$salt$0$665b5ded3755272aab4596e1c25b20d377504a47",
			"PBKDF2", SCHEME_MALFORMED},
		{"{PBKDF2}$2$salt$9$665b5ded3755272aab4596e1c25b20d377504a47",
			"PBKDF2", SCHEME_MALFORMED},
		{"{ARGON2ID}$argon2i$v=19$m=32768,t=4,p=1$a$b", "ARGON2ID",
			SCHEME_MALFORMED},
		{"{SCRAM-SHA-1}4096,rTWg,PosnyVjX7YeAK2xsasX/0hTXjjg=",
			"SCRAM-SHA-1", SCHEME_MALFORMED},
		{"{SCRAM-SHA-256}4096,SDpVvDkvikhwhn6K8gUzHw==,"
		 "PosnyVjX7YeAK2xsasX/0hTXjjg=,JHwbkp2pQVb1hqo4zrUJ6Sxt+bU=",
			"SCRAM-SHA-256", SCHEME_MALFORMED},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct credential credential = {.hash = "untouched"};
		struct bytes scheme;

		if (scheme_read(bytes_of_string(rows[i].text), "CRYPT",
			    &credential, &scheme) != rows[i].result)
			fail_msg("%s", rows[i].text);
		assert_string_equal(credential.hash, "untouched");
		assert_bytes(scheme, bytes_of_string(rows[i].scheme),
			bytes_of_string(rows[i].text));
	}
}

static void
a_locked_password_is_nobodys(void **state)
{
	static const char *const locked[] = {"*", "!", "!!", "x",
		("!$5$F5VFKr8wpAQakvdL$"
		 "bVRGGVfRZRQdAV4UgZkOw38WS6/QMeSZ7MmM3nhg/e9")};

	for (size_t i = 0; i < COUNT(locked); i++) {
		struct credential credential = read_good(locked[i]);

		assert_int_equal(
			password_check(BYTES(PASSWORD), credential.hash),
			ERR_DENIED);
		assert_int_equal(password_check(bytes_of_string(locked[i]),
					 credential.hash),
			ERR_DENIED);
	}
}

static void
the_unusable_is_the_operators_matter(void **state)
{
	struct credential credentials[2] = {
		{.hash = SCHEME_UNUSABLE}, {.device = "phone"}};
	struct account account = {
		.credentials = credentials, .credential_count = 2};
	size_t which = 9;

	assert_int_equal(
		password_check(BYTES(PASSWORD), SCHEME_UNUSABLE), ERR_BROKEN);
	/* Unless another one is right. */
	assert_int_equal(
		password_set(&credentials[1], BYTES(PASSWORD), NULL, 0), OK);
	assert_int_equal(
		password_find(BYTES(PASSWORD), &account, NULL, &which), OK);
	assert_int_equal(which, 1);
	assert_int_equal(password_find(BYTES("other"), &account, NULL, &which),
		ERR_BROKEN);
	assert_int_equal(
		password_find(BYTES("other"), &account, "phone", &which),
		ERR_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_are_right_or_wrong),
		cmocka_unit_test(all_names_are_known),
		cmocka_unit_test(the_standard_is_for_those_without),
		cmocka_unit_test(scram_has_its_keys),
		cmocka_unit_test(what_cannot_be_checked_is_told_apart),
		cmocka_unit_test(a_locked_password_is_nobodys),
		cmocka_unit_test(the_unusable_is_the_operators_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
