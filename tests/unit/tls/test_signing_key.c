/* SPDX-License-Identifier: ISC */
/* A handshake whose signature is made elsewhere, with EC and RSA keys. */
#include "../check.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "tls/signing_key.h"
#include "tls/tls.h"

static EVP_PKEY *keeper; /* what the role that holds keys has */
static unsigned asked[SIGN_HOW_COUNT];
static bool is_away;

static size_t
sign(void *context, const unsigned char key_id[SIGNING_KEY_ID_OCTETS],
	enum signing_how how, struct bytes in, unsigned char *out, size_t size)
{
	unsigned char id[SIGNING_KEY_ID_OCTETS];
	struct signing_contexts contexts = {0};
	size_t octets;

	assert_ptr_equal(context, &asked);
	assert_true(signing_key_id(keeper, id));
	assert_memory_equal(id, key_id, sizeof(id));
	asked[how]++;
	if (is_away)
		return 0;
	octets = signing_key_sign(keeper, &contexts, how, in, out, size);
	signing_contexts_release(&contexts);
	return octets;
}

static const struct tls_signer signer = {.sign = sign, .context = &asked};

/* A certificate for localhost of this key, as PEM. */
static void
certify(EVP_PKEY *key, struct buffer *out)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long octets;

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	PEM_write_bio_X509(bio, certificate);
	octets = BIO_get_mem_data(bio, &text);
	assert_true(buffer_append(out, text, (size_t)octets));
	BIO_free(bio);
	X509_free(certificate);
}

static void
write_file(char *path, struct bytes bytes)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.at, bytes.octets), bytes.octets);
	close(fd);
}

/* True when both ends came through. */
static bool
shake_hands(struct tls_context *server_context, struct tls_context *clients)
{
	int fds[2];
	enum tls_result server = TLS_WANT_READ, client = TLS_WANT_READ;
	struct tls *a, *b;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	a = tls_accept(server_context, fds[0]);
	b = tls_connect(clients, fds[1], "localhost");
	for (int i = 0; i < 20; i++) {
		if (client != TLS_DONE)
			client = tls_handshake(b);
		if (server != TLS_DONE)
			server = tls_handshake(a);
		if (client == TLS_FAILED || server == TLS_FAILED)
			break;
	}
	tls_free(&a);
	tls_free(&b);
	close(fds[0]);
	close(fds[1]);
	return client == TLS_DONE && server == TLS_DONE;
}

static void
try_key(EVP_PKEY *key, enum signing_how how)
{
	char ca_file[] = "/tmp/restante-signing-XXXXXX", error[TLS_ERROR_SIZE];
	struct tls_context *server = NULL, *client = NULL;
	struct tls_pair pair = {.name = "", .signer = &signer};
	struct buffer pem;

	assert_non_null(key);
	keeper = key;
	buffer_init(&pem, 65536);
	certify(key, &pem);
	pair.certificate = buffer_bytes(&pem);
	write_file(ca_file, pair.certificate);
	assert_int_equal(tls_server_context_new(&pair, &server, error), OK);
	assert_int_equal(tls_client_context_new(ca_file, &client, error), OK);
	memset(asked, 0, sizeof(asked));
	assert_true(shake_hands(server, client));
	assert_int_equal(asked[how], 1);
	/* Nobody signs: no handshake, and no crash. */
	is_away = true;
	assert_false(shake_hands(server, client));
	is_away = false;
	assert_true(shake_hands(server, client));
	tls_context_free(&server);
	tls_context_free(&client);
	unlink(ca_file);
	buffer_release(&pem);
	EVP_PKEY_free(key);
}

static void
test_ec(void **state)
{
	try_key(EVP_EC_gen("P-256"), SIGN_ECDSA);
}

static void
test_rsa(void **state)
{
	/* TLS 1.3 has PSS only, which OpenSSL pads by itself. */
	try_key(EVP_RSA_gen(2048), SIGN_RSA_PLAIN);
}

static void
test_a_key_that_cannot(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	assert_non_null(key);
	assert_null(signing_key_likeness(key, &signer));
	EVP_PKEY_free(key);
}

/* The likeness is worth nothing without its signer. */
static void
test_the_likeness_holds_no_secret(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *likeness;

	likeness = signing_key_likeness(key, &signer);
	assert_non_null(likeness);
	assert_int_equal(EVP_PKEY_eq(key, likeness), 1);
	assert_true(i2d_PrivateKey(key, NULL) > 0);
	assert_true(i2d_PrivateKey(likeness, NULL) <= 0);
	EVP_PKEY_free(likeness);
	EVP_PKEY_free(key);
}

static void
test_the_wrong_way_is_refused(void **state)
{
	unsigned char digest[32] = {0}, out[SIGNATURE_MAXIMUM_OCTETS];
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);
	struct bytes in = bytes_of(digest, sizeof(digest));
	struct signing_contexts of_ec = {0}, of_rsa = {0};

	assert_true(signing_key_sign(
			    ec, &of_ec, SIGN_ECDSA, in, out, sizeof(out)) > 0);
	assert_int_equal(signing_key_sign(ec, &of_ec, SIGN_RSA_PKCS1, in, out,
				 sizeof(out)),
		0);
	assert_int_equal(signing_key_sign(rsa, &of_rsa, SIGN_ECDSA, in, out,
				 sizeof(out)),
		0);
	assert_int_equal(signing_key_sign(rsa, &of_rsa, SIGN_RSA_PLAIN, in, out,
				 sizeof(out)),
		0);
	assert_int_equal(
		signing_key_sign(ec, &of_ec, SIGN_ECDSA, in, out, 8), 0);
	signing_contexts_release(&of_ec);
	signing_contexts_release(&of_rsa);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}

/* One signature leaves its context to the next, also when one has failed. */
static void
test_one_after_the_other(void **state)
{
	unsigned char digest[32], out[SIGNATURE_MAXIMUM_OCTETS];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct bytes in = bytes_of(digest, sizeof(digest));
	struct signing_contexts contexts = {0};
	EVP_PKEY_CTX *verifying = EVP_PKEY_CTX_new(key, NULL);

	assert_int_equal(EVP_PKEY_verify_init(verifying), 1);
	for (unsigned char i = 0; i < 5; i++) {
		size_t size = i == 2 ? 8 : sizeof(out), octets;

		memset(digest, i, sizeof(digest));
		octets = signing_key_sign(
			key, &contexts, SIGN_ECDSA, in, out, size);
		assert_int_equal(octets > 0, i != 2);
		if (i != 2)
			assert_int_equal(EVP_PKEY_verify(verifying, out, octets,
						 digest, sizeof(digest)),
				1);
	}
	EVP_PKEY_CTX_free(verifying);
	signing_contexts_release(&contexts);
	EVP_PKEY_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ec),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_a_key_that_cannot),
		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_the_likeness_holds_no_secret),
		cmocka_unit_test(test_the_wrong_way_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
