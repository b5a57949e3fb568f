/* SPDX-License-Identifier: ISC */
/*
 * Names: of accounts, of mailboxes' folders, of files in a Maildir and in the
 * file that keeps them. Whatever the name, no path leaves its folder, two
 * mailboxes never share one, and what is kept is read back or not at all.
 */
#include "fuzz.h"
#include "one_file.h"

#include "accounts/accounts.h"
#include "store/mailbox_name.h"
#include "store/maildir/names.h"
#include "store/path.h"

#define TEXT_OCTETS 400

static bool
is_inside(const char *path)
{
	char framed[MAILBOX_PATH_OCTETS + 2];

	snprintf(framed, sizeof(framed), "/%s/", path);
	return path[0] != '/' && path[0] != '\0' && !strstr(framed, "/../") &&
	       !strstr(framed, "/./") && !strstr(framed, "//");
}

static void
check_mailbox(const char *name, const char *other, const char *template)
{
	char path[MAILBOX_PATH_OCTETS];
	char state[STATE_NAME_OCTETS], other_state[STATE_NAME_OCTETS];

	if (!mailbox_name_is_usable(name))
		return;
	if (path_expand(template, name, path) == OK)
		assert_true(is_inside(path));
	assert_int_equal(path_of_state(name, state), OK);
	assert_true(is_inside(state) && !strchr(state, '/'));
	if (!mailbox_name_is_usable(other))
		return;
	assert_int_equal(path_of_state(other, other_state), OK);
	assert_int_equal(!strcmp(state, other_state), !strcmp(name, other));
}

static void
check_account(struct bytes given)
{
	char name[ACCOUNT_NAME_SIZE], again[ACCOUNT_NAME_SIZE];

	if (!accounts_canonical_name(given, name))
		return;
	assert_true(bytes_equal_ignoring_case(given, bytes_of_string(name)));
	assert_true(accounts_canonical_name(bytes_of_string(name), again));
	assert_string_equal(name, again);
	/* Else mail could be addressed to who cannot get any. */
	assert_true(mailbox_name_is_usable(name));
}

/* A login is a name and perhaps a device, both canonical; a name that gets the
   domain is the same whoever writes it. */
static void
check_login(struct bytes given)
{
	static const struct accounts_naming naming = {"example.org", true};
	char name[ACCOUNT_NAME_SIZE], again[ACCOUNT_NAME_SIZE];
	char device[ACCOUNT_DEVICE_SIZE], same[ACCOUNT_DEVICE_SIZE];

	if (!accounts_login_name(&naming, given, name, device))
		return;
	assert_true(accounts_name(&naming, bytes_of_string(name), again));
	assert_string_equal(name, again);
	assert_non_null(strchr(name, '@'));
	assert_true(mailbox_name_is_usable(name));
	if (!device[0])
		return;
	assert_true(accounts_canonical_device(bytes_of_string(device), same));
	assert_string_equal(device, same);
}

static void
check_kept(const struct file_name *name, uint8_t place, uint8_t with)
{
	unsigned char entry[NAMES_ENTRY_OCTETS];
	size_t octets = names_encode(name, entry);
	struct names_reader reader;
	struct file_name got;

	one_file_set(bytes_of(entry, octets), 0);
	names_reader_init(&reader, &one_file, ONE_FILE_DESCRIPTOR);
	if (strchr(name->text, '/')) {
		/* Whoever wrote it: it would lead to another folder. */
		assert_int_equal(names_read(&reader, 0, &got), ERR_BROKEN);
	} else {
		assert_int_equal(names_read(&reader, 0, &got), OK);
		assert_string_equal(got.text, name->text);
		assert_int_equal(got.directory, name->directory);
		assert_int_equal(got.base_octets, name->base_octets);
	}
	if (with == 0)
		return;
	one_file_flip(place % octets, with);
	names_reader_init(&reader, &one_file, ONE_FILE_DESCRIPTOR);
	assert_int_equal(names_read(&reader, 0, &got), ERR_BROKEN);
}

static void
check_file(const char *text, struct fuzz_head head)
{
	struct file_name name;
	char path[FILE_NAME_PATH_OCTETS];
	uint64_t seconds;

	if (!file_name_set(&name, head.flags & 1, text))
		return;
	file_name_path(&name, path);
	assert_string_equal(path + 4, text);
	assert_in_range(file_name_base(&name).octets, 1, name.octets);
	if (file_name_is_own(&name))
		assert_true(file_name_time(&name, &seconds));
	check_kept(&name, (uint8_t)(head.flags / 2), (uint8_t)head.pace);
}

static void
take_text(struct bytes *in, char out[TEXT_OCTETS])
{
	struct bytes line = bytes_cut(in, '\n');

	if (!bytes_to_string(line, out, TEXT_OCTETS))
		out[0] = '\0';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);
	struct fuzz_head head = fuzz_take_head(&in);
	char name[TEXT_OCTETS], other[TEXT_OCTETS], template[TEXT_OCTETS];

	check_account(in);
	check_login(in);
	take_text(&in, name);
	take_text(&in, other);
	take_text(&in, template);
	check_mailbox(name, other, template);
	check_file(name, head);
	return 0;
}
