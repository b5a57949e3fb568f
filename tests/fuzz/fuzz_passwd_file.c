/* SPDX-License-Identifier: ISC */
/*
 * Lines of a passwd-file. Whatever stands there, an account has a canonical
 * name, networks that are read back to the same and a hash that can be asked;
 * what is written anew as {SCHEME} and its hash is read as the same; nothing of
 * a password gets into an error.
 */
#include "fuzz.h"

#include "base/networks.h"
#include "accounts/passwd_file/line.h"
#include "accounts/scheme.h"

#include <stdlib.h>

/* Digests are kept in hexadecimal, whatever they were. */
static const char *const digests[] = {"{PLAIN-MD5}", "{LDAP-MD5}", "{SHA}",
	"{SHA1}", "{SHA256}", "{SHA512}", "{SMD5}", "{SSHA}", "{SSHA256}",
	"{SSHA512}"};

static bool
is_digest(const char *hash)
{
	for (size_t i = 0; i < COUNT(digests); i++)
		if (strncmp(hash, digests[i], strlen(digests[i])) == 0)
			return true;
	return false;
}

/* Does what is kept of a password mean what the line meant? */
static void
check_hash(const struct credential *credential)
{
	const char *hash = credential->hash, *rest = strchr(hash, '}');
	struct credential again = {0};
	char text[ACCOUNT_HASH_SIZE + 16];
	struct bytes name;

	/* crypt(5) has its own names. */
	if (hash[0] != '{')
		return;
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(rest - hash), hash,
		is_digest(hash) ? ".hex" : "", rest);
	assert_int_equal(
		scheme_read(bytes_of_string(text), "CRYPT", &again, &name),
		SCHEME_OK);
	assert_string_equal(again.hash, hash);
	assert_memory_equal(
		again.scram, credential->scram, sizeof(again.scram));
}

static void
check_account(const struct account *account,
	const struct credential *credential,
	const struct accounts_naming *naming)
{
	char name[ACCOUNT_NAME_SIZE], networks[ACCOUNT_NETWORKS_SIZE];
	struct bytes wrong;

	assert_true(
		accounts_name(naming, bytes_of_string(account->name), name));
	assert_string_equal(name, account->name);
	assert_true(networks_canonical(
		bytes_of_string(credential->networks), networks, &wrong));
	assert_string_equal(networks, credential->networks);
	assert_true(credential->hash[0] != '\0');
	assert_int_equal(credential->device[0], '\0');
}

static void
check_line(struct bytes line, const struct passwd_line_rules *rules)
{
	char error[PASSWD_LINE_ERROR_SIZE] = "";
	struct account account = {.name = "untouched"};
	struct credential credential = {.hash = "untouched"};
	enum passwd_line what =
		passwd_line_read(line, rules, &account, &credential, error);

	assert_true(memchr(error, '\0', sizeof(error)) != NULL);
	switch (what) {
	case PASSWD_LINE_OK:
		assert_int_equal(error[0], '\0');
		check_account(&account, &credential, &rules->naming);
		check_hash(&credential);
		break;
	case PASSWD_LINE_UNUSABLE:
		assert_true(error[0] != '\0');
		check_account(&account, &credential, &rules->naming);
		assert_string_equal(credential.hash, SCHEME_UNUSABLE);
		break;
	case PASSWD_LINE_BAD:
	case PASSWD_LINE_EMPTY:
		assert_string_equal(account.name, "untouched");
		assert_string_equal(credential.hash, "untouched");
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	static const char *const schemes[] = {
		"CRYPT", "PLAIN", "SSHA256", "PLAIN-MD5"};
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	struct passwd_line_rules rules = {
		.scheme = schemes[head.flags % COUNT(schemes)],
		.naming = {
			head.flags & 4 ? "example.org" : NULL, head.flags & 8}};

	while (in.octets > 0) {
		struct bytes line = bytes_cut(&in, '\n');
		/* In memory of its size: a read behind it is seen. */
		unsigned char *copy = malloc(line.octets ? line.octets : 1);

		assert_non_null(copy);
		if (line.octets > 0)
			memcpy(copy, line.at, line.octets);
		check_line(bytes_of(copy, line.octets), &rules);
		free(copy);
	}
	return 0;
}
