/* SPDX-License-Identifier: ISC */
#include "accounts/passwd_file/passwd_file.h"
#include "accounts/passwd_file/line.h"
#include "base/buffer.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NANOSECONDS 1000000000
/* A file system's clock may stand still for some milliseconds. */
#define SETTLED_NS	 1000000000
#define READ_AGAIN_MS	 200
#define NOTICE_OCTETS	 512
#define ENTRIES_AT_FIRST 64

struct entry {
	char *name;	   /* canonical */
	size_t at, octets; /* its line in the text */
	size_t number;	   /* of the line, from 1 */
};

struct table {
	struct buffer text;
	struct entry *entries; /* in order of name */
	size_t count, capacity;
};

/* What tells that a file is another one, or has changed. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t octets;
	struct timespec written, changed;
};

struct accounts_passwd_file {
	struct accounts base; /* first */
	int directory;
	char *location, *scheme, *domain;
	struct passwd_line_rules rules; /* of those strings */
	void (*notice)(const char *text);
	struct table table;
	struct stamp stamp;
	bool is_read;
	bool is_settled; /* it cannot have changed unseen */
	int missed;	 /* why it cannot be read, as told; 0: it can */
	uint64_t read_ms;
	unsigned notices; /* of this reading; told anew for a new stamp only */
	bool is_quiet;
};

static struct accounts_passwd_file *
self_of(struct accounts *accounts)
{
	return (struct accounts_passwd_file *)accounts;
}

/* ---- telling ---- */

static void
tell(struct accounts_passwd_file *self, size_t line, const char *what)
{
	char text[NOTICE_OCTETS];

	if (self->is_quiet || !self->notice ||
		self->notices++ >= PASSWD_FILE_NOTICES_MAXIMUM)
		return;
	if (line > 0)
		snprintf(text, sizeof(text), "%s:%zu: %s", self->location, line,
			what);
	else
		snprintf(text, sizeof(text), "%s: %s", self->location, what);
	self->notice(text);
}

static void
tell_rest(struct accounts_passwd_file *self)
{
	unsigned more = self->notices - PASSWD_FILE_NOTICES_MAXIMUM;
	char what[64];

	if (self->notices <= PASSWD_FILE_NOTICES_MAXIMUM)
		return;
	snprintf(what, sizeof(what), "%u more lines with a mistake", more);
	self->notices = 0;
	tell(self, 0, what);
}

/* ---- the table ---- */

static void
table_release(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->entries[i].name);
	free(table->entries);
	buffer_wipe(&table->text);
	*table = (struct table){0};
}

static bool
table_add(struct table *table, const struct entry *entry)
{
	size_t capacity = table->capacity * 2 + ENTRIES_AT_FIRST;
	struct entry *more;

	if (table->count == table->capacity) {
		more = realloc(table->entries, capacity * sizeof(*more));
		if (!more)
			return false;
		table->entries = more;
		table->capacity = capacity;
	}
	table->entries[table->count] = *entry;
	table->entries[table->count].name = strdup(entry->name);
	if (!table->entries[table->count].name)
		return false;
	table->count++;
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct entry *first = a, *second = b;
	int order = strcmp(first->name, second->name);

	return order ? order : (first->number > second->number) * 2 - 1;
}

/* The first line of a name counts. */
static void
table_sort(struct accounts_passwd_file *self, struct table *table)
{
	size_t kept = 0;

	if (table->count > 0)
		qsort(table->entries, table->count, sizeof(*table->entries),
			compare);
	for (size_t i = 0; i < table->count; i++) {
		struct entry *entry = &table->entries[i];

		if (kept > 0 && strcmp(entry->name,
					table->entries[kept - 1].name) == 0) {
			tell(self, entry->number,
				"there is a line of this user above");
			free(entry->name);
		} else {
			table->entries[kept++] = *entry;
		}
	}
	table->count = kept;
}

static int
compare_name(const void *key, const void *entry)
{
	return strcmp(key, ((const struct entry *)entry)->name);
}

static const struct entry *
table_find(const struct table *table, const char *name)
{
	return table->count > 0 ? bsearch(name, table->entries, table->count,
					  sizeof(*table->entries), compare_name)
				: NULL;
}

/* ---- reading ---- */

