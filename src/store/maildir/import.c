/* SPDX-License-Identifier: ISC */
#include "store/maildir/import.h"

#include <errno.h>
#include <string.h>

#include "store/maildir/listing.h"
#include "store/maildir/uidls.h"

struct import {
	struct mailbox *mailbox;
	const struct uidlist *list;
	struct listing listing;
	struct uidls uidls;
	struct maildir_import *out;
};

/* The digest of the base name; false when memory is short. */
static bool
digest_of(struct bytes name, unsigned char out[UIDL_DIGEST_OCTETS],
	struct bytes *out_base)
{
	size_t octets = 0;

	while (octets < name.octets && name.at[octets] != ',' &&
		name.at[octets] != ':')
		octets++;
	*out_base = bytes_of(name.at, octets);
	return uidl_digest(*out_base, out);
}

/* UIDLs are unique: what is noted under another name may not be given again. */
static bool
is_free(void *context, const unsigned char digest[UIDL_DIGEST_OCTETS],
	struct bytes uidl)
{
	const struct import *import = context;
	const struct uidlist_entry *entry = uidlist_find(import->list, uidl);
	unsigned char listed[UIDL_DIGEST_OCTETS];
	struct bytes base;

	return !entry || (digest_of(entry->name, listed, &base) &&
				 !memcmp(listed, digest, sizeof(listed)));
}

static enum outcome
give(struct import *import, const struct uidlist_entry *entry)
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	char uidl[UIDL_MAXIMUM_OCTETS + 1];
	struct bytes base;
	enum uidls_kind kind;
	enum outcome outcome;

	if (!digest_of(entry->name, digest, &base))
		return ERR_TRY_LATER;
	if (!listing_find(&import->listing, base)) {
		import->out->absent++;
		return OK;
	}
	outcome = uidls_find(&import->uidls, digest, &kind, uidl);
	if (outcome != OK || kind != UIDLS_NONE) {
		import->out->kept++;
		return outcome;
	}
	import->out->given++;
	return uidls_give(&import->uidls, digest, bytes_of_string(entry->uidl));
}

static enum outcome
drop_index(struct mailbox *mailbox)
{
	char path[STATE_PATH_OCTETS];
	int error;

	mailbox_state_path(mailbox, "index", "index", path);
	error = mailbox->files->unlink(
		mailbox->files, mailbox->settings->state_root, path);
	return error == 0 || error == -ENOENT ? OK : outcome_of_errno(-error);
}

static enum outcome
run(struct import *import)
{
	struct mailbox *mailbox = import->mailbox;
	enum outcome outcome = mailbox_open_root(mailbox, false);

	if (outcome == OK)
		outcome = listing_scan(
			&import->listing, mailbox->files, mailbox->root);
	if (outcome == OK)
		outcome = uidls_open(&import->uidls, mailbox);
	if (outcome == OK)
		outcome = uidls_each_given(&import->uidls, is_free, import);
	for (uint32_t i = 0; i < import->list->count && outcome == OK; i++)
		outcome = give(import, &import->list->entries[i]);
	import->out->messages = import->listing.count;
	if (outcome == OK && import->out->given > 0)
		outcome = uidls_sync(&import->uidls);
	return outcome == OK ? drop_index(mailbox) : outcome;
}

enum outcome
maildir_import_uidls(const struct store_options *options, const char *name,
	const struct uidlist *list, struct maildir_import *out)
{
	struct maildir_settings settings = {
		.files = &files_posix,
		.mail_root = options->mail_root,
		.state_root = options->state_root,
		.template = options->mail_template,
		.hostname = options->hostname,
	};
	struct mailbox mailbox;
	struct import import = {.mailbox = &mailbox,
		.list = list,
		.listing = LISTING_EMPTY,
		.out = out};
	enum outcome outcome = mailbox_init(&mailbox, &settings, name);

	*out = (struct maildir_import){0};
	if (outcome != OK)
		return outcome;
	import.uidls.mailbox = &mailbox;
	outcome = run(&import);
	uidls_release(&import.uidls);
	listing_release(&import.listing);
	mailbox_end(&mailbox);
	return outcome;
}
