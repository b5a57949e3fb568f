/* SPDX-License-Identifier: ISC */
/*
 * Maildir: tmp, fsync, link to new, fsync of the directory. A message's name
 * derives from account and key, so that one that comes again after a crash
 * finds itself there: nothing is held twice. A file of that name with another
 * content is another message (servers have used a UIDL again): the next number
 * is taken, nothing is lost.
 */
#include "collect/sinks/maildir.h"
#include "base/buffer.h"
#include "collect/sinks/directory.h"
#include "collect/sinks/octets.h"
#include "collect/tag.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_SIZE	48
#define NUMBERS_MAXIMUM 1000
#define TMP_AGE_SECONDS (36 * 3600) /* as maildir(5) has it */
#define COMPARED_OCTETS 65536
#define SEEN_MAXIMUM	(64u << 20) /* octets of names */

struct maildir {
	struct sink base;
	char *account;
	bool makes_lf;
	int directories[3];
	/* What the ledger does not know a mail reader may have moved to cur/,
	   and be moving while this run lasts: what is ours there, looked up
	   before each flush; NUL after each name. */
	bool was_interrupted;
	struct buffer seen;
	char *path;
	/* Maildir++ folders, opened when something goes there */
	char *name;
	struct maildir *next;
};

enum { TMP, NEW, CUR };
static const char *const parts[] = {"tmp", "new", "cur"};

struct sink_delivery {
	int fd; /* -1 once ended */
	bool is_after_cr;
	char tag[TAG_SIZE];
	struct maildir *place; /* where it goes: the Maildir or a folder */
	char tmp[NAME_SIZE];
};

static struct maildir *
self_of(struct sink *sink)
{
	return (struct maildir *)sink;
}

/* ---- opening ---- */

static enum outcome
open_part(struct maildir *maildir, const char *target, int part)
{
	char path[PATH_MAX];
	enum outcome outcome;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", target, parts[part]) >=
		(int)sizeof(path) - 4) {
		errno = ENAMETOOLONG;
		return ERR_BROKEN;
	}
	outcome = directory_make(path);
	if (outcome != OK)
		return outcome;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return outcome_of_errno(errno);
	maildir->directories[part] = fd;
	return OK;
}

static bool
is_ours(const char *name)
{
	return name[0] == 'R' && strstr(name, ".restante");
}

/* Calls `each` with what is ours in a part. */
static enum outcome
scan(struct maildir *maildir, int part,
	bool (*each)(struct maildir *maildir, const char *name))
{
	int fd = openat(maildir->directories[part], ".",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	enum outcome outcome = OK;
	struct dirent *entry;

	if (!directory) {
		outcome = outcome_of_errno(errno);
		if (fd >= 0)
			close(fd);
		return outcome;
	}
	while (outcome == OK && (entry = readdir(directory)))
		if (is_ours(entry->d_name) && !each(maildir, entry->d_name))
			outcome = ERR_TRY_LATER;
	closedir(directory);
	return outcome;
}

static bool
note_seen(struct maildir *maildir, const char *name)
{
	return buffer_append(&maildir->seen, name, strlen(name) + 1);
}

/* Others may be filling this Maildir: only what is old was left behind. */
static bool
remove_old(struct maildir *maildir, const char *name)
{
	struct stat status;

	if (fstatat(maildir->directories[TMP], name, &status, 0) == 0 &&
		status.st_mtime < time(NULL) - TMP_AGE_SECONDS)
		unlinkat(maildir->directories[TMP], name, 0);
	return true;
}

static void
release(struct maildir *maildir)
{
	for (int part = TMP; part <= CUR; part++)
		if (maildir->directories[part] >= 0)
			close(maildir->directories[part]);
	buffer_release(&maildir->seen);
	free(maildir->account);
	free(maildir->path);
	free(maildir->name);
	free(maildir);
}

static void
maildir_close(struct sink **sink)
{
	struct maildir *maildir;

	if (!*sink)
		return;
	maildir = self_of(*sink);
	while (maildir) {
		struct maildir *next = maildir->next;

		release(maildir);
		maildir = next;
	}
	*sink = NULL;
}

/* Makes and opens the three parts. errno says what is wrong. */
static enum outcome
open_at(struct maildir *maildir, const char *path)
{
	enum outcome outcome = directory_make_path(path);

	for (int part = TMP; part <= CUR && outcome == OK; part++)
		outcome = open_part(maildir, path, part);
	return outcome;
}

static struct maildir *
make(const char *path, bool was_interrupted)
{
	struct maildir *maildir = calloc(1, sizeof(*maildir));

	if (!maildir)
		return NULL;
	maildir->base.ops = &sink_maildir;
	for (int part = TMP; part <= CUR; part++)
		maildir->directories[part] = -1;
	buffer_init(&maildir->seen, SEEN_MAXIMUM);
	maildir->was_interrupted = was_interrupted;
	maildir->path = strdup(path);
	return maildir;
}

static enum outcome
maildir_open(const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE])
{
	struct maildir *maildir =
		make(options->target, options->was_interrupted);
	struct sink *sink;
	enum outcome outcome;

	if (!maildir)
		return ERR_TRY_LATER;
	sink = &maildir->base;
	maildir->makes_lf = options->makes_lf;
	maildir->account = strdup(options->account);
	outcome = maildir->account && maildir->path
			  ? open_at(maildir, options->target)
			  : ERR_TRY_LATER;
	if (outcome == OK && options->was_interrupted)
		outcome = scan(maildir, TMP, remove_old);
	if (outcome == OK) {
		*out = sink;
		return OK;
	}
	snprintf(error, SINK_ERROR_SIZE, "the Maildir %.150s: %s",
		options->target, strerror(errno));
	maildir_close(&sink);
	return outcome;
}

