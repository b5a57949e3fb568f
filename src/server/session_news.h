/* SPDX-License-Identifier: ISC */
/*
 * session_news - who has logged in and out, told to auth a little later and of
 * many at once: each message of its own would wake auth, which is most of what
 * it costs. A session that is shorter than that costs one number.
 */
#ifndef SERVER_SESSION_NEWS_H
#define SERVER_SESSION_NEWS_H

#include <stdint.h>

#include <uv.h>

/* So many are told at once, however soon. */
#define SESSION_NEWS_MAXIMUM 256

struct session_role;

struct session_news {
	uv_timer_t timer;
	uint64_t in[SESSION_NEWS_MAXIMUM], out[SESSION_NEWS_MAXIMUM];
	uint32_t in_count, out_count;
};

void session_news_init(struct session_role *role);
/* Of the connection with this number. */
void session_news_in(struct session_role *role, uint64_t connection);
void session_news_out(struct session_role *role, uint64_t connection);
/* All of it now. */
void session_news_tell(struct session_role *role);

#endif
