/* SPDX-License-Identifier: ISC */
/*
 * certificate_set - the certificates that the settings name, read from their
 * files and tried. A pair that cannot be used never replaces one that can.
 */
#ifndef TLS_CERTIFICATE_SET_H
#define TLS_CERTIFICATE_SET_H

#include "base/buffer.h"
#include "config/server_settings.h"
#include "tls/certificate.h"

#include <time.h>

#define CERTIFICATE_FILE_MAXIMUM_OCTETS (1u << 20)
#define CERTIFICATE_SET_ERROR_SIZE	512

/* A file as it was when it was last looked at. */
struct certificate_stamp {
	uint64_t device, inode, octets;
	struct timespec modified;
};

struct certificate_pair {
	char *name; /* of [tls NAME]; "" of [tls] */
	char *certificate_file, *key_file;
	/* What was read last and can be used; empty before. Wipe `key`. */
	struct buffer certificate, key;
	struct certificate_info info;
	struct certificate_stamp stamps[2];
	bool is_made;	     /* [tls] names none: the server's own */
	bool is_key_exposed; /* any user may read or write the key's file */
	bool is_stale;	     /* the files changed since */
};

struct certificate_set {
	struct certificate_pair *pairs; /* those of [tls] first */
	size_t count;
};

/* Names and files alone; reads nothing. False: memory. */
bool certificate_set_list(
	const struct server_settings *settings, struct certificate_set *out);
void certificate_set_release(struct certificate_set *set);

/* Reads one pair anew and tries it. On failure it is as before; error names the
   file. */
enum outcome certificate_set_read(struct certificate_set *set, size_t index,
	char error[CERTIFICATE_SET_ERROR_SIZE]);
/* All of them; stops at the first failure. */
enum outcome certificate_set_load(
	struct certificate_set *set, char error[CERTIFICATE_SET_ERROR_SIZE]);
/* Looks at the files, marks the pairs whose files changed since the last look
   as stale. True: there are some. */
bool certificate_set_look(struct certificate_set *set);

#endif
