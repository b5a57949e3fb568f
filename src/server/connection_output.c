/* SPDX-License-Identifier: ISC */
#include "server/connection_output.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

static enum drained
tls_outcome(enum tls_result result)
{
	if (result == TLS_DONE)
		return DRAINED;
	if (result == TLS_WANT_READ || result == TLS_WANT_WRITE)
		return DRAIN_BLOCKED;
	return DRAIN_LOST;
}

static enum drained
write_some(struct connection *c, size_t *out_octets)
{
	struct bytes bytes = buffer_bytes(&c->out);
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	ssize_t octets;

	/* The end of the stream goes with the last reply. */
	if (c->tls && c->after == ADVANCE_CLOSE)
		tls_hold_back(c->tls);
	if (c->tls)
		return tls_outcome(tls_write(c->tls, bytes, out_octets));
	if (c->file >= 0 || c->after == ADVANCE_CLOSE)
		flags |= MSG_MORE;
	octets = send(c->fd, bytes.at, bytes.octets, flags);
	if (octets < 0)
		return errno == EAGAIN || errno == EINTR ? DRAIN_BLOCKED
							 : DRAIN_LOST;
	*out_octets = (size_t)octets;
	return DRAINED;
}

static enum drained
send_some_file(struct connection *c, size_t *out_octets)
{
	off_t offset = (off_t)c->file_offset;
	size_t most = c->file_octets < CONNECTION_TURN_OCTETS
			      ? (size_t)c->file_octets
			      : CONNECTION_TURN_OCTETS;
	ssize_t octets;

	if (c->tls)
		return tls_outcome(tls_sendfile(
			c->tls, c->file, c->file_offset, most, out_octets));
	octets = sendfile(c->fd, c->file, &offset, most);
	if (octets < 0)
		return errno == EAGAIN || errno == EINTR ? DRAIN_BLOCKED
							 : DRAIN_LOST;
	*out_octets = (size_t)octets;
	return DRAINED;
}

static enum drained
drain_file(struct connection *c, size_t *turn)
{
	size_t octets = 0;
	enum drained drained;

	while (c->file_octets > 0) {
		drained = send_some_file(c, &octets);
		if (drained != DRAINED)
			return drained;
		if (octets == 0) {
			c->protocol->file_failed(c);
			return DRAIN_LOST;
		}
		c->file_offset += octets;
		c->file_octets -= octets;
		*turn += octets;
		if (*turn >= CONNECTION_TURN_OCTETS)
			return DRAIN_TURN_OVER;
	}
	c->file = -1;
	return DRAINED;
}

enum drained
connection_drain(struct connection *c)
{
	size_t turn = 0, octets = 0;
	enum drained drained;

	while (c->out.octets > 0) {
		drained = write_some(c, &octets);
		if (drained != DRAINED)
			return drained;
		buffer_consume(&c->out, octets);
		turn += octets;
	}
	buffer_trim(&c->out);
	drained = c->file >= 0 ? drain_file(c, &turn) : DRAINED;
	if (turn > 0)
		connection_touch(c);
	return drained;
}
