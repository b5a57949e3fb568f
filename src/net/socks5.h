/* SPDX-License-Identifier: ISC */
/*
 * socks5 - asks a proxy for a connection to a server, whose name the proxy looks
 * up. Octets in, octets out; no I/O. The owner reads socks5_wanted octets at
 * most, so that none of what the server says behind is taken.
 * Source: RFC 1928, RFC 1929.
 */
#ifndef NET_SOCKS5_H
#define NET_SOCKS5_H

#include "base/buffer.h"

#define SOCKS5_DEFAULT_PORT	     1080
#define SOCKS5_FIELD_MAXIMUM_OCTETS  255
#define SOCKS5_OUTPUT_MAXIMUM_OCTETS 1024
#define SOCKS5_ERROR_SIZE	     160

/* "socks5://[user:password@]host[:port]" */
struct socks5_proxy {
	char host[SOCKS5_FIELD_MAXIMUM_OCTETS + 1];
	uint16_t port;
	char user[SOCKS5_FIELD_MAXIMUM_OCTETS + 1]; /* "": no login */
	char password[SOCKS5_FIELD_MAXIMUM_OCTETS + 1];
};

enum socks5_result {
	SOCKS5_MORE,   /* send what is queued, read what is wanted */
	SOCKS5_DONE,   /* what comes now is the server's */
	SOCKS5_FAILED, /* socks5_error says why */
};

struct socks5 {
	const struct socks5_proxy *proxy; /* borrowed */
	const char *host;		  /* borrowed */
	uint16_t port;
	int state;
	unsigned char input[SOCKS5_FIELD_MAXIMUM_OCTETS + 8];
	size_t held, wanted;
	char error[SOCKS5_ERROR_SIZE];
};

/* False: it is no such URL; *out is untouched. */
bool socks5_parse(const char *url, struct socks5_proxy *out);

/* Queues the first octets. SOCKS5_FAILED: the name is too long for it. */
enum socks5_result socks5_begin(struct socks5 *socks5,
	const struct socks5_proxy *proxy, const char *host, uint16_t port,
	struct buffer *out);
/* Octets that may be read now; never 0 while it is not over. */
size_t socks5_wanted(const struct socks5 *socks5);
/* At most as many as were wanted; the rest is an error of the caller's. */
enum socks5_result socks5_take(
	struct socks5 *socks5, struct bytes octets, struct buffer *out);
const char *socks5_error(const struct socks5 *socks5);

#endif
