/* SPDX-License-Identifier: ISC */
/*
 * scram_message - the four messages of SCRAM, taken apart. What comes out is
 * borrowed from the message; nothing is decoded but what says so.
 *
 * Strict: attributes in their order, no mandatory extension ("m="), values not
 * empty. Extensions behind the known attributes are skipped.
 *
 * Source: RFC 5802 sections 5 and 7.
 */
#ifndef SASL_SCRAM_MESSAGE_H
#define SASL_SCRAM_MESSAGE_H

#include "base/buffer.h"
#include "base/secret.h"

/* Longer ones are malformed. */
#define SCRAM_MESSAGE_MAXIMUM_OCTETS 4096

struct scram_client_first {
	unsigned char flag;	   /* 'n', 'y' or 'p' */
	struct bytes binding_name; /* with 'p': "tls-exporter" */
	struct bytes authzid;	   /* as it came: scram_unescape */
	struct bytes user;	   /* as it came */
	struct bytes nonce;
	struct bytes header; /* gs2-header, its second comma included */
	struct bytes bare;   /* what is behind it */
};
bool scram_parse_client_first(
	struct bytes message, struct scram_client_first *out);

struct scram_server_first {
	struct bytes nonce;
	struct bytes salt; /* base64 */
	uint32_t iterations;
};
bool scram_parse_server_first(
	struct bytes message, struct scram_server_first *out);

struct scram_client_final {
	struct bytes binding; /* base64 */
	struct bytes nonce;
	struct bytes proof; /* base64 */
	struct bytes without_proof;
};
bool scram_parse_client_final(
	struct bytes message, struct scram_client_final *out);

struct scram_server_final {
	struct bytes error;    /* not empty: why not */
	struct bytes verifier; /* base64 */
};
bool scram_parse_server_final(
	struct bytes message, struct scram_server_final *out);

/* "=2C" and "=3D" in names are "," and "=". False: another "=", or memory. */
bool scram_unescape(struct bytes name, struct secret *out);
bool scram_escape(struct bytes name, struct buffer *out);

/* Is it of the characters that a nonce may have? */
bool scram_is_nonce(struct bytes nonce);

#endif
