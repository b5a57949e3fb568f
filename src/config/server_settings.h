/* SPDX-License-Identifier: ISC */
/*
 * server_settings - everything restanted and restantectl can be told. One table
 * in server_settings.c owns each key: section, type, unit, default, range, help.
 * Parsing, `config show`, the manual and the sample file derive from it.
 */
#ifndef CONFIG_SERVER_SETTINGS_H
#define CONFIG_SERVER_SETTINGS_H

#include "base/buffer.h"
#include "config/ini.h"

#define SETTINGS_LISTENERS_MAXIMUM 32

enum listener_kind {
	LISTENER_POP3,
	LISTENER_POP3S,
	LISTENER_LMTP,
	LISTENER_WEB,
	LISTENER_SETUP,	  /* HTTPS: the set-up page for users */
	LISTENER_CONTROL, /* restantectl's; has no section */
};

/* In the order of the words. */
enum store_kind {
	STORE_MAILDIR,
	STORE_MBOX,
	STORE_MEMORY,
};

enum plaintext {
	PLAINTEXT_NO,
	PLAINTEXT_YES,	 /* every listener without TLS is on loopback */
	PLAINTEXT_FORCE, /* wherever they are */
};

enum certificate_asked {
	CLIENT_CERTIFICATE_NO,
	CLIENT_CERTIFICATE_ASK,
	CLIENT_CERTIFICATE_REQUIRE,
};

enum external_name {
	EXTERNAL_CREDENTIAL,
	EXTERNAL_EMAIL,
	EXTERNAL_COMMON_NAME,
};

struct listener_settings {
	enum listener_kind kind; /* from the section's name: [listener pop3s] */
	char *address;		 /* "0.0.0.0:995, [::]:995", "unix:/path" */
	char *group;	      /* of its unix sockets; NULL: the parent's own */
	char *proxy_networks; /* proxy-networks = 10.0.0.0/8, ::1: who says
				 whose connection it is; NULL: nobody */
};

/* What holds for an account: of [policy], [policy DOMAIN], [policy USER]. */
struct policy {
	uint64_t retention_seconds;   /* retention = 30d; 0: kept for ever */
	uint64_t retention_from;      /* retention-from = arrival|retrieval, as
				       enum retention_from */
	uint64_t login_delay_seconds; /* login-delay; 0: none */
	uint64_t login_burst; /* login-burst: logins at once before it counts */
	uint64_t connections; /* connections = 10; 0: any */
};

enum retention_from { RETENTION_FROM_ARRIVAL, RETENTION_FROM_RETRIEVAL };

struct policy_settings;
struct tls_settings;

struct oauth_settings {
	/* "": not so */
	char *jwks;	     /* a file */
	char *algorithms;    /* RS256, ES256 */
	char *introspection; /* a URL */
	char *client, *ca;   /* files */
	char *issuer, *audience, *scope;
	char *user_claim;	  /* user-claim = email */
	uint64_t timeout_seconds; /* timeout = 10s */
	uint64_t cache_seconds;	  /* cache = 1m; 0: none */
};

struct pam_settings {
	char *service;		  /* restante */
	char *folder;		  /* "": /etc/pam.d */
	char *group;		  /* "": none */
	char *may_read;		  /* may-read = /a, /b */
	uint64_t first_uid;	  /* first-uid = 1000 */
	uint64_t threads;	  /* 4 */
	uint64_t timeout_seconds; /* timeout = 15s */
	uint64_t cache_seconds;	  /* cache = 1m; 0: none */
};

struct server_settings {
	/* [server] */
	char *hostname;	 /* default: gethostname */
	char *state;	 /* /var/lib/restante */
	char *mail;	 /* /var/mail/vhosts/%d/%n */
	uint64_t store;	 /* store = maildir|mbox|memory, as enum store_kind */
	char *user;	 /* restante: owns the mail */
	char *auth_user; /* auth-user, restante-auth */
	char *session_user;	    /* session-user, restante-session */
	char *web_user;		    /* web-user, restante-web */
	char *key_user;		    /* key-user, restante-key */
	char *lookup_user;	    /* lookup-user, restante-lookup */
	uint64_t session_processes; /* session-processes; 0: one a core */
	bool is_shared; /* shared = yes: other programs write mailboxes */
	uint64_t journal_octets; /* delivery-journal = 4MiB; 0: none */
	bool is_demo;	     /* demo = yes, written by restanted --demo only */
	bool is_audited;     /* audit = yes */
	char *log;	     /* log = auto|stderr|syslog */
	uint64_t log_format; /* log-format = restante|dovecot, as enum
				log_format */
	uint64_t log_level;  /* log-level = error|warning|info|debug, as
			       enum log_level */
	/* [listener NAME] */
	struct listener_settings listeners[SETTINGS_LISTENERS_MAXIMUM];
	size_t listener_count;
	/* [tls], and [tls DOMAIN] */
	char *certificate; /* one file, or two with a comma: EC and RSA */
	char *key;	   /* as many */
	uint64_t ticket_rotation_seconds; /* ticket-rotation = 12h */
	uint64_t expiry_warning_seconds;  /* expiry-warning = 30d; 0: none */
	char *client_ca;		  /* client-ca; "" : none */
	bool has_key_role;
	uint64_t client_certificate; /* client-certificate = no|ask|require, as
				       enum certificate_asked */
	struct tls_settings *tls_sections;
	size_t tls_section_count;
	/* [auth] */
	uint64_t plaintext;	/* plaintext-without-tls = no|yes|force, as enum
			       plaintext */
	char *mechanisms;	/* names divided by commas */
	bool has_login;		/* login = yes: LOGIN too */
	uint64_t external_name; /* external-name, as enum external_name */
	char *backends;		/* sqlite, passwd-file, pam: in this order */
	char *passwd_file, *passwd_file_scheme;
	char *default_domain;
	bool folds_case;
	uint64_t scram_iterations; /* of new passwords; 0: none */
	uint64_t hash_threads;	   /* hash-threads; 0: half of the cores */
	uint64_t cache_seconds;	   /* cache = 1h; 0: none */
	struct pam_settings pam;
	struct oauth_settings oauth;
	/* [pop3] */
	uint64_t timeout_seconds; /* timeout = 10m, 600 s or more, RFC 1939 */
	uint64_t utf8_headers;	  /* utf8-headers = surrogate|refuse|as-is */
	bool replaces_nul;	  /* replace-nul = yes */
	uint64_t language;	  /* language = i-default|en|de|fr */
	/* [setup] */
	char *setup_name;	  /* name; "": the hostname */
	char *setup_submission;	  /* submission = smtp.example.org:465 */
	char *setup_url;	  /* url = https://...; "": by the listener */
	uint64_t setup_user_name; /* user-name = address|local-part: 0, 1 */
	/* [lmtp] */
	uint64_t maximum_message_octets; /* maximum-message = 50MiB */
	uint64_t bare_newline; /* bare-newline = normalize|reject: 0, 1 */
	/* [policy], and [policy NAME] */
	struct policy policy;
	struct policy_settings *policies;
	size_t policy_count;
	char *recipient_delimiter; /* recipient-delimiter = + */
	/* [quota] of each mailbox; 0: none */
	uint64_t quota_octets, quota_messages;
	uint64_t quota_soft_percent; /* soft = 100 */
	/* [limits] */
	uint64_t maximum_connections; /* connections, of one process */
	uint64_t address_connections; /* address-connections = 20, before the
					 login; 0: any */
	char *exempt_networks;	      /* exempt-networks: from the latter */
	uint64_t stalled_seconds;     /* stalled: a peer that takes no output */
	uint64_t vanished_seconds;    /* vanished: one that does not answer to
					 TCP; 0: as the kernel has it */
};

