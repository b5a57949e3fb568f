/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "server/password_cache.h"

#define KEEP_MS 60000

static struct password_cache *cache;

static int
set_up(void **state)
{
	cache = password_cache_new(KEEP_MS);
	return cache ? 0 : -1;
}

static int
tear_down(void **state)
{
	password_cache_free(&cache);
	return 0;
}

static struct password_proof
prove(const char *account, uint64_t generation, const char *password)
{
	struct password_proof proof;

	assert_true(password_cache_prove(cache, account, &generation, 1,
		bytes_of_string(password), &proof));
	return proof;
}

static enum password_verdict
find(const char *account, uint64_t generation, const char *password,
	uint64_t now_ms)
{
	struct password_proof proof = prove(account, generation, password);
	enum password_verdict verdict;
	uint64_t found = 0;

	verdict = password_cache_find(cache, &proof, now_ms, &found);
	assert_int_equal(found, verdict == PASSWORD_RIGHT ? generation : 0);
	return verdict;
}

static void
put(const char *account, uint64_t generation, const char *password,
	bool is_right, uint64_t now_ms)
{
	struct password_proof proof = prove(account, generation, password);

	password_cache_put(cache, &proof, is_right ? generation : 0, now_ms);
}

static void
test_only_the_very_same_is_found(void **state)
{
	put("alice", 7, "secret", true, 0);
	put("alice", 7, "guess", false, 0);
	assert_int_equal(find("alice", 7, "secret", 1), PASSWORD_RIGHT);
	assert_int_equal(find("alice", 7, "guess", 1), PASSWORD_WRONG);
	assert_int_equal(find("alice", 8, "secret", 1), PASSWORD_UNKNOWN);
	assert_int_equal(find("alice", 7, "Secret", 1), PASSWORD_UNKNOWN);
	assert_int_equal(find("alice", 7, "secret ", 1), PASSWORD_UNKNOWN);
	assert_int_equal(find("bob", 7, "secret", 1), PASSWORD_UNKNOWN);
	assert_int_equal(find("alic", 7, "esecret", 1), PASSWORD_UNKNOWN);
}

/* Where the name ends and the rest begins must not be guessed. */
static void
test_no_two_are_the_same_text(void **state)
{
	uint64_t first, second;

	memcpy(&first, "bcdefghi", sizeof(first));
	memcpy(&second, "cdefghij", sizeof(second));
	put("a", first, "jk", true, 0);
	assert_int_equal(find("ab", second, "k", 0), PASSWORD_UNKNOWN);
	assert_int_equal(find("a", first, "jk", 0), PASSWORD_RIGHT);
}

/* What it was compared with, all of it, is part of the question; the answer says
   which of them it was. */
static void
test_devices_are_part_of_it(void **state)
{
	static const uint64_t both[] = {7, 9}, more[] = {7, 9, 11};
	struct bytes password = BYTES("secret");
	struct password_proof proof, other;
	uint64_t found = 0;

	assert_true(password_cache_prove(
		cache, "alice", both, 2, password, &proof));
	password_cache_put(cache, &proof, 9, 0);
	assert_int_equal(
		password_cache_find(cache, &proof, 1, &found), PASSWORD_RIGHT);
	assert_int_equal(found, 9);
	assert_true(password_cache_prove(
		cache, "alice", more, 3, password, &other));
	assert_int_equal(password_cache_find(cache, &other, 1, &found),
		PASSWORD_UNKNOWN);
	assert_true(password_cache_prove(
		cache, "alice", both, 1, password, &other));
	assert_int_equal(password_cache_find(cache, &other, 1, &found),
		PASSWORD_UNKNOWN);
	assert_true(password_cache_prove(
		cache, "alice", NULL, 0, password, &other));
	assert_int_equal(password_cache_find(cache, &other, 1, &found),
		PASSWORD_UNKNOWN);
	assert_int_equal(found, 9);
}

static void
test_it_is_short(void **state)
{
	put("alice", 7, "secret", true, 1000);
	assert_int_equal(
		find("alice", 7, "secret", 999 + KEEP_MS), PASSWORD_RIGHT);
	assert_int_equal(
		find("alice", 7, "secret", 1000 + KEEP_MS), PASSWORD_UNKNOWN);
	/* Asking did not make it live longer; hashing anew does. */
	put("alice", 7, "secret", true, 1000 + KEEP_MS);
	assert_int_equal(
		find("alice", 7, "secret", 1001 + KEEP_MS), PASSWORD_RIGHT);
}

static void
test_another_process_has_another_key(void **state)
{
	struct password_proof before = prove("alice", 7, "secret"), after;

	password_cache_free(&cache);
	cache = password_cache_new(KEEP_MS);
	assert_non_null(cache);
	after = prove("alice", 7, "secret");
	assert_memory_not_equal(
		before.octets, after.octets, sizeof(after.octets));
}

static void
test_none_is_kept_when_told_so(void **state)
{
	password_cache_free(&cache);
	cache = password_cache_new(0);
	put("alice", 7, "secret", true, 0);
	assert_int_equal(find("alice", 7, "secret", 0), PASSWORD_UNKNOWN);
}

static void
test_a_flood_pushes_out_no_right_one(void **state)
{
	char guess[32];

	put("alice", 7, "secret", true, 0);
	put("alice", 7, "first", false, 0);
	for (unsigned i = 0; i < PASSWORD_WRONG_MAXIMUM; i++) {
		snprintf(guess, sizeof(guess), "guess %u", i);
		put("alice", 7, guess, false, 1);
	}
	assert_int_equal(find("alice", 7, "secret", 2), PASSWORD_RIGHT);
	assert_int_equal(find("alice", 7, "first", 2), PASSWORD_UNKNOWN);
	assert_int_equal(find("alice", 7, guess, 2), PASSWORD_WRONG);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_only_the_very_same_is_found),
		TEST(test_no_two_are_the_same_text),
		TEST(test_devices_are_part_of_it),
		TEST(test_it_is_short),
		TEST(test_another_process_has_another_key),
		TEST(test_none_is_kept_when_told_so),
		TEST(test_a_flood_pushes_out_no_right_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
