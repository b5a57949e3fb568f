/* SPDX-License-Identifier: ISC */
#include "sasl/scram_message.h"
#include "base/utf8.h"

#include <string.h>

bool
scram_is_nonce(struct bytes nonce)
{
	for (size_t i = 0; i < nonce.octets; i++)
		if (nonce.at[i] < '!' || nonce.at[i] > '~' ||
			nonce.at[i] == ',')
			return false;
	return nonce.octets > 0;
}

static bool
is_letter(unsigned char octet)
{
	return (octet >= 'A' && octet <= 'Z') || (octet >= 'a' && octet <= 'z');
}

/* Cuts "x=value" off the front, with the comma behind it. */
static bool
take_attribute(struct bytes *rest, unsigned char letter, struct bytes *out)
{
	struct bytes attribute = bytes_cut(rest, ',');

	if (attribute.octets < 3 || attribute.at[0] != letter ||
		attribute.at[1] != '=')
		return false;
	*out = bytes_after(attribute, 2);
	return true;
}

/* What is left may only be extensions that need not be understood. */
static bool
are_extensions(struct bytes rest)
{
	while (rest.octets > 0) {
		struct bytes attribute = bytes_cut(&rest, ',');

		if (attribute.octets < 3 || !is_letter(attribute.at[0]) ||
			attribute.at[0] == 'm' || attribute.at[1] != '=')
			return false;
	}
	return true;
}

/* UTF-8 without NUL, of a length that is one. */
static bool
is_text(struct bytes message)
{
	return message.octets <= SCRAM_MESSAGE_MAXIMUM_OCTETS &&
	       !bytes_has(message, 0) && utf8_is_valid(message) &&
	       message.octets > 0 && message.at[message.octets - 1] != ',';
}

/* ---- the client's first ---- */

static bool
take_flag(struct bytes *rest, struct scram_client_first *out)
{
	struct bytes flag = bytes_cut(rest, ',');

	if (flag.octets == 0)
		return false;
	out->flag = flag.at[0];
	if (out->flag != 'p')
		return flag.octets == 1 &&
		       (out->flag == 'n' || out->flag == 'y');
	out->binding_name = bytes_after(flag, 2);
	return flag.octets > 2 && flag.at[1] == '=';
}

static bool
take_authzid(struct bytes *rest, struct scram_client_first *out)
{
	struct bytes word = bytes_cut(rest, ',');

	if (word.octets == 0)
		return true;
	out->authzid = bytes_after(word, 2);
	return word.octets > 2 && word.at[0] == 'a' && word.at[1] == '=';
}

bool
scram_parse_client_first(struct bytes message, struct scram_client_first *out)
{
	struct scram_client_first parsed = {0};
	struct bytes rest = message;

	if (!is_text(message) || !take_flag(&rest, &parsed) ||
		!take_authzid(&rest, &parsed))
		return false;
	parsed.header = bytes_of(message.at, message.octets - rest.octets);
	parsed.bare = rest;
	if (!take_attribute(&rest, 'n', &parsed.user) ||
		!take_attribute(&rest, 'r', &parsed.nonce) ||
		!scram_is_nonce(parsed.nonce) || !are_extensions(rest))
		return false;
	*out = parsed;
	return true;
}

/* ---- the others ---- */

bool
scram_parse_server_first(struct bytes message, struct scram_server_first *out)
{
	struct scram_server_first parsed = {0};
	struct bytes rest = message, iterations;
	uint64_t number;

	if (!is_text(message) || !take_attribute(&rest, 'r', &parsed.nonce) ||
		!take_attribute(&rest, 's', &parsed.salt) ||
		!take_attribute(&rest, 'i', &iterations) ||
		!scram_is_nonce(parsed.nonce) ||
		!bytes_to_number(iterations, UINT32_MAX, &number) ||
		!are_extensions(rest))
		return false;
	parsed.iterations = (uint32_t)number;
	*out = parsed;
	return true;
}

/* The proof is the last attribute, whatever stands before it. */
static bool
cut_proof(struct bytes message, struct scram_client_final *out)
{
	const unsigned char *comma =
		message.octets ? memrchr(message.at, ',', message.octets)
			       : NULL;
	struct bytes rest;

	if (!comma)
		return false;
	out->without_proof = bytes_of(message.at, (size_t)(comma - message.at));
	rest = bytes_after(message, out->without_proof.octets + 1);
	return take_attribute(&rest, 'p', &out->proof);
}

bool
scram_parse_client_final(struct bytes message, struct scram_client_final *out)
{
	struct scram_client_final parsed = {0};
	struct bytes rest;

	if (!is_text(message) || !cut_proof(message, &parsed))
		return false;
	rest = parsed.without_proof;
	if (!take_attribute(&rest, 'c', &parsed.binding) ||
		!take_attribute(&rest, 'r', &parsed.nonce) ||
		!are_extensions(rest))
		return false;
	*out = parsed;
	return true;
}

bool
scram_parse_server_final(struct bytes message, struct scram_server_final *out)
{
	struct scram_server_final parsed = {0};
	struct bytes rest = message;

	if (!is_text(message))
		return false;
	if (!take_attribute(&rest, 'v', &parsed.verifier)) {
		rest = message;
		if (!take_attribute(&rest, 'e', &parsed.error))
			return false;
	}
	if (!are_extensions(rest))
		return false;
	*out = parsed;
	return true;
}

/* ---- names ---- */

bool
scram_unescape(struct bytes name, struct secret *out)
{
	struct buffer plain;
	bool is_good = true;

	buffer_init(&plain, SCRAM_MESSAGE_MAXIMUM_OCTETS);
	for (size_t i = 0; i < name.octets && is_good; i++) {
		struct bytes escape = bytes_of(name.at + i, 3);
		bool is_escaped = name.at[i] == '=';

		if (!is_escaped)
			is_good = buffer_append(&plain, name.at + i, 1);
		else if (name.octets - i < 3)
			is_good = false;
		else if (bytes_equal(escape, bytes_of_string("=2C")))
			is_good = buffer_append_string(&plain, ",");
		else if (bytes_equal(escape, bytes_of_string("=3D")))
			is_good = buffer_append_string(&plain, "=");
		else
			is_good = false;
		i += is_escaped ? 2 : 0;
	}
	is_good = is_good && secret_set(out, buffer_bytes(&plain));
	buffer_wipe(&plain);
	return is_good;
}

bool
scram_escape(struct bytes name, struct buffer *out)
{
	bool is_good = true;

	for (size_t i = 0; i < name.octets && is_good; i++)
		if (name.at[i] == ',')
			is_good = buffer_append_string(out, "=2C");
		else if (name.at[i] == '=')
			is_good = buffer_append_string(out, "=3D");
		else
			is_good = buffer_append(out, name.at + i, 1);
	return is_good;
}
