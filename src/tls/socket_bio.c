/* SPDX-License-Identifier: ISC */
/*
 * OpenSSL's socket with a say in when segments leave: a ticket of TLS 1.3 waits
 * for the greeting, the last reply and close_notify for the end of the stream.
 * Each is a segment less, and wakes the client once less.
 */
#include "tls/context.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int
hold_index(void)
{
	static int index = -1;

	if (index < 0)
		index = BIO_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

/* In TLS 1.2 more of the handshake follows a ticket. */
static bool
is_held(BIO *bio)
{
	const struct socket_hold *hold = BIO_get_ex_data(bio, hold_index());

	return hold->is_ending ||
	       (SSL_get_state(hold->ssl) == TLS_ST_SW_SESSION_TICKET &&
		       SSL_version(hold->ssl) == TLS1_3_VERSION);
}

static int
write_some(BIO *bio, const char *from, int octets)
{
	ssize_t done;

	/* What the kernel encrypts has records of its own. */
	if (!is_held(bio) || BIO_get_ktls_send(bio))
		return BIO_meth_get_write(BIO_s_socket())(bio, from, octets);
	BIO_clear_retry_flags(bio);
	done = send(BIO_get_fd(bio, NULL), from, (size_t)octets,
		MSG_MORE | MSG_NOSIGNAL);
	if (done <= 0 && BIO_sock_should_retry((int)done))
		BIO_set_retry_write(bio);
	return (int)done;
}

static const BIO_METHOD *
method(void)
{
	static BIO_METHOD *made;
	const BIO_METHOD *from = BIO_s_socket();

	if (made || !(made = BIO_meth_new(BIO_TYPE_SOCKET, "held socket")))
		return made;
	BIO_meth_set_create(made, BIO_meth_get_create(from));
	BIO_meth_set_destroy(made, BIO_meth_get_destroy(from));
	BIO_meth_set_ctrl(made, BIO_meth_get_ctrl(from));
	BIO_meth_set_read(made, BIO_meth_get_read(from));
	BIO_meth_set_puts(made, BIO_meth_get_puts(from));
	BIO_meth_set_write(made, write_some);
	return made;
}

/* As SSL_set_fd does it: what the kernel lacks is said when keys are given. */
static void
prepare_ktls(SSL *ssl, int fd)
{
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) < 0)
		SSL_clear_options(ssl, SSL_OP_ENABLE_KTLS);
}

bool
socket_bio_use(SSL *ssl, int fd, struct socket_hold *hold)
{
	BIO *bio = method() ? BIO_new(method()) : NULL;

	hold->ssl = ssl;
	if (!bio || BIO_set_ex_data(bio, hold_index(), hold) != 1) {
		BIO_free(bio);
		return false;
	}
	BIO_set_fd(bio, fd, BIO_NOCLOSE);
	SSL_set_bio(ssl, bio, bio);
	prepare_ktls(ssl, fd);
	return true;
}
