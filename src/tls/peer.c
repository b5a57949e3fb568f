/* SPDX-License-Identifier: ISC */
#include "tls/peer.h"
#include "tls/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SERVICE_SIZE 300

/* The other side chose it; people read it on a terminal. */
static void
make_printable(char *text)
{
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

struct listing {
	char *out;
	size_t size;
};

static void
list_name(const char *name, void *context)
{
	const struct listing *to = context;
	size_t used = strlen(to->out);

	if (used + 2 < to->size)
		snprintf(to->out + used, to->size - used, "%s%.60s",
			used ? ", " : "", name);
}

void
peer_list_names(X509 *certificate, char *out, size_t size)
{
	struct listing listing = {out, size};

	out[0] = '\0';
	certificate_each_name(certificate, list_name, &listing);
	make_printable(out);
}

bool
peer_pin(X509 *certificate, unsigned char out[TLS_PIN_OCTETS])
{
	unsigned char *key = NULL;
	int octets = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
	bool is_good = octets > 0 && EVP_Digest(key, (size_t)octets, out, NULL,
					     EVP_sha256(), NULL) == 1;

	OPENSSL_free(key);
	ERR_clear_error();
	return is_good;
}

/* Organisation, or the name, of who signed it. */
static void
describe_issuer(X509 *certificate, char *out, size_t size)
{
	X509_NAME *issuer = X509_get_issuer_name(certificate);

	out[0] = '\0';
	if (X509_NAME_get_text_by_NID(
		    issuer, NID_organizationName, out, (int)size) < 0)
		X509_NAME_get_text_by_NID(
			issuer, NID_commonName, out, (int)size);
	make_printable(out);
	ERR_clear_error();
}

void
peer_describe(X509 *certificate, struct tls_peer *out)
{
	unsigned char digest[TLS_PIN_OCTETS];
	struct tm until = {0};

	*out = (struct tls_peer){0};
	peer_list_names(certificate, out->names, sizeof(out->names));
	describe_issuer(certificate, out->issuer, sizeof(out->issuer));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) == 1)
		out->good_until_seconds = timegm(&until);
	if (peer_pin(certificate, digest))
		tls_pin_text(digest, out->pin);
}

/* Is it a name of a service, "_pop3s.example.org"? */
static bool
is_service(const GENERAL_NAME *name, const char *wanted)
{
	ASN1_OBJECT *kind;
	ASN1_TYPE *value;

	if (name->type != GEN_OTHERNAME ||
		GENERAL_NAME_get0_otherName(name, &kind, &value) != 1 ||
		OBJ_obj2nid(kind) != NID_SRVName ||
		value->type != V_ASN1_IA5STRING)
		return false;
	return (size_t)ASN1_STRING_length(value->value.ia5string) ==
		       strlen(wanted) &&
	       strncasecmp((const char *)ASN1_STRING_get0_data(
				   value->value.ia5string),
		       wanted, strlen(wanted)) == 0;
}

static bool
has_service(X509 *certificate, const char *service, const char *domain)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	char wanted[SERVICE_SIZE];
	bool is_there = false;

	snprintf(wanted, sizeof(wanted), "%s.%s", service, domain);
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
		is_there |= is_service(sk_GENERAL_NAME_value(names, i), wanted);
	GENERAL_NAMES_free(names);
	return is_there;
}

bool
peer_is_for(X509 *certificate, const char *domain)
{
	bool is_for = X509_check_host(certificate, domain, 0,
			      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
				      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
			      NULL) == 1 ||
		      has_service(certificate, "_pop3s", domain) ||
		      has_service(certificate, "_pop3", domain);

	ERR_clear_error();
	return is_for;
}
