/* SPDX-License-Identifier: ISC */
#include "tls/tls.h"
#include "tls/client_certificate.h"
#include "tls/context.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls {
	bool is_http; /* not POP3 */
	SSL *ssl;
	struct socket_hold hold; /* server */
	char hostname[256];	 /* client: who it should be */
	char description[64];
	char error[TLS_ERROR_SIZE];
	bool is_shut;
	/* client */
	struct tls_pins *pins; /* NULL: any key of a trusted chain */
	X509 *refused;	       /* the server's certificate, that was not */
};

/* ---- whose certificate it is ---- */

static bool
is_mismatch(long verification)
{
	return verification == X509_V_ERR_HOSTNAME_MISMATCH ||
	       verification == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

/* Here, since OpenSSL forgets a certificate that it refuses. */
int
tls_on_verify(int is_right, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *tls = SSL_get_app_data(ssl);
	char names[128] = "";

	if (!is_right && !tls->refused &&
		X509_up_ref(X509_STORE_CTX_get0_cert(store)) == 1)
		tls->refused = X509_STORE_CTX_get0_cert(store);
	if (!is_right && is_mismatch(X509_STORE_CTX_get_error(store))) {
		peer_list_names(
			X509_STORE_CTX_get0_cert(store), names, sizeof(names));
		snprintf(tls->error, sizeof(tls->error),
			"certificate is %s%.100s%snot for %.100s",
			names[0] ? "for " : "", names, names[0] ? ", " : "",
			tls->hostname);
	}
	return is_right;
}

/* ---- connections ---- */

/* SSL_set_tlsext_host_name without its cast, which drops a const. */
static bool
set_server_name(SSL *ssl, const char *hostname)
{
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		       TLSEXT_NAMETYPE_host_name,
		       (void *)(uintptr_t)hostname) == 1;
}

static bool
use_socket(struct tls *tls, bool is_server, int fd)
{
	return is_server ? socket_bio_use(tls->ssl, fd, &tls->hold)
			 : SSL_set_fd(tls->ssl, fd) == 1;
}

static struct tls *
make(struct tls_context *context, int fd)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	tls->ssl = SSL_new(context->ctx);
	if (!tls->ssl || !use_socket(tls, context->is_server, fd) ||
		SSL_set_app_data(tls->ssl, tls) != 1)
		tls_free(&tls);
	return tls;
}

struct tls *
tls_accept(struct tls_context *context, int fd)
{
	struct tls *tls = make(context, fd);

	if (tls)
		SSL_set_accept_state(tls->ssl);
	return tls;
}

bool
tls_is_http(const SSL *ssl)
{
	const struct tls *tls = SSL_get_app_data(ssl);

	return tls->is_http;
}

