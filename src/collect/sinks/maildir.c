/* SPDX-License-Identifier: ISC */
/*
 * Maildir: tmp, fsync, link to new, fsync of the directory. A message's name
 * derives from account and key, so that one that comes again after a crash
 * finds itself there: nothing is held twice. A file of that name with another
 * content is another message (servers have used a UIDL again): the next number
 * is taken, nothing is lost.
 */
#include "collect/sinks/directory.h"
#include "collect/sinks/maildir_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TMP_AGE_SECONDS (36 * 3600) /* as maildir(5) has it */
#define SEEN_MAXIMUM	(64u << 20) /* octets of names */

static const char *const parts[] = {"tmp", "new", "cur"};

static struct maildir *
self_of(struct sink *sink)
{
	return (struct maildir *)sink;
}

/* A negative errno, which is kept for who tells it. */
static enum outcome
failed(int error)
{
	errno = -error;
	return outcome_of_errno(-error);
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
	outcome = directory_make(maildir->files, path);
	if (outcome != OK)
		return outcome;
	/* It may be a symbolic link. */
	snprintf(path, sizeof(path), "%s/%s/.", target, parts[part]);
	fd = maildir->files->open(
		maildir->files, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return failed(fd);
	maildir->directories[part] = fd;
	return OK;
}

static bool
is_ours(const char *name)
{
	return name[0] == 'R' && strstr(name, ".restante");
}

static enum outcome
scan(struct maildir *maildir, int part,
	bool (*each)(void *context, const char *name))
{
	return failed(maildir->files->list(maildir->files,
		maildir->directories[part], ".", each, maildir));
}

static bool
note_seen(void *context, const char *name)
{
	struct maildir *maildir = context;

	if (is_ours(name) &&
		!buffer_append(&maildir->seen, name, strlen(name) + 1))
		maildir->is_short_of_memory = true;
	return !maildir->is_short_of_memory;
}

enum outcome
maildir_look(struct maildir *maildir)
{
	buffer_clear(&maildir->seen);
	return scan(maildir, CUR, note_seen);
}

/* Others may be filling this Maildir: only what is old was left behind. */
static bool
remove_old(void *context, const char *name)
{
	struct maildir *maildir = context;
	struct files *files = maildir->files;
	int tmp = maildir->directories[TMP];
	uint64_t now = files->now_ns(files) / 1000000000;
	struct stat status;

	if (is_ours(name) && files->stat_at(files, tmp, name, &status) == 0 &&
		(uint64_t)status.st_mtime + TMP_AGE_SECONDS < now)
		(void)files->unlink(files, tmp, name);
	return true;
}

static void
release(struct maildir *maildir)
{
	for (int part = TMP; part <= CUR; part++)
		maildir->files->close(
			maildir->files, &maildir->directories[part]);
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
	enum outcome outcome = directory_make_path(maildir->files, path);

	for (int part = TMP; part <= CUR && outcome == OK; part++)
		outcome = open_part(maildir, path, part);
	return outcome;
}

static struct maildir *
make(struct files *files, const char *path, bool was_interrupted)
{
	struct maildir *maildir = calloc(1, sizeof(*maildir));

	if (!maildir)
		return NULL;
	maildir->base.ops = &sink_maildir;
	maildir->files = files;
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
		make(options->files ? options->files : &files_posix,
			options->target, options->was_interrupted);
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
		strlen(folder) >= NAME_MAX || strstr(folder, "..") ||
		strstr(folder, "//") ||
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
	found = make(maildir->files, path, maildir->was_interrupted);
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
	struct maildir *place = NULL;
	enum outcome outcome = find_folder(self_of(sink), folder, &place);

	if (outcome == OK)
		delivery->place = place;
	return outcome;
}

/* ---- one message ---- */

void
maildir_name(const char *tag, unsigned number, char out[MAILDIR_NAME_SIZE])
{
	if (number == 0)
		snprintf(out, MAILDIR_NAME_SIZE, "R%s.restante", tag);
	else
		snprintf(
			out, MAILDIR_NAME_SIZE, "R%s_%u.restante", tag, number);
}

static enum outcome
maildir_begin(struct sink *sink, const struct message_key *key,
	struct sink_delivery **out)
{
	struct maildir *maildir = self_of(sink);
	struct sink_delivery *delivery = calloc(1, sizeof(*delivery));
	struct files *files = maildir->files;
	int tmp = maildir->directories[TMP], fd;

	if (!delivery || !tag_make(maildir->account, key, delivery->tag)) {
		free(delivery);
		return ERR_TRY_LATER;
	}
	maildir_name(delivery->tag, 0, delivery->tmp);
	/* What a killed run left under this name is its own torso. */
	(void)files->unlink(files, tmp, delivery->tmp);
	fd = files->open(
		files, tmp, delivery->tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0) {
		free(delivery);
		return failed(fd);
	}
	delivery->octets = (struct octets){
		.files = files, .fd = fd, .makes_lf = maildir->makes_lf};
	delivery->place = maildir;
	*out = delivery;
	return OK;
}

static enum outcome
maildir_put(
	struct sink *sink, struct sink_delivery *delivery, struct bytes octets)
{
	return octets_write(&delivery->octets, octets);
}

static enum outcome
maildir_end(struct sink *sink, struct sink_delivery *delivery)
{
	return octets_end(&delivery->octets);
}

static void
maildir_drop(struct sink *sink, struct sink_delivery **delivery)
{
	struct maildir *maildir = self_of(sink);
	struct sink_delivery *old = *delivery;

	if (!old)
		return;
	maildir->files->close(maildir->files, &old->octets.fd);
	(void)maildir->files->unlink(
		maildir->files, maildir->directories[TMP], old->tmp);
	free(old);
	*delivery = NULL;
}

/* ---- making it last ---- */

/* Is the file `name` of a part what `fd` holds? */
static bool
holds_same(struct maildir *maildir, int part, const char *name, int fd)
{
	struct files *files = maildir->files;
	int other = files->open(
		files, maildir->directories[part], name, O_RDONLY, 0);
	bool is_same = other >= 0 && octets_are_equal(files, fd, other);

	if (is_same) /* it may be younger than the last fsync */
		is_same = files->sync(files, other) == 0;
	files->close(files, &other);
	return is_same;
}

const char *
maildir_find_seen(const struct maildir *maildir, const char *name)
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
	const char *seen = maildir_find_seen(to, name);
	int error;

	*out_is_done = true;
	if (seen) {
		*out_is_done = holds_same(to, CUR, seen, fd);
		return OK;
	}
	error = to->files->link(
		to->files, tmp, delivery->tmp, to->directories[NEW], name);
	if (error != -EEXIST)
		return failed(error);
	*out_is_done = holds_same(to, NEW, name, fd);
	return OK;
}

