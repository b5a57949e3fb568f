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
#include "store/uidl.h"

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
#define KEYED_OCTETS	2048

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
};

enum { TMP, NEW, CUR };
static const char *const parts[] = {"tmp", "new", "cur"};

struct sink_delivery {
	int fd; /* -1 once ended */
	bool is_after_cr;
	char tag[UIDL_OWN_OCTETS + 1];
	char tmp[NAME_SIZE];
};

static struct maildir *
self_of(struct sink *sink)
{
	return (struct maildir *)sink;
}

/* ---- opening ---- */

/* As mkdir -p; the entry of each that is made is synced. */
static enum outcome
make_directory(const char *path)
{
	char copy[PATH_MAX];
	int fd;

	if (mkdir(path, 0700) == 0) {
		snprintf(copy, sizeof(copy), "%s/..", path);
		fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0) {
			if (fd >= 0)
				close(fd);
			return outcome_of_errno(errno);
		}
		close(fd);
		return OK;
	}
	return errno == EEXIST ? OK : outcome_of_errno(errno);
}

static enum outcome
make_path(const char *target)
{
	char path[PATH_MAX];
	enum outcome outcome = OK;

	snprintf(path, sizeof(path), "%s/", target);
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		outcome = make_directory(path);
		if (outcome != OK)
			break;
		*slash = '/';
	}
	return outcome;
}

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
	outcome = make_directory(path);
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
maildir_close(struct sink **sink)
{
	struct maildir *maildir;

	if (!*sink)
		return;
	maildir = self_of(*sink);
	for (int part = TMP; part <= CUR; part++)
		if (maildir->directories[part] >= 0)
			close(maildir->directories[part]);
	buffer_release(&maildir->seen);
	free(maildir->account);
	free(maildir);
	*sink = NULL;
}

static enum outcome
maildir_open(const struct sink_options *options, struct sink **out,
	char error[SINK_ERROR_SIZE])
{
	struct maildir *maildir = calloc(1, sizeof(*maildir));
	struct sink *sink;
	enum outcome outcome;

	if (!maildir)
		return ERR_TRY_LATER;
	sink = &maildir->base;
	sink->ops = &sink_maildir;
	for (int part = TMP; part <= CUR; part++)
		maildir->directories[part] = -1;
	buffer_init(&maildir->seen, SEEN_MAXIMUM);
	maildir->makes_lf = options->makes_lf;
	maildir->was_interrupted = options->was_interrupted;
	maildir->account = strdup(options->account);
	outcome = maildir->account ? make_path(options->target) : ERR_TRY_LATER;
	for (int part = TMP; part <= CUR && outcome == OK; part++)
		outcome = open_part(maildir, options->target, part);
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

/* ---- one message ---- */

/* 26 characters of account and key; a NUL stands between them. */
static bool
make_tag(const char *account, const struct message_key *key,
	char out[UIDL_OWN_OCTETS + 1])
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	struct buffer text;
	bool is_good;

	buffer_init(&text, KEYED_OCTETS);
	is_good = buffer_append(&text, account, strlen(account) + 1) &&
		  buffer_printf(&text, "%u:", key->ordinal) &&
		  buffer_append_bytes(&text, key->uidl) &&
		  uidl_digest(buffer_bytes(&text), digest);
	buffer_release(&text);
	if (is_good)
		uidl_print(digest, out);
	return is_good;
}

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

	if (!delivery || !make_tag(maildir->account, key, delivery->tag)) {
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
	*out = delivery;
	return OK;
}

static enum outcome
write_all(int fd, struct bytes octets)
{
	while (octets.octets > 0) {
		ssize_t done = write(fd, octets.at, octets.octets);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return outcome_of_errno(errno);
		octets = bytes_after(octets, (size_t)done);
	}
	return OK;
}

/* CR of a CRLF is left out, also when it ended the last chunk. */
static enum outcome
write_lf(struct sink_delivery *delivery, struct bytes in)
{
	unsigned char out[16384];
	enum outcome outcome = OK;

	while (in.octets > 0 && outcome == OK) {
		size_t held = 0, taken = 0;

		for (; taken < in.octets && held + 2 <= sizeof(out); taken++) {
			unsigned char octet = in.at[taken];

			if (delivery->is_after_cr && octet != '\n')
				out[held++] = '\r';
			delivery->is_after_cr = octet == '\r';
			if (!delivery->is_after_cr)
				out[held++] = octet;
		}
		outcome = write_all(delivery->fd, bytes_of(out, held));
		in = bytes_after(in, taken);
	}
	return outcome;
}

static enum outcome
maildir_put(
	struct sink *sink, struct sink_delivery *delivery, struct bytes octets)
{
	return self_of(sink)->makes_lf ? write_lf(delivery, octets)
				       : write_all(delivery->fd, octets);
}

static enum outcome
maildir_end(struct sink *sink, struct sink_delivery *delivery)
{
	enum outcome outcome = OK;

	if (delivery->is_after_cr)
		outcome = write_all(delivery->fd, bytes_of_string("\r"));
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
try_name(struct maildir *maildir, const struct sink_delivery *delivery,
	const char *name, int fd, bool *out_is_done)
{
	const char *seen = find_seen(maildir, name);

	*out_is_done = true;
	if (seen) {
		*out_is_done = holds_same(maildir, CUR, seen, fd);
		return OK;
	}
	if (linkat(maildir->directories[TMP], delivery->tmp,
		    maildir->directories[NEW], name, 0) == 0)
		return OK;
	if (errno != EEXIST)
		return outcome_of_errno(errno);
	*out_is_done = holds_same(maildir, NEW, name, fd);
	return OK;
}

static enum outcome
place(struct maildir *maildir, const struct sink_delivery *delivery)
{
	enum outcome outcome = OK;
	char name[NAME_SIZE];
	bool is_done = false;
	int fd = openat(
		maildir->directories[TMP], delivery->tmp, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		outcome = outcome_of_errno(errno);
	for (unsigned n = 0; n < NUMBERS_MAXIMUM && outcome == OK && !is_done;
		n++) {
		make_name(delivery->tag, n, name);
		outcome = try_name(maildir, delivery, name, fd, &is_done);
	}
	if (fd >= 0)
		close(fd);
	if (outcome == OK && !is_done)
		return ERR_BROKEN;
	return outcome;
}

static void
maildir_flush(struct sink *sink, struct sink_delivery *const *deliveries,
	size_t count, enum outcome *outcomes)
{
	struct maildir *maildir = self_of(sink);
	enum outcome outcome = OK;

	buffer_clear(&maildir->seen);
	if (maildir->was_interrupted)
		outcome = scan(maildir, CUR, note_seen);
	for (size_t i = 0; i < count; i++)
		outcomes[i] =
			outcome == OK ? place(maildir, deliveries[i]) : outcome;
	if (fsync(maildir->directories[NEW]) < 0 ||
		(maildir->seen.octets > 0 &&
			fsync(maildir->directories[CUR]) < 0))
		outcome = outcome_of_errno(errno);
	for (size_t i = 0; i < count; i++)
		if (outcomes[i] == OK)
			outcomes[i] = outcome;
}

const struct sink_ops sink_maildir = {
	.name = "maildir",
	.open = maildir_open,
	.close = maildir_close,
	.begin = maildir_begin,
	.put = maildir_put,
	.end = maildir_end,
	.flush = maildir_flush,
	.drop = maildir_drop,
};
