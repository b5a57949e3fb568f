/* SPDX-License-Identifier: ISC */
#include "process/channel.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room in the socket for a connection's credits of data and some more. */
#define CHANNEL_SOCKET_OCTETS (4 << 20)

struct header {
	uint16_t type;
	uint16_t reserved;
	uint32_t octets; /* of the payload */
	uint64_t subject;
};
_Static_assert(sizeof(struct header) == MESSAGE_HEADER_OCTETS, "header");

struct queued {
	struct queued *next;
	struct message message;
};

struct channel_queue {
	struct queued *first, *last;
	size_t count;
};

union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(int) * MESSAGE_MAXIMUM_DESCRIPTORS)];
};

enum outcome
channel_pair(int out_fds[2])
{
	int octets = CHANNEL_SOCKET_OCTETS;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0, out_fds) < 0)
		return outcome_of_errno(errno);
	for (int i = 0; i < 2; i++)
		/* As root beyond the system's limit, else up to it. */
		if (setsockopt(out_fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &octets,
			    sizeof(octets)) < 0)
			setsockopt(out_fds[i], SOL_SOCKET, SO_SNDBUF, &octets,
				sizeof(octets));
	return OK;
}

/* ---- one message through the socket ---- */

static void
put_descriptors(struct msghdr *msg, union control *control,
	const struct message *message)
{
	size_t octets = sizeof(int) * message->descriptor_count;
	struct cmsghdr *cmsg;

	if (octets == 0)
		return;
	msg->msg_control = control->octets;
	msg->msg_controllen = CMSG_SPACE(octets);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(octets);
	memcpy(CMSG_DATA(cmsg), message->descriptors, octets);
}

/* 0 or an errno. */
static int
send_one(int fd, const struct message *message)
{
	struct bytes payload = buffer_bytes(&message->payload);
	struct header header = {.type = htole16(message->type),
		.octets = htole32((uint32_t)payload.octets),
		.subject = htole64(message->subject)};
	struct iovec parts[2] = {{&header, sizeof(header)},
		{(void *)(uintptr_t)payload.at, payload.octets}};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
	union control control = {0};

	put_descriptors(&msg, &control, message);
	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static void
get_descriptors(struct msghdr *msg, struct message *message)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg;
		cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t octets = cmsg->cmsg_len - CMSG_LEN(0);

		if (cmsg->cmsg_level != SOL_SOCKET ||
			cmsg->cmsg_type != SCM_RIGHTS ||
			octets > sizeof(message->descriptors))
			continue;
		memcpy(message->descriptors, CMSG_DATA(cmsg), octets);
		message->descriptor_count = (unsigned)(octets / sizeof(int));
	}
}

/*
 * One for the whole process, wiped after each use: 32 KiB for every channel
 * would be most of what an idle process holds.
 */
static unsigned char incoming[MESSAGE_MAXIMUM_OCTETS];

/* OK; ERR_TRY_LATER: none waits; ERR_GONE; ERR_PEER: malformed. */
static enum outcome
receive_one(int fd, int flags, struct message *message)
{
	struct iovec part = {incoming, sizeof(incoming)};
	union control control;
	struct msghdr msg = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets)};
	enum outcome outcome = OK;
	struct header header;
	ssize_t got;

	do
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | flags);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? ERR_TRY_LATER : ERR_GONE;
	if (got == 0)
		return ERR_GONE;
	get_descriptors(&msg, message);
	if (msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC) ||
		(size_t)got < sizeof(header))
		return ERR_PEER;
	memcpy(&header, incoming, sizeof(header));
	message->type = le16toh(header.type);
	message->subject = le64toh(header.subject);
	if (le32toh(header.octets) != (size_t)got - sizeof(header) ||
		!buffer_append(&message->payload, incoming + sizeof(header),
			(size_t)got - sizeof(header)))
		outcome = ERR_PEER;
	explicit_bzero(incoming, (size_t)got);
	return outcome;
}

/* ---- the queue ---- */

static void
drop_first(struct channel_queue *queue)
{
	struct queued *first = queue->first;

	queue->first = first->next;
	if (!queue->first)
		queue->last = NULL;
	queue->count--;
	message_release(&first->message);
	free(first);
}

