/* SPDX-License-Identifier: ISC */
/* Keys for names that have none. */
#include "../check.h"

#include "accounts/password.h"
#include "server/auth_decoy.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], file[96];

static int
set_up(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/restante-decoy-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/scram.key", folder);
	return 0;
}

static int
tear_down(void **state)
{
	unlink(file);
	return rmdir(folder);
}

static struct scram_keys
keys_of(const char *name, enum scram_digest digest)
{
	struct scram_keys keys;

	assert_true(auth_decoy_keys(name, digest, 5000, &keys));
	assert_int_equal(keys.iterations, 5000);
	assert_int_equal(keys.salt_octets, SCRAM_SALT_OCTETS);
	return keys;
}

static bool
is_same(const struct scram_keys *a, const struct scram_keys *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void
a_name_has_its_own_for_ever(void **state)
{
	struct scram_keys before, other, sha_1, after;
	struct stat status;

	assert_true(auth_decoy_open(file));
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(status.st_size, 32);
	before = keys_of("alice", SCRAM_SHA_256);
	other = keys_of("alicf", SCRAM_SHA_256);
	sha_1 = keys_of("alice", SCRAM_SHA_1);
	assert_false(is_same(&before, &other));
	assert_memory_not_equal(before.salt, sha_1.salt, SCRAM_SALT_OCTETS);
	assert_true(auth_decoy_open(file));
	after = keys_of("alice", SCRAM_SHA_256);
	assert_true(is_same(&before, &after));
	/* Another server has others. */
	assert_int_equal(unlink(file), 0);
	assert_true(auth_decoy_open(file));
	after = keys_of("alice", SCRAM_SHA_256);
	assert_false(is_same(&before, &after));
}

/* What lies there is not written over: salts would change. */
static void
a_damaged_key_is_told(void **state)
{
	struct stat status;

	assert_true(auth_decoy_open(file));
	assert_int_equal(truncate(file, 31), 0);
	assert_false(auth_decoy_open(file));
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_size, 31);
	assert_false(auth_decoy_open("/nowhere/scram.key"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_name_has_its_own_for_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_damaged_key_is_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