static enum outcome
place(int tmp, const struct sink_delivery *delivery)
{
	struct files *files = delivery->place->files;
	char name[MAILDIR_NAME_SIZE];
	bool is_done = false;
	int fd = files->open(files, tmp, delivery->tmp, O_RDONLY, 0);
	enum outcome outcome = failed(fd < 0 ? fd : files->sync(files, fd));

	for (unsigned n = 0;
		n < MAILDIR_NUMBERS_MAXIMUM && outcome == OK && !is_done; n++) {
		maildir_name(delivery->tag, n, name);
		outcome = try_name(tmp, delivery, name, fd, &is_done);
	}
	files->close(files, &fd);
	if (outcome == OK && !is_done)
		return ERR_BROKEN;
	return outcome;
}

/* Those of the deliveries that go to `to`. */
static void
flush_to(struct maildir *to, int tmp, struct sink_delivery *const *deliveries,
	size_t count, enum outcome *outcomes)
{
	bool replaces = maildir_replaces(to, deliveries, count);
	enum outcome outcome = OK;
	int error;

	buffer_clear(&to->seen);
	/* What replaces another may have come in any run before this one. */
	if (to->was_interrupted || replaces)
		outcome = maildir_look(to);
	if (outcome == OK && to->is_short_of_memory)
		outcome = ERR_TRY_LATER;
	for (size_t i = 0; i < count; i++)
		if (deliveries[i]->place == to)
			outcomes[i] = outcome == OK ? place(tmp, deliveries[i])
						    : outcome;
	error = to->files->sync(to->files, to->directories[NEW]);
	if (error == 0 && to->seen.octets > 0)
		error = to->files->sync(to->files, to->directories[CUR]);
	if (error != 0)
		outcome = failed(error);
	for (size_t i = 0; i < count; i++)
		if (deliveries[i]->place == to && outcomes[i] == OK)
			outcomes[i] = outcome;
	if (replaces)
		maildir_replace_all(to, deliveries, count, outcomes);
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
	.replace = maildir_replace,
	.flush = maildir_flush,
	.drop = maildir_drop,
};
