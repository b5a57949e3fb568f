/* SPDX-License-Identifier: ISC */
#include "accounts/scheme.h"
#include "base/base64.h"
#include "base/secret.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_MAXIMUM_OCTETS 64
#define TEXT_MAXIMUM_OCTETS   (ACCOUNT_HASH_SIZE - 1)
#define PBKDF2_ROUNDS_MAXIMUM 100000000

enum how {
	HOW_PLAIN,
	HOW_CRYPT,
	HOW_DIGEST, /* of the password, and a salt behind it */
	HOW_PBKDF2,
	HOW_ARGON2,
	HOW_SCRAM,
};

enum encoding {
	ENCODING_OF_SCHEME,
	ENCODING_TEXT,
	ENCODING_HEX,
	ENCODING_BASE64,
};

struct scheme {
	const char *name;
	enum how how;
	enum encoding encoding; /* unless told otherwise */
	/* HOW_CRYPT: how a hash begins; HOW_DIGEST: OpenSSL's name */
	const char *what;
	bool has_salt;
};

static const struct scheme schemes[] = {
	{"PLAIN", HOW_PLAIN, ENCODING_TEXT, NULL, false},
	{"CLEAR", HOW_PLAIN, ENCODING_TEXT, NULL, false},
	{"CLEARTEXT", HOW_PLAIN, ENCODING_TEXT, NULL, false},
	{"CRYPT", HOW_CRYPT, ENCODING_TEXT, "", false},
	{"DES-CRYPT", HOW_CRYPT, ENCODING_TEXT, "", false},
	{"MD5", HOW_CRYPT, ENCODING_TEXT, "$1$", false},
	{"MD5-CRYPT", HOW_CRYPT, ENCODING_TEXT, "$1$", false},
	{"SHA256-CRYPT", HOW_CRYPT, ENCODING_TEXT, "$5$", false},
	{"SHA512-CRYPT", HOW_CRYPT, ENCODING_TEXT, "$6$", false},
	{"BLF-CRYPT", HOW_CRYPT, ENCODING_TEXT, "$2", false},
	{"PLAIN-MD5", HOW_DIGEST, ENCODING_HEX, "MD5", false},
	{"LDAP-MD5", HOW_DIGEST, ENCODING_BASE64, "MD5", false},
	{"SHA", HOW_DIGEST, ENCODING_BASE64, "SHA1", false},
	{"SHA1", HOW_DIGEST, ENCODING_BASE64, "SHA1", false},
	{"SHA256", HOW_DIGEST, ENCODING_BASE64, "SHA256", false},
	{"SHA512", HOW_DIGEST, ENCODING_BASE64, "SHA512", false},
	{"SMD5", HOW_DIGEST, ENCODING_BASE64, "MD5", true},
	{"SSHA", HOW_DIGEST, ENCODING_BASE64, "SHA1", true},
	{"SSHA256", HOW_DIGEST, ENCODING_BASE64, "SHA256", true},
	{"SSHA512", HOW_DIGEST, ENCODING_BASE64, "SHA512", true},
	{"PBKDF2", HOW_PBKDF2, ENCODING_TEXT, NULL, false},
	{"ARGON2I", HOW_ARGON2, ENCODING_TEXT, "$argon2i$", false},
	{"ARGON2ID", HOW_ARGON2, ENCODING_TEXT, "$argon2id$", false},
	{"SCRAM-SHA-1", HOW_SCRAM, ENCODING_TEXT, NULL, false},
	{"SCRAM-SHA-256", HOW_SCRAM, ENCODING_TEXT, NULL, false},
};

static const struct scheme *
find_scheme(struct bytes name)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (bytes_equal_ignoring_case(
			    name, bytes_of_string(schemes[i].name)))
			return &schemes[i];
	return NULL;
}

/* "{NAME}rest": cuts the name off; false when there is none. */
static bool
cut_name(struct bytes *text, struct bytes *out)
{
	struct bytes rest = *text;

	if (text->octets == 0 || text->at[0] != '{' || !bytes_has(*text, '}'))
		return false;
	*out = bytes_after(bytes_cut(&rest, '}'), 1);
	*text = rest;
	return true;
}

static struct bytes
without_prefix(const char *hash)
{
	struct bytes text = bytes_of_string(hash), name;

	return cut_name(&text, &name) ? text : BYTES_NONE;
}

