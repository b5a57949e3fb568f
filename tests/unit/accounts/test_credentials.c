/* SPDX-License-Identifier: ISC */
/* What an account has besides its name, as SQLite keeps it. */
#include "../check.h"

#include "accounts/password.h"
#include "folder.h"

static struct credential
credential_of(const char *device, const char *hash)
{
	struct credential credential = {0};

	snprintf(credential.device, sizeof(credential.device), "%s", device);
	snprintf(credential.hash, sizeof(credential.hash), "%s", hash);
	return credential;
}

static enum outcome
add_user(const char *name)
{
	struct credential main = credential_of("", "main-hash");

	return accounts->ops->changes->add(accounts, name, &main);
}

static enum outcome
add_device(const char *name, const char *device, const char *hash)
{
	struct credential credential = credential_of(device, hash);

	return accounts->ops->changes->add_credential(
		accounts, name, &credential);
}

static struct account
loaded(const char *name)
{
	struct account account = {0};

	assert_int_equal(accounts->ops->load(accounts, name, &account), OK);
	assert_string_equal(account.name, name);
	return account;
}

static void
expect_devices(const char *name, const char *expected)
{
	struct account account = loaded(name);
	char text[512] = "";

	for (size_t i = 0; i < account.credential_count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "[%s]",
			account.credentials[i].device);
	}
	assert_string_equal(text, expected);
	account_release(&account);
}

/* ---- credentials ---- */

static void
an_account_has_several(void **state)
{
	struct account account;

	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(add_user("bob"), OK);
	expect_devices("alice", "[]");
	assert_int_equal(add_device("alice", "phone", "hash-p"), OK);
	assert_int_equal(add_device("alice", "laptop", "hash-l"), OK);
	assert_int_equal(add_device("alice", "phone", "again"), ERR_BUSY);
	assert_int_equal(add_device("carol", "phone", "hash"), ERR_DENIED);
	expect_devices("alice", "[][laptop][phone]");
	expect_devices("bob", "[]");
	account = loaded("alice");
	assert_string_equal(
		account_credential(&account, "")->hash, "main-hash");
	assert_string_equal(
		account_credential(&account, "phone")->hash, "hash-p");
	assert_null(account_credential(&account, "tablet"));
	assert_true(account_credential(&account, "phone")->created_seconds >
		    1577836800);
	account_release(&account);
	assert_null(account_credential(&account, ""));
}

static void
all_of_a_credential_is_kept(void **state)
{
	struct credential given = credential_of("phone", "x");
	struct account account;
	const struct credential *got;

	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(password_set(&given, BYTES("pencil"), NULL, 4096), OK);
	snprintf(given.networks, sizeof(given.networks), "192.0.2.0/24");
	given.expires_seconds = 4102444800;
	given.is_read_only = true;
	assert_int_equal(accounts->ops->changes->add_credential(
				 accounts, "alice", &given),
		OK);
	account = loaded("alice");
	got = account_credential(&account, "phone");
	assert_true(got->generation > 0);
	assert_string_equal(got->hash, given.hash);
	assert_string_equal(got->networks, given.networks);
	assert_int_equal(got->expires_seconds, given.expires_seconds);
	assert_true(got->is_read_only);
	assert_int_equal(got->kind, CREDENTIAL_PASSWORD);
	assert_memory_equal(got->scram, given.scram, sizeof(given.scram));
	assert_int_equal(got->scram[SCRAM_SHA_256].iterations, 4096);
	got = account_credential(&account, "");
	assert_false(got->is_read_only);
	assert_int_equal(got->scram[SCRAM_SHA_1].iterations, 0);
	account_release(&account);
}

static void
another_secret_is_another_generation(void **state)
{
	struct credential other = credential_of("phone", "other");
	const struct accounts_changes *changes = accounts->ops->changes;
	struct account account;
	uint64_t before, main;

	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(changes->replace_credential(accounts, "alice", &other),
		ERR_DENIED);
	assert_int_equal(add_device("alice", "phone", "hash-p"), OK);
	account = loaded("alice");
	main = account_credential(&account, "")->generation;
	before = account_credential(&account, "phone")->generation;
	assert_true(main != before);
	account_release(&account);
	assert_int_equal(
		changes->replace_credential(accounts, "alice", &other), OK);
	account = loaded("alice");
	assert_true(account_credential(&account, "phone")->generation > before);
	assert_int_equal(account_credential(&account, "")->generation, main);
	assert_string_equal(
		account_credential(&account, "phone")->hash, "other");
	account_release(&account);
	assert_int_equal(
		changes->remove_credential(accounts, "alice", "phone"), OK);
	assert_int_equal(changes->remove_credential(accounts, "alice", "phone"),
		ERR_DENIED);
	expect_devices("alice", "[]");
}

