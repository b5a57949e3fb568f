/* SPDX-License-Identifier: ISC */
#include "store/maildir/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "store/little_endian.h"
#include "store/uidl.h"

/* Offsets within an entry. */
enum { AT_OCTETS = 8, AT_DIRECTORY = 9, AT_BASE = 10, AT_ZERO = 11 };

#define SECONDS_MAXIMUM 99999999999ull

const char *const maildir_directory_names[2] = {"new", "cur"};

static const unsigned char magic[16] = "restante-names\r\n";

bool
file_name_set(struct file_name *name, enum maildir_directory directory,
	const char *text)
{
	size_t octets = strnlen(text, NAME_MAXIMUM_OCTETS + 1);
	size_t base = strcspn(text, ",:");

	if (octets == 0 || octets > NAME_MAXIMUM_OCTETS || text[0] == '.')
		return false;
	name->directory = directory;
	name->octets = (uint8_t)octets;
	name->base_octets = (uint8_t)(base ? base : octets);
	memcpy(name->text, text, octets + 1);
	return true;
}

struct bytes
file_name_base(const struct file_name *name)
{
	return bytes_of(name->text, name->base_octets);
}

bool
file_name_is_own(const struct file_name *name)
{
	struct bytes rest = file_name_base(name);
	struct bytes seconds = bytes_cut(&rest, '.');
	uint64_t ignored;

	return bytes_to_number(seconds, SECONDS_MAXIMUM, &ignored) &&
	       rest.octets > 1 + UIDL_OWN_OCTETS + 1 && rest.at[0] == 'R' &&
	       rest.at[1 + UIDL_OWN_OCTETS] == '.' &&
	       uidl_has_own_alphabet(bytes_of(rest.at + 1, UIDL_OWN_OCTETS));
}

bool
file_name_time(const struct file_name *name, uint64_t *out_seconds)
{
	struct bytes rest = file_name_base(name);

	return bytes_to_number(
		bytes_cut(&rest, '.'), SECONDS_MAXIMUM, out_seconds);
}

bool
file_name_octets(const struct file_name *name, uint64_t *out_octets)
{
	struct bytes rest = bytes_of(name->text, name->octets);
	struct bytes fields = bytes_cut(&rest, ':');

	bytes_cut(&fields, ',');
	while (fields.octets > 0) {
		struct bytes field = bytes_cut(&fields, ',');

		if (field.octets > 2 && field.at[0] == 'S' &&
			field.at[1] == '=')
			return bytes_to_number(
				bytes_after(field, 2), UINT64_MAX, out_octets);
	}
	return false;
}

void
file_name_path(const struct file_name *name, char out[FILE_NAME_PATH_OCTETS])
{
	memcpy(out, maildir_directory_names[name->directory], 3);
	out[3] = '/';
	memcpy(out + 4, name->text, (size_t)name->octets + 1);
}

void
names_file(uint64_t generation, char out[NAMES_FILE_OCTETS])
{
	snprintf(out, NAMES_FILE_OCTETS, "names.%016" PRIx64, generation);
}

size_t
names_encode_text(enum maildir_directory directory, struct bytes text,
	uint8_t base_octets, unsigned char out[NAMES_ENTRY_OCTETS])
{
	size_t octets = NAMES_ENTRY_HEAD_OCTETS + text.octets;

	out[AT_OCTETS] = (unsigned char)text.octets;
	out[AT_DIRECTORY] = (unsigned char)directory;
	out[AT_BASE] = base_octets;
	out[AT_ZERO] = 0;
	memcpy(out + NAMES_ENTRY_HEAD_OCTETS, text.at, text.octets);
	little_put(out, 8, XXH3_64bits(out + 8, octets - 8));
	return octets;
}

size_t
names_encode(
	const struct file_name *name, unsigned char out[NAMES_ENTRY_OCTETS])
{
	return names_encode_text(name->directory,
		bytes_of(name->text, name->octets), name->base_octets, out);
}

void
names_header(unsigned char out[NAMES_HEADER_OCTETS], uint64_t generation)
{
	memcpy(out, magic, sizeof(magic));
	little_put(out + 16, 8, generation);
	little_put(out + 24, 8, XXH3_64bits(out, 24));
}

bool
names_header_is(
	const unsigned char header[NAMES_HEADER_OCTETS], uint64_t generation)
{
	unsigned char expected[NAMES_HEADER_OCTETS];

	names_header(expected, generation);
	return memcmp(header, expected, sizeof(expected)) == 0;
}

void
names_reader_init(
	struct names_reader *reader, struct files *files, int descriptor)
{
	reader->files = files;
	reader->descriptor = descriptor;
	reader->offset = 0;
	reader->octets = 0;
}

/* What the window holds from `offset` on, read again when that may be less
   than an entry. */
static enum outcome
fill(struct names_reader *reader, uint64_t offset, struct bytes *out)
{
	if (offset < reader->offset ||
		offset + NAMES_ENTRY_OCTETS > reader->offset + reader->octets) {
		ssize_t n = files_read_all(reader->files, reader->descriptor,
			reader->window, sizeof(reader->window), offset);

		reader->octets = 0;
		if (n < 0)
			return ERR_TRY_LATER;
		reader->offset = offset;
		reader->octets = (size_t)n;
	}
	*out = bytes_after(bytes_of(reader->window, reader->octets),
		(size_t)(offset - reader->offset));
	return OK;
}

static bool
decode(struct bytes entry, struct file_name *out)
{
	size_t octets;
	unsigned directory;

	if (entry.octets < NAMES_ENTRY_HEAD_OCTETS)
		return false;
	octets = NAMES_ENTRY_HEAD_OCTETS + (size_t)entry.at[AT_OCTETS];
	directory = entry.at[AT_DIRECTORY];
	if (octets > entry.octets || directory > DIRECTORY_CUR ||
		entry.at[AT_BASE] > entry.at[AT_OCTETS] ||
		entry.at[AT_OCTETS] == 0 || entry.at[AT_BASE] == 0)
		return false;
	if (little_get(entry.at, 8) != XXH3_64bits(entry.at + 8, octets - 8))
		return false;
	out->directory = (enum maildir_directory)directory;
	out->octets = entry.at[AT_OCTETS];
	out->base_octets = entry.at[AT_BASE];
	memcpy(out->text, entry.at + NAMES_ENTRY_HEAD_OCTETS, out->octets);
	out->text[out->octets] = '\0';
	/* A name leads nowhere else, whatever the file says. */
	return out->text[0] != '.' && !memchr(out->text, '/', out->octets);
}

enum outcome
names_read(struct names_reader *reader, uint64_t offset, struct file_name *out)
{
	struct bytes entry;
	enum outcome outcome = fill(reader, offset, &entry);

	if (outcome != OK)
		return outcome;
	return decode(entry, out) ? OK : ERR_BROKEN;
}