/* ---- encodings ---- */

static int
hex_digit(unsigned char octet)
{
	if (octet >= '0' && octet <= '9')
		return octet - '0';
	if (octet >= 'a' && octet <= 'f')
		return octet - 'a' + 10;
	return octet >= 'A' && octet <= 'F' ? octet - 'A' + 10 : -1;
}

static bool
decode_hex(struct bytes text, struct buffer *out)
{
	for (size_t i = 0; i + 1 < text.octets; i += 2) {
		int high = hex_digit(text.at[i]);
		int low = hex_digit(text.at[i + 1]);
		unsigned char octet;

		if (high < 0 || low < 0)
			return false;
		octet = (unsigned char)(high << 4 | low);
		if (!buffer_append(out, &octet, 1))
			return false;
	}
	return text.octets % 2 == 0;
}

static bool
encode_hex(struct bytes octets, struct buffer *out)
{
	for (size_t i = 0; i < octets.octets; i++)
		if (!buffer_printf(out, "%02x", octets.at[i]))
			return false;
	return true;
}

static bool
decode(struct bytes text, enum encoding encoding, struct buffer *out)
{
	if (encoding == ENCODING_HEX)
		return decode_hex(text, out);
	if (encoding == ENCODING_BASE64)
		return base64_decode(text, out);
	return buffer_append_bytes(out, text);
}

/* Cuts ".hex" and the like off *name. */
static bool
cut_encoding(struct bytes *name, enum encoding *out)
{
	struct bytes rest = *name;
	struct bytes plain = bytes_cut(&rest, '.');

	if (plain.octets == name->octets)
		return true;
	if (bytes_equal_ignoring_case(rest, bytes_of_string("hex")))
		*out = ENCODING_HEX;
	else if (bytes_equal_ignoring_case(rest, bytes_of_string("b64")) ||
		 bytes_equal_ignoring_case(rest, bytes_of_string("base64")))
		*out = ENCODING_BASE64;
	else
		return false;
	*name = plain;
	return true;
}

/* ---- what each takes ---- */

static size_t
digest_octets(const struct scheme *scheme)
{
	const EVP_MD *md = EVP_get_digestbyname(scheme->what);

	return md ? (size_t)EVP_MD_get_size(md) : 0;
}

static bool
begins_with(struct bytes text, const char *start)
{
	size_t octets = strlen(start);

	return text.octets >= octets && memcmp(text.at, start, octets) == 0;
}

/* "$1$SALT$ROUNDS$HEX" */
struct pbkdf2 {
	struct bytes salt;
	uint64_t rounds;
	struct bytes hex;
};

static bool
parse_pbkdf2(struct bytes text, struct pbkdf2 *out)
{
	struct bytes rounds;

	if (!begins_with(text, "$1$"))
		return false;
	text = bytes_after(text, 3);
	out->salt = bytes_cut(&text, '$');
	rounds = bytes_cut(&text, '$');
	out->hex = text;
	return out->salt.octets > 0 &&
	       bytes_to_number(rounds, PBKDF2_ROUNDS_MAXIMUM, &out->rounds) &&
	       out->rounds > 0 && out->hex.octets == 2 * 20;
}

static bool
take_key(struct bytes text, void *to, size_t least, size_t most, size_t *out)
{
	struct buffer octets;
	bool is_good;

	buffer_init(&octets, most);
	is_good = base64_decode(text, &octets) &&
		  buffer_bytes(&octets).octets >= least;
	if (is_good) {
		*out = buffer_bytes(&octets).octets;
		memcpy(to, buffer_bytes(&octets).at, *out);
	}
	buffer_wipe(&octets);
	return is_good;
}

/* "ITERATIONS,SALT,STOREDKEY,SERVERKEY" */
static bool
parse_scram(struct bytes text, enum scram_digest digest, struct scram_keys *out)
{
	struct bytes iterations = bytes_cut(&text, ','),
		     salt = bytes_cut(&text, ','),
		     stored = bytes_cut(&text, ',');
	size_t octets = scram_key_octets(digest), salt_octets = 0;
	struct scram_keys keys = {0};
	uint64_t number;

	if (!bytes_to_number(iterations, PBKDF2_ROUNDS_MAXIMUM, &number) ||
		number == 0 ||
		!take_key(
			salt, keys.salt, 1, sizeof(keys.salt), &salt_octets) ||
		!take_key(stored, keys.stored_key, octets, octets, &octets) ||
		!take_key(text, keys.server_key, octets, octets, &octets))
		return false;
	keys.iterations = (uint32_t)number;
	keys.salt_octets = (uint8_t)salt_octets;
	*out = keys;
	return true;
}

