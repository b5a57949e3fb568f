/* SPDX-License-Identifier: ISC */
/* What auth asks of the role lookup, and what becomes of it when that is away. */
#include "base/clock.h"
#include "base/log.h"
#include "oauth/rules.h"
#include "server/auth_role.h"
#include "server/auth_state.h"
#include "server/role_lost.h"

/* Beyond what lookup itself allows: it is stopped, or worse. */
#define GRACE_MS 5000
#define TICK_MS	 1000

static struct {
	struct channel *channel;
	struct table asked;
	struct auth_lookup *oldest, *newest;
	uint64_t requests;
	uint64_t timeout_ms;
	uv_timer_t timer;
} role;

/* ---- the list ---- */

static void
remember(struct auth_lookup *l)
{
	l->newer = NULL;
	l->older = role.newest;
	if (role.newest)
		role.newest->newer = l;
	else
		role.oldest = l;
	role.newest = l;
}

static void
forget(struct auth_lookup *l)
{
	if (l->older)
		l->older->newer = l->newer;
	else
		role.oldest = l->newer;
	if (l->newer)
		l->newer->older = l->older;
	else
		role.newest = l->older;
	table_remove(&role.asked, &l->entry);
	l->done = NULL;
}

void
auth_lookup_forget(struct auth_lookup *l)
{
	if (l->done)
		forget(l);
}

static void
end(struct auth_lookup *l, enum outcome outcome, const char *user)
{
	auth_looked_up *done = l->done;

	forget(l);
	done(l, outcome, user);
}

/* ---- asking ---- */

static bool
ask(struct auth_lookup *l, struct message *message, auth_looked_up *done)
{
	if (!role.channel || role.asked.count >= AUTH_LOOKUPS_MAXIMUM ||
		channel_send(role.channel, message) != OK ||
		!table_add(&role.asked, &l->entry, message->subject))
		return false;
	l->done = done;
	l->due_ms = clock_monotonic_ms() + role.timeout_ms;
	remember(l);
	return true;
}

bool
auth_lookup_password(struct auth_lookup *l,
	const struct auth_lookup_password *question, auth_looked_up *done)
{
	struct message message;
	bool is_asked;

	message_init(&message, MESSAGE_LOOKUP_PASSWORD, ++role.requests);
	message_put_string(&message, question->user);
	message_put_string(&message, question->host);
	message_put_bytes(&message, question->password);
	is_asked = ask(l, &message, done);
	message_release(&message);
	return is_asked;
}

bool
auth_lookup_user(struct auth_lookup *l, const char *user, auth_looked_up *done)
{
	struct message message;
	bool is_asked;

	message_init(&message, MESSAGE_LOOKUP_USER, ++role.requests);
	message_put_string(&message, user);
	is_asked = ask(l, &message, done);
	message_release(&message);
	return is_asked;
}

static bool
send_front(uint64_t request, struct bytes *token)
{
	struct message message;
	bool is_sent = role.channel != NULL;

	message_init(&message, MESSAGE_LOOKUP_TOKEN_PIECE, request);
	while (is_sent && token->octets > PIECE_OCTETS) {
		message_reset(&message, MESSAGE_LOOKUP_TOKEN_PIECE, request);
		message_put_bytes(&message, bytes_of(token->at, PIECE_OCTETS));
		is_sent = channel_send(role.channel, &message) == OK;
		*token = bytes_after(*token, PIECE_OCTETS);
	}
	message_release(&message);
	return is_sent;
}

bool
auth_lookup_token(
	struct auth_lookup *l, struct bytes token, auth_looked_up *done)
{
	uint64_t request = ++role.requests;
	struct message message;
	bool is_asked;

	if (role.asked.count >= AUTH_LOOKUPS_MAXIMUM ||
		!send_front(request, &token))
		return false;
	message_init(&message, MESSAGE_LOOKUP_TOKEN, request);
	message_put_bytes(&message, token);
	is_asked = ask(l, &message, done);
	message_release(&message);
	return is_asked;
}

/* ---- answers ---- */

static bool
on_message(struct channel *channel, struct message *message)
{
	struct table_entry *entry = table_find(&role.asked, message->subject);
	struct message_reader reader;
	char user[OAUTH_USER_SIZE] = "";
	enum outcome outcome;

	message_reader_init(&reader, message);
	outcome = message_get_u8(&reader);
	message_get_string(&reader, user, sizeof(user));
	if (message->type != MESSAGE_LOOKED_UP ||
		!message_reader_finish(&reader) || outcome > ERR_GONE)
		return false;
	/* One that came too late was given up already. */
	if (entry)
		end(table_object(entry, struct auth_lookup, entry), outcome,
			user);
	return true;
}

static void
on_closed(struct channel *channel, enum outcome why)
{
	role_lost_log("lookup", why);
	channel_free(&role.channel);
	while (role.oldest)
		end(role.oldest, ERR_TRY_LATER, "");
}

static void
on_tick(uv_timer_t *timer)
{
	uint64_t now_ms = clock_monotonic_ms();

	while (role.oldest && role.oldest->due_ms <= now_ms)
		end(role.oldest, ERR_TRY_LATER, "");
}

bool
auth_lookup_use(int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_message, .on_closed = on_closed};

	if (role.channel)
		on_closed(role.channel, ERR_GONE);
	role.channel = channel_new(&auth.loop, fd, &handler, NULL);
	return role.channel != NULL;
}

void
auth_lookup_start(void)
{
	const struct server_settings *settings = &auth.boot->settings;
	uint64_t seconds = settings->pam.timeout_seconds;

	if (settings->oauth.timeout_seconds > seconds)
		seconds = settings->oauth.timeout_seconds;
	role.timeout_ms = seconds * 1000 + GRACE_MS;
	uv_timer_init(&auth.loop, &role.timer);
	uv_timer_start(&role.timer, on_tick, TICK_MS, TICK_MS);
}
