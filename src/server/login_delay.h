/* SPDX-License-Identifier: ISC */
/*
 * login_delay - how soon a user may log in again: a token bucket for each user
 * with a delay, in memory. One that is full again takes none.
 *
 * Source: RFC 2449 section 6.5
 */
#ifndef SERVER_LOGIN_DELAY_H
#define SERVER_LOGIN_DELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct login_delays;

/* NULL when memory is short. */
struct login_delays *login_delays_new(void);
void login_delays_free(struct login_delays **delays);
/*
 * A login with the right password: may it be now? Takes a token when it may.
 * `burst` logins at once, one more every `delay_ms`. True when memory is short.
 */
bool login_delays_take(struct login_delays *delays, const char *user,
	uint64_t delay_ms, uint64_t burst, uint64_t now_ms);
/* Users that are remembered. */
size_t login_delays_count(const struct login_delays *delays);

#endif
