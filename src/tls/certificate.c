/* SPDX-License-Identifier: ISC */
#include "tls/certificate.h"
#include "tls/signing_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- reading ---- */

X509 *
certificate_of_pem(struct bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.octets);
	X509 *leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return leaf;
}

/* All of them, the leaf too. */
static STACK_OF(X509) * all_of_pem(struct bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.octets);
	STACK_OF(X509) *all = sk_X509_new_null();
	X509 *next;

	while (bio && all && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (sk_X509_push(all, next) <= 0)
			X509_free(next);
	/* The end of the file is an error to OpenSSL. */
	ERR_clear_error();
	BIO_free(bio);
	return all;
}

void
certificate_each_name(const X509 *certificate,
	void (*each)(const char *name, void *context), void *context)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *string = name->d.dNSName;
		const char *text;

		if (name->type != GEN_DNS)
			continue;
		text = (const char *)ASN1_STRING_get0_data(string);
		if (strlen(text) == (size_t)ASN1_STRING_length(string))
			each(text, context);
	}
	GENERAL_NAMES_free(names);
}

/* ---- describing ---- */

/* They are shown on terminals. */
static void
add_name(const char *name, void *context)
{
	char *names = context;
	size_t used = strlen(names);
	size_t room = CERTIFICATE_NAMES_SIZE - used;
	int octets;

	if (used >= 3 && strcmp(names + used - 3, "...") == 0)
		return;
	octets = snprintf(names + used, room, "%s%s", used ? ", " : "", name);
	if (octets < 0 || (size_t)octets + sizeof(", ...") > room)
		snprintf(names + used, room, "%s...", used ? ", " : "");
	for (char *at = names + used; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

static uint64_t
seconds_of(const ASN1_TIME *time)
{
	struct tm parts = {0};
	time_t seconds;

	if (ASN1_TIME_to_tm(time, &parts) != 1)
		return 0;
	seconds = timegm(&parts);
	return seconds > 0 ? (uint64_t)seconds : 0;
}

static bool
describe_key(EVP_PKEY *key, char *out, size_t size)
{
	char curve[64] = "";
	const char *name = NULL;

	if (!key)
		return false;
	if (EVP_PKEY_is_a(key, "EC") == 1) {
		EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL);
		name = EC_curve_nid2nist(OBJ_txt2nid(curve));
		snprintf(out, size, "EC %.24s", name ? name : curve);
		return true;
	}
	snprintf(out, size, "RSA %d", EVP_PKEY_get_bits(key));
	return EVP_PKEY_is_a(key, "RSA") == 1;
}

enum outcome
certificate_describe(struct bytes pem, struct certificate_info *out,
	char error[CERTIFICATE_ERROR_SIZE])
{
	STACK_OF(X509) *all = all_of_pem(pem);
	X509 *leaf = sk_X509_num(all) > 0 ? sk_X509_value(all, 0) : NULL;
	struct certificate_info info = {
		.certificates = leaf ? (unsigned)sk_X509_num(all) : 0};
	enum outcome outcome = ERR_BROKEN;

	if (!leaf) {
		snprintf(error, CERTIFICATE_ERROR_SIZE,
			"it is no PEM certificate");
	} else if (!describe_key(X509_get0_pubkey(leaf), info.kind,
			   sizeof(info.kind)) ||
		   X509_digest(leaf, EVP_sha256(), info.id, NULL) != 1) {
		snprintf(error, CERTIFICATE_ERROR_SIZE,
			"its key is neither EC nor RSA");
	} else {
		certificate_each_name(leaf, add_name, info.names);
		info.from_seconds = seconds_of(X509_get0_notBefore(leaf));
		info.until_seconds = seconds_of(X509_get0_notAfter(leaf));
		*out = info;
		outcome = OK;
	}
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return outcome;
}

long
certificate_days_left(const struct certificate_info *info, uint64_t now_seconds)
{
	int64_t left = (int64_t)info->until_seconds - (int64_t)now_seconds;

	/* A second over is a day over: rounded down. */
	return (long)((left - (left < 0 ? 86399 : 0)) / 86400);
}

bool
certificate_covers(struct bytes pem, const char *host)
{
	X509 *leaf = certificate_of_pem(pem);
	bool is_covered =
		leaf && (X509_check_host(leaf, host, 0,
				 X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
					 X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
				 NULL) == 1 ||
				X509_check_ip_asc(leaf, host, 0) == 1);

	X509_free(leaf);
	ERR_clear_error();
	return is_covered;
}

bool
certificate_fits_key(struct bytes pem, struct bytes key)
{
	X509 *leaf = certificate_of_pem(pem);
	EVP_PKEY *pair = signing_key_read(key);
	bool fits = leaf && pair && X509_check_private_key(leaf, pair) == 1;

	X509_free(leaf);
	EVP_PKEY_free(pair);
	ERR_clear_error();
	return fits;
}

/* ---- whom it leads to ---- */

static enum certificate_chain
judge(int error, X509 *last, char why[CERTIFICATE_ERROR_SIZE])
{
	switch (error) {
	case X509_V_OK:
		return CHAIN_TRUSTED;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return CHAIN_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return CHAIN_UNKNOWN_ROOT;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		X509_NAME_oneline(X509_get_issuer_name(last), why,
			CERTIFICATE_ERROR_SIZE);
		return CHAIN_INCOMPLETE;
	default:
		snprintf(why, CERTIFICATE_ERROR_SIZE, "%s",
			X509_verify_cert_error_string(error));
		return CHAIN_BROKEN;
	}
}

static X509_STORE *
trusted_here(void)
{
	X509_STORE *store = X509_STORE_new();

	if (store && X509_STORE_set_default_paths(store) == 1)
		return store;
	X509_STORE_free(store);
	return NULL;
}

enum certificate_chain
certificate_chain(struct bytes pem, char why[CERTIFICATE_ERROR_SIZE])
{
	STACK_OF(X509) *all = all_of_pem(pem);
	X509_STORE *store = trusted_here();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum certificate_chain chain = CHAIN_BROKEN;
	X509 *last;

	snprintf(why, CERTIFICATE_ERROR_SIZE, "it cannot be checked");
	if (store && ctx && sk_X509_num(all) > 0 &&
		X509_STORE_CTX_init(ctx, store, sk_X509_value(all, 0), all) ==
			1) {
		X509_STORE_CTX_set_default(ctx, "ssl_server");
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
		X509_verify_cert(ctx);
		last = X509_STORE_CTX_get_current_cert(ctx);
		chain = judge(X509_STORE_CTX_get_error(ctx),
			last ? last : sk_X509_value(all, 0), why);
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return chain;
}
