/* SPDX-License-Identifier: ISC */
#include "certificates.h"

#include "../check.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#define DAY_SECONDS (24 * 3600L)

static void
add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void
sign(struct certificate *c, const struct certificate_wish *wish)
{
	const struct certificate *issuer = wish->issuer ? wish->issuer : c;
	char names[1400];

	snprintf(names, sizeof(names), "DNS:%s", wish->hostname);
	add_extension(c->x509, issuer->x509, NID_basic_constraints,
		wish->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(c->x509, issuer->x509, NID_subject_alt_name, names);
	assert_int_equal(X509_set_issuer_name(
				 c->x509, X509_get_subject_name(issuer->x509)),
		1);
	assert_true(X509_sign(c->x509, issuer->key, EVP_sha256()) > 0);
}

static void
take_pem(BIO *bio, struct buffer *out)
{
	char *at;
	long octets = BIO_get_mem_data(bio, &at);

	buffer_init(out, PEM_MAXIMUM_OCTETS);
	assert_true(buffer_append(out, at, (size_t)octets));
	BIO_free(bio);
}

static void
write_pem(struct certificate *c, const char *pass_phrase)
{
	BIO *bio = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
	const EVP_CIPHER *cipher = pass_phrase ? EVP_aes_128_cbc() : NULL;

	assert_int_equal(PEM_write_bio_X509(bio, c->x509), 1);
	assert_int_equal(
		PEM_write_bio_PrivateKey(key, c->key, cipher,
			(const unsigned char *)pass_phrase,
			pass_phrase ? (int)strlen(pass_phrase) : 0, NULL, NULL),
		1);
	take_pem(bio, &c->pem);
	take_pem(key, &c->key_pem);
}

void
certificate_make(struct certificate *out, const struct certificate_wish *wish)
{
	static long serial = 1;
	char common[32];

	*out = (struct certificate){.x509 = X509_new(),
		.key = wish->rsa_bits ? EVP_RSA_gen(wish->rsa_bits)
				      : EVP_EC_gen("P-256")};
	assert_true(out->x509 && out->key);
	X509_set_version(out->x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(out->x509), serial++);
	X509_gmtime_adj(
		X509_getm_notBefore(out->x509), wish->from_days * DAY_SECONDS);
	X509_gmtime_adj(
		X509_getm_notAfter(out->x509), wish->to_days * DAY_SECONDS);
	/* One of its own: who issued it is found by this. */
	snprintf(common, sizeof(common), "test %ld", serial);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(out->x509), "CN",
		MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0);
	X509_set_pubkey(out->x509, out->key);
	sign(out, wish);
	write_pem(out, wish->pass_phrase);
}

void
certificate_release(struct certificate *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	buffer_release(&c->pem);
	buffer_release(&c->key_pem);
	*c = (struct certificate){0};
}

EVP_PKEY *
key_of_pem(struct bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.octets);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(key);
	return key;
}