static void
an_account_may_have_no_main_password(void **state)
{
	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(accounts->ops->changes->remove_credential(
				 accounts, "alice", ""),
		OK);
	expect_devices("alice", "");
	assert_int_equal(add_device("alice", "phone", "h"), OK);
	expect_devices("alice", "[phone]");
}

static void
there_is_a_most(void **state)
{
	struct account account;
	char device[16];

	assert_int_equal(add_user("alice"), OK);
	for (int i = 1; i < ACCOUNT_CREDENTIALS_MAXIMUM; i++) {
		snprintf(device, sizeof(device), "d%d", i);
		assert_int_equal(add_device("alice", device, "h"), OK);
	}
	assert_int_equal(add_device("alice", "more", "h"), ERR_OVER_QUOTA);
	account = loaded("alice");
	assert_int_equal(account.credential_count, ACCOUNT_CREDENTIALS_MAXIMUM);
	account_release(&account);
	/* Another program may have put more there. */
	run_sql("INSERT INTO credential (account, device, hash, "
		"created_seconds) SELECT id, 'more', 'h', 0 FROM account");
	account = loaded("alice");
	assert_int_equal(account.credential_count, ACCOUNT_CREDENTIALS_MAXIMUM);
	account_release(&account);
}

static void
damage_in_one_is_called_damage(void **state)
{
	static const char *const changes[] = {
		"UPDATE credential SET hash = printf('%.600c', 'x')",
		"UPDATE credential SET networks = printf('%.600c', 'x')",
		"UPDATE credential SET kind = 9",
		"UPDATE credential SET scram_sha_1 = x'00'",
		"UPDATE credential SET scram_sha_1 = zeroblob(500)",
		"UPDATE credential SET scram_sha_256 = x'00001000010203'",
	};

	for (size_t i = 0; i < COUNT(changes); i++) {
		struct account account = {.name = "untouched"};

		assert_int_equal(add_user("alice"), OK);
		run_sql(changes[i]);
		assert_int_equal(
			accounts->ops->load(accounts, "alice", &account),
			ERR_BROKEN);
		assert_string_equal(account.name, "untouched");
		assert_int_equal(
			accounts->ops->find(accounts, "alice", &account), OK);
		assert_int_equal(
			accounts->ops->changes->remove(accounts, "alice"), OK);
	}
}

/* ---- the account ---- */

static void
limits_are_kept(void **state)
{
	struct account account = {.name = "alice",
		.is_disabled = true,
		.limits = {.quota_octets = 1 << 20, .quota_messages = 7}};

	assert_int_equal(
		accounts->ops->changes->set(accounts, &account), ERR_DENIED);
	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(add_user("bob"), OK);
	assert_int_equal(accounts->ops->changes->set(accounts, &account), OK);
	assert_int_equal(accounts->ops->find(accounts, "alice", &account), OK);
	assert_true(account.is_disabled);
	assert_int_equal(account.limits.quota_octets, 1 << 20);
	assert_int_equal(account.limits.quota_messages, 7);
	assert_int_equal(accounts->ops->find(accounts, "bob", &account), OK);
	assert_false(account.is_disabled);
	assert_int_equal(account.limits.quota_octets, 0);
}

/* ---- aliases ---- */

static enum outcome
add_alias(const char *name, const char *account)
{
	struct account_alias alias;

	snprintf(alias.name, sizeof(alias.name), "%s", name);
	snprintf(alias.account, sizeof(alias.account), "%s", account);
	return accounts->ops->changes->add_alias(accounts, &alias);
}

static void
expect_alias(const char *name, const char *expected)
{
	char account[ACCOUNT_NAME_SIZE] = "untouched";
	enum outcome outcome =
		accounts->ops->find_alias(accounts, name, account);

	assert_int_equal(outcome, expected ? OK : ERR_DENIED);
	assert_string_equal(account, expected ? expected : "untouched");
}

static bool
collect_alias(const struct account_alias *alias, void *context)
{
	char *text = context;
	size_t used = strlen(text);

	snprintf(
		text + used, 256 - used, "%s=%s ", alias->name, alias->account);
	return true;
}

static void
expect_aliases(const char *expected)
{
	char text[256] = "";

	assert_int_equal(accounts->ops->changes->list_aliases(
				 accounts, collect_alias, text),
		OK);
	assert_string_equal(text, expected);
}

