/* SPDX-License-Identifier: ISC */
/* Networks, expiry, names of logins, keys of SCRAM: without a source. */
#include "../check.h"

#include "base/networks.h"
#include "accounts/password.h"

/* ---- networks ---- */

static void
networks_become_canonical(void **state)
{
	static const struct {
		struct bytes given;
		const char *canonical; /* NULL: refused, for `wrong` */
		const char *wrong;
	} rows[] = {
		{TEXT(""), "", NULL},
		{TEXT("192.0.2.1"), "192.0.2.1", NULL},
		{TEXT("192.0.2.77/24"), "192.0.2.0/24", NULL},
		{TEXT("192.0.2.77/32"), "192.0.2.77", NULL},
		{TEXT("192.0.2.77/31"), "192.0.2.76/31", NULL},
		{TEXT("1.2.3.4/0"), "0.0.0.0/0", NULL},
		{TEXT(" 10.0.0.0/8 , 2001:DB8:0::1/32 "),
			"10.0.0.0/8,2001:db8::/32", NULL},
		{TEXT("::1"), "::1", NULL},
		{TEXT("::ffff:192.0.2.1"), "192.0.2.1", NULL},
		{TEXT("2001:db8:ffff::/33"), "2001:db8:8000::/33", NULL},
		{TEXT("192.0.2.0/33"), NULL, "192.0.2.0/33"},
		{TEXT("2001:db8::/129"), NULL, "2001:db8::/129"},
		{TEXT("192.0.2.0/"), NULL, "192.0.2.0/"},
		{TEXT("192.0.2.0/+8"), NULL, "192.0.2.0/+8"},
		{TEXT("192.0.2"), NULL, "192.0.2"},
		{TEXT("10.0.0.0/8,,::1"), NULL, ""},
		{TEXT("10.0.0.0/8,office"), NULL, "office"},
		{TEXT("::ffff:192.0.2.0/120"), NULL, "::ffff:192.0.2.0/120"},
		{TEXT("1.1.1.1,2,3"), NULL, "2"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[ACCOUNT_NETWORKS_SIZE] = "untouched";
		struct bytes wrong = BYTES("untouched");
		bool is_good = networks_canonical(rows[i].given, out, &wrong);

		if (is_good != (rows[i].canonical != NULL)) {
			show_octets("wrong answer", rows[i].given);
			fail();
		}
		if (is_good)
			assert_string_equal(out, rows[i].canonical);
		else
			assert_bytes(wrong, bytes_of_string(rows[i].wrong),
				rows[i].given);
	}
}

static void
there_are_not_too_many(void **state)
{
	char text[16 * NETWORKS_MAXIMUM + 16] = "";
	char out[ACCOUNT_NETWORKS_SIZE];
	struct bytes wrong;

	for (int i = 0; i < NETWORKS_MAXIMUM; i++)
		snprintf(text + strlen(text), 16, "%s10.0.0.%d", i ? "," : "",
			i);
	assert_true(networks_canonical(bytes_of_string(text), out, &wrong));
	strcat(text, ",10.1.1.1");
	assert_false(networks_canonical(bytes_of_string(text), out, &wrong));
}

static void
hosts_are_in_networks(void **state)
{
	static const struct {
		const char *networks, *host;
		bool is_in;
	} rows[] = {
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.0/24", "::ffff:192.0.2.7", true},
		{"192.0.2.0/24", "2001:db8::1", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "192.0.2.1", false},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"10.0.0.0/8,2001:db8::/32", "2001:db8:1::", true},
		{"10.0.0.0/8,2001:db8::/32", "10.9.9.9", true},
		{"10.0.0.0/8,2001:db8::/32", "11.0.0.0", false},
		{"0.0.0.0/0", "unix", false},
		{"0.0.0.0/0", "", false},
		/* Damaged: nobody. */
		{"nonsense", "192.0.2.1", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (networks_hold(rows[i].networks, rows[i].host) !=
			rows[i].is_in)
			fail_msg("%s in %s", rows[i].host, rows[i].networks);
}

/* ---- what is asked at every login ---- */

static void
a_credential_has_its_conditions(void **state)
{
	struct account account = {.name = "alice"};
	struct credential credential = {0};
	const char *here = "192.0.2.1";

	assert_int_equal(account_may_use(&account, &credential, here, 100), OK);
	assert_int_equal(account_may_use(&account, &credential, "", 100), OK);
	credential.expires_seconds = 101;
	assert_int_equal(account_may_use(&account, &credential, here, 100), OK);
	assert_int_equal(
		account_may_use(&account, &credential, here, 101), ERR_DENIED);
	credential.expires_seconds = 0;
	strcpy(credential.networks, "10.0.0.0/8");
	assert_int_equal(
		account_may_use(&account, &credential, here, 100), ERR_DENIED);
	assert_int_equal(account_may_use(&account, &credential, "unix", 100),
		ERR_DENIED);
	assert_int_equal(
		account_may_use(&account, &credential, "10.1.1.1", 100), OK);
	account.is_disabled = true;
	assert_int_equal(
		account_may_use(&account, &credential, "10.1.1.1", 100),
		ERR_DENIED);
}

/* ---- names of logins ---- */

static const struct accounts_naming plain;

static void
logins_name_devices(void **state)
{
	static const struct {
		struct bytes given;
		const char *name, *device; /* NULL: refused */
	} rows[] = {
		{TEXT("alice"), "alice", ""},
		{TEXT("Alice@Example.ORG"), "alice@example.org", ""},
		{TEXT("alice%phone"), "alice", "phone"},
		{TEXT("alice%Phone"), "alice", "phone"},
		{TEXT("alice%phone@example.org"), "alice@example.org", "phone"},
		{TEXT("alice@example.org%phone"), "alice@example.org", "phone"},
		{TEXT("alice%Main"), "alice", ""},
		{TEXT("a%b%c"), "a%b", "c"},
		{TEXT("a%b@x.org%c"), "a%b@x.org", "c"},
		{TEXT("alice%"), NULL, NULL},
		{TEXT("%phone"), NULL, NULL},
		{TEXT("alice%-x"), NULL, NULL},
		{TEXT("alice%a b"), NULL, NULL},
		{TEXT("alice%a/b"), NULL, NULL},
		{TEXT("alice%a\0"), NULL, NULL},
		{TEXT("al ice%a"), NULL, NULL},
		{TEXT(""), NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char name[ACCOUNT_NAME_SIZE], device[ACCOUNT_DEVICE_SIZE];
		bool is_good = accounts_login_name(
			&plain, rows[i].given, name, device);

		if (is_good != (rows[i].name != NULL)) {
			show_octets("wrong answer", rows[i].given);
			fail();
		}
		if (!is_good)
			continue;
		assert_string_equal(name, rows[i].name);
		assert_string_equal(device, rows[i].device);
	}
}

static void
a_login_has_its_longest(void **state)
{
	char given[ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE + 2];
	char name[ACCOUNT_NAME_SIZE], device[ACCOUNT_DEVICE_SIZE];

	memset(given, 'a', sizeof(given));
	given[ACCOUNT_NAME_SIZE - 1] = '%';
	assert_true(accounts_login_name(&plain,
		bytes_of(given, ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE - 1),
		name, device));
	assert_int_equal(strlen(name), ACCOUNT_NAME_SIZE - 1);
	assert_int_equal(strlen(device), ACCOUNT_DEVICE_SIZE - 1);
	assert_false(accounts_login_name(&plain,
		bytes_of(given, ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE), name,
		device));
	assert_false(accounts_login_name(
		&plain, bytes_of(given + 1, sizeof(given) - 1), name, device));
}

/* ---- several passwords ---- */

static void
set(struct credential *credential, const char *device, const char *password,
	const struct account *like)
{
	snprintf(credential->device, sizeof(credential->device), "%s", device);
	assert_int_equal(
		password_set(credential, bytes_of_string(password), like, 0),
		OK);
}

/* Where the salt of "$y$j9T$SALT$HASH" ends. */
static size_t
salt_end(const char *hash)
{
	return (size_t)(strrchr(hash, '$') - hash);
}

static void
devices_share_the_salt(void **state)
{
	struct credential credentials[4] = {0};
	struct account account = {.credentials = credentials};
	struct account other = {0};

	for (unsigned i = 0; i < 3; i++) {
		static const char *const devices[] = {"", "phone", "laptop"};
		static const char *const words[] = {"one", "two", "three"};

		set(&credentials[i], devices[i], words[i], &account);
		account.credential_count++;
		assert_memory_equal(credentials[i].hash, credentials[0].hash,
			salt_end(credentials[0].hash));
		assert_string_equal(
			i ? "" : credentials[0].device, credentials[0].device);
	}
	assert_string_not_equal(credentials[0].hash, credentials[1].hash);
	/* Of its own password alone it takes none: that would last for ever. */
	set(&credentials[3], "", "one", NULL);
	assert_memory_not_equal(credentials[3].hash, credentials[0].hash,
		salt_end(credentials[0].hash));
	other = (struct account){
		.credentials = credentials, .credential_count = 1};
	credentials[3] = credentials[0];
	set(&credentials[3], "", "new", &other);
	assert_memory_not_equal(credentials[3].hash, credentials[0].hash,
		salt_end(credentials[0].hash));
}

static void
a_password_is_found_among_devices(void **state)
{
	struct credential credentials[4] = {0};
	struct account account = {
		.credentials = credentials, .credential_count = 4};
	struct account none = {0};
	size_t which = 99;

	set(&credentials[0], "", "one", NULL);
	/* Of another salt, and of another system. */
	set(&credentials[1], "laptop", "two", NULL);
	strcpy(credentials[2].device, "old");
	strcpy(credentials[2].hash,
		"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
	account.credential_count = 3;
	set(&credentials[3], "phone", "three", &account);
	account.credential_count = 4;
	assert_int_equal(
		password_find(BYTES("one"), &account, NULL, &which), OK);
	assert_int_equal(which, 0);
	assert_int_equal(
		password_find(BYTES("two"), &account, NULL, &which), OK);
	assert_int_equal(which, 1);
	assert_int_equal(
		password_find(BYTES("Hello world!"), &account, NULL, &which),
		OK);
	assert_int_equal(which, 2);
	assert_int_equal(
		password_find(BYTES("three"), &account, NULL, &which), OK);
	assert_int_equal(which, 3);
	which = 99;
	assert_int_equal(password_find(BYTES("four"), &account, NULL, &which),
		ERR_DENIED);
	/* One that is named is the only one. */
	assert_int_equal(password_find(BYTES("one"), &account, "phone", &which),
		ERR_DENIED);
	assert_int_equal(
		password_find(BYTES("three"), &account, "tablet", &which),
		ERR_DENIED);
	assert_int_equal(
		password_find(BYTES("three"), &none, NULL, &which), ERR_DENIED);
	assert_int_equal(which, 99);
	assert_int_equal(
		password_find(BYTES("three"), &account, "phone", &which), OK);
	assert_int_equal(which, 3);
}

static void
generated_passwords_are_long_and_differ(void **state)
{
	char first[PASSWORD_GENERATED_SIZE], second[PASSWORD_GENERATED_SIZE];

	assert_true(password_generate(first));
	assert_true(password_generate(second));
	assert_string_not_equal(first, second);
	assert_int_equal(strlen(first), 34);
	for (size_t i = 0; i < 34; i++)
		if (i % 5 == 4)
			assert_int_equal(first[i], '-');
		else
			assert_non_null(strchr(
				"abcdefghijkmnpqrstuvwxyz23456789", first[i]));
}

/* ---- SCRAM ---- */

/* Does what is kept follow from the password? */
static void
expect_keys(const struct scram_keys *keys, enum scram_digest digest,
	struct bytes password)
{
	struct scram_keys made = {0};

	assert_int_equal(keys->iterations, 4096);
	assert_int_equal(keys->salt_octets, SCRAM_SALT_OCTETS);
	assert_true(scram_keys_derive(digest, password,
		bytes_of(keys->salt, keys->salt_octets), keys->iterations,
		&made));
	assert_memory_equal(&made, keys, sizeof(made));
}

static void
keys_are_made_with_the_hash(void **state)
{
	struct credential made = {0};
	struct scram_keys *keys = made.scram;

	/* A soft hyphen is nothing to SASLprep. */
	assert_int_equal(password_set(&made,
				 BYTES("pen\xc2\xad"
				       "cil"),
				 NULL, 4096),
		OK);
	for (int i = 0; i < SCRAM_DIGESTS; i++)
		expect_keys(&keys[i], (enum scram_digest)i, BYTES("pencil"));
	assert_memory_not_equal(keys[0].salt, keys[1].salt, SCRAM_SALT_OCTETS);
	assert_int_equal(password_check(BYTES("pencil"), made.hash), OK);
	/* No client of SCRAM can send what is no text; old keys must not
	   stay. */
	assert_int_equal(password_set(&made, BYTES("\xff"), NULL, 4096), OK);
	assert_int_equal(keys[SCRAM_SHA_256].iterations, 0);
	assert_int_equal(password_check(BYTES("\xff"), made.hash), OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_become_canonical),
		cmocka_unit_test(there_are_not_too_many),
		cmocka_unit_test(hosts_are_in_networks),
		cmocka_unit_test(a_credential_has_its_conditions),
		cmocka_unit_test(logins_name_devices),
		cmocka_unit_test(a_login_has_its_longest),
		cmocka_unit_test(devices_share_the_salt),
		cmocka_unit_test(a_password_is_found_among_devices),
		cmocka_unit_test(generated_passwords_are_long_and_differ),
		cmocka_unit_test(keys_are_made_with_the_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
