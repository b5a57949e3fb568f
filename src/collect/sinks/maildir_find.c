/* SPDX-License-Identifier: ISC */
/* Where a message lies that was filed in a Maildir. */
#include "collect/sinks/maildir.h"
#include "collect/tag.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FRONT_SIZE (TAG_SIZE + 1)

/* "Rtag.restante" or "Rtag_1.restante", and flags. */
static bool
is_of(const char *name, const char *front)
{
	size_t octets = strlen(front);

	return strncmp(name, front, octets) == 0 &&
	       (name[octets] == '.' || name[octets] == '_');
}

static bool
find_in(const char *folder, const char *front, char *out, size_t size)
{
	DIR *directory = opendir(folder);
	struct dirent *entry = NULL;

	if (!directory)
		return false;
	do
		entry = readdir(directory);
	while (entry && !is_of(entry->d_name, front));
	if (entry && snprintf(out, size, "%s/%s", folder, entry->d_name) >=
			     (int)size)
		entry = NULL;
	closedir(directory);
	return entry != NULL;
}

static bool
find_in_parts(const char *maildir, const char *front, char *out, size_t size)
{
	static const char *const parts[] = {"new", "cur"};
	char path[PATH_MAX];

	for (int i = 0; i < 2; i++)
		if (snprintf(path, sizeof(path), "%s/%s", maildir, parts[i]) <
				(int)sizeof(path) &&
			find_in(path, front, out, size))
			return true;
	return false;
}

/* Maildir++: its folders are ".name" beside cur and new. */
static bool
find_in_folders(const char *maildir, const char *front, char *out, size_t size)
{
	DIR *directory = opendir(maildir);
	const struct dirent *entry;
	char path[PATH_MAX];
	bool is_found = false;

	while (directory && !is_found && (entry = readdir(directory)))
		is_found = entry->d_name[0] == '.' &&
			   strcmp(entry->d_name, ".") != 0 &&
			   strcmp(entry->d_name, "..") != 0 &&
			   snprintf(path, sizeof(path), "%s/%s", maildir,
				   entry->d_name) < (int)sizeof(path) &&
			   find_in_parts(path, front, out, size);
	if (directory)
		closedir(directory);
	return is_found;
}

bool
maildir_find_message(const char *maildir, const char *account,
	const struct message_key *key, char *out, size_t size)
{
	char front[FRONT_SIZE] = "R";

	return tag_make(account, key, front + 1) &&
	       (find_in_parts(maildir, front, out, size) ||
		       find_in_folders(maildir, front, out, size));
}
