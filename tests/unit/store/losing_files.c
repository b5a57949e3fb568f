/* SPDX-License-Identifier: ISC */
#include "losing_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODES_MAXIMUM 512
#define ENTRIES	      128
#define FDS	      1024
#define NOTHING	      0 /* no node */

struct entry {
	char name[256];
	unsigned node;
};

/* A file or a directory, now and on the disk. */
struct node {
	bool is_directory;
	struct entry now[ENTRIES], disk[ENTRIES];
	unsigned char *octets; /* on the disk */
	size_t length;
	int reading; /* the file as it is now, or -1 */
};

static struct node *nodes; /* 1 is the top; 0 is none */
static unsigned node_count, changes, last_change, boot;
static unsigned node_of[FDS];
static char top[512];
static bool is_lost;

/* ---- the tree ---- */

static unsigned
add_node(bool is_directory)
{
	if (node_count == NODES_MAXIMUM)
		abort();
	nodes[node_count] =
		(struct node){.is_directory = is_directory, .reading = -1};
	return node_count++;
}

static struct entry *
find_entry(struct entry *entries, const char *name)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (entries[i].node && !strcmp(entries[i].name, name))
			return &entries[i];
	return NULL;
}

/* One that must be there. */
static struct entry *
get_entry(struct entry *entries, const char *name)
{
	struct entry *entry = find_entry(entries, name);

	if (!entry)
		abort();
	return entry;
}

static void
set_entry(struct entry *entries, const char *name, unsigned node)
{
	struct entry *entry = find_entry(entries, name);

	for (unsigned i = 0; !entry && i < ENTRIES; i++)
		if (!entries[i].node)
			entry = &entries[i];
	if (!entry)
		abort();
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->node = node;
}

/* A root that was opened behind our back is known by its inode. */
static unsigned
node_of_descriptor(int fd)
{
	static const char *const roots[] = {"mail", "state"};
	struct stat status, root;
	char path[600];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", top, roots[i]);
		if (fstat(fd, &status) == 0 && stat(path, &root) == 0 &&
			status.st_ino == root.st_ino)
			return get_entry(nodes[1].now, roots[i])->node;
	}
	return fd >= 0 && fd < FDS ? node_of[fd] : NOTHING;
}

/* Splits the last component off; NOTHING when a folder is not known. */
static unsigned
parent_of(int directory, const char *path, char out_name[256])
{
	unsigned node = node_of_descriptor(directory);
	char copy[1200], *rest = copy, *part;

	snprintf(copy, sizeof(copy), "%s", path);
	while (node && (part = strsep(&rest, "/"))) {
		struct entry *entry;

		snprintf(out_name, 256, "%s", part);
		if (!rest)
			return node;
		entry = find_entry(nodes[node].now, part);
		node = entry ? entry->node : NOTHING;
	}
	return NOTHING;
}

static unsigned
find(int directory, const char *path)
{
	char name[256];
	unsigned parent = parent_of(directory, path, name);
	struct entry *entry;

	if (parent && !strcmp(name, "."))
		return parent;
	entry = parent ? find_entry(nodes[parent].now, name) : NULL;
	return entry ? entry->node : NOTHING;
}

/* ---- what reaches the disk ---- */

static size_t
read_whole(int fd, unsigned char **out)
{
	struct stat status;
	size_t length;

	if (fd < 0 || fstat(fd, &status) != 0)
		return 0;
	length = (size_t)status.st_size;
	*out = malloc(length + 1);
	if (!*out || pread(fd, *out, length, 0) != (ssize_t)length)
		abort();
	return length;
}

static void
reach_disk(struct node *node)
{
	memcpy(node->disk, node->now, sizeof(node->disk));
	if (node->is_directory)
		return;
	free(node->octets);
	node->octets = NULL;
	node->length = read_whole(node->reading, &node->octets);
}

/* ---- calls ---- */

static int
may_go(void)
{
	return is_lost ? -EIO : 0;
}

static int
may_change(void)
{
	if (!is_lost && ++changes == last_change)
		is_lost = true;
	return may_go();
}