static enum scram_digest
scram_digest_of(const struct scheme *scheme)
{
	return strcmp(scheme->name, "SCRAM-SHA-1") == 0 ? SCRAM_SHA_1
							: SCRAM_SHA_256;
}

/* A digest is kept in hexadecimal. */
static bool
take_digest(
	const struct scheme *scheme, struct bytes octets, struct buffer *hash)
{
	size_t least = digest_octets(scheme);

	if (least == 0 || octets.octets < least + scheme->has_salt ||
		(!scheme->has_salt && octets.octets != least))
		return false;
	return buffer_printf(hash, "{%s}", scheme->name) &&
	       encode_hex(octets, hash);
}

/* As in shadow(5): a password that nobody has. */
static bool
is_locked(const char *text)
{
	return text[0] == '*' || text[0] == '!' || strcmp(text, "x") == 0;
}

static bool
is_well_formed(const struct scheme *scheme, struct bytes text)
{
	char terminated[ACCOUNT_HASH_SIZE];
	struct pbkdf2 pbkdf2;

	if (text.octets == 0 ||
		!bytes_to_string(text, terminated, sizeof(terminated)))
		return false;
	switch (scheme->how) {
	case HOW_CRYPT:
		return begins_with(text, scheme->what) &&
		       (is_locked(terminated) || crypt_checksalt(terminated) !=
							 CRYPT_SALT_INVALID);
	case HOW_ARGON2:
		return begins_with(text, scheme->what);
	case HOW_PBKDF2:
		return parse_pbkdf2(text, &pbkdf2);
	case HOW_PLAIN:
	case HOW_DIGEST:
	case HOW_SCRAM:
	default:
		return true;
	}
}

static bool
take(const struct scheme *scheme, struct bytes text, struct credential *out)
{
	struct scram_keys keys[SCRAM_DIGESTS] = {0};
	enum scram_digest digest = scram_digest_of(scheme);
	struct buffer hash;
	bool is_good;

	buffer_init(&hash, TEXT_MAXIMUM_OCTETS);
	if (scheme->how == HOW_DIGEST)
		is_good = take_digest(scheme, text, &hash);
	else
		is_good = is_well_formed(scheme, text) &&
			  (scheme->how == HOW_CRYPT ||
				  buffer_printf(&hash, "{%s}", scheme->name)) &&
			  buffer_append_bytes(&hash, text);
	if (is_good && scheme->how == HOW_SCRAM)
		is_good = parse_scram(text, digest, &keys[digest]);
	if (is_good)
		is_good = bytes_to_string(
			buffer_bytes(&hash), out->hash, sizeof(out->hash));
	if (is_good)
		memcpy(out->scram, keys, sizeof(keys));
	buffer_wipe(&hash);
	return is_good;
}

enum scheme_result
scheme_read(struct bytes text, const char *standard, struct credential *out,
	struct bytes *out_scheme)
{
	enum encoding encoding = ENCODING_OF_SCHEME;
	struct bytes name = bytes_of_string(standard);
	const struct scheme *scheme;
	struct buffer octets;
	bool is_good;

	cut_name(&text, &name);
	*out_scheme = name;
	scheme = cut_encoding(&name, &encoding) ? find_scheme(name) : NULL;
	if (!scheme)
		return SCHEME_UNKNOWN;
	/* Both were called so. */
	if (strcmp(scheme->name, "MD5") == 0 && !begins_with(text, "$1$"))
		scheme = find_scheme(bytes_of_string("PLAIN-MD5"));
	if (encoding == ENCODING_OF_SCHEME)
		encoding = scheme->encoding;
	buffer_init(&octets, TEXT_MAXIMUM_OCTETS);
	is_good = decode(text, encoding, &octets) &&
		  take(scheme, buffer_bytes(&octets), out);
	buffer_wipe(&octets);
	return is_good ? SCHEME_OK : SCHEME_MALFORMED;
}

