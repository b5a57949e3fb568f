/* SPDX-License-Identifier: ISC */
/*
 * account - the collector's settings: one section an account.
 *
 *	[client]
 *	state = ~/.local/share/restante
 *
 *	[account alice@example.org]
 *	host = mail.example.org
 *	maildir = ~/Mail/alice
 *
 *	[rule lists]			(rule.h)
 *
 * "~/" at the front of a path is the home directory.
 */
#ifndef COLLECT_ACCOUNT_H
#define COLLECT_ACCOUNT_H

#include "collect/rule.h"
#include "config/settings.h"

#define ACCOUNTS_MAXIMUM	    1000
#define ACCOUNT_NAME_MAXIMUM_OCTETS 200

enum account_tls {
	ACCOUNT_TLS_IMPLICIT,
	ACCOUNT_TLS_STARTTLS,
	ACCOUNT_TLS_NONE
};
/* In the order of provider.c and of the setting's words. */
enum account_oauth { ACCOUNT_OAUTH_NONE };
enum account_sessions { SESSIONS_AUTO, SESSIONS_ONE, SESSIONS_ALL };
enum account_line_ends { LINE_ENDS_KEEP, LINE_ENDS_LF };

struct collect_account {
	char *name;	   /* of its section: letters, digits, "@._+-" */
	const char *state; /* of [client], borrowed; where tokens are kept */
	char *file;	   /* where its section stands; NULL: in none yet */
	unsigned line;
	char *host;
	uint64_t port; /* 0: 995, or 110 when TLS does not come first */
	uint64_t tls;  /* enum account_tls */
	char *ca_file; /* "": the system's certificates */
	char *tls_pin; /* as tls_pins_parse reads it; "": any key */
	char *tls_certificate, *tls_key; /* ours; "": none */
	char *proxy;	/* as socks5_parse reads it; "": none */
	char *user;	/* "": the name */
	uint64_t login; /* its word: account_login_name */
	/* At most one is given; none: the password is asked for. */
	char *password_file, *password_command, *password_credential;
	bool password_keyring;
	/* Whose tokens are used in place of a password; 0: nobody's */
	uint64_t oauth;
	char *oauth_client_id, *oauth_client_secret_file, *oauth_scope,
		*oauth_device_url, *oauth_authorize_url, *oauth_token_url,
		*oauth_ca_file;
	bool oauth_loopback_http;
	char *maildir;	    /* "": ~/Mail/NAME */
	uint64_t line_ends; /* enum account_line_ends */
	bool keep;
	/* with keep = no: only what fulfils all of these, and the oldest above
	   the quota; 0: none */
	uint64_t delete_after_seconds, delete_older_seconds, keep_newest;
	uint64_t quota_octets, maximum_deletions;
	/* where mail goes; the words are names of sinks */
	uint64_t deliver;
	char *mbox, *deliver_server, *deliver_ca_file, *deliver_user,
		*deliver_password_file, *deliver_password_command,
		*deliver_sender, *deliver_recipient, *deliver_folder,
		*deliver_command;
	uint64_t deliver_tls, deliver_timeout_seconds;
	uint64_t interval_seconds; /* of fetch --daemon; 0: only when told to */
	uint64_t timeout_seconds, session_maximum_seconds;
	uint64_t minimum_rate; /* octets a second */
	uint64_t sessions;     /* enum account_sessions */
	uint64_t maximum_message_octets;
	/* of a mailbox for many: the fields that name the recipient, and how
	   many of them others have put above the one that counts */
	char *envelope;
	uint64_t envelope_skip;
	bool observe; /* only look: UIDL and TOP, never RETR or DELE */
};

struct collect_settings {
	char *state;		 /* the ledger and the locks */
	char *provider_database; /* an https URL, which a domain follows */
	struct collect_account *accounts;
	size_t count;
	struct rules rules;
};

/* state: the directory when the file names none. */
bool collect_settings_init(
	struct collect_settings *settings, const char *state);
void collect_settings_release(struct collect_settings *settings);
/* error: "FILE:LINE: ...". ERR_PEER: the file is wrong. */
enum outcome collect_settings_load(struct collect_settings *settings,
	const char *file, char error[INI_ERROR_SIZE]);
enum outcome collect_settings_parse(struct collect_settings *settings,
	const char *file, struct bytes text, char error[INI_ERROR_SIZE]);
/* Appends all as a file would have it. initial: leave out what is as there. */
bool collect_settings_write(const struct collect_settings *settings,
	const struct collect_settings *initial, struct buffer *out);
/* A commented sample file: every key with its default and its meaning. */
bool collect_settings_sample(struct buffer *out);
/* NULL: none of that name. */
struct collect_account *collect_settings_find(
	const struct collect_settings *settings, const char *name);

bool account_is_name(const char *name);
/* An account with every default; for `account add`. */
bool account_init(struct collect_account *account, const char *name);
void account_release(struct collect_account *account);
/* What is wrong with it, for people; false then. */
bool account_check(
	const struct collect_account *account, char error[INI_ERROR_SIZE]);
/* May every value stand in the file? What may not, for people; false then. */
bool account_can_write(
	const struct collect_account *account, char error[INI_ERROR_SIZE]);
/* Appends its section, what differs from the defaults. */
bool account_write(const struct collect_account *account, struct buffer *out);

/* Is nothing said of where its password is? Then a person is asked. */
bool account_asks_password(const struct collect_account *account);
uint16_t account_port(const struct collect_account *account);
const char *account_user(const struct collect_account *account);
/* "auto", or how to log in, in capitals: a SASL mechanism, USER, APOP. */
const char *account_login_name(const struct collect_account *account);
const char *account_tls_name(const struct collect_account *account);
/* `path` from the home directory, with "~/" or without, unless it begins with
   "/": runs begin in many directories. False when it does not fit. */
bool account_expand(const char *path, char *out, size_t size);
/* Is collected mail to stay on the server for longer than that? */
bool account_leaves_mail(
	const struct collect_account *account, uint64_t seconds);
const char *account_sink_name(const struct collect_account *account);
/* The path of its Maildir or mbox. */
bool account_maildir(
	const struct collect_account *account, char *out, size_t size);

#endif
