/* SPDX-License-Identifier: ISC */
/*
 * accounts - who has a mailbox here, and what proves it. The interface of every
 * source of accounts; sqlite/ is the default.
 *
 * An account has several credentials: its main password, whose device is "",
 * and others that each name a device. All names are canonical: ASCII lower
 * case, 1 to 254 octets, no control characters, no blank, no "/" or "\", no
 * "..", no leading "-" or ".", neither local part nor domain empty, no domain
 * with a leading "." (accounts_canonical_name makes them so or refuses). An
 * alias may also be "@domain": whatever has no account or alias of its own.
 *
 * Blocking, from one thread.
 */
#ifndef ACCOUNTS_ACCOUNTS_H
#define ACCOUNTS_ACCOUNTS_H

#include "base/bytes.h"
#include "base/networks.h"
#include "base/outcome.h"
#include "sasl/scram_keys.h"

#define ACCOUNT_NAME_SIZE 255 /* with its NUL */
/* What people call the device "", in commands and logins. */
#define ACCOUNT_MAIN_DEVICE	    "main"
#define ACCOUNT_DEVICE_SIZE	    65	/* with its NUL */
#define ACCOUNT_HASH_SIZE	    512 /* with its NUL */
#define ACCOUNT_NETWORKS_SIZE	    NETWORKS_SIZE
#define ACCOUNT_CREDENTIALS_MAXIMUM 32

enum credential_kind {
	CREDENTIAL_PASSWORD,
	/* `hash` is "sha256:" and the fingerprint of a client's certificate in
	   lower case hexadecimal, or "subject:" and its subject (RFC 4514). */
	CREDENTIAL_CERTIFICATE,
};

struct credential {
	/* Never that of another secret, whoever's: 1 and up. */
	uint64_t generation;
	enum credential_kind kind;
	char device[ACCOUNT_DEVICE_SIZE]; /* "": the main one */
	/* Of a password: a crypt(5) hash, or "{SCHEME}" and what that takes
	   (password.h). */
	char hash[ACCOUNT_HASH_SIZE];
	struct scram_keys scram[SCRAM_DIGESTS]; /* iterations 0: none */
	char networks[ACCOUNT_NETWORKS_SIZE];	/* networks.h; "": any */
	uint64_t created_seconds;		/* 0, when it is added: now */
	uint64_t expires_seconds;		/* 0: never */
	bool is_read_only;
};

/* What the settings say of everybody, where it is not 0. */
struct account_limits {
	uint64_t quota_octets, quota_messages;
};

struct account {
	char name[ACCOUNT_NAME_SIZE];
	uint64_t created_seconds;
	bool is_disabled;
	struct account_limits limits;
	/* By `load` alone: in order of device, the main one first. */
	struct credential *credentials;
	size_t credential_count;
};

struct account_alias {
	char name[ACCOUNT_NAME_SIZE];	 /* or "@domain" */
	char account[ACCOUNT_NAME_SIZE]; /* an account, never an alias */
};

struct accounts;

struct accounts_ops {
	const char *name;
	/* ERR_DENIED: no such account. ERR_TRY_LATER: source away. ERR_BROKEN,
	 * here and below: source damaged. */
	enum outcome (*find)(struct accounts *accounts, const char *name,
		struct account *out);
	/* The same with its credentials; account_release must follow. */
	enum outcome (*load)(struct accounts *accounts, const char *name,
		struct account *out);
	/* Calls `each` in order of name until it returns false; one that cannot
	 * be read is left out, and the answer ERR_BROKEN. No credentials. */
	enum outcome (*list)(struct accounts *accounts,
		bool (*each)(const struct account *account, void *context),
		void *context);
	/* Which account this alias ("name" or "@domain") stands for;
	 * ERR_DENIED: there is no such alias. NULL: the source has none. */
	enum outcome (*find_alias)(struct accounts *accounts, const char *name,
		char out[ACCOUNT_NAME_SIZE]);
	/* Whose certificate this is: as `hash` of its credential. NULL: the
	 * source has none. */
	enum outcome (*find_certificate)(struct accounts *accounts,
		const char *hash, char out[ACCOUNT_NAME_SIZE]);
	void (*close)(struct accounts **accounts);
	/* NULL: cannot be changed from here. */
	const struct accounts_changes *changes;
};

/* ERR_DENIED: there is no such account, credential, alias. ERR_BUSY: there is
   one already. */
