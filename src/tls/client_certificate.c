/* SPDX-License-Identifier: ISC */
#include "tls/client_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static void
put_subject(const X509 *certificate, char out[CLIENT_SUBJECT_SIZE])
{
	BIO *text = BIO_new(BIO_s_mem());
	char *at;
	long octets;

	out[0] = '\0';
	if (text && X509_NAME_print_ex(text, X509_get_subject_name(certificate),
			    0, XN_FLAG_RFC2253) >= 0) {
		octets = BIO_get_mem_data(text, &at);
		if (octets > 0)
			bytes_to_string(bytes_of(at, (size_t)octets), out,
				CLIENT_SUBJECT_SIZE);
	}
	BIO_free(text);
}

static void
put_email(const X509 *certificate, char out[CLIENT_NAME_SIZE])
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	out[0] = '\0';
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_EMAIL)
			continue;
		bytes_to_string(
			bytes_of(ASN1_STRING_get0_data(name->d.rfc822Name),
				(size_t)ASN1_STRING_length(name->d.rfc822Name)),
			out, CLIENT_NAME_SIZE);
		break;
	}
	GENERAL_NAMES_free(names);
}

static void
put_common_name(const X509 *certificate, char out[CLIENT_NAME_SIZE])
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int octets;

	out[0] = '\0';
	if (at < 0 ||
		X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return;
	octets = ASN1_STRING_to_UTF8(&text,
		X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (octets > 0)
		bytes_to_string(
			bytes_of(text, (size_t)octets), out, CLIENT_NAME_SIZE);
	OPENSSL_free(text);
}

bool
client_certificate_read(const X509 *certificate, struct client_certificate *out)
{
	unsigned octets = sizeof(out->fingerprint);

	if (X509_digest(certificate, EVP_sha256(), out->fingerprint, &octets) !=
		1)
		return false;
	put_subject(certificate, out->subject);
	put_email(certificate, out->email);
	put_common_name(certificate, out->common_name);
	ERR_clear_error();
	return true;
}

bool
client_certificate_is_current(const X509 *certificate)
{
	return X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
	       X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}