void server_settings_init(struct server_settings *settings); /* defaults */
/* The same without asking the system what it is called. */
void server_settings_init_unnamed(struct server_settings *settings);
void server_settings_release(struct server_settings *settings);
/* A commented sample file: every key with its default and its meaning. */
bool server_settings_sample(struct buffer *out);
/* error: one line for people, with file, line and nearest known key. */
enum outcome server_settings_load(struct server_settings *settings,
	const char *file, char error[INI_ERROR_SIZE]);
enum outcome server_settings_parse(struct server_settings *settings,
	const char *file, struct bytes text, char error[INI_ERROR_SIZE]);
/* The same, and server_settings_check. */
enum outcome server_settings_read(struct server_settings *settings,
	const char *file, char error[INI_ERROR_SIZE]);
/* Ranges and what only holds across keys. error: with section and key;
   setting_place_name says where that stands. */
enum outcome server_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE]);

/* Is it one of [auth] backends? */
bool server_settings_has_backend(
	const struct server_settings *settings, const char *name);
/* Are bearer tokens taken? */
bool server_settings_has_tokens(const struct server_settings *settings);
/* Does anything ask for the role lookup? */
bool server_settings_needs_lookup(const struct server_settings *settings);

/* Key by key: what the user's own section says, else the domain's, else
   [policy]. `user` is canonical. */
struct policy server_settings_policy(
	const struct server_settings *settings, const char *user);
/* Calls `each` with the policy of everybody else and of each section. */
void server_settings_each_policy(const struct server_settings *settings,
	void (*each)(const struct policy *policy, void *context),
	void *context);

/*
 * Calls `each` with the files of every certificate: those of [tls] (name: "")
 * first, then those of each [tls NAME]. None of [tls]: one is made.
 */
void server_settings_each_pair(const struct server_settings *settings,
	void (*each)(const char *name, struct bytes certificate,
		struct bytes key, void *context),
	void *context);

/*
 * What SASL offers a connection, as sasl_server_offer: `has` without
 * SASL_NEEDS_KEYS, which depends on the backends.
 */
bool server_settings_offer(const struct server_settings *settings, unsigned has,
	struct buffer *out);
/* Is one among them that binds to TLS? */
bool server_settings_offers_binding(
	const struct server_settings *settings, unsigned has);

/*
 * Writes all settings (or only those that differ from the default) as INI that
 * server_settings_parse reads back to the same: `config show`, and how the
 * parent hands settings to the roles.
 */
bool server_settings_write(const struct server_settings *settings,
	bool only_changed, struct buffer *out);
/* The same for people: "; restart" stands behind what a reload does not
   change. */
bool server_settings_show(const struct server_settings *settings,
	bool only_changed, struct buffer *out);

/* ---- a reload ---- */

/*
 * Calls `each` with what differs: "[limits] connections", "[policy alice]".
 * is_live: a server that runs can change it.
 */
void server_settings_changes(const struct server_settings *before,
	const struct server_settings *after,
	void (*each)(const char *name, bool is_live, void *context),
	void *context);
/* Gives `fresh` what only a restart changes as `running` has it. False: memory.
   What holds across keys is to be checked again. */
bool server_settings_keep(
	struct server_settings *fresh, const struct server_settings *running);

/* The word for store_open. */
const char *server_settings_store(const struct server_settings *settings);
/*
 * "/var/mail/vhosts/%d/%n": splits at the last "/" before the first "%" into
 * the directory that roles open and the template below it. False: no template.
 */
bool server_settings_split_mail(const char *mail, char *out_root, size_t size,
	const char **out_template);

#endif
