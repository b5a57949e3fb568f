/* SPDX-License-Identifier: ISC */
#include "server/key_role.h"
#include "base/log.h"
#include "server/boot.h"
#include "server/confinement.h"
#include "tls/signing_key.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct held_key {
	unsigned char id[SIGNING_KEY_ID_OCTETS];
	EVP_PKEY *key;
	struct signing_contexts contexts;
	unsigned generation;
};

static struct {
	uv_loop_t loop;
	struct boot *boot;
	struct held_key keys[KEY_ROLE_KEYS_MAXIMUM];
	unsigned generation; /* how often keys came */
} role;

/* ---- keys ---- */

static struct held_key *
find_key(struct bytes id)
{
	for (unsigned i = 0; i < KEY_ROLE_KEYS_MAXIMUM; i++)
		if (role.keys[i].key &&
			bytes_equal(id, bytes_of(role.keys[i].id,
						sizeof(role.keys[i].id))))
			return &role.keys[i];
	return NULL;
}

/* Free, or the one that was of use longest ago. */
static struct held_key *
place_for_key(void)
{
	struct held_key *place = &role.keys[0];

	for (unsigned i = 0; i < KEY_ROLE_KEYS_MAXIMUM && place->key; i++)
		if (!role.keys[i].key ||
			role.keys[i].generation < place->generation)
			place = &role.keys[i];
	return place;
}

static void
forget(struct held_key *held)
{
	signing_contexts_release(&held->contexts);
	EVP_PKEY_free(held->key);
	*held = (struct held_key){0};
}

static void
keep_key(struct bytes pem)
{
	EVP_PKEY *key = signing_key_read(pem);
	unsigned char id[SIGNING_KEY_ID_OCTETS];
	struct held_key *place;

	if (!key || !signing_key_id(key, id)) {
		log_event(LOG_LEVEL_ERROR, "key", "why=\"no private key\"");
		EVP_PKEY_free(key);
		return;
	}
	place = find_key(bytes_of(id, sizeof(id)));
	if (!place)
		place = place_for_key();
	forget(place);
	place->key = key;
	place->generation = role.generation;
	memcpy(place->id, id, sizeof(id));
}

/* boot->keys is whole: keeps them, wipes the text, and forgets those that no
   session can have a certificate of any longer. */
static void
keep_keys(void)
{
	struct boot_pems *pems = &role.boot->keys;

	role.generation++;
	for (size_t i = 0; i < pems->count; i++)
		keep_key(buffer_bytes(&pems->pems[i].text));
	boot_pems_wipe(pems);
	for (unsigned i = 0; i < KEY_ROLE_KEYS_MAXIMUM; i++) {
		struct held_key *held = &role.keys[i];

		if (held->key && held->generation + KEY_ROLE_GENERATIONS <=
					 role.generation)
			forget(held);
	}
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
	struct held_key *held;
	uint8_t how;

	message_reader_init(&reader, message);
	id = message_get_bytes(&reader);
	how = message_get_u8(&reader);
	in = message_get_bytes(&reader);
	if (message->type != MESSAGE_SIGN || !message_reader_finish(&reader) ||
		how >= SIGN_HOW_COUNT)
		return false;
	/* Of a certificate that came before its key did. */
	if (!(held = find_key(id)))
		boot_settle();
	if (held || (held = find_key(id)))
		octets = signing_key_sign(held->key, &held->contexts, how, in,
			signature, sizeof(signature));
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
	if (message->type != MESSAGE_KEY ||
		!boot_pems_take(&role.boot->keys, message))
		return false;
	if (role.boot->keys.is_whole)
		keep_keys();
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

	if (!signing_key_wipe_what_is_freed())
		exit(EX_SOFTWARE);
	role.boot = boot_receive();
	boot_log_open(role.boot, "key");
	root_fd = boot_empty_root(role.boot);
	keep_keys();
	boot_lock_memory();
	boot_drop_privileges(role.boot->settings.key_user, &root_fd);
	uv_loop_init(&role.loop);
	confinement_enter(&confinement, &role.loop);
	boot_finish(role.boot, &role.loop, &handler);
	uv_run(&role.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