static bool
take_line(struct accounts_passwd_file *self, struct table *table,
	struct bytes line, size_t number)
{
	struct entry entry = {.octets = line.octets, .number = number};
	char error[PASSWD_LINE_ERROR_SIZE];
	struct credential credential;
	struct account account;
	enum passwd_line what;

	what = passwd_line_read(
		line, &self->rules, &account, &credential, error);
	if (what == PASSWD_LINE_BAD || what == PASSWD_LINE_UNUSABLE)
		tell(self, number, error);
	if (what == PASSWD_LINE_BAD || what == PASSWD_LINE_EMPTY)
		return true;
	explicit_bzero(&credential, sizeof(credential));
	entry.at = (size_t)(line.at - buffer_bytes(&table->text).at);
	entry.name = account.name;
	return table_add(table, &entry);
}

static bool
take_text(struct accounts_passwd_file *self, struct table *table)
{
	struct bytes rest = buffer_bytes(&table->text);
	size_t number = 0;

	self->notices = 0;
	while (rest.octets > 0)
		if (!take_line(self, table, bytes_cut(&rest, '\n'), ++number))
			return false;
	table_sort(self, table);
	tell_rest(self);
	return true;
}

/* As long as it was when it was opened, and not longer. */
static bool
read_all(int fd, off_t octets, struct buffer *out)
{
	unsigned char *to;
	size_t left = (size_t)octets;
	ssize_t got = 1;

	buffer_init(out, left + 1);
	to = buffer_reserve(out, left + 1);
	if (!to)
		return false;
	while (left > 0 && (got = read(fd, to, left)) != 0) {
		if (got < 0)
			return false;
		to += got;
		left -= (size_t)got;
		buffer_grow(out, (size_t)got);
	}
	return true;
}

static struct stamp
stamp_of(const struct stat *status)
{
	return (struct stamp){status->st_dev, status->st_ino, status->st_size,
		status->st_mtim, status->st_ctim};
}

static bool
is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
is_same(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->octets == b->octets && is_same_time(a->written, b->written) &&
	       is_same_time(a->changed, b->changed);
}

static bool
is_settled(const struct stamp *stamp)
{
	int64_t now_ns = (int64_t)clock_wall_us() * 1000;
	int64_t changed_ns = (int64_t)stamp->changed.tv_sec * NANOSECONDS +
			     stamp->changed.tv_nsec;

	/* One from the future was not written just now. */
	return llabs((long long)(now_ns - changed_ns)) > SETTLED_NS;
}

static void
keep(struct accounts_passwd_file *self, const struct table *table,
	const struct stamp *stamp)
{
	table_release(&self->table);
	self->table = *table;
	self->stamp = *stamp;
	self->is_settled = is_settled(stamp);
	self->is_read = true;
	self->missed = 0;
	self->read_ms = clock_monotonic_ms();
}

static enum outcome
read_from(struct accounts_passwd_file *self, int fd)
{
	struct table table = {0};
	struct stamp stamp;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return ERR_TRY_LATER;
	if (!S_ISREG(status.st_mode) ||
		status.st_size > PASSWD_FILE_MAXIMUM_OCTETS) {
		errno = S_ISREG(status.st_mode)	  ? EFBIG
			: S_ISDIR(status.st_mode) ? EISDIR
						  : EINVAL;
		return ERR_TRY_LATER;
	}
	stamp = stamp_of(&status);
	self->is_quiet = self->is_read && is_same(&stamp, &self->stamp);
	if (!read_all(fd, status.st_size, &table.text) ||
		!take_text(self, &table)) {
		table_release(&table);
		return ERR_TRY_LATER;
	}
	keep(self, &table, &stamp);
	return OK;
}

static enum outcome
missed(struct accounts_passwd_file *self)
{
	char what[128];

	snprintf(what, sizeof(what), "cannot be read: %s", strerror(errno));
	self->is_quiet = self->missed == errno;
	self->notices = 0;
	self->missed = errno;
	self->is_read = false;
	tell(self, 0, what);
	return ERR_TRY_LATER;
}

