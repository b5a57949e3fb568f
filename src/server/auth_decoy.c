/* SPDX-License-Identifier: ISC */
#include "server/auth_decoy.h"
#include "accounts/password.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEY_OCTETS 32

static unsigned char key[KEY_OCTETS];

/* ---- the key ---- */

static bool
read_key(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t got = fd < 0 ? -1 : read(fd, key, sizeof(key));

	if (fd >= 0)
		close(fd);
	return got == (ssize_t)sizeof(key);
}

/* Whole, or not at all: two that start at once agree on one. */
static bool
make_key(const char *file)
{
	char fresh[256];
	bool is_made;
	int fd;

	if (snprintf(fresh, sizeof(fresh), "%s.new", file) >=
			(int)sizeof(fresh) ||
		getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return false;
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	is_made = write(fd, key, sizeof(key)) == (ssize_t)sizeof(key) &&
		  fsync(fd) == 0;
	close(fd);
	return is_made && rename(fresh, file) == 0;
}

bool
auth_decoy_open(const char *file)
{
	return read_key(file) || (access(file, F_OK) < 0 && make_key(file));
}

/* ---- the keys ---- */

static bool
derive(const char *name, const char *what, enum scram_digest digest,
	unsigned char out[EVP_MAX_MD_SIZE])
{
	char text[512];
	int octets = snprintf(
		text, sizeof(text), "%s:%d:%s", what, (int)digest, name);

	if (octets >= (int)sizeof(text))
		octets = (int)sizeof(text) - 1;
	return HMAC(EVP_sha256(), key, sizeof(key), (unsigned char *)text,
		       (size_t)octets, out, NULL) != NULL;
}

bool
auth_decoy_keys(const char *name, enum scram_digest digest, uint32_t iterations,
	struct scram_keys *out)
{
	unsigned char salt[EVP_MAX_MD_SIZE];
	unsigned char stored_key[EVP_MAX_MD_SIZE];
	unsigned char server_key[EVP_MAX_MD_SIZE];

	if (!derive(name, "salt", digest, salt) ||
		!derive(name, "stored", digest, stored_key) ||
		!derive(name, "server", digest, server_key))
		return false;
	*out = (struct scram_keys){
		.iterations = iterations, .salt_octets = SCRAM_SALT_OCTETS};
	memcpy(out->salt, salt, SCRAM_SALT_OCTETS);
	memcpy(out->stored_key, stored_key, sizeof(out->stored_key));
	memcpy(out->server_key, server_key, sizeof(out->server_key));
	return true;
}
