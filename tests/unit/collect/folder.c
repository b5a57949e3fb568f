/* SPDX-License-Identifier: ISC */
#include "folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAXIMUM (8u << 20)
#define PATH_SIZE    512

static char folder[64];

int
folder_make(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/restante-unit-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	return setenv("HOME", folder, 1);
}

static int
remove_one(const char *path, const struct stat *status, int kind,
	struct FTW *where)
{
	return remove(path);
}

int
folder_remove(void **state)
{
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
folder_path(void)
{
	return folder;
}

const char *
in_folder(const char *format, ...)
{
	static char paths[4][PATH_SIZE];
	static unsigned turn;
	char *path = paths[turn++ % 4], below[PATH_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(below, sizeof(below), format, arguments);
	va_end(arguments);
	assert_true(
		snprintf(path, PATH_SIZE, "%s/%s", folder, below) < PATH_SIZE);
	return path;
}

void
write_octets(const char *path, struct bytes octets, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets.at, octets.octets), octets.octets);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

void
write_text(const char *path, const char *text)
{
	write_octets(path, bytes_of_string(text), 0600);
}

void
read_octets(const char *path, struct buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;

	assert_true(fd >= 0);
	buffer_clear(out);
	while (got > 0) {
		unsigned char *to = buffer_reserve(out, 65536);

		assert_non_null(to);
		got = read(fd, to, 65536);
		assert_true(got >= 0);
		buffer_grow(out, (size_t)got);
	}
	close(fd);
}

void
assert_file(const char *path, struct bytes octets)
{
	struct buffer held;

	buffer_init(&held, FILE_MAXIMUM);
	read_octets(path, &held);
	assert_bytes(buffer_bytes(&held), octets, bytes_of_string(path));
	buffer_release(&held);
}

void
assert_absent(const char *path)
{
	assert_int_equal(access(path, F_OK), -1);
}

static int
is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 &&
	       strcmp(entry->d_name, "..") != 0;
}

/* The path of the n-th entry into `out`; how many there are. */
static unsigned
scan(const char *directory, unsigned n, char *out, size_t size)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_entry, alphasort);

	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		if ((unsigned)i == n && out)
			snprintf(out, size, "%s/%s", directory,
				entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return (unsigned)count;
}

unsigned
count_entries(const char *directory)
{
	return scan(directory, 0, NULL, 0);
}

const char *
entry_of(const char *directory, unsigned n)
{
	static char paths[4][PATH_SIZE];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	assert_true(n < scan(directory, n, path, PATH_SIZE));
	return path;
}