struct accounts_changes {
	/* ERR_BUSY also when an alias has that name. */
	enum outcome (*add)(struct accounts *accounts, const char *name,
		const struct credential *main);
	/* Its limits, and whether it is disabled. */
	enum outcome (*set)(
		struct accounts *accounts, const struct account *account);
	/* Its credentials and the aliases for it go too. */
	enum outcome (*remove)(struct accounts *accounts, const char *name);
	/* The credential of a device that has none. ERR_OVER_QUOTA: there are
	 * ACCOUNT_CREDENTIALS_MAXIMUM. */
	enum outcome (*add_credential)(struct accounts *accounts,
		const char *name, const struct credential *credential);
	/* That of the same device goes; this one gets a new generation. */
	enum outcome (*replace_credential)(struct accounts *accounts,
		const char *name, const struct credential *credential);
	/* Of the one of this generation, which has no keys of SCRAM yet. Its
	 * generation stays. NULL: the source keeps none. */
	enum outcome (*set_scram)(struct accounts *accounts, const char *name,
		uint64_t generation, const struct scram_keys *keys);
	enum outcome (*remove_credential)(struct accounts *accounts,
		const char *name, const char *device);
	/* ERR_BUSY also when an account has that name. ERR_PEER: `account` is
	 * an alias itself. */
	enum outcome (*add_alias)(
		struct accounts *accounts, const struct account_alias *alias);
	enum outcome (*remove_alias)(
		struct accounts *accounts, const char *name);
	enum outcome (*list_aliases)(struct accounts *accounts,
		bool (*each)(const struct account_alias *alias, void *context),
		void *context);
};

/* The first member of every implementation. */
struct accounts {
	const struct accounts_ops *ops;
};

/* ---- registry.c ---- */

/* What the settings say of names. {0}: case is folded, nothing is added. */
struct accounts_naming {
	const char
		*default_domain; /* of a name without one; NULL or "": none */
	bool keeps_case;	 /* of what stands before the "@" */
};

struct accounts_options {
	const char *kind; /* "sqlite", "passwd-file" */
	/* Where `location` is looked for: a descriptor that is borrowed for as
	   long as the source is open, or AT_FDCWD. sqlite takes that alone. */
	int directory;
	const char *location; /* the file */
	/* sqlite: the data base is made, with its tables, when missing. */
	bool may_create;
	/* passwd-file: of passwords that name none, e.g. "CRYPT". */
	const char *scheme;
	/* passwd-file: of the names in it. */
	struct accounts_naming naming;
	/* One line for the operator's log: what is wrong, where. May be NULL. */
	void (*notice)(const char *text);
};

/* ERR_PEER: no such kind. */
enum outcome accounts_open_with(
	const struct accounts_options *options, struct accounts **out);
/* The same without the options that have a default. */
enum outcome accounts_open(const char *kind, const char *location,
	bool may_create, struct accounts **out);

/* ---- name.c ---- */

/* Makes a name canonical. False: not one that can have a mailbox. */
bool accounts_name(const struct accounts_naming *naming, struct bytes given,
	char out[ACCOUNT_NAME_SIZE]);
/* The same by {0}. */
bool accounts_canonical_name(struct bytes given, char out[ACCOUNT_NAME_SIZE]);
/* "@domain", in lower case. False: no domain, or not with an "@" in front. */
bool accounts_catch_all(struct bytes given, char out[ACCOUNT_NAME_SIZE]);
/* A device: 1 to 64 of a to z, 0 to 9, ".", "_" and "-", the first one a letter
   or digit; folds case. */
bool accounts_canonical_device(
	struct bytes given, char out[ACCOUNT_DEVICE_SIZE]);

/*
 * "alice%phone" names a device's credential, for logins: cuts at the last "%"
 * of what stands before the "@" ("alice%phone@example.org") or, if there is
 * none, behind it ("alice@example.org%phone"). device is "" when none is named,
 * and for "alice%main".
 * False: no such name, no such device.
 */
bool accounts_login_name(const struct accounts_naming *naming,
	struct bytes given, char name[ACCOUNT_NAME_SIZE],
	char device[ACCOUNT_DEVICE_SIZE]);

/* ---- account.c ---- */

/* Wipes and frees the credentials; may be called twice, and of {0}. */
void account_release(struct account *account);
/* Of a device, "" the main one; NULL when there is none. */
const struct credential *account_credential(
	const struct account *account, const char *device);
/*
 * Is it good now, from there? ERR_DENIED: expired, the network not allowed, the
 * account disabled. To be asked at every login, whatever was known before.
 * host: an address as net/address writes it ("192.0.2.1", "2001:db8::1", or
 * "unix", which is in no network).
 */
enum outcome account_may_use(const struct account *account,
	const struct credential *credential, const char *host,
	uint64_t now_seconds);

#endif
