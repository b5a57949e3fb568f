/* SPDX-License-Identifier: ISC */
/*
 * channel - one end of a SOCK_SEQPACKET socketpair between two roles, on a
 * libuv loop.
 *
 * Sending never blocks: what the socket does not take waits in a queue of at
 * most CHANNEL_QUEUE_MAXIMUM messages; a full queue is ERR_TRY_LATER and the
 * caller's to handle (credits keep it from happening).
 */
#ifndef PROCESS_CHANNEL_H
#define PROCESS_CHANNEL_H

#include "base/outcome.h"
#include "process/message.h"

#include <uv.h>

#define CHANNEL_QUEUE_MAXIMUM 65536
/* Messages taken in one turn of the loop, so that others get theirs. */
#define CHANNEL_BATCH_MAXIMUM 64

struct channel;

struct channel_handler {
	/* Return false when it is malformed: the channel is then closed and
	   on_closed called with ERR_PEER. Descriptors not taken are closed. */
	bool (*on_message)(struct channel *channel, struct message *message);
	/* The other end is gone (ERR_GONE) or misbehaved (ERR_PEER:
	   on_message said so, MSG_CTRUNC, a bad header). Last call. */
	void (*on_closed)(struct channel *channel, enum outcome why);
};

struct channel {
	uv_poll_t poll; /* first: libuv closes it asynchronously */
	int fd;
	const struct channel_handler *handler;
	void *context; /* the owner's */
	struct channel_queue *queue;
	int watched;	 /* libuv's events asked for */
	bool is_closing; /* freed when libuv is through with it */
	bool is_told;	 /* on_closed has run */
};

/* Both ends non-blocking and close-on-exec. */
enum outcome channel_pair(int out_fds[2]);

/* Takes *fd. Heap: the memory must outlive libuv's close callback. */
struct channel *channel_new(uv_loop_t *loop, int *fd,
	const struct channel_handler *handler, void *context);
/* Called with its descriptor for each channel whose other end misbehaves, before
   on_closed. One for the whole process; NULL for none. */
void channel_watch_malformed(void (*told)(int fd));
/* Closes without on_closed; frees when libuv is through with it. */
void channel_free(struct channel **channel);

/*
 * Sends, and leaves `message` empty (its descriptors closed here).
 * Errors  ERR_TRY_LATER (queue full), ERR_GONE, ERR_BROKEN (message too large)
 */
enum outcome channel_send(struct channel *channel, struct message *message);
/*
 * Handles messages that wait in the socket, without waiting: a handle that a
 * third role named may still be on its way here. False when there was none.
 */
bool channel_poll(struct channel *channel);

/* For the time before a loop runs: waits. ERR_GONE at the end. */
enum outcome channel_receive_blocking(int fd, struct message *out);
/* The same for so long at most: ERR_TRY_LATER. */
enum outcome channel_receive_within(int fd, struct message *out, int ms);
enum outcome channel_send_blocking(int fd, struct message *message);

#endif
