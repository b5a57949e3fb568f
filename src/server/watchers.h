/* SPDX-License-Identifier: ISC */
/*
 * watchers - libuv's handles for sockets that come and go, one for each number
 * that such a socket has had. uv_poll_init tries a socket out, by three system
 * calls that a login can do without; the next one of the same number gets the
 * handle as it is.
 *
 * Owns:   the handles, as long as the process lives.
 * Size:   at most as many as the process may have descriptors.
 */
#ifndef SERVER_WATCHERS_H
#define SERVER_WATCHERS_H

#include <stddef.h>
#include <uv.h>

/* {0} has none. */
struct watchers {
	uv_poll_t **handles; /* by descriptor */
	size_t count;
};

/*
 * The handle of a non-blocking socket, stopped. It is the caller's until it calls
 * uv_poll_stop and then closes the descriptor. NULL: no memory, or libuv cannot
 * watch it.
 */
uv_poll_t *watchers_get(struct watchers *watchers, uv_loop_t *loop, int fd);

#endif
