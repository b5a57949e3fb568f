/* SPDX-License-Identifier: ISC */
#include "on_disk.h"

#include <errno.h>
#include <fcntl.h>

#include "store/maildir/maildir.h"

static uint64_t time_ns;

static uint64_t
now_ns(void)
{
	time_ns += 10000000;
	return time_ns;
}

static uint64_t
number(void)
{
	static uint64_t state;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state;
}

static const struct disk_world world = {.now_ns = now_ns, .random = number};
struct disk *disk;
struct disk_process process;
struct store *store;
unsigned start_fails_at;

int
open_below(const char *name)
{
	return process.files.open(
		&process.files, AT_FDCWD, name, O_RDONLY | O_DIRECTORY, 0);
}

void
start(uint32_t journal_octets, bool is_shared)
{
	struct store_options options = {
		.kind = "maildir",
		.mail_root = open_below("mail"),
		.mail_template = "%u",
		.state_root = open_below("state"),
		.is_shared = is_shared,
		.hostname = "host",
		.journal_octets = journal_octets,
		.executor = &executor_inline,
	};

	process.fails_at = start_fails_at;
	process.error = ENOSPC;
	assert_int_equal(
		maildir_store_new(&options, &process.files, &store), OK);
}

void
make_disk(void)
{
	int root;

	time_ns = 1790000000ull * 1000000000;
	disk = disk_new(&world);
	disk_process_init(&process, disk);
	process.files.mkdir(&process.files, AT_FDCWD, "mail", 0700);
	process.files.mkdir(&process.files, AT_FDCWD, "state", 0700);
	root = open_below(".");
	process.files.sync(&process.files, root);
	process.files.close(&process.files, &root);
	disk_process_init(&process, disk);
}

void
stop(void)
{
	store->ops->free(&store);
	assert_int_equal(process.open, 0);
	disk_process_init(&process, disk);
}

void
ignore(struct store_call *call)
{
}

enum outcome
deliver(const char *text)
{
	struct store_append_call call = {.mailbox = "alice",
		.call.done = ignore,
		.chunk = bytes_of_string(text)};

	store->ops->append_begin(store, &call);
	if (call.call.outcome != OK)
		return call.call.outcome;
	store->ops->append_write(store, &call);
	store->ops->append_commit(store, &call);
	return call.call.outcome;
}

unsigned
look(bool deletes, char uidl[UIDL_MAXIMUM_OCTETS + 1])
{
	struct store_open_call call = {.mailbox = "alice",
		.call.done = ignore,
		.snapshot.descriptor = -1};
	struct index_set deleted = INDEX_SET_EMPTY;
	struct store_commit_call commit = {
		.call.done = ignore, .deleted = &deleted};
	struct maildrop_message message;
	struct snapshot *snapshot = NULL;
	unsigned count;
	int fd;

	store->ops->open(store, &call);
	assert_int_equal(call.call.outcome, OK);
	fd = call.snapshot.descriptor;
	count = call.snapshot.count;
	call.snapshot.descriptor = disk_export(&process, fd);
	process.files.close(&process.files, &fd);
	assert_int_equal(snapshot_new(&call.snapshot, &snapshot), OK);
	if (uidl && count > 0) {
		const struct maildrop *maildrop = snapshot_maildrop(snapshot);

		assert_int_equal(maildrop->message(maildrop, 0, &message), OK);
		assert_true(bytes_to_string(
			message.uidl, uidl, UIDL_MAXIMUM_OCTETS + 1));
	}
	for (uint32_t i = 0; i < count && deletes; i++)
		assert_true(index_set_add(&deleted, i));
	commit.session = call.session;
	store->ops->commit(store, &commit);
	assert_int_equal(commit.call.outcome, OK);
	index_set_release(&deleted);
	snapshot_free(&snapshot);
	store->ops->release(store, &call.session);
	return count;
}

void
put_file(const char *text)
{
	struct files *files = &process.files;
	int fd = files->open(files, AT_FDCWD, "mail/alice/new/" NAME,
		O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(
		files_write_all(files, fd, bytes_of_string(text), 0), 0);
	files->sync(files, fd);
	files->close(files, &fd);
	fd = open_below("mail/alice/new");
	files->sync(files, fd);
	files->close(files, &fd);
}

void
sync_all(void)
{
	int root = open_below(".");

	process.files.sync_file_system(&process.files, root);
	process.files.close(&process.files, &root);
}

void
cut_the_power(enum disk_loss loss)
{
	process.is_dead = true;
	stop();
	disk_power_cut(disk, loss);
}

void
move(const char *from, const char *to)
{
	assert_int_equal(process.files.rename(
				 &process.files, AT_FDCWD, from, AT_FDCWD, to),
		0);
}

bool
is_there(const char *path)
{
	struct stat status;

	return process.files.stat_at(&process.files, AT_FDCWD, path, &status) ==
	       0;
}
