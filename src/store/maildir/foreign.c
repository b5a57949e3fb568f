/* SPDX-License-Identifier: ISC */
#include "store/maildir/foreign.h"

#include <string.h>

/* Before the name, which ends with a NUL. */
enum { AT_CHANGE = 0, AT_DIRECTORY = 1, AT_NAME = 2 };

bool
foreign_put(struct buffer *buffer, enum maildir_directory directory,
	enum change change, const char *name)
{
	unsigned char head[AT_NAME] = {
		(unsigned char)change, (unsigned char)directory};
	size_t octets = strlen(name) + 1;

	return buffer_room(buffer) >= sizeof(head) + octets &&
	       buffer_append(buffer, head, sizeof(head)) &&
	       buffer_append(buffer, name, octets);
}

bool
foreign_next(struct bytes *rest, struct foreign_change *out)
{
	if (rest->octets <= AT_NAME)
		return false;
	out->change = (enum change)rest->at[AT_CHANGE];
	out->directory = (enum maildir_directory)rest->at[AT_DIRECTORY];
	out->name = (const char *)rest->at + AT_NAME;
	*rest = bytes_after(*rest, AT_NAME + strlen(out->name) + 1);
	return true;
}

static bool
was_found(const struct listing *listing, const struct foreign_change *foreign)
{
	const struct listing_entry *entry;
	struct file_name name, found;

	if (!file_name_set(&name, foreign->directory, foreign->name))
		return true; /* no scan finds it either */
	entry = listing_find(listing, file_name_base(&name));
	if (!entry)
		return false;
	listing_name(listing, entry, &found);
	return found.directory == name.directory &&
	       !strcmp(found.text, name.text);
}

void
foreign_drop_found(struct buffer *buffer, const struct listing *listing)
{
	struct bytes rest = buffer_bytes(buffer);
	struct foreign_change change;
	bool is_whole = true;
	struct buffer kept;

	buffer_init(&kept, FOREIGN_MAXIMUM_OCTETS);
	while (is_whole && foreign_next(&rest, &change))
		is_whole = change.change == CHANGE_ARRIVES &&
			   (was_found(listing, &change) ||
				   foreign_put(&kept, change.directory,
					   change.change, change.name));
	if (!is_whole) {
		buffer_release(&kept);
		return;
	}
	buffer_release(buffer);
	*buffer = kept;
}
