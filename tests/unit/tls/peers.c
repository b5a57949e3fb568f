/* SPDX-License-Identifier: ISC */
#include "peers.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certificates.h"
#include "tls/self_signed.h"

#define TURNS_MOST 100 /* of a handshake */

struct trust trust;

void
write_temporary(struct bytes octets, char out[64])
{
	int fd;

	strcpy(out, "/tmp/restante-tls-XXXXXX");
	fd = mkstemp(out);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets.at, octets.octets), octets.octets);
	close(fd);
}

struct tls_context *
server_context(struct bytes certificate, struct bytes key)
{
	struct tls_context *context = NULL;
	char error[TLS_ERROR_SIZE];
	const struct tls_pair pair = {
		.name = "", .certificate = certificate, .key = key};

	if (tls_server_context_new(&pair, &context, error) != OK)
		fail_msg("%s", error);
	return context;
}

struct tls_context *
client_context(struct bytes pem)
{
	struct tls_context *context = NULL;
	char error[TLS_ERROR_SIZE], path[64];

	write_temporary(pem, path);
	if (tls_client_context_new(path, &context, error) != OK)
		fail_msg("%s", error);
	unlink(path);
	return context;
}

int
trust_open(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	buffer_init(&trust.certificate, PEM_MAXIMUM_OCTETS);
	buffer_init(&trust.key, PEM_MAXIMUM_OCTETS);
	if (self_signed_make(HOSTNAME, &trust.certificate, &trust.key) != OK)
		return -1;
	trust.server = server_context(
		buffer_bytes(&trust.certificate), buffer_bytes(&trust.key));
	trust.client = client_context(buffer_bytes(&trust.certificate));
	return 0;
}

int
trust_close(void **state)
{
	tls_context_free(&trust.server);
	tls_context_free(&trust.client);
	buffer_release(&trust.certificate);
	buffer_wipe(&trust.key);
	return 0;
}

void
open_sockets(int *out_one, int *out_other)
{
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0, fds),
		0);
	*out_one = fds[0];
	*out_other = fds[1];
}

static bool
is_waiting(enum tls_result result)
{
	return result == TLS_WANT_READ || result == TLS_WANT_WRITE;
}

/* Each in turn; one that failed sends no more, which the other sees. */
static void
shake_hands(struct peers *p)
{
	p->server_result = p->client_result = TLS_WANT_READ;
	for (int i = 0; i < TURNS_MOST; i++) {
		if (is_waiting(p->client_result))
			p->client_result = tls_handshake(p->client);
		if (is_waiting(p->server_result))
			p->server_result = tls_handshake(p->server);
	}
}

void
peers_open(struct peers *p, struct tls_context *server,
	struct tls_context *client, const char *hostname)
{
	*p = (struct peers){0};
	open_sockets(&p->server_fd, &p->client_fd);
	p->server = tls_accept(server ? server : trust.server, p->server_fd);
	p->client = tls_connect(client ? client : trust.client, p->client_fd,
		hostname ? hostname : HOSTNAME);
	assert_true(p->server && p->client);
	shake_hands(p);
}

void
peers_meet(struct peers *p)
{
	peers_open(p, NULL, NULL, NULL);
	if (p->client_result != TLS_DONE)
		fail_msg("client: %s", tls_error(p->client));
	if (p->server_result != TLS_DONE)
		fail_msg("server: %s", tls_error(p->server));
}

void
peers_close(struct peers *p)
{
	tls_free(&p->server);
	tls_free(&p->client);
	/* They were borrowed. */
	assert_int_equal(close(p->server_fd), 0);
	assert_int_equal(close(p->client_fd), 0);
}
