/* SPDX-License-Identifier: ISC */
#include "store/maildir/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* From this many messages on a new index is synced, so that not all of it is
   read again after the system was restarted. */
#define SYNCED_MESSAGES 4096

/* An index being written. */
struct replacement {
	int index, names;
	struct index_state state;
	char names_file[NAMES_FILE_OCTETS];
};

static enum outcome
append(struct mailbox *mailbox, int index, int names,
	struct index_content *content)
{
	struct index_state next = mailbox->index;
	struct index_writer writer;
	bool is_whole;
	int error;

	next.trailer.boot = mailbox->settings->boot;
	index_writer_resume(&writer, mailbox->files, index,
		next.trailer_number + 1, names, next.trailer.names_octets);
	is_whole = content->write(content, &writer, &next.trailer);
	next.trailer_number = index_writer_number(&writer);
	if (is_whole)
		index_writer_trailer(&writer, &next.trailer);
	error = index_writer_finish(&writer);
	if (!is_whole || error != 0) {
		mailbox->index.is_loaded = false;
		return is_whole ? outcome_of_errno(-error) : ERR_TRY_LATER;
	}
	mailbox->index = next;
	return OK;
}

/* Else it would be written over what others may have mapped. */
static enum outcome
is_as_known(struct mailbox *mailbox, int index)
{
	struct files *files = mailbox->files;
	struct stat status;
	int error = files->stat(files, index, &status);

	if (error != 0)
		return outcome_of_errno(-error);
	if (index_file_is_known(mailbox, &status))
		return OK;
	mailbox->index.is_loaded = false;
	return ERR_BROKEN;
}

enum outcome
index_file_append(struct mailbox *mailbox, struct index_content *content)
{
	struct files *files = mailbox->files;
	enum outcome outcome;
	int index, names = -1;

	if (!mailbox->index.is_loaded || mailbox->index.has_tail)
		return ERR_BROKEN;
	index = mailbox_open_state(mailbox, "index", "index", O_WRONLY);
	if (index < 0)
		return outcome_of_errno(-index);
	outcome = is_as_known(mailbox, index);
	if (outcome == OK)
		outcome = index_file_open_names(
			mailbox, mailbox->index.generation, O_RDWR, &names);
	if (outcome == OK)
		outcome = append(mailbox, index, names, content);
	files->close(files, &index);
	files->close(files, &names);
	return outcome;
}

static int
write_content(struct mailbox *mailbox, struct replacement *new, uint32_t count,
	struct index_content *content)
{
	unsigned char header[NAMES_HEADER_OCTETS];
	struct index_writer writer;
	bool is_whole;
	int error;

	index_writer_begin(&writer, mailbox->files, new->index, new->names,
		new->state.generation, count);
	names_header(header, new->state.generation);
	index_writer_names(&writer, bytes_of(header, sizeof(header)));
	new->state.trailer.boot = mailbox->settings->boot;
	if (count >= SYNCED_MESSAGES)
		new->state.trailer.synced = count + 1;
	is_whole = content->write(content, &writer, &new->state.trailer);
	index_writer_end_messages(&writer);
	new->state.trailer_number = index_writer_number(&writer);
	index_writer_trailer(&writer, &new->state.trailer);
	error = index_writer_finish(&writer);
	return is_whole ? error : -EIO;
}

static int
open_files(struct mailbox *mailbox, struct replacement *new)
{
	struct files *files = mailbox->files;
	char path[STATE_PATH_OCTETS];
	int error;

	/* What a crash left of an earlier attempt. */
	mailbox_state_path(mailbox, "index", "index.new", path);
	error = files->unlink(files, mailbox->settings->state_root, path);
	if (error != 0 && error != -ENOENT)
		return error;
	names_file(new->state.generation, new->names_file);
	new->names = mailbox_open_state(
		mailbox, "index", new->names_file, O_RDWR | O_CREAT | O_EXCL);
	if (new->names < 0)
		return new->names;
	new->index = mailbox_open_state(
		mailbox, "index", "index.new", O_RDWR | O_CREAT | O_EXCL);
	return new->index < 0 ? new->index : 0;
}

