/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/tls_probe.h"
#include "base/networks.h"
#include "net/address.h"
#include "tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define REPLY_SIZE 1024

static bool
fail(struct tls_probe *probe, const char *why)
{
	snprintf(probe->error, sizeof(probe->error), "%s", why);
	return false;
}

/* Waits, but not for ever; -1 with out->error. */
static int
open_connection(struct bytes text, struct tls_probe *out)
{
	const struct timeval patience = {.tv_sec = TLS_PROBE_PATIENCE_SECONDS};
	struct address address;
	int fd;

	if (!address_parse(text, &address)) {
		fail(out, "it is no address");
		return -1;
	}
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			sizeof(patience)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			sizeof(patience)) == 0 &&
		connect(fd, &address.any, address.octets) == 0)
		return fd;
	snprintf(out->error, sizeof(out->error), "cannot connect: %s",
		strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A proxy that speaks for itself. */
static bool
pass_for_proxy(int fd, const char *networks, struct tls_probe *out)
{
	static const char header[] = "PROXY UNKNOWN\r\n";
	struct address ours = {.octets = sizeof(ours.storage)};
	char host[ADDRESS_TEXT_SIZE];

	if (!networks || !networks[0] ||
		getsockname(fd, &ours.any, &ours.octets) < 0 ||
		!networks_hold(networks, address_host_text(&ours, host)))
		return true;
	if (write(fd, header, sizeof(header) - 1) == sizeof(header) - 1)
		return true;
	return fail(out, "it takes no header of the PROXY protocol");
}

/* One octet after the other: what stands behind the line is not ours. */
static bool
read_ok(int fd)
{
	char reply[REPLY_SIZE];
	size_t used = 0;

	while (used < sizeof(reply) && read(fd, &reply[used], 1) == 1)
		if (reply[used++] == '\n')
			return strncmp(reply, "+OK", 3) == 0;
	return false;
}

static bool
ask_for_tls(int fd, struct tls_probe *out)
{
	static const char command[] = "STLS\r\n";

	if (!read_ok(fd))
		return fail(out, "it does not greet as a POP3 server");
	if (write(fd, command, sizeof(command) - 1) !=
			(ssize_t)sizeof(command) - 1 ||
		!read_ok(fd))
		return fail(out, "it refuses STLS");
	return true;
}

static bool
shake_hands(int fd, const char *name, struct tls_probe *out)
{
	struct tls_context *context = tls_probe_context_new();
	struct tls *tls = context ? tls_connect(context, fd, name) : NULL;
	bool is_good = false;

	if (!tls)
		fail(out, "TLS cannot be set up");
	else if (tls_handshake(tls) != TLS_DONE)
		fail(out, tls_error(tls)[0] ? tls_error(tls)
					    : "the handshake takes too long");
	else if (!tls_peer_id(tls, out->id))
		fail(out, "it shows no certificate");
	else
		is_good = true;
	if (is_good) {
		snprintf(out->protocol, sizeof(out->protocol), "%s",
			tls_description(tls));
		tls_shutdown(tls);
	}
	tls_free(&tls);
	tls_context_free(&context);
	return is_good;
}

bool
tls_probe(const struct listener_settings *listener, struct bytes address,
	const char *name, struct tls_probe *out)
{
	bool uses_stls = listener->kind == LISTENER_POP3;
	int fd;
	bool is_good;

	*out = (struct tls_probe){0};
	fd = open_connection(address, out);
	if (fd < 0)
		return false;
	is_good = pass_for_proxy(fd, listener->proxy_networks, out) &&
		  (!uses_stls || ask_for_tls(fd, out)) &&
		  shake_hands(fd, name, out);
	close(fd);
	return is_good;
}
