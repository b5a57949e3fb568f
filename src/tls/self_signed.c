/* SPDX-License-Identifier: ISC */
#include "tls/self_signed.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define TEN_YEARS_SECONDS (3650L * 24 * 3600)

static bool
add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool is_added;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	is_added = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return is_added;
}

static bool
set_serial(X509 *certificate)
{
	unsigned char random[16];
	BIGNUM *number = NULL;
	bool is_set = RAND_bytes(random, sizeof(random)) == 1;

	random[0] &= 0x7f;
	if (is_set)
		number = BN_bin2bn(random, sizeof(random), NULL);
	is_set = number &&
		 BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return is_set;
}

static bool
is_only(const char *text, const char *octets)
{
	return text[strspn(text, octets)] == '\0';
}

/* A name that is none (an address, a blank) is left out: localhost stays. */
static void
put_names(const char *hostname, char *out, size_t size)
{
	bool is_name = strlen(hostname) < 200 &&
		       is_only(hostname, "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.-") &&
		       !is_only(hostname, "0123456789.") &&
		       strcmp(hostname, "localhost") != 0;

	snprintf(out, size, "%s%s%sDNS:localhost,IP:127.0.0.1,IP:::1",
		is_name ? "DNS:" : "", is_name ? hostname : "",
		is_name ? "," : "");
}

static bool
fill(X509 *certificate, EVP_PKEY *key, const char *hostname)
{
	X509_NAME *name = X509_get_subject_name(certificate);
	const unsigned char *common =
		(const unsigned char *)"Restante self-signed";
	char names[320];

	put_names(hostname, names, sizeof(names));
	return X509_set_version(certificate, X509_VERSION_3) &&
	       set_serial(certificate) &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
	       X509_gmtime_adj(
		       X509_getm_notAfter(certificate), TEN_YEARS_SECONDS) &&
	       X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_ASC, common, -1, -1, 0) &&
	       X509_set_issuer_name(certificate, name) &&
	       X509_set_pubkey(certificate, key) &&
	       add_extension(certificate, NID_basic_constraints,
		       "critical,CA:TRUE") &&
	       add_extension(certificate, NID_key_usage,
		       "critical,digitalSignature,keyCertSign") &&
	       add_extension(certificate, NID_subject_key_identifier, "hash") &&
	       add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
	       add_extension(certificate, NID_subject_alt_name, names) &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool
take_pem(BIO *bio, struct buffer *out)
{
	char *at;
	long octets = BIO_get_mem_data(bio, &at);

	return octets > 0 && buffer_append(out, at, (size_t)octets);
}

static bool
write_pem(X509 *certificate, EVP_PKEY *key, struct buffer *out_certificate,
	struct buffer *out_key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	BIO *secret = BIO_new(BIO_s_secmem());
	bool is_written =
		bio && secret && PEM_write_bio_X509(bio, certificate) &&
		PEM_write_bio_PrivateKey(
			secret, key, NULL, NULL, 0, NULL, NULL) &&
		take_pem(bio, out_certificate) && take_pem(secret, out_key);

	BIO_free(bio);
	BIO_free(secret);
	return is_written;
}

enum outcome
self_signed_make(
	const char *hostname, struct buffer *certificate, struct buffer *key)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *made = X509_new();
	bool is_made = pair && made && fill(made, pair, hostname) &&
		       write_pem(made, pair, certificate, key);

	X509_free(made);
	EVP_PKEY_free(pair);
	return is_made ? OK : ERR_TRY_LATER;
}
