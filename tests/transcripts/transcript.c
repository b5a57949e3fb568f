/* SPDX-License-Identifier: ISC */
#include "transcript.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum place { PLACE_BEFORE, PLACE_DIALOG, PLACE_AFTER };
enum protocols { POP3 = 1, LMTP = 2, BOTH = POP3 | LMTP };
enum form { VERBATIM, ESCAPED, NOTHING };

/* One row owns every fact about a key. */
static const struct key_row {
	const char *name;
	enum place place;
	enum protocols protocols;
	enum form form;
} keys[KEY_COUNT] = {
	[KEY_MODES] = {"modes", PLACE_BEFORE, BOTH, VERBATIM},
	[KEY_MAILBOX] = {"mailbox", PLACE_BEFORE, BOTH, VERBATIM},
	[KEY_MESSAGE] = {"message", PLACE_BEFORE, BOTH, ESCAPED},
	[KEY_IN_USE] = {"in-use", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_TLS] = {"tls", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_STLS] = {"stls", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_PLAINTEXT] = {"plaintext", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_MECHANISMS] = {"mechanisms", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_MECHANISMS_TLS] = {"mechanisms-tls", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_TLS_EXPORTER] = {"tls-exporter", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_CERTIFICATE] = {"certificate", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_SCRAM_NONCE] = {"scram-nonce", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_SCRAM_SALT] = {"scram-salt", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_UTF8_HEADERS] = {"utf8-headers", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_REPLACE_NUL] = {"replace-nul", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_LANGUAGE] = {"language", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_EXPIRE_CAPA] = {"retention-days", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_LOGIN_DELAY] = {"login-delay", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_USER_EXPIRE] = {"user-retention-days", PLACE_BEFORE, POP3,
		VERBATIM},
	[KEY_USER_LOGIN_DELAY] = {"user-login-delay", PLACE_BEFORE, POP3,
		VERBATIM},
	[KEY_READ_ONLY] = {"read-only", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_BANNER_ID] = {"banner-id", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_AUTH_FAILS] = {"auth-fails", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_OPEN_FAILS] = {"open-fails", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_READ_FAILS] = {"read-fails", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_READ_BREAKS] = {"read-breaks", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_COMMIT_FAILS] = {"commit-fails", PLACE_BEFORE, POP3, VERBATIM},
	[KEY_MAXIMUM_OCTETS] = {"maximum-octets", PLACE_BEFORE, LMTP, VERBATIM},
	[KEY_BARE_NEWLINE] = {"bare-newline", PLACE_BEFORE, LMTP, VERBATIM},
	[KEY_RESOLVE_FAILS] = {"resolve-fails", PLACE_BEFORE, LMTP, VERBATIM},
	[KEY_BEGIN_FAILS] = {"begin-fails", PLACE_BEFORE, LMTP, VERBATIM},
	[KEY_DELIVERY_FAILS] = {"delivery-fails", PLACE_BEFORE, LMTP, VERBATIM},
	[KEY_SERVER] = {"S", PLACE_DIALOG, BOTH, VERBATIM},
	[KEY_SERVER_RAW] = {"S-raw", PLACE_DIALOG, BOTH, ESCAPED},
	[KEY_SERVER_LINES] = {"S-lines", PLACE_DIALOG, BOTH, NOTHING},
	[KEY_SERVER_LINES_WITHOUT] = {"S-lines-without", PLACE_DIALOG, BOTH,
		VERBATIM},
	[KEY_CLIENT] = {"C", PLACE_DIALOG, BOTH, VERBATIM},
	[KEY_CLIENT_RAW] = {"C-raw", PLACE_DIALOG, BOTH, ESCAPED},
	[KEY_HANDSHAKE] = {"handshake", PLACE_DIALOG, POP3, NOTHING},
	[KEY_EXPIRE] = {"expire", PLACE_DIALOG, BOTH, VERBATIM},
	[KEY_CLOSED] = {"closed", PLACE_DIALOG, BOTH, NOTHING},
	[KEY_DISCONNECT] = {"disconnect", PLACE_DIALOG, BOTH, NOTHING},
	[KEY_CONNECT] = {"connect", PLACE_DIALOG, BOTH, NOTHING},
	[KEY_MAILBOX_AFTER] = {"mailbox-after", PLACE_AFTER, BOTH, VERBATIM},
	[KEY_DELIVERED] = {"delivered", PLACE_AFTER, LMTP, ESCAPED},
};

