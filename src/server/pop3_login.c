/* SPDX-License-Identifier: ISC */
/* Who is logged in on a POP3 connection: told to auth, which counts and may end
   it. */
#include "server/pop3_connection.h"
#include "store/snapshot.h"

void
pop3_login_tell(struct connection *c)
{
	struct pop3_connection *p = pop3_of(c);
	const struct maildrop *maildrop;
	struct message message;

	if (!p->mailbox)
		return;
	maildrop = snapshot_maildrop(p->snapshot);
	message_init(&message, MESSAGE_LOGGED_IN, c->entry.id);
	message_put_string(&message, p->mailbox);
	message_put_string(&message, c->peer);
	message_put_string(&message, c->tls ? tls_description(c->tls) : "");
	message_put_u64(&message, p->since_seconds);
	message_put_u32(&message, maildrop->count);
	message_put_u64(&message, maildrop->octets);
	connection_send(c, ROLE_AUTH, &message);
	message_release(&message);
}

void
pop3_login_over(struct connection *c)
{
	struct message message;

	if (pop3_of(c)->mailbox) {
		session_news_out(c->role, c->entry.id);
		/* Whoever ended it may look whether it is gone. */
		if (c->ending == ENDING_KICKED)
			session_news_tell(c->role);
		return;
	}
	/* At once: auth may be at it. */
	message_init(&message, MESSAGE_AUTH_CANCEL, c->entry.id);
	connection_send(c, ROLE_AUTH, &message);
	message_release(&message);
}

/*
 * In the middle of a reply there is no place for a word: what would stand there
 * would be taken for mail. A commit under way ends as it ends.
 */
void
pop3_login_end(struct connection *c, const char *why)
{
	struct pop3_connection *p = pop3_of(c);
	bool is_replying = c->out.octets > 0 || c->file >= 0 || p->reading ||
			   p->waiting == WAITING_FILES;

	connection_set_ending(c, ENDING_KICKED);
	if (is_replying && p->waiting != WAITING_COMMIT) {
		connection_close(c);
		return;
	}
	pop3_session_expire(p->session, why);
}
