/* SPDX-License-Identifier: ISC */
/*
 * transcript - one file of tests/transcripts, read and checked: what was there
 * before, who says what, what is there afterwards. README.md has the format.
 *
 * A fault in the file is a failed test, said with its line.
 */
#ifndef TESTS_TRANSCRIPT_H
#define TESTS_TRANSCRIPT_H

#include "base/buffer.h"

#define TRANSCRIPT_MAXIMUM_OCTETS 65536	  /* of a file */
#define VALUE_MAXIMUM_OCTETS	  4194304 /* of a value, repeats unfolded */

enum mode { MODE_LINES, MODE_OCTETS, MODE_PIPELINED, MODE_DRIP, MODE_COUNT };

extern const char *const mode_names[MODE_COUNT];

enum key {
	/* before: set-up */
	KEY_MODES,
	KEY_MAILBOX,
	KEY_MESSAGE,
	KEY_IN_USE,
	KEY_TLS,
	KEY_STLS,
	KEY_PLAINTEXT,
	KEY_MECHANISMS,
	KEY_MECHANISMS_TLS,
	KEY_TLS_EXPORTER,
	KEY_CERTIFICATE,
	KEY_SCRAM_NONCE,
	KEY_SCRAM_SALT,
	KEY_BANNER_ID,
	KEY_UTF8_HEADERS,
	KEY_REPLACE_NUL,
	KEY_LANGUAGE,
	KEY_EXPIRE_CAPA,
	KEY_LOGIN_DELAY,
	KEY_USER_EXPIRE,
	KEY_READ_ONLY,
	KEY_USER_LOGIN_DELAY,
	KEY_AUTH_FAILS,
	KEY_OPEN_FAILS,
	KEY_READ_FAILS,
	KEY_READ_BREAKS,
	KEY_COMMIT_FAILS,
	KEY_MAXIMUM_OCTETS,
	KEY_BARE_NEWLINE,
	KEY_RESOLVE_FAILS,
	KEY_BEGIN_FAILS,
	KEY_DELIVERY_FAILS,
	/* the dialog: who says what */
	KEY_SERVER,
	KEY_SERVER_RAW,
	KEY_SERVER_LINES,
	KEY_SERVER_LINES_WITHOUT,
	KEY_CLIENT,
	KEY_CLIENT_RAW,
	/* the dialog: what happens */
	KEY_HANDSHAKE,
	KEY_EXPIRE,
	KEY_CLOSED,
	KEY_DISCONNECT,
	KEY_CONNECT,
	/* afterwards */
	KEY_MAILBOX_AFTER,
	KEY_DELIVERED,
	KEY_COUNT,
};

struct entry {
	unsigned line;
	enum key key;
	struct bytes value;   /* escapes undone; a NUL stands behind it */
	struct buffer memory; /* of the value */
};

struct transcript {
	char *path;
	bool is_lmtp;	/* else POP3 */
	unsigned modes; /* bits, 1 << enum mode */
	struct entry *entries;
	unsigned count;
};

/*
 * NULL: cannot be read, or its format is wrong; that is printed then. The
 * folder it is in names the protocol.
 */
struct transcript *transcript_read(const char *path);
void transcript_free(struct transcript **transcript);

const char *key_name(enum key key);
bool key_is_servers(enum key key);
bool key_is_clients(enum key key);
/* Speech or event, neither set-up nor a look at what is there afterwards. */
bool key_is_dialog(enum key key);

/* The first entry with `key`; NULL when there is none. */
const struct entry *transcript_find(
	const struct transcript *transcript, enum key key);

/* One line "path:line (mode): what" for people and editors. */
__attribute__((format(printf, 3, 4))) void transcript_complain(
	const char *path, unsigned line, const char *format, ...);

/* ---- escapes.c ---- */

/*
 * Appends `text` with \r \n \t \\ \xHH undone and \(COUNT TEXT) repeated.
 * False: malformed or too long.
 */
bool escapes_undo(struct bytes text, struct buffer *out);
/* For people: `bytes` with escapes, cut when long. NUL-terminated in `out`. */
void escapes_show(struct bytes bytes, char *out, size_t size);

#endif