static void
note_opened(int directory, const char *path, int flags, int fd)
{
	char name[256];
	unsigned parent = parent_of(directory, path, name);
	unsigned node = find(directory, path);
	struct stat status;

	if (fd >= FDS)
		abort();
	if (parent && !node && (flags & O_CREAT)) {
		node = add_node(false);
		set_entry(nodes[parent].now, name, node);
	}
	node_of[fd] = node;
	if (node && !nodes[node].is_directory && nodes[node].reading < 0 &&
		fstat(fd, &status) == 0)
		nodes[node].reading = files_posix.open(
			&files_posix, directory, path, O_RDONLY, 0);
}

static int
losing_open(struct files *files, int directory, const char *path, int flags,
	mode_t mode)
{
	char id[600];
	int fd = flags & O_CREAT ? may_change() : may_go();

	if (fd < 0)
		return fd;
	if (strstr(path, "boot_id")) {
		snprintf(id, sizeof(id), "%s/boot.%u", top, boot);
		return files_posix.open(
			&files_posix, AT_FDCWD, id, O_RDWR | O_CREAT, 0600);
	}
	fd = files_posix.open(&files_posix, directory, path, flags, mode);
	if (fd >= 0)
		note_opened(directory, path, flags, fd);
	return fd;
}

static void
losing_close(struct files *files, int *fd)
{
	if (*fd >= 0 && *fd < FDS)
		node_of[*fd] = NOTHING;
	files_posix.close(&files_posix, fd);
}

static ssize_t
losing_read_at(
	struct files *files, int fd, void *to, size_t room, uint64_t offset)
{
	int error = may_go();

	return error ? error
		     : files_posix.read_at(&files_posix, fd, to, room, offset);
}

static ssize_t
losing_write_at(struct files *files, int fd, const void *from, size_t octets,
	uint64_t offset)
{
	int error = may_change();

	if (error)
		return error;
	return files_posix.write_at(&files_posix, fd, from, octets, offset);
}

static int
losing_sync(struct files *files, int fd)
{
	unsigned node = node_of_descriptor(fd);
	int error = may_change();

	if (error == 0 && node)
		reach_disk(&nodes[node]);
	return error;
}

static int
losing_sync_file_system(struct files *files, int fd)
{
	int error = may_change();

	for (unsigned i = 1; i < node_count && error == 0; i++)
		reach_disk(&nodes[i]);
	return error;
}

static int
losing_allocate(struct files *files, int fd, uint64_t octets)
{
	int error = may_change();

	return error ? error : files_posix.allocate(&files_posix, fd, octets);
}

static int
losing_rename(struct files *files, int from, const char *from_path, int to,
	const char *to_path)
{
	char from_name[256], to_name[256];
	unsigned source = parent_of(from, from_path, from_name);
	unsigned target = parent_of(to, to_path, to_name);
	unsigned node = find(from, from_path);
	int error = may_change();

	if (error == 0)
		error = files_posix.rename(
			&files_posix, from, from_path, to, to_path);
	if (error != 0)
		return error;
	if (!source || !target || !node)
		abort();
	set_entry(nodes[target].now, to_name, node);
	get_entry(nodes[source].now, from_name)->node = NOTHING;
	return 0;
}

static int
losing_unlink(struct files *files, int directory, const char *path)
{
	char name[256];
	unsigned parent = parent_of(directory, path, name);
	int error = may_change();

	if (error == 0)
		error = files_posix.unlink(&files_posix, directory, path);
	if (error == 0)
		get_entry(nodes[parent].now, name)->node = NOTHING;
	return error;
}

static int
losing_mkdir(struct files *files, int directory, const char *path, mode_t mode)
{
	char name[256];
	unsigned parent = parent_of(directory, path, name);
	int error = may_change();

	if (error == 0)
		error = files_posix.mkdir(&files_posix, directory, path, mode);
	if (error == 0)
		set_entry(nodes[parent].now, name, add_node(true));
	return error;
}

static int
losing_stat(struct files *files, int fd, struct stat *out)
{
	int error = may_go();

	return error ? error : files_posix.stat(&files_posix, fd, out);
}

static int
losing_stat_at(
	struct files *files, int directory, const char *path, struct stat *out)
{
	int error = may_go();

	return error ? error
		     : files_posix.stat_at(&files_posix, directory, path, out);
}

static int
losing_list(struct files *files, int directory, const char *path,
	bool (*each)(void *context, const char *name), void *context)
{
	int error = may_go();

	return error ? error
		     : files_posix.list(
			       &files_posix, directory, path, each, context);
}

static int
losing_memory(struct files *files, const char *label)
{
	return files_posix.memory(&files_posix, label);
}

