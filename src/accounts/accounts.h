/* SPDX-License-Identifier: ISC */
/*
 * accounts - who has a mailbox here. The interface of every source of accounts;
 * sqlite/ is the default, more follow.
 *
 * Blocking, from one thread. Names are canonical: ASCII lower case, 1 to 254
 * octets, no control characters, no blank, no "/" or "\", no "..", no leading
 * "-" or ".", neither local part nor domain empty, no domain with a leading "."
 * (accounts_canonical_name makes them so or refuses).
 */
#ifndef ACCOUNTS_ACCOUNTS_H
#define ACCOUNTS_ACCOUNTS_H

#include "base/bytes.h"
#include "base/outcome.h"

#define ACCOUNT_NAME_SIZE 255 /* with its NUL */
#define ACCOUNT_HASH_SIZE 512 /* a crypt(5) hash with its NUL */

struct account {
	char name[ACCOUNT_NAME_SIZE];
	char hash[ACCOUNT_HASH_SIZE];
	uint64_t generation; /* changes with every change of the credential */
	uint64_t created_seconds;
	bool is_disabled;
};

struct accounts;

struct accounts_ops {
	const char *name;
	/* ERR_DENIED: no such account. ERR_TRY_LATER: source away. ERR_BROKEN,
	 * here and below: source damaged. */
	enum outcome (*find)(struct accounts *accounts, const char *name,
		struct account *out);
	/* Calls `each` in order of name until it returns false; one that cannot
	 * be read is left out, and the answer ERR_BROKEN. */
	enum outcome (*list)(struct accounts *accounts,
		bool (*each)(const struct account *account, void *context),
		void *context);
	/* ERR_BUSY: exists already. NULL here and below: cannot change. */
	enum outcome (*add)(
		struct accounts *accounts, const char *name, const char *hash);
	enum outcome (*set_hash)(
		struct accounts *accounts, const char *name, const char *hash);
	enum outcome (*remove)(struct accounts *accounts, const char *name);
	void (*close)(struct accounts **accounts);
};

/* The first member of every implementation. */
struct accounts {
	const struct accounts_ops *ops;
};

/*
 * accounts/registry.c. kind "sqlite": `location` is the data base file, made
 * with its tables when missing and `may_create`.
 */
enum outcome accounts_open(const char *kind, const char *location,
	bool may_create, struct accounts **out);

/* Folds case, checks. False: not a name that can have a mailbox. */
bool accounts_canonical_name(struct bytes given, char out[ACCOUNT_NAME_SIZE]);

#endif