static void
aliases_stand_for_accounts(void **state)
{
	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(add_alias("al", "alice"), OK);
	assert_int_equal(add_alias("@example.org", "alice"), OK);
	assert_int_equal(add_alias("al", "alice"), ERR_BUSY);
	expect_alias("al", "alice");
	expect_alias("@example.org", "alice");
	expect_alias("alice", NULL);
	expect_alias("who@example.org", NULL);
	expect_aliases("@example.org=alice al=alice ");
	assert_int_equal(
		accounts->ops->changes->remove_alias(accounts, "al"), OK);
	assert_int_equal(accounts->ops->changes->remove_alias(accounts, "al"),
		ERR_DENIED);
	expect_alias("al", NULL);
}

static void
an_alias_never_stands_for_an_alias(void **state)
{
	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(add_alias("a", "alice"), OK);
	assert_int_equal(add_alias("b", "a"), ERR_PEER);
	/* The one that would close a circle, whether its end is here or not. */
	assert_int_equal(add_alias("c", "elsewhere"), OK);
	assert_int_equal(add_alias("elsewhere", "c"), ERR_PEER);
	assert_int_equal(add_alias("alice", "c"), ERR_PEER);
	assert_int_equal(add_alias("alice", "elsewhere"), ERR_BUSY);
	expect_aliases("a=alice c=elsewhere ");
}

static void
a_name_is_an_account_or_an_alias(void **state)
{
	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(add_alias("al", "alice"), OK);
	assert_int_equal(add_user("al"), ERR_BUSY);
	assert_int_equal(add_user("bob"), OK);
}

static void
aliases_go_with_their_account(void **state)
{
	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(add_user("bob"), OK);
	assert_int_equal(add_alias("a", "alice"), OK);
	assert_int_equal(add_alias("b", "bob"), OK);
	assert_int_equal(accounts->ops->changes->remove(accounts, "alice"), OK);
	expect_aliases("b=bob ");
}

/* ---- certificates ---- */

static void
a_certificate_is_one_accounts(void **state)
{
	struct credential certificate = credential_of("card", "sha256:00ff");
	char name[ACCOUNT_NAME_SIZE] = "untouched";

	certificate.kind = CREDENTIAL_CERTIFICATE;
	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(add_user("bob"), OK);
	assert_int_equal(accounts->ops->changes->add_credential(
				 accounts, "alice", &certificate),
		OK);
	assert_int_equal(accounts->ops->changes->add_credential(
				 accounts, "bob", &certificate),
		ERR_BUSY);
	assert_int_equal(
		accounts->ops->find_certificate(accounts, "sha256:00fe", name),
		ERR_DENIED);
	/* A password's hash is no certificate. */
	assert_int_equal(
		accounts->ops->find_certificate(accounts, "main-hash", name),
		ERR_DENIED);
	assert_string_equal(name, "untouched");
	assert_int_equal(
		accounts->ops->find_certificate(accounts, "sha256:00ff", name),
		OK);
	assert_string_equal(name, "alice");
}

/* And is never asked for a password. */
static void
a_certificate_is_no_password(void **state)
{
	struct credential made = {0};
	struct account account;
	size_t which = 99;

	assert_int_equal(password_set(&made, BYTES("secret"), NULL, 0), OK);
	made.kind = CREDENTIAL_CERTIFICATE;
	assert_int_equal(add_user("alice"), OK);
	snprintf(made.device, sizeof(made.device), "card");
	assert_int_equal(accounts->ops->changes->add_credential(
				 accounts, "alice", &made),
		OK);
	account = loaded("alice");
	assert_int_equal(password_find(BYTES("secret"), &account, NULL, &which),
		ERR_DENIED);
	assert_int_equal(
		password_find(BYTES("secret"), &account, "card", &which),
		ERR_DENIED);
	assert_int_equal(which, 99);
	account_release(&account);
}

/* ---- data bases of before ---- */

/* As version 1 made it: "device" was there, and always "". */
static const char version_1[] =
	"CREATE TABLE account ("
	"  id INTEGER PRIMARY KEY,"
	"  name TEXT NOT NULL UNIQUE,"
	"  is_disabled INTEGER NOT NULL DEFAULT 0,"
	"  created_seconds INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE credential ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
	"  device TEXT NOT NULL DEFAULT '',"
	"  hash TEXT NOT NULL,"
	"  created_seconds INTEGER NOT NULL,"
	"  UNIQUE (account, device)"
	") STRICT;"
	"PRAGMA journal_mode = WAL;"
	"PRAGMA user_version = 1;"
	"INSERT INTO account (name, is_disabled, created_seconds) VALUES"
	"  ('alice', 0, 1700000000), ('bob@example.org', 1, 1700000001);"
	"INSERT INTO credential (id, account, hash, created_seconds) VALUES"
	"  (41, 1, 'hash-a', 1700000002), (42, 2, 'hash-b', 1700000003);";