static enum outcome
enqueue(struct channel *channel, struct message *message)
{
	struct channel_queue *queue = channel->queue;
	struct queued *queued;

	if (queue->count >= CHANNEL_QUEUE_MAXIMUM)
		return ERR_TRY_LATER;
	queued = malloc(sizeof(*queued));
	if (!queued)
		return ERR_TRY_LATER;
	queued->next = NULL;
	queued->message = *message;
	message_init(message, message->type, message->subject);
	if (queue->last)
		queue->last->next = queued;
	else
		queue->first = queued;
	queue->last = queued;
	queue->count++;
	return OK;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void
watch(struct channel *channel)
{
	int events = UV_READABLE | (channel->queue->first ? UV_WRITABLE : 0);

	if (channel->is_closing || channel->is_told ||
		events == channel->watched)
		return;
	channel->watched = events;
	uv_poll_start(&channel->poll, events, on_poll);
}

static enum outcome
flush(struct channel *channel)
{
	struct channel_queue *queue = channel->queue;

	while (queue->first) {
		int error = send_one(channel->fd, &queue->first->message);

		if (error == EAGAIN || error == ENOBUFS)
			break;
		if (error)
			return ERR_GONE;
		drop_first(queue);
	}
	return OK;
}

enum outcome
channel_send(struct channel *channel, struct message *message)
{
	enum outcome outcome = OK;
	int error = EAGAIN;

	if (message->is_bad)
		error = EMSGSIZE;
	else if (channel->is_closing || channel->is_told)
		error = EPIPE;
	else if (!channel->queue->first)
		error = send_one(channel->fd, message);
	if (error == EAGAIN || error == ENOBUFS)
		outcome = enqueue(channel, message);
	else if (error == EMSGSIZE || error == EINVAL || error == EBADF)
		outcome = ERR_BROKEN;
	else if (error)
		outcome = ERR_GONE;
	watch(channel);
	message_reset(message, message->type, message->subject);
	return outcome;
}

/* ---- life ---- */

static void
on_freed(uv_handle_t *handle)
{
	struct channel *channel = handle->data;

	while (channel->queue->first)
		drop_first(channel->queue);
	free(channel->queue);
	free(channel);
}

void
channel_free(struct channel **place)
{
	struct channel *channel = *place;

	*place = NULL;
	if (!channel || channel->is_closing)
		return;
	channel->is_closing = true;
	uv_close((uv_handle_t *)&channel->poll, on_freed);
	close(channel->fd);
}

static void (*malformed_watch)(int fd);

void
channel_watch_malformed(void (*told)(int fd))
{
	malformed_watch = told;
}

static void
closed(struct channel *channel, enum outcome why)
{
	if (channel->is_closing || channel->is_told)
		return;
	channel->is_told = true;
	uv_poll_stop(&channel->poll);
	if (why == ERR_PEER && malformed_watch)
		malformed_watch(channel->fd);
	/* The handler frees it, or its owner does later. */
	channel->handler->on_closed(channel, why);
}

/* One message; false when there was none (more) to handle. */
static bool
handle_one(struct channel *channel)
{
	struct message message;
	enum outcome outcome;

	if (channel->is_closing || channel->is_told)
		return false;
	message_init(&message, 0, 0);
	outcome = receive_one(channel->fd, MSG_DONTWAIT, &message);
	if (outcome == OK && !channel->handler->on_message(channel, &message))
		outcome = ERR_PEER;
	message_release(&message);
	if (outcome == OK)
		return true;
	if (outcome != ERR_TRY_LATER)
		closed(channel, outcome);
	return false;
}

bool
channel_poll(struct channel *channel)
{
	return handle_one(channel);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct channel *channel = poll->data;

	if (status < 0 || flush(channel) != OK) {
		closed(channel, ERR_GONE);
		return;
	}
	watch(channel);
	for (int i = 0; i < CHANNEL_BATCH_MAXIMUM; i++)
		if (!handle_one(channel))
			return;
}

struct channel *
channel_new(uv_loop_t *loop, int *fd, const struct channel_handler *handler,
	void *context)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (channel)
		channel->queue = calloc(1, sizeof(*channel->queue));
	if (!channel || !channel->queue ||
		uv_poll_init(loop, &channel->poll, *fd) != 0) {
		if (channel)
			free(channel->queue);
		free(channel);
		return NULL;
	}
	channel->fd = *fd;
	*fd = -1;
	channel->handler = handler;
	channel->context = context;
	channel->poll.data = channel;
	watch(channel);
	return channel;
}

/* ---- before a loop runs ---- */

enum outcome
channel_receive_within(int fd, struct message *out, int ms)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	enum outcome outcome;

	do {
		message_reset(out, 0, 0);
		if (poll(&waiting, 1, ms) == 0)
			return ERR_TRY_LATER;
		outcome = receive_one(fd, MSG_DONTWAIT, out);
	} while (outcome == ERR_TRY_LATER);
	return outcome;
}

enum outcome
channel_receive_blocking(int fd, struct message *out)
{
	return channel_receive_within(fd, out, -1);
}

enum outcome
channel_send_blocking(int fd, struct message *message)
{
	struct pollfd waiting = {.fd = fd, .events = POLLOUT};
	int error = message->is_bad ? EMSGSIZE : send_one(fd, message);

	while (error == EAGAIN || error == EINTR) {
		poll(&waiting, 1, -1);
		error = send_one(fd, message);
	}
	message_reset(message, message->type, message->subject);
	return error == 0 ? OK : error == EMSGSIZE ? ERR_BROKEN : ERR_GONE;
}
