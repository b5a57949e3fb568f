/* SPDX-License-Identifier: ISC */
/*
 * stream - a connection for threads that may wait: what sinks speak with the
 * servers that they hand mail to. TLS verifies as everywhere. Each step has
 * timeout_seconds; nothing waits for ever.
 */
#ifndef COLLECT_STREAM_H
#define COLLECT_STREAM_H

#include "base/outcome.h"
#include "net/socks5.h"
#include "tls/tls.h"

#define STREAM_ERROR_SIZE	   512
#define STREAM_LINE_MAXIMUM_OCTETS 8192

struct stream_options {
	const char *server; /* "host:port", "[::1]:port", "unix:/path" */
	const char *default_port;
	/* Whose certificate is expected; NULL: the host's of `server`. */
	const char *name;
	/* Connects on and looks names up; NULL: none. */
	const struct socks5_proxy *proxy;
	struct tls_context *tls; /* NULL: none */
	bool is_tls_first;
	uint64_t timeout_seconds;
};

struct stream;

enum outcome stream_open(const struct stream_options *options,
	struct stream **out, char error[STREAM_ERROR_SIZE]);
/* Says nothing to the other side. Accepts NULL. */
void stream_close(struct stream **stream);
enum outcome stream_start_tls(struct stream *stream);
bool stream_has_tls(const struct stream *stream);
/* Also after a handshake that failed; NULL: none was begun. */
const struct tls *stream_tls(const struct stream *stream);
/* Nobody else can listen: TLS, a unix socket, or loopback. */
bool stream_is_private(const struct stream *stream);
enum outcome stream_write(struct stream *stream, struct bytes octets);
/* One line without its end; the NUL-terminated text belongs to the stream until
 * the next call. ERR_PEER: too long, or with a NUL. */
enum outcome stream_read_line(struct stream *stream, const char **out);
/* Of the last failure, for people. */
const char *stream_error(const struct stream *stream);

#endif