static int
sync_files(struct mailbox *mailbox, const struct replacement *new)
{
	struct files *files = mailbox->files;
	int error;

	if (new->state.trailer.synced == 0)
		return 0;
	error = files->sync_data(files, new->names);
	return error ? error : files->sync_data(files, new->index);
}

struct stale_names {
	struct mailbox *mailbox;
	const char *current;
};

static bool
remove_if_stale(void *context, const char *name)
{
	const struct stale_names *stale = context;
	struct files *files = stale->mailbox->files;
	char path[STATE_PATH_OCTETS];

	if (strncmp(name, "names.", 6) != 0 || !strcmp(name, stale->current) ||
		strlen(name) >= NAMES_FILE_OCTETS)
		return true;
	mailbox_state_path(stale->mailbox, "index", name, path);
	(void)files->unlink(files, stale->mailbox->settings->state_root, path);
	return true;
}

static void
remove_stale_names(struct mailbox *mailbox, const char *current)
{
	struct stale_names stale = {mailbox, current};
	char path[STATE_PATH_OCTETS];

	mailbox_state_path(mailbox, "index", NULL, path);
	(void)mailbox->files->list(mailbox->files,
		mailbox->settings->state_root, path, remove_if_stale, &stale);
}

static int
install(struct mailbox *mailbox, struct replacement *new)
{
	struct files *files = mailbox->files;
	int root = mailbox->settings->state_root;
	char from[STATE_PATH_OCTETS], to[STATE_PATH_OCTETS];
	struct stat status;
	int error = files->stat(files, new->index, &status);

	if (error != 0)
		return error;
	mailbox_state_path(mailbox, "index", "index.new", from);
	mailbox_state_path(mailbox, "index", "index", to);
	error = files->rename(files, root, from, root, to);
	if (error != 0)
		return error;
	new->state.inode = status.st_ino;
	mailbox->index = new->state;
	remove_stale_names(mailbox, new->names_file);
	return 0;
}

static int
replace_on_disk(struct mailbox *mailbox, struct replacement *new,
	uint32_t count, struct index_content *content)
{
	struct files *files = mailbox->files;
	int error = open_files(mailbox, new);

	if (error == 0)
		error = write_content(mailbox, new, count, content);
	if (error == 0)
		error = sync_files(mailbox, new);
	if (error == 0)
		error = install(mailbox, new);
	if (error != 0 && new->names >= 0) {
		char path[STATE_PATH_OCTETS];

		mailbox_state_path(mailbox, "index", new->names_file, path);
		(void)files->unlink(files, mailbox->settings->state_root, path);
	}
	files->close(files, &new->index);
	files->close(files, &new->names);
	return error;
}

static int
replace_in_memory(struct mailbox *mailbox, struct replacement *new,
	uint32_t count, struct index_content *content)
{
	struct files *files = mailbox->files;
	int error = 0;

	new->index = files->memory(files, "restante-index");
	new->names = files->memory(files, "restante-names");
	if (new->index < 0 || new->names < 0)
		error = new->index < 0 ? new->index : new->names;
	if (error == 0)
		error = write_content(mailbox, new, count, content);
	if (error == 0)
		error = files->seal(files, new->index);
	if (error != 0) {
		files->close(files, &new->index);
		files->close(files, &new->names);
		return error;
	}
	mailbox->memory_index = new->index;
	mailbox->memory_names = new->names;
	mailbox->index = new->state;
	return 0;
}

enum outcome
index_file_replace(struct mailbox *mailbox, uint32_t count, bool may_persist,
	struct index_content *content)
{
	struct replacement new = {
		.index = -1, .names = -1, .state.is_loaded = true};
	struct index_state state;
	int error = mailbox->files->random(mailbox->files,
		&new.state.generation, sizeof(new.state.generation));

	if (error != 0)
		return outcome_of_errno(-error);
	state = new.state;
	error = may_persist ? replace_on_disk(mailbox, &new, count, content)
			    : -ENOSPC;
	if (error == 0)
		return OK;
	mailbox_notice(mailbox,
		"the index cannot be written (%s); kept in memory for this "
		"session",
		strerror(-error));
	new.state = state;
	error = replace_in_memory(mailbox, &new, count, content);
	return outcome_of_errno(-error);
}