static enum outcome
read_again(struct accounts_passwd_file *self)
{
	int fd = openat(self->directory, self->location,
		O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum outcome outcome;

	if (fd < 0)
		return missed(self);
	outcome = read_from(self, fd);
	if (outcome != OK)
		missed(self);
	close(fd);
	return outcome;
}

static enum outcome
refresh(struct accounts_passwd_file *self)
{
	struct stat status;
	struct stamp stamp;

	if (fstatat(self->directory, self->location, &status, 0) < 0)
		return missed(self);
	stamp = stamp_of(&status);
	if (self->is_read && is_same(&stamp, &self->stamp) &&
		(self->is_settled ||
			clock_monotonic_ms() - self->read_ms < READ_AGAIN_MS))
		return OK;
	return read_again(self);
}

/* ---- answers ---- */

static uint64_t
generation_of(struct bytes line)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	uint64_t generation;

	EVP_Digest(line.at, line.octets, digest, NULL, EVP_sha256(), NULL);
	memcpy(&generation, digest, sizeof(generation));
	return generation | 1;
}

static bool
read_entry(const struct accounts_passwd_file *self, const struct entry *entry,
	struct account *account, struct credential *credential)
{
	struct bytes line = bytes_of(
		buffer_bytes(&self->table.text).at + entry->at, entry->octets);
	char error[PASSWD_LINE_ERROR_SIZE];
	enum passwd_line what = passwd_line_read(
		line, &self->rules, account, credential, error);

	if (what != PASSWD_LINE_OK && what != PASSWD_LINE_UNUSABLE)
		return false;
	credential->generation = generation_of(line);
	return true;
}

static enum outcome
find_entry(struct accounts_passwd_file *self, const char *name,
	struct account *account, struct credential *credential)
{
	enum outcome outcome = refresh(self);
	const struct entry *entry;

	if (outcome != OK)
		return outcome;
	entry = table_find(&self->table, name);
	if (!entry)
		return self->is_settled ? ERR_DENIED : ERR_TRY_LATER;
	return read_entry(self, entry, account, credential) ? OK : ERR_BROKEN;
}

static enum outcome
find(struct accounts *accounts, const char *name, struct account *out)
{
	struct credential credential;
	enum outcome outcome =
		find_entry(self_of(accounts), name, out, &credential);

	explicit_bzero(&credential, sizeof(credential));
	return outcome;
}

static enum outcome
load(struct accounts *accounts, const char *name, struct account *out)
{
	struct credential *credential = calloc(1, sizeof(*credential));
	struct account account = {0};
	enum outcome outcome = ERR_TRY_LATER;

	if (credential)
		outcome = find_entry(
			self_of(accounts), name, &account, credential);
	if (outcome != OK) {
		free(credential);
		return outcome;
	}
	account.credentials = credential;
	account.credential_count = 1;
	*out = account;
	return OK;
}

static enum outcome
list(struct accounts *accounts,
	bool (*each)(const struct account *account, void *context),
	void *context)
{
	struct accounts_passwd_file *self = self_of(accounts);
	enum outcome outcome = refresh(self);
	struct credential credential;
	struct account account;

	for (size_t i = 0; outcome == OK && i < self->table.count; i++)
		if (!read_entry(self, &self->table.entries[i], &account,
			    &credential) ||
			!each(&account, context))
			break;
	explicit_bzero(&credential, sizeof(credential));
	return outcome;
}

static void
close_accounts(struct accounts **accounts)
{
	struct accounts_passwd_file *self;

	if (!*accounts)
		return;
	self = self_of(*accounts);
	table_release(&self->table);
	free(self->location);
	free(self->scheme);
	free(self->domain);
	free(self);
	*accounts = NULL;
}

static const struct accounts_ops ops = {
	.name = "passwd-file",
	.find = find,
	.load = load,
	.list = list,
	.close = close_accounts,
};

enum outcome
accounts_passwd_file_open(
	const struct accounts_options *options, struct accounts **out)
{
	struct accounts_passwd_file *self = calloc(1, sizeof(*self));
	struct accounts *accounts;

	if (!self)
		return ERR_TRY_LATER;
	self->base.ops = &ops;
	self->directory = options->directory;
	self->notice = options->notice;
	self->location = strdup(options->location);
	self->scheme = strdup(options->scheme);
	self->domain = strdup(options->naming.default_domain
				      ? options->naming.default_domain
				      : "");
	self->rules = (struct passwd_line_rules){.scheme = self->scheme,
		.naming = {self->domain, options->naming.keeps_case}};
	accounts = &self->base;
	if (!self->location || !self->scheme || !self->domain) {
		close_accounts(&accounts);
		return ERR_TRY_LATER;
	}
	refresh(self);
	*out = accounts;
	return OK;
}
