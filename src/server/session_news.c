/* SPDX-License-Identifier: ISC */
#include "server/session_news.h"
#include "server/connection.h"

static void
tell_in(struct session_role *role)
{
	struct session_news *news = &role->news;

	for (uint32_t i = 0; i < news->in_count; i++) {
		struct table_entry *entry =
			table_find(&role->connections, news->in[i]);
		struct connection *c =
			entry ? table_object(entry, struct connection, entry)
			      : NULL;

		if (c && c->protocol->auth_again)
			c->protocol->auth_again(c);
	}
	news->in_count = 0;
}

static void
tell_out(struct session_role *role)
{
	struct session_news *news = &role->news;
	struct message message;

	if (role->auth && news->out_count > 0) {
		message_init(&message, MESSAGE_LOGGED_OUT, 0);
		message_put_u32(&message, news->out_count);
		for (uint32_t i = 0; i < news->out_count; i++)
			message_put_u64(&message, news->out[i]);
		channel_send(role->auth, &message);
		message_release(&message);
	}
	news->out_count = 0;
}

void
session_news_tell(struct session_role *role)
{
	uv_timer_stop(&role->news.timer);
	tell_in(role);
	tell_out(role);
}

static void
on_due(uv_timer_t *timer)
{
	session_news_tell(timer->data);
}

static void
add(struct session_role *role, uint64_t connection, uint64_t *numbers,
	uint32_t *count)
{
	numbers[(*count)++] = connection;
	if (*count == SESSION_NEWS_MAXIMUM)
		session_news_tell(role);
	else if (!uv_is_active((uv_handle_t *)&role->news.timer))
		uv_timer_start(
			&role->news.timer, on_due, LOGINS_TOLD_WITHIN_MS, 0);
}

void
session_news_init(struct session_role *role)
{
	uv_timer_init(&role->loop, &role->news.timer);
	role->news.timer.data = role;
}

void
session_news_in(struct session_role *role, uint64_t connection)
{
	add(role, connection, role->news.in, &role->news.in_count);
}

void
session_news_out(struct session_role *role, uint64_t connection)
{
	add(role, connection, role->news.out, &role->news.out_count);
}
