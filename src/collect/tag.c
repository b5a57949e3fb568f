/* SPDX-License-Identifier: ISC */
#include "collect/tag.h"
#include "base/buffer.h"

#include <string.h>

#define KEYED_OCTETS 2048

/* A NUL stands between account and key. */
bool
tag_make(const char *account, const struct message_key *key, char out[TAG_SIZE])
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	struct buffer text;
	bool is_good;

	buffer_init(&text, KEYED_OCTETS);
	is_good = buffer_append(&text, account, strlen(account) + 1) &&
		  buffer_printf(&text, "%u:", key->ordinal) &&
		  buffer_append_bytes(&text, key->uidl) &&
		  uidl_digest(buffer_bytes(&text), digest);
	buffer_release(&text);
	if (is_good)
		uidl_print(digest, out);
	return is_good;
}