/* ---- folders ---- */

/* Maildir++: "a/b" is ".a.b" below the Maildir. */
static bool
make_folder_path(
	const struct maildir *maildir, const char *folder, char out[PATH_MAX])
{
	size_t front;

	if (!folder[0] || folder[0] == '.' || folder[0] == '/' ||
		strstr(folder, "..") || strstr(folder, "//") ||
		snprintf(out, PATH_MAX, "%s/.%s", maildir->path, folder) >=
			PATH_MAX - 8)
		return false;
	front = strlen(maildir->path) + 1;
	for (char *at = out + front; *at; at++)
		if (*at == '/')
			*at = '.';
	return true;
}

static enum outcome
find_folder(struct maildir *maildir, const char *folder, struct maildir **out)
{
	char path[PATH_MAX];
	struct maildir *found = maildir->next;
	enum outcome outcome;

	while (found && strcmp(found->name, folder) != 0)
		found = found->next;
	*out = found;
	if (found)
		return OK;
	if (!make_folder_path(maildir, folder, path))
		return ERR_PEER;
	found = make(path, maildir->was_interrupted);
	if (!found)
		return ERR_TRY_LATER;
	found->name = strdup(folder);
	outcome = found->name && found->path ? open_at(found, path)
					     : ERR_TRY_LATER;
	if (outcome != OK) {
		release(found);
		return outcome;
	}
	found->next = maildir->next;
	maildir->next = *out = found;
	return OK;
}

static enum outcome
maildir_file_into(
	struct sink *sink, struct sink_delivery *delivery, const char *folder)
{
	return find_folder(self_of(sink), folder, &delivery->place);
}

/* ---- one message ---- */

static void
make_name(const char *tag, unsigned number, char out[NAME_SIZE])
{
	if (number == 0)
		snprintf(out, NAME_SIZE, "R%s.restante", tag);
	else
		snprintf(out, NAME_SIZE, "R%s_%u.restante", tag, number);
}

static enum outcome
maildir_begin(struct sink *sink, const struct message_key *key,
	struct sink_delivery **out)
{
	struct maildir *maildir = self_of(sink);
	struct sink_delivery *delivery = calloc(1, sizeof(*delivery));
	enum outcome outcome;