static int
losing_seal(struct files *files, int fd)
{
	return files_posix.seal(&files_posix, fd);
}

static int
losing_duplicate(struct files *files, int fd)
{
	return files_posix.duplicate(&files_posix, fd);
}

static uint64_t
losing_now_ns(struct files *files)
{
	return files_posix.now_ns(&files_posix);
}

static int
losing_random(struct files *files, void *to, size_t octets)
{
	return files_posix.random(&files_posix, to, octets);
}

struct files losing_files = {
	.open = losing_open,
	.close = losing_close,
	.read_at = losing_read_at,
	.write_at = losing_write_at,
	.sync = losing_sync,
	.sync_data = losing_sync,
	.sync_file_system = losing_sync_file_system,
	.allocate = losing_allocate,
	.rename = losing_rename,
	.unlink = losing_unlink,
	.mkdir = losing_mkdir,
	.stat = losing_stat,
	.stat_at = losing_stat_at,
	.list = losing_list,
	.memory = losing_memory,
	.seal = losing_seal,
	.duplicate = losing_duplicate,
	.now_ns = losing_now_ns,
	.random = losing_random,
};

/* ---- the test's side ---- */

void
losing_files_begin(const char *directory, unsigned n)
{
	nodes = calloc(NODES_MAXIMUM, sizeof(*nodes));
	if (!nodes)
		abort();
	node_count = 1;
	changes = 0;
	last_change = n;
	is_lost = false;
	snprintf(top, sizeof(top), "%s", directory);
	memset(node_of, 0, sizeof(node_of));
	add_node(true);
	set_entry(nodes[1].now, "mail", add_node(true));
	set_entry(nodes[1].now, "state", add_node(true));
	reach_disk(&nodes[1]);
}

void
losing_files_end(void)
{
	for (unsigned i = 1; i < node_count; i++) {
		free(nodes[i].octets);
		if (nodes[i].reading >= 0)
			close(nodes[i].reading);
	}
	free(nodes);
	nodes = NULL;
}

bool
losing_files_is_lost(void)
{
	return is_lost;
}

unsigned
losing_files_changes(void)
{
	return changes;
}

void
losing_files_set_boot(unsigned value)
{
	char path[600];
	int fd;

	boot = value;
	snprintf(path, sizeof(path), "%s/boot.%u", top, boot);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, &boot, sizeof(boot)) != sizeof(boot))
		abort();
	close(fd);
}

static struct {
	ino_t rebuilt, original;
} inodes[NODES_MAXIMUM];
static unsigned inode_count;

ino_t
losing_files_inode(ino_t rebuilt)
{
	for (unsigned i = 0; i < inode_count; i++)
		if (inodes[i].rebuilt == rebuilt)
			return inodes[i].original;
	return rebuilt;
}

static void
note_inode(int original, int rebuilt)
{
	struct stat one, two;

	if (original < 0 || fstat(original, &one) || fstat(rebuilt, &two))
		return;
	inodes[inode_count].original = one.st_ino;
	inodes[inode_count++].rebuilt = two.st_ino;
}

static void
rebuild_file(struct node *node, enum loss loss, const char *path)
{
	bool is_now = loss == LOSS_ENTRIES || loss == LOSS_NONE;
	unsigned char *octets = NULL;
	size_t length =
		is_now ? read_whole(node->reading, &octets) : node->length;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		abort();
	if (length > 0 && write(fd, is_now ? octets : node->octets, length) !=
				  (ssize_t)length)
		abort();
	note_inode(node->reading, fd);
	close(fd);
	free(octets);
}

static void
rebuild(unsigned number, enum loss loss, const char *path)
{
	struct node *node = &nodes[number];
	bool is_now = loss == LOSS_OCTETS || loss == LOSS_NONE;
	struct entry *entries = is_now ? node->now : node->disk;

	if (!node->is_directory) {
		rebuild_file(node, loss, path);
		return;
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		abort();
	for (unsigned i = 0; i < ENTRIES; i++) {
		char *below;

		if (!entries[i].node)
			continue;
		if (asprintf(&below, "%s/%.255s", path, entries[i].name) < 0)
			abort();
		rebuild(entries[i].node, loss, below);
		free(below);
	}
}

void
losing_files_rebuild(enum loss loss, const char *to)
{
	inode_count = 0;
	rebuild(1, loss, to);
}
