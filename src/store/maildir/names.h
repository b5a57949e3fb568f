/* SPDX-License-Identifier: ISC */
/*
 * names - file names: of Maildir messages, and the file beside an index that
 * keeps them; docs/formats/index.md.
 */
#ifndef STORE_MAILDIR_NAMES_H
#define STORE_MAILDIR_NAMES_H

#include "base/outcome.h"
#include "store/files.h"

#define NAME_MAXIMUM_OCTETS	255
#define NAMES_HEADER_OCTETS	32
#define NAMES_ENTRY_HEAD_OCTETS 12
#define NAMES_ENTRY_OCTETS	(NAMES_ENTRY_HEAD_OCTETS + NAME_MAXIMUM_OCTETS)
#define FILE_NAME_PATH_OCTETS	(4 + NAME_MAXIMUM_OCTETS + 1)
#define NAMES_READER_OCTETS	8192
#define NAMES_FILE_OCTETS	32

enum maildir_directory { DIRECTORY_NEW = 0, DIRECTORY_CUR = 1 };

extern const char *const maildir_directory_names[2];

struct file_name {
	enum maildir_directory directory; /* where it was seen last */
	uint8_t base_octets;		  /* before the first "," or ":" */
	uint8_t octets;
	char text[NAME_MAXIMUM_OCTETS + 1];
};

/* False when it is no name of a message: longer than 255, empty, dot file. */
bool file_name_set(struct file_name *name, enum maildir_directory directory,
	const char *text);
struct bytes file_name_base(const struct file_name *name);
/* Given to a message by us: 128 random bits, cannot come again. */
bool file_name_is_own(const struct file_name *name);
/* Seconds at the front of the name; false without. */
bool file_name_time(const struct file_name *name, uint64_t *out_seconds);
/* What ",S=" in it says of the file's length; false without. */
bool file_name_octets(const struct file_name *name, uint64_t *out_octets);
void file_name_path(
	const struct file_name *name, char out[FILE_NAME_PATH_OCTETS]);

/* What the file is called that goes with the index of `generation`. */
void names_file(uint64_t generation, char out[NAMES_FILE_OCTETS]);
/* Octets of the entry. */
size_t names_encode(
	const struct file_name *name, unsigned char out[NAMES_ENTRY_OCTETS]);
size_t names_encode_text(enum maildir_directory directory, struct bytes text,
	uint8_t base_octets, unsigned char out[NAMES_ENTRY_OCTETS]);
void names_header(unsigned char out[NAMES_HEADER_OCTETS], uint64_t generation);
bool names_header_is(
	const unsigned char header[NAMES_HEADER_OCTETS], uint64_t generation);

/* Reads entries, mostly in order, a window at a time. */
struct names_reader {
	struct files *files;
	int descriptor; /* borrowed */
	uint64_t offset;
	size_t octets;
	unsigned char window[NAMES_READER_OCTETS];
};

void names_reader_init(
	struct names_reader *reader, struct files *files, int descriptor);
/* Errors  ERR_BROKEN (no whole entry there), ERR_TRY_LATER */
enum outcome names_read(
	struct names_reader *reader, uint64_t offset, struct file_name *out);

#endif