const char *const mode_names[MODE_COUNT] = {
	"lines", "octets", "pipelined", "drip"};

const char *
key_name(enum key key)
{
	return keys[key].name;
}

bool
key_is_servers(enum key key)
{
	return key >= KEY_SERVER && key <= KEY_SERVER_LINES_WITHOUT;
}

bool
key_is_clients(enum key key)
{
	return key == KEY_CLIENT || key == KEY_CLIENT_RAW;
}

bool
key_is_dialog(enum key key)
{
	return keys[key].place == PLACE_DIALOG;
}

void
transcript_complain(const char *path, unsigned line, const char *format, ...)
{
	va_list arguments;

	printf("%s:%u: ", path, line);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

/* ---- one line ---- */

struct reader {
	struct transcript *transcript;
	unsigned line;
	enum place place;
	bool has_source;
};

static bool
wrong(const struct reader *reader, const char *what)
{
	transcript_complain(reader->transcript->path, reader->line,
		"the transcript's format: %s", what);
	return false;
}

static bool
add_entry(struct reader *reader, enum key key, struct bytes value)
{
	struct transcript *t = reader->transcript;
	size_t octets = (t->count + 1) * sizeof(*t->entries);
	struct entry *grown = realloc(t->entries, octets), *entry;
	bool is_good;

	if (!grown)
		return wrong(reader, "out of memory");
	t->entries = grown;
	entry = &grown[t->count++];
	*entry = (struct entry){.line = reader->line, .key = key};
	buffer_init(&entry->memory, VALUE_MAXIMUM_OCTETS);
	is_good = keys[key].form == ESCAPED
			  ? escapes_undo(value, &entry->memory)
			  : buffer_append_bytes(&entry->memory, value);
	/* A NUL behind it, for C interfaces. */
	is_good = is_good && buffer_append(&entry->memory, "", 1);
	if (is_good)
		entry->value = bytes_of(
			entry->memory.memory, entry->memory.octets - 1);
	return is_good || wrong(reader, "that escape is not one");
}

static int
find_name(struct bytes name, const char *(*name_of)(unsigned), unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (bytes_equal(name, bytes_of_string(name_of(i))))
			return (int)i;
	return -1;
}

static const char *
name_of_key(unsigned key)
{
	return keys[key].name;
}

static const char *
name_of_mode(unsigned mode)
{
	return mode_names[mode];
}

/* "lines pipelined - why the others do not apply" */
static bool
take_modes(struct reader *reader, struct bytes value)
{
	unsigned modes = 0;
	int mode;

	while (value.octets > 0) {
		struct bytes word = bytes_cut(&value, ' ');

		if (bytes_equal(word, bytes_of_string("-")))
			break;
		mode = find_name(word, name_of_mode, MODE_COUNT);
		if (mode < 0)
			return wrong(reader, "no such mode");
		modes |= 1u << mode;
	}
	if (value.octets == 0 || modes == 0)
		return wrong(reader, "modes: NAMES - why these alone");
	reader->transcript->modes = modes;
	return true;
}

static bool
take_comment(struct reader *reader, struct bytes line)
{
	static const char source[] = "# source: RFC ";
	struct bytes front = line;

	front.octets = sizeof(source) - 1;
	if (line.octets > front.octets &&
		bytes_equal(front, bytes_of_string(source)) &&
		memmem(line.at, line.octets, " section", 8))
		reader->has_source = true;
	return true;
}

static bool
check_key(struct reader *reader, const struct key_row *row, struct bytes value)
{
	enum protocols mine = reader->transcript->is_lmtp ? LMTP : POP3;

	if (!(row->protocols & mine))
		return wrong(reader, "that key is the other protocol's");
	if (row->place < reader->place)
		return wrong(reader, "that key comes too late");
	if (row->form == NOTHING && value.octets > 0)
		return wrong(reader, "that key takes no value");
	/* What cannot be seen must not matter. */
	if (value.octets > 0 && value.at[value.octets - 1] == ' ')
		return wrong(reader, "a blank at the end: write it as \\x20");
	reader->place = row->place;
	return true;
}

static bool
take_line(struct reader *reader, struct bytes line)
{
	struct bytes value = line;
	struct bytes name = bytes_cut(&value, ':');
	int key;

	if (line.octets == 0)
		return true;
	if (line.at[0] == '#')
		return take_comment(reader, line);
	if (!reader->has_source)
		return wrong(reader, "\"# source: RFC N section M\" is first");
	if (!bytes_has(line, ':'))
		return wrong(reader, "KEY: VALUE is expected");
	key = find_name(name, name_of_key, KEY_COUNT);
	if (key < 0)
		return wrong(reader, "no such key");
	if (value.octets > 0 && value.at[0] != ' ')
		return wrong(reader, "a blank belongs behind the colon");
	value = bytes_after(value, 1);
	if (!check_key(reader, &keys[key], value))
		return false;
	if (key == KEY_MODES)
		return take_modes(reader, value);
	return add_entry(reader, (enum key)key, value);
}

/* ---- the file ---- */

static bool
read_file(const char *path, struct buffer *out)
{
	FILE *file = fopen(path, "rbe");
	unsigned char *to = buffer_reserve(out, TRANSCRIPT_MAXIMUM_OCTETS);
	bool is_whole = false;

	if (file && to) {
		buffer_grow(out, fread(to, 1, TRANSCRIPT_MAXIMUM_OCTETS, file));
		is_whole = !ferror(file) && fgetc(file) == EOF;
	}
	if (file)
		fclose(file);
	return is_whole;
}

static bool
take_file(struct reader *reader, struct bytes text)
{
	const struct transcript *t = reader->transcript;
	enum key last = KEY_MODES;

	while (text.octets > 0) {
		reader->line++;
		if (!take_line(reader, bytes_cut(&text, '\n')))
			return false;
	}
	for (unsigned i = 0; i < t->count; i++)
		if (key_is_dialog(t->entries[i].key))
			last = t->entries[i].key;
	if (last != KEY_CLOSED && last != KEY_DISCONNECT)
		return wrong(reader, "closed: or disconnect: ends a dialog");
	return true;
}

/* Is the last folder of the path called that? */
static bool
is_in_folder(const char *path, const char *name)
{
	struct bytes rest = bytes_of_string(path), folder = BYTES_NONE;

	while (bytes_has(rest, '/'))
		folder = bytes_cut(&rest, '/');
	return bytes_equal(folder, bytes_of_string(name));
}

struct transcript *
transcript_read(const char *path)
{
	struct transcript *t = calloc(1, sizeof(*t));
	struct reader reader = {.transcript = t};
	struct buffer text;
	bool is_good;

	if (!t)
		return NULL;
	t->path = strdup(path);
	t->is_lmtp = is_in_folder(path, "lmtp");
	t->modes = (1u << MODE_COUNT) - 1;
	buffer_init(&text, TRANSCRIPT_MAXIMUM_OCTETS);
	is_good = read_file(path, &text);
	if (!is_good)
		wrong(&reader, "the file cannot be read or is too long");
	is_good = is_good && take_file(&reader, buffer_bytes(&text));
	buffer_release(&text);
	if (!is_good)
		transcript_free(&t);
	return t;
}

void
transcript_free(struct transcript **transcript)
{
	struct transcript *t = *transcript;

	if (!t)
		return;
	for (unsigned i = 0; i < t->count; i++)
		buffer_release(&t->entries[i].memory);
	free(t->entries);
	free(t->path);
	free(t);
	*transcript = NULL;
}

const struct entry *
transcript_find(const struct transcript *t, enum key key)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->entries[i].key == key)
			return &t->entries[i];
	return NULL;
}