	if (!delivery || !tag_make(maildir->account, key, delivery->tag)) {
		free(delivery);
		return ERR_TRY_LATER;
	}
	make_name(delivery->tag, 0, delivery->tmp);
	/* What a killed run left under this name is its own torso. */
	unlinkat(maildir->directories[TMP], delivery->tmp, 0);
	delivery->fd = openat(maildir->directories[TMP], delivery->tmp,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (delivery->fd < 0) {
		outcome = outcome_of_errno(errno);
		free(delivery);
		return outcome;
	}
	delivery->place = maildir;
	*out = delivery;
	return OK;
}

static enum outcome
maildir_put(
	struct sink *sink, struct sink_delivery *delivery, struct bytes octets)
{
	return self_of(sink)->makes_lf ? octets_write_lf(delivery->fd,
						 &delivery->is_after_cr, octets)
				       : octets_write(delivery->fd, octets);
}

static enum outcome
maildir_end(struct sink *sink, struct sink_delivery *delivery)
{
	enum outcome outcome = OK;

	if (delivery->is_after_cr)
		outcome = octets_write(delivery->fd, bytes_of_string("\r"));
	if (close(delivery->fd) < 0 && outcome == OK)
		outcome = outcome_of_errno(errno);
	delivery->fd = -1;
	return outcome;
}

static void
maildir_drop(struct sink *sink, struct sink_delivery **delivery)
{
	struct sink_delivery *old = *delivery;

	if (!old)
		return;
	if (old->fd >= 0)
		close(old->fd);
	unlinkat(self_of(sink)->directories[TMP], old->tmp, 0);
	free(old);
	*delivery = NULL;
}

/* ---- making it last ---- */

static bool
is_equal(int a, int b)
{
	unsigned char *one = malloc(2 * COMPARED_OCTETS);
	ssize_t got = 1;
	bool is_same = one != NULL;

	for (off_t at = 0; is_same && got > 0; at += got) {
		unsigned char *two = one + COMPARED_OCTETS;

		got = pread(a, one, COMPARED_OCTETS, at);
		is_same = got >= 0 &&
			  pread(b, two, COMPARED_OCTETS, at) == got &&
			  memcmp(one, two, (size_t)got) == 0;
	}
	free(one);
	return is_same;
}

/* Is the file `name` of a part what `fd` holds? */
static bool
holds_same(struct maildir *maildir, int part, const char *name, int fd)
{
	int other = openat(maildir->directories[part], name,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool is_same = other >= 0 && is_equal(fd, other);

	if (is_same) /* it may be younger than the last fsync */
		is_same = fsync(other) == 0;
	if (other >= 0)
		close(other);
	return is_same;
}

/* The file of cur/ that was called `name`, whatever its flags; NULL: none. */
static const char *
find_seen(const struct maildir *maildir, const char *name)
{
	struct bytes rest = buffer_bytes(&maildir->seen);
	size_t octets = strlen(name);

	while (rest.octets > 0) {
		const char *seen = (const char *)bytes_cut(&rest, '\0').at;

		if (strncmp(seen, name, octets) == 0 &&
			(seen[octets] == ':' || seen[octets] == '\0'))
			return seen;
	}
	return NULL;
}

/* *out_is_done: it is there, linked now or before. Else the name is another's. */
static enum outcome
try_name(int tmp, const struct sink_delivery *delivery, const char *name,
	int fd, bool *out_is_done)
{
	struct maildir *to = delivery->place;
	const char *seen = find_seen(to, name);

	*out_is_done = true;
	if (seen) {
		*out_is_done = holds_same(to, CUR, seen, fd);
		return OK;
	}
	if (linkat(tmp, delivery->tmp, to->directories[NEW], name, 0) == 0)
		return OK;
	if (errno != EEXIST)
		return outcome_of_errno(errno);
	*out_is_done = holds_same(to, NEW, name, fd);
	return OK;
}

static enum outcome
place(int tmp, const struct sink_delivery *delivery)
{
	enum outcome outcome = OK;
	char name[NAME_SIZE];
	bool is_done = false;
	int fd = openat(tmp, delivery->tmp, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		outcome = outcome_of_errno(errno);
	for (unsigned n = 0; n < NUMBERS_MAXIMUM && outcome == OK && !is_done;
		n++) {
		make_name(delivery->tag, n, name);
		outcome = try_name(tmp, delivery, name, fd, &is_done);
	}
	if (fd >= 0)
		close(fd);
	if (outcome == OK && !is_done)
		return ERR_BROKEN;
	return outcome;
}

/* Those of the deliveries that go to `to`. */
static void
flush_to(struct maildir *to, int tmp, struct sink_delivery *const *deliveries,
	size_t count, enum outcome *outcomes)
{
	enum outcome outcome = OK;

	buffer_clear(&to->seen);
	if (to->was_interrupted)
		outcome = scan(to, CUR, note_seen);
	for (size_t i = 0; i < count; i++)
		if (deliveries[i]->place == to)
			outcomes[i] = outcome == OK ? place(tmp, deliveries[i])
						    : outcome;
	if (fsync(to->directories[NEW]) < 0 ||
		(to->seen.octets > 0 && fsync(to->directories[CUR]) < 0))
		outcome = outcome_of_errno(errno);
	for (size_t i = 0; i < count; i++)
		if (deliveries[i]->place == to && outcomes[i] == OK)
			outcomes[i] = outcome;
}

static bool
is_first_of_its_place(struct sink_delivery *const *deliveries, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (deliveries[i]->place == deliveries[index]->place)
			return false;
	return true;
}

static void
maildir_flush(struct sink *sink, struct sink_delivery *const *deliveries,
	size_t count, enum outcome *outcomes)
{
	int tmp = self_of(sink)->directories[TMP];

	for (size_t i = 0; i < count; i++)
		if (is_first_of_its_place(deliveries, i))
			flush_to(deliveries[i]->place, tmp, deliveries, count,
				outcomes);
}

const struct sink_ops sink_maildir = {
	.name = "maildir",
	.open = maildir_open,
	.close = maildir_close,
	.begin = maildir_begin,
	.put = maildir_put,
	.end = maildir_end,
	.file_into = maildir_file_into,
	.flush = maildir_flush,
	.drop = maildir_drop,
};
