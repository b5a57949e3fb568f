/* SPDX-License-Identifier: ISC */
#include "store/registry.h"

#include <string.h>

#include "store/maildir/maildir.h"
#include "store/mbox/mbox.h"
#include "store/memory/memory.h"

static struct files *
files_of(const struct store_options *options)
{
	return options->files ? options->files : &files_posix;
}

static enum outcome
open_maildir(struct store_options *options, struct store **out)
{
	return maildir_store_new(options, files_of(options), out);
}

static enum outcome
open_mbox(struct store_options *options, struct store **out)
{
	return mbox_store_new(options, files_of(options), out);
}

static enum outcome
open_memory(struct store_options *options, struct store **out)
{
	enum outcome outcome = memory_store_new(options, &files_posix, out);

	if (outcome == OK) {
		files_posix.close(&files_posix, &options->mail_root);
		files_posix.close(&files_posix, &options->state_root);
	}
	return outcome;
}

enum outcome
store_open(struct store_options *options, struct store **out)
{
	static const struct {
		const char *kind;
		enum outcome (*open)(
			struct store_options *options, struct store **out);
	} kinds[] = {
		{"maildir", open_maildir},
		{"mbox", open_mbox},
		{"memory", open_memory},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(options->kind, kinds[i].kind))
			return kinds[i].open(options, out);
	return ERR_PEER;
}
