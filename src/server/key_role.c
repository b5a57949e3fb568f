/* SPDX-License-Identifier: ISC */
#include "server/key_role.h"
#include "base/log.h"
#include "server/boot.h"
#include "server/confinement.h"
#include "tls/signing_key.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

struct held_key {
	unsigned char id[SIGNING_KEY_ID_OCTETS];
	EVP_PKEY *key;
};

static struct {
	uv_loop_t loop;
	struct boot *boot;
	struct held_key keys[KEY_ROLE_KEYS_MAXIMUM];
	unsigned next; /* the oldest one's place */
} role;

/* ---- keys ---- */

static EVP_PKEY *
find_key(struct bytes id)
{
	for (unsigned i = 0; i < KEY_ROLE_KEYS_MAXIMUM; i++)
		if (role.keys[i].key &&
			bytes_equal(id, bytes_of(role.keys[i].id,
						sizeof(role.keys[i].id))))
			return role.keys[i].key;
	return NULL;
}

/* boot->key is whole: keeps it, and wipes the text. */
static void
keep_key(void)
{
	EVP_PKEY *key = signing_key_read(buffer_bytes(&role.boot->key));
	struct held_key *place = &role.keys[role.next % KEY_ROLE_KEYS_MAXIMUM];
	unsigned char id[SIGNING_KEY_ID_OCTETS];

	buffer_wipe(&role.boot->key);
	if (!key || !signing_key_id(key, id)) {
		log_event(LOG_LEVEL_ERROR, "key", "why=\"no private key\"");
		EVP_PKEY_free(key);
		return;
	}
	if (find_key(bytes_of(id, sizeof(id)))) {
		EVP_PKEY_free(key);
		return;
	}
	EVP_PKEY_free(place->key);
	place->key = key;
	memcpy(place->id, id, sizeof(id));
	role.next++;
}

/* ---- sessions ---- */

static bool
on_session_message(struct channel *channel, struct message *message)
{
	unsigned char signature[SIGNATURE_MAXIMUM_OCTETS];
	struct message_reader reader;
	struct message answer;
	struct bytes id, in;
	size_t octets = 0;
	EVP_PKEY *key;
	uint8_t how;

	message_reader_init(&reader, message);
	id = message_get_bytes(&reader);
	how = message_get_u8(&reader);
	in = message_get_bytes(&reader);
	if (message->type != MESSAGE_SIGN || !message_reader_finish(&reader) ||
		how >= SIGN_HOW_COUNT)
		return false;
	/* Of a certificate that came before its key did. */
	if (!(key = find_key(id)))
		boot_settle();
	if (key || (key = find_key(id)))
		octets = signing_key_sign(
			key, how, in, signature, sizeof(signature));
	message_init(&answer, MESSAGE_SIGNED, message->subject);
	message_put_bytes(&answer, bytes_of(signature, octets));
	channel_send(channel, &answer);
	message_release(&answer);
	return true;
}

static void
on_session_closed(struct channel *channel, enum outcome why)
{
	channel_free(&channel);
}

static bool
on_peer(enum role peer, uint64_t instance, int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_session_message,
		.on_closed = on_session_closed};

	return peer == ROLE_SESSION &&
	       channel_new(&role.loop, fd, &handler, NULL) != NULL;
}

/* ---- the role ---- */

static bool
on_parent_message(struct message *message)
{
	bool is_last = false;

	if (message->type != MESSAGE_KEY ||
		!boot_take_pem(message, &role.boot->key, &is_last))
		return false;
	if (is_last)
		keep_key();
	return true;
}

void
key_role_run(void)
{
	static const struct boot_handler handler = {.on_peer = on_peer,
		.on_stop = boot_leave,
		.on_message = on_parent_message};
	static const struct confinement confinement = {.role = ROLE_KEY};
	int root_fd;

	role.boot = boot_receive();
	boot_log_open(role.boot, "key");
	root_fd = boot_empty_root(role.boot);
	keep_key();
	/* What is in memory now never goes to the disk. */
	if (mlockall(MCL_CURRENT) < 0)
		log_event(LOG_LEVEL_DEBUG, "key", "swap=possible");
	boot_drop_privileges(role.boot->settings.key_user, &root_fd);
	uv_loop_init(&role.loop);
	confinement_enter(&confinement, &role.loop);
	boot_finish(role.boot, &role.loop, &handler);
	uv_run(&role.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