static void
expect_migrated(void)
{
	struct account account = loaded("alice");

	assert_false(account.is_disabled);
	assert_int_equal(account.created_seconds, 1700000000);
	assert_int_equal(account.limits.quota_octets, 0);
	assert_int_equal(account.credential_count, 1);
	assert_int_equal(account.credentials[0].generation, 41);
	assert_int_equal(account.credentials[0].kind, CREDENTIAL_PASSWORD);
	assert_string_equal(account.credentials[0].hash, "hash-a");
	assert_string_equal(account.credentials[0].networks, "");
	assert_int_equal(account.credentials[0].expires_seconds, 0);
	assert_int_equal(account.credentials[0].scram[0].iterations, 0);
	account_release(&account);
	account = loaded("bob@example.org");
	assert_true(account.is_disabled);
	account_release(&account);
}

static void
an_older_one_is_brought_up_to_date(void **state)
{
	struct account account;

	run_sql(version_1);
	open_accounts();
	expect_migrated();
	assert_int_equal(add_device("alice", "phone", "h"), OK);
	close_accounts();
	open_accounts();
	account = loaded("alice");
	/* Its numbers go on where they were. */
	assert_true(account_credential(&account, "phone")->generation > 42);
	account_release(&account);
}

/* What comes in between undoes all of it. */
static void
a_step_that_fails_leaves_it_as_it_was(void **state)
{
	struct accounts *untouched = NULL;

	run_sql(version_1);
	run_sql("CREATE TABLE alias (x INTEGER)");
	assert_true(accounts_open("sqlite", file, true, &untouched) != OK);
	assert_null(untouched);
	run_sql("DROP TABLE alias");
	open_accounts();
	expect_migrated();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_CLOSED(name)                                                      \
	cmocka_unit_test_setup_teardown(name, make_folder, tear_down)

/* ---- keys of SCRAM that come later ---- */

static enum outcome
give_keys(const char *name, uint64_t generation)
{
	struct scram_keys keys[SCRAM_DIGESTS];

	assert_int_equal(password_make_keys(bytes_of_string("pencil"),
				 SCRAM_ITERATIONS_LEAST, keys),
		OK);
	return accounts->ops->changes->set_scram(
		accounts, name, generation, keys);
}

static void
a_credential_without_keys_gets_some(void **state)
{
	struct account before, after;
	uint64_t generation;

	assert_int_equal(add_user("alice"), OK);
	assert_int_equal(add_user("bob"), OK);
	before = loaded("alice");
	generation = before.credentials[0].generation;
	assert_int_equal(before.credentials[0].scram[0].iterations, 0);
	/* Of another account, of one that is gone: nothing happens. */
	assert_int_equal(give_keys("bob", generation), ERR_DENIED);
	assert_int_equal(give_keys("alice", generation + 7), ERR_DENIED);
	assert_int_equal(give_keys("alice", generation), OK);
	/* Once: what was set meanwhile stays. */
	assert_int_equal(give_keys("alice", generation), ERR_DENIED);
	after = loaded("alice");
	assert_int_equal(after.credentials[0].generation, generation);
	assert_string_equal(after.credentials[0].hash, "main-hash");
	for (int i = 0; i < SCRAM_DIGESTS; i++)
		assert_int_equal(after.credentials[0].scram[i].iterations,
			SCRAM_ITERATIONS_LEAST);
	assert_int_equal(
		password_make_keys(bytes_of_string("\x07"),
			SCRAM_ITERATIONS_LEAST, after.credentials[0].scram),
		ERR_PEER);
	account_release(&before);
	account_release(&after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_account_has_several),
		TEST(a_credential_without_keys_gets_some),
		TEST(all_of_a_credential_is_kept),
		TEST(another_secret_is_another_generation),
		TEST(an_account_may_have_no_main_password),
		TEST(there_is_a_most),
		TEST(damage_in_one_is_called_damage),
		TEST(limits_are_kept),
		TEST(aliases_stand_for_accounts),
		TEST(an_alias_never_stands_for_an_alias),
		TEST(a_name_is_an_account_or_an_alias),
		TEST(aliases_go_with_their_account),
		TEST(a_certificate_is_one_accounts),
		TEST(a_certificate_is_no_password),
		TEST_CLOSED(an_older_one_is_brought_up_to_date),
		TEST_CLOSED(a_step_that_fails_leaves_it_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