/* ---- checking ---- */

static bool
check_digest(
	const struct scheme *scheme, const char *hash, struct bytes password)
{
	unsigned char made[EVP_MAX_MD_SIZE];
	size_t octets = digest_octets(scheme);
	struct buffer kept, salted;
	struct bytes salt;
	bool is_right;

	buffer_init(&kept, TEXT_MAXIMUM_OCTETS);
	buffer_init(&salted, TEXT_MAXIMUM_OCTETS + password.octets);
	is_right = decode_hex(without_prefix(hash), &kept) &&
		   buffer_bytes(&kept).octets >= octets;
	salt = bytes_after(buffer_bytes(&kept), octets);
	is_right = is_right && buffer_append_bytes(&salted, password) &&
		   buffer_append_bytes(&salted, salt) &&
		   EVP_Digest(buffer_bytes(&salted).at,
			   buffer_bytes(&salted).octets, made, NULL,
			   EVP_get_digestbyname(scheme->what), NULL) == 1 &&
		   secret_equal(bytes_of(made, octets),
			   bytes_of(buffer_bytes(&kept).at, octets));
	buffer_wipe(&kept);
	buffer_wipe(&salted);
	explicit_bzero(made, sizeof(made));
	return is_right;
}

static bool
check_pbkdf2(const char *hash, struct bytes password)
{
	unsigned char made[20];
	struct pbkdf2 kept;
	struct buffer wanted;
	bool is_right;

	if (!parse_pbkdf2(without_prefix(hash), &kept))
		return false;
	buffer_init(&wanted, sizeof(made));
	is_right = decode_hex(kept.hex, &wanted) &&
		   PKCS5_PBKDF2_HMAC((const char *)password.at,
			   (int)password.octets, kept.salt.at,
			   (int)kept.salt.octets, (int)kept.rounds, EVP_sha1(),
			   sizeof(made), made) == 1 &&
		   secret_equal(
			   buffer_bytes(&wanted), bytes_of(made, sizeof(made)));
	buffer_release(&wanted);
	explicit_bzero(made, sizeof(made));
	return is_right;
}

static bool
check_scram(
	const struct scheme *scheme, const char *hash, struct bytes password)
{
	enum scram_digest digest = scram_digest_of(scheme);
	struct scram_keys kept, made;
	bool is_right;

	if (!parse_scram(without_prefix(hash), digest, &kept) ||
		!scram_keys_derive(digest, password,
			bytes_of(kept.salt, kept.salt_octets), kept.iterations,
			&made))
		return false;
	is_right = secret_equal(
		bytes_of(made.stored_key, scram_key_octets(digest)),
		bytes_of(kept.stored_key, scram_key_octets(digest)));
	explicit_bzero(&made, sizeof(made));
	return is_right;
}

/* libsodium computes the lanes one after the other: it starts no threads. */
static bool
check_argon2(const char *hash, struct bytes password)
{
	const char *text = strchr(hash, '}') + 1;

	return sodium_init() >= 0 &&
	       crypto_pwhash_str_verify(
		       text, (const char *)password.at, password.octets) == 0;
}

static const struct scheme *
scheme_of(const char *hash)
{
	struct bytes text = bytes_of_string(hash), name;

	return cut_name(&text, &name) ? find_scheme(name) : NULL;
}

static bool
is_right(const struct scheme *scheme, const char *hash, struct bytes password)
{
	switch (scheme->how) {
	case HOW_PLAIN:
		return secret_equal(without_prefix(hash), password);
	case HOW_DIGEST:
		return check_digest(scheme, hash, password);
	case HOW_PBKDF2:
		return check_pbkdf2(hash, password);
	case HOW_ARGON2:
		return check_argon2(hash, password);
	case HOW_SCRAM:
		return check_scram(scheme, hash, password);
	case HOW_CRYPT: /* has no prefix */
	default:
		return false;
	}
}

enum outcome
scheme_check(const char *hash, struct bytes password)
{
	const struct scheme *scheme = scheme_of(hash);

	if (!scheme)
		return ERR_BROKEN;
	return is_right(scheme, hash, password) ? OK : ERR_DENIED;
}

bool
scheme_is_slow(const char *hash)
{
	const struct scheme *scheme = scheme_of(hash);

	return scheme && scheme->how == HOW_ARGON2;
}
