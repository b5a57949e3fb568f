/* SPDX-License-Identifier: ISC */
#include "programs/restantectl/certificate.h"
#include "programs/terminal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define FINGERPRINT "sha256:"
#define SUBJECT	    "subject:"
#define HEX_OCTETS  64

static bool
add_digit(char hash[ACCOUNT_HASH_SIZE], size_t *count, char digit)
{
	if (digit >= 'A' && digit <= 'F')
		digit = (char)(digit + ('a' - 'A'));
	if (!((digit >= '0' && digit <= '9') ||
		    (digit >= 'a' && digit <= 'f')) ||
		*count >= HEX_OCTETS)
		return false;
	hash[strlen(FINGERPRINT) + (*count)++] = digit;
	return true;
}

static int
read_fingerprint(const char *text, char hash[ACCOUNT_HASH_SIZE])
{
	size_t count = 0;

	memset(hash, 0, ACCOUNT_HASH_SIZE);
	memcpy(hash, FINGERPRINT, strlen(FINGERPRINT));
	for (const char *at = text + strlen(FINGERPRINT); *at; at++)
		if (*at != ':' && !add_digit(hash, &count, *at))
			break;
	if (count == HEX_OCTETS)
		return EX_OK;
	return complain(EX_DATAERR,
		"%s: a fingerprint has %d hexadecimal digits, as `openssl x509 "
		"-noout -fingerprint -sha256` prints them",
		text, HEX_OCTETS);
}

static int
read_file(const char *path, char hash[ACCOUNT_HASH_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned octets = 0;
	FILE *file = fopen(path, "re");
	X509 *certificate;
	size_t used;

	if (!file)
		return complain(EX_NOINPUT, "%s: %s", path, strerror(errno));
	certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	if (certificate)
		X509_digest(certificate, EVP_sha256(), digest, &octets);
	X509_free(certificate);
	ERR_clear_error();
	if (octets == 0)
		return complain(
			EX_DATAERR, "%s: there is no certificate in it", path);
	used = (size_t)snprintf(hash, ACCOUNT_HASH_SIZE, "%s", FINGERPRINT);
	for (unsigned i = 0; i < octets; i++)
		used += (size_t)snprintf(hash + used, ACCOUNT_HASH_SIZE - used,
			"%02x", digest[i]);
	return EX_OK;
}

static int
read_subject(const char *text, char hash[ACCOUNT_HASH_SIZE])
{
	if (text[strlen(SUBJECT)] != '\0' &&
		bytes_to_string(bytes_of_string(text), hash, ACCOUNT_HASH_SIZE))
		return EX_OK;
	return complain(EX_DATAERR, "%.60s: a subject has 1 to %d octets", text,
		ACCOUNT_HASH_SIZE - 1 - (int)strlen(SUBJECT));
}

int
read_certificate(const char *text, struct credential *credential)
{
	credential->kind = CREDENTIAL_CERTIFICATE;
	if (strncmp(text, FINGERPRINT, strlen(FINGERPRINT)) == 0)
		return read_fingerprint(text, credential->hash);
	if (strncmp(text, SUBJECT, strlen(SUBJECT)) == 0)
		return read_subject(text, credential->hash);
	return read_file(text, credential->hash);
}
