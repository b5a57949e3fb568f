/* SPDX-License-Identifier: ISC */
#include "server/session_signer.h"
#include "base/log.h"
#include "process/channel.h"
#include "server/boot.h"

#include <string.h>
#include <unistd.h>

static int key_fd = -1;
static uint64_t request;

void
session_signer_use(int *fd)
{
	if (key_fd >= 0)
		close(key_fd);
	key_fd = *fd;
	*fd = -1;
}

static void
give_up(enum outcome why)
{
	log_event(LOG_LEVEL_ERROR, "role-lost", "role=key why=%s",
		outcome_name(why));
	close(key_fd);
	key_fd = -1;
}

static enum outcome
ask(const unsigned char *key_id, enum signing_how how, struct bytes in)
{
	struct message message;
	enum outcome outcome;

	message_init(&message, MESSAGE_SIGN, ++request);
	message_put_bytes(&message, bytes_of(key_id, SIGNING_KEY_ID_OCTETS));
	message_put_u8(&message, (uint8_t)how);
	message_put_bytes(&message, in);
	outcome = channel_send_blocking(key_fd, &message);
	message_release(&message);
	return outcome;
}

static size_t
take(struct message *message, unsigned char *out, size_t size)
{
	struct message_reader reader;
	struct bytes signature;

	message_reader_init(&reader, message);
	signature = message_get_bytes(&reader);
	if (message->type != MESSAGE_SIGNED ||
		!message_reader_finish(&reader) || signature.octets > size) {
		give_up(ERR_PEER);
		return 0;
	}
	if (signature.octets > 0)
		memcpy(out, signature.at, signature.octets);
	return signature.octets;
}

static size_t
sign(void *context, const unsigned char key_id[SIGNING_KEY_ID_OCTETS],
	enum signing_how how, struct bytes in, unsigned char *out, size_t size)
{
	struct message message;
	enum outcome outcome;
	size_t octets = 0;

	/* The parent may have started another one. */
	if (key_fd < 0)
		boot_settle();
	if (key_fd < 0)
		return 0;
	message_init(&message, 0, 0);
	outcome = ask(key_id, how, in);
	do {
		if (outcome == OK)
			outcome = channel_receive_within(
				key_fd, &message, SESSION_SIGNER_PATIENCE_MS);
		/* An answer to a question that was given up. */
	} while (outcome == OK && message.subject != request);
	if (outcome == OK)
		octets = take(&message, out, size);
	else
		give_up(outcome);
	message_release(&message);
	return octets;
}

const struct tls_signer session_signer = {.sign = sign};