void
tls_speak_http(struct tls *tls)
{
	tls->is_http = true;
	SSL_set_verify(tls->ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_options(tls->ssl, SSL_OP_NO_TICKET);
	SSL_set_num_tickets(tls->ssl, 0);
	SSL_set_session_id_context(
		tls->ssl, (const unsigned char *)"restante-web", 12);
}

struct tls *
tls_connect(struct tls_context *context, int fd, const char *hostname)
{
	struct tls *tls = make(context, fd);
	X509_VERIFY_PARAM *wanted;
	bool is_address;

	if (!tls)
		return NULL;
	if (context->pins.count > 0) {
		tls->pins = malloc(sizeof(*tls->pins));
		if (!tls->pins) {
			tls_free(&tls);
			return NULL;
		}
		*tls->pins = context->pins;
	}
	snprintf(tls->hostname, sizeof(tls->hostname), "%s", hostname);
	wanted = SSL_get0_param(tls->ssl);
	is_address = X509_VERIFY_PARAM_set1_ip_asc(wanted, hostname) == 1;
	if (!is_address) {
		X509_VERIFY_PARAM_set_hostflags(
			wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		if (X509_VERIFY_PARAM_set1_host(wanted, hostname, 0) != 1 ||
			!set_server_name(tls->ssl, hostname))
			tls_free(&tls);
	}
	ERR_clear_error();
	if (tls)
		SSL_set_connect_state(tls->ssl);
	return tls;
}

void
tls_free(struct tls **tls)
{
	if (!*tls)
		return;
	SSL_free((*tls)->ssl);
	X509_free((*tls)->refused);
	free((*tls)->pins);
	free(*tls);
	*tls = NULL;
}

static void
say_verification(struct tls *tls, long result)
{
	if (!is_mismatch(result))
		snprintf(tls->error, sizeof(tls->error),
			"certificate not trusted: %s",
			X509_verify_cert_error_string(result));
	ERR_clear_error();
}

/* if_closed: only for a reader is it an end like any other. */
static enum tls_result
result_of(struct tls *tls, int returned, enum tls_result if_closed,
	const char *what)
{
	long verification;

	switch (SSL_get_error(tls->ssl, returned)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		snprintf(tls->error, sizeof(tls->error),
			"%s: the other side closed", what);
		return if_closed;
	case SSL_ERROR_SYSCALL:
		if (!ERR_peek_error()) {
			snprintf(tls->error, sizeof(tls->error), "%s: %s", what,
				errno ? strerror(errno)
				      : "the other side closed");
			return TLS_FAILED;
		}
		break;
	default:
		break;
	}
	verification = SSL_get_verify_result(tls->ssl);
	if (!SSL_is_server(tls->ssl) && verification != X509_V_OK)
		say_verification(tls, verification);
	else
		tls_say(tls->error, what);
	return TLS_FAILED;
}

/* Is one of the chain's keys pinned? A pin may name the CA. */
static bool
is_pinned(const struct tls *tls)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(tls->ssl);
	unsigned char digest[TLS_PIN_OCTETS];

	for (int i = 0; chain && i < sk_X509_num(chain); i++)
		if (peer_pin(sk_X509_value(chain, i), digest) &&
			tls_pins_have(tls->pins, digest))
			return true;
	return false;
}

static enum tls_result
check_pins(struct tls *tls)
{
	char first[TLS_PIN_TEXT_SIZE], more[32] = "";
	struct tls_peer certificate = {0};

	if (!tls->pins || is_pinned(tls))
		return TLS_DONE;
	tls_peer_certificate(tls, &certificate);
	if (tls->pins->count > 1)
		snprintf(more, sizeof(more), " or %zu more",
			tls->pins->count - 1);
	snprintf(tls->error, sizeof(tls->error),
		"tls-pin expects the key %s%s, and the server has %s; if your "
		"provider says that it changed its key, write the new one, "
		"else somebody is in between",
		tls_pin_text(tls->pins->digests[0], first), more,
		certificate.pin);
	return TLS_FAILED;
}

enum tls_result
tls_handshake(struct tls *tls)
{
	int returned;

	ERR_clear_error();
	errno = 0;
	returned = SSL_do_handshake(tls->ssl);
	if (returned == 1)
		return check_pins(tls);
	return result_of(tls, returned, TLS_FAILED, "handshake failed");
}

enum tls_result
tls_read(struct tls *tls, unsigned char *to, size_t room, size_t *out_octets)
{
	int returned;

	ERR_clear_error();
	errno = 0;
	returned = SSL_read_ex(tls->ssl, to, room, out_octets);
	return returned == 1
		       ? TLS_DONE
		       : result_of(tls, returned, TLS_CLOSED, "reading failed");
}

enum tls_result
tls_write(struct tls *tls, struct bytes from, size_t *out_octets)
{
	int returned;

	ERR_clear_error();
	errno = 0;
	returned = SSL_write_ex(tls->ssl, from.at, from.octets, out_octets);
	if (returned == 1)
		return TLS_DONE;
	return result_of(tls, returned, TLS_FAILED, "writing failed");
}

bool
tls_has_sendfile(const struct tls *tls)
{
	return BIO_get_ktls_send(SSL_get_wbio(tls->ssl));
}

enum tls_result
tls_sendfile(struct tls *tls, int fd, uint64_t offset, size_t octets,
	size_t *out_octets)
{
	ossl_ssize_t sent;

	ERR_clear_error();
	errno = 0;
	sent = SSL_sendfile(tls->ssl, fd, (off_t)offset, octets, 0);
	if (sent < 0)
		return result_of(tls, (int)sent, TLS_FAILED, "sending failed");
	*out_octets = (size_t)sent;
	return TLS_DONE;
}

size_t
tls_pending(const struct tls *tls)
{
	return (size_t)SSL_pending(tls->ssl);
}

bool
tls_has_more(const struct tls *tls)
{
	return SSL_has_pending(tls->ssl) == 1;
}

void
tls_hold_back(struct tls *tls)
{
	tls->hold.is_ending = true;
}

void
tls_shutdown(struct tls *tls)
{
	if (!tls->is_shut && SSL_is_init_finished(tls->ssl))
		SSL_shutdown(tls->ssl);
	tls->is_shut = true;
	ERR_clear_error();
}

const char *
tls_description(const struct tls *tls)
{
	/* Both parts are OpenSSL's constants: joined once. */
	struct tls *self = (struct tls *)(uintptr_t)tls;

	if (!self->description[0])
		snprintf(self->description, sizeof(self->description), "%s/%s",
			SSL_get_version(tls->ssl),
			SSL_get_cipher_name(tls->ssl));
	return tls->description;
}

/* NULL: none came. */
static X509 *
peer_of(const struct tls *tls)
{
	return tls->refused ? tls->refused
			    : SSL_get0_peer_certificate(tls->ssl);
}

bool
tls_peer_certificate(const struct tls *tls, struct tls_peer *out)
{
	X509 *certificate = peer_of(tls);

	if (certificate)
		peer_describe(certificate, out);
	return certificate != NULL;
}

bool
tls_peer_is_for(const struct tls *tls, const char *domain)
{
	X509 *certificate = peer_of(tls);

	return certificate && peer_is_for(certificate, domain);
}

bool
tls_peer_id(const struct tls *tls, unsigned char out[32])
{
	X509 *shown = peer_of(tls);

	return shown && X509_digest(shown, EVP_sha256(), out, NULL) == 1;
}

const char *
tls_error(const struct tls *tls)
{
	return tls->error;
}

bool
tls_exporter(struct tls *tls, unsigned char out[TLS_EXPORTER_OCTETS])
{
	static const char label[] = "EXPORTER-Channel-Binding";

	return SSL_version(tls->ssl) >= TLS1_3_VERSION &&
	       SSL_export_keying_material(tls->ssl, out, TLS_EXPORTER_OCTETS,
		       label, sizeof(label) - 1, (const unsigned char *)"", 0,
		       1) == 1;
}

static bool
has_unique(const struct tls *tls)
{
	return SSL_version(tls->ssl) == TLS1_2_VERSION &&
	       /* Without its cast, which drops a const. */
	       SSL_ctrl(tls->ssl, SSL_CTRL_GET_EXTMS_SUPPORT, 0, NULL) == 1;
}

/* The first Finished message: the client's, but the server's when a session was
   resumed (RFC 5929 section 3.1). */
size_t
tls_unique(const struct tls *tls, unsigned char out[TLS_UNIQUE_MAXIMUM_OCTETS])
{
	bool is_ours = !SSL_is_server(tls->ssl);

	if (!has_unique(tls))
		return 0;
	if (SSL_session_reused(tls->ssl))
		is_ours = !is_ours;
	return is_ours ? SSL_get_finished(
				 tls->ssl, out, TLS_UNIQUE_MAXIMUM_OCTETS)
		       : SSL_get_peer_finished(
				 tls->ssl, out, TLS_UNIQUE_MAXIMUM_OCTETS);
}

bool
tls_can_bind(const struct tls *tls)
{
	return SSL_version(tls->ssl) >= TLS1_3_VERSION || has_unique(tls);
}

bool
tls_client_certificate(const struct tls *tls, struct client_certificate *out,
	const char **out_why)
{
	X509 *shown = SSL_is_server(tls->ssl)
			      ? SSL_get0_peer_certificate(tls->ssl)
			      : NULL;
	long verification = SSL_get_verify_result(tls->ssl);
	const char *why = NULL;

	if (shown && verification != X509_V_OK)
		why = X509_verify_cert_error_string(verification);
	/* It may have been verified days ago: a ticket remembers. */
	else if (shown && !client_certificate_is_current(shown))
		why = "certificate has expired";
	else if (shown && !client_certificate_read(shown, out))
		why = "cannot be read";
	if (out_why)
		*out_why = why;
	return shown && !why;
}
