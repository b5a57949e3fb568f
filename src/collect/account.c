/* SPDX-License-Identifier: ISC */
#include "collect/account_table.h"
#include "collect/words.h"
#include "net/socks5.h"
#include "tls/pins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of sinks, in the order of sinks.c. */
#define DELIVER_WORDS "maildir|mbox|lmtp|smtp|pipe|imap"
/* In the order of account_login_name. */
#define OAUTH_WORDS "none|google|microsoft|yahoo|aol|custom"
#define LOGIN_WORDS                                                            \
	"auto|scram-sha-256-plus|scram-sha-1-plus|scram-sha-256|scram-sha-1|"  \
	"plain|login|user|apop|oauthbearer|xoauth2|external"

static const struct setting account_keys[] = {
	{"account", "host", SETTING_STRING,
		offsetof(struct collect_account, host), "", 0, 0, NULL,
		"the server's name"},
	{"account", "port", SETTING_NUMBER,
		offsetof(struct collect_account, port), "0", 0, 65535, NULL,
		"the server's port; 0 is 995, or 110 without implicit TLS"},
	{"account", "tls", SETTING_WORD, offsetof(struct collect_account, tls),
		"implicit", 0, 0, "implicit|starttls|none",
		"none is accepted on loopback only"},
	{"account", "ca-file", SETTING_STRING,
		offsetof(struct collect_account, ca_file), "", 0, 0, NULL,
		"certificates to trust instead of the system's"},
	{"account", "tls-pin", SETTING_STRING,
		offsetof(struct collect_account, tls_pin), "", 0, 0, NULL,
		"public keys, sha256//BASE64, one of which the server's "
		"certificates must have"},
	{"account", "tls-certificate", SETTING_STRING,
		offsetof(struct collect_account, tls_certificate), "", 0, 0,
		NULL, "our own certificate, for login = external"},
	{"account", "tls-key", SETTING_STRING,
		offsetof(struct collect_account, tls_key), "", 0, 0, NULL,
		"its key, a file of mode 0600"},
	{"account", "proxy", SETTING_STRING,
		offsetof(struct collect_account, proxy), "", 0, 0, NULL,
		"socks5://[USER:PASSWORD@]HOST[:PORT], which finds the server "
		"and connects to it"},
	{"account", "user", SETTING_STRING,
		offsetof(struct collect_account, user), "", 0, 0, NULL,
		"the login name, when it is not the account's"},
	{"account", "login", SETTING_WORD,
		offsetof(struct collect_account, login), "auto", 0, 0,
		LOGIN_WORDS,
		"how to log in; auto is the strongest way that the server "
		"offers, but never apop"},
	{"account", "password-file", SETTING_STRING,
		offsetof(struct collect_account, password_file), "", 0, 0, NULL,
		"a file of mode 0600 whose first line is the password"},
	{"account", "password-command", SETTING_STRING,
		offsetof(struct collect_account, password_command), "", 0, 0,
		NULL, "a command whose first line of output is the password"},
	{"account", "password-keyring", SETTING_BOOL,
		offsetof(struct collect_account, password_keyring), "no", 0, 0,
		NULL, "ask the desktop's keyring, by secret-tool"},
	{"account", "password-credential", SETTING_STRING,
		offsetof(struct collect_account, password_credential), "", 0, 0,
		NULL, "the name of a credential that systemd passes"},
	{"account", "oauth", SETTING_WORD,
		offsetof(struct collect_account, oauth), "none", 0, 0,
		OAUTH_WORDS,
		"whose tokens are used in place of a password; account "
		"authorize asks for them"},
	{"account", "oauth-client-id", SETTING_STRING,
		offsetof(struct collect_account, oauth_client_id), "", 0, 0,
		NULL, "of an application registered with the provider"},
	{"account", "oauth-client-secret-file", SETTING_STRING,
		offsetof(struct collect_account, oauth_client_secret_file), "",
		0, 0, NULL,
		"a file of mode 0600, for a provider that gives one"},
	{"account", "oauth-scope", SETTING_STRING,
		offsetof(struct collect_account, oauth_scope), "", 0, 0, NULL,
		"what is asked for; empty is what the provider needs for POP3"},
	{"account", "oauth-device-url", SETTING_STRING,
		offsetof(struct collect_account, oauth_device_url), "", 0, 0,
		NULL, "where codes for devices come from"},
	{"account", "oauth-authorize-url", SETTING_STRING,
		offsetof(struct collect_account, oauth_authorize_url), "", 0, 0,
		NULL, "the page that a browser is sent to"},
	{"account", "oauth-token-url", SETTING_STRING,
		offsetof(struct collect_account, oauth_token_url), "", 0, 0,
		NULL, "where tokens come from"},
	{"account", "oauth-ca-file", SETTING_STRING,
		offsetof(struct collect_account, oauth_ca_file), "", 0, 0, NULL,
		"certificates to trust there instead of the system's"},
	{"account", "oauth-loopback-http", SETTING_BOOL,
		offsetof(struct collect_account, oauth_loopback_http), "no", 0,
		0, NULL, "a server on this machine may be asked without TLS"},
	{"account", "maildir", SETTING_STRING,
		offsetof(struct collect_account, maildir), "", 0, 0, NULL,
		"where the mail is filed; ~/Mail/ACCOUNT when empty"},
	{"account", "line-ends", SETTING_WORD,
		offsetof(struct collect_account, line_ends), "keep", 0, 0,
		"keep|lf", "keep files mail as the server sent it, with CRLF"},
	{"account", "keep", SETTING_BOOL,
		offsetof(struct collect_account, keep), "yes", 0, 0, NULL,
		"leave collected mail on the server"},
	{"account", "delete-after", SETTING_SECONDS,
		offsetof(struct collect_account, delete_after_seconds), "0", 0,
		100ull * 366 * 86400, NULL,
		"delete only what has been here for so long"},
	{"account", "delete-older", SETTING_SECONDS,
		offsetof(struct collect_account, delete_older_seconds), "0", 0,
		100ull * 366 * 86400, NULL,
		"delete only what is here and was sent so long ago"},
	{"account", "keep-newest", SETTING_NUMBER,
		offsetof(struct collect_account, keep_newest), "0", 0,
		UINT32_MAX, NULL, "leave so many of the newest on the server"},
	{"account", "quota", SETTING_OCTETS,
		offsetof(struct collect_account, quota_octets), "0", 0,
		1ull << 50, NULL,
		"delete the oldest that are here while the mailbox is larger; "
		"0 is never"},
	{"account", "maximum-deletions", SETTING_NUMBER,
		offsetof(struct collect_account, maximum_deletions), "0", 0,
		UINT32_MAX, NULL,
		"delete at most so many in one run; 0 is any number"},
	{"account", "deliver", SETTING_WORD,
		offsetof(struct collect_account, deliver), "maildir", 0, 0,
		DELIVER_WORDS, "what is done with the mail"},
	{"account", "mbox", SETTING_STRING,
		offsetof(struct collect_account, mbox), "", 0, 0, NULL,
		"the file for deliver = mbox"},
	{"account", "deliver-server", SETTING_STRING,
		offsetof(struct collect_account, deliver_server), "", 0, 0,
		NULL, "HOST:PORT, or unix:/PATH, of lmtp, smtp, imap"},
	{"account", "deliver-tls", SETTING_WORD,
		offsetof(struct collect_account, deliver_tls), "implicit", 0, 0,
		"implicit|starttls|none",
		"none sends no password but on this machine"},
	{"account", "deliver-ca-file", SETTING_STRING,
		offsetof(struct collect_account, deliver_ca_file), "", 0, 0,
		NULL, "certificates to trust there instead of the system's"},
	{"account", "deliver-user", SETTING_STRING,
		offsetof(struct collect_account, deliver_user), "", 0, 0, NULL,
		"the login name there; empty is no login"},
	{"account", "deliver-password-file", SETTING_STRING,
		offsetof(struct collect_account, deliver_password_file), "", 0,
		0, NULL, "a file of mode 0600 with the password there"},
	{"account", "deliver-password-command", SETTING_STRING,
		offsetof(struct collect_account, deliver_password_command), "",
		0, 0, NULL, "a command that prints it"},
	{"account", "deliver-sender", SETTING_STRING,
		offsetof(struct collect_account, deliver_sender), "", 0, 0,
		NULL, "envelope sender for lmtp and smtp; empty is <>"},
	{"account", "deliver-recipient", SETTING_STRING,
		offsetof(struct collect_account, deliver_recipient), "", 0, 0,
		NULL, "envelope recipient for lmtp and smtp"},
	{"account", "deliver-folder", SETTING_STRING,
		offsetof(struct collect_account, deliver_folder), "INBOX", 0, 0,
		NULL, "mailbox for imap"},
	{"account", "deliver-command", SETTING_STRING,
		offsetof(struct collect_account, deliver_command), "", 0, 0,
		NULL, "program and arguments for pipe, run without a shell"},
	{"account", "deliver-timeout", SETTING_SECONDS,
		offsetof(struct collect_account, deliver_timeout_seconds), "5m",
		1, 86400, NULL, "how long each step of a delivery may take"},
	{"account", "interval", SETTING_SECONDS,
		offsetof(struct collect_account, interval_seconds), "5m", 0,
		7 * 86400, NULL,
		"how long fetch --daemon waits between two runs; 0 is until "
		"it is told to"},
	{"account", "timeout", SETTING_SECONDS,
		offsetof(struct collect_account, timeout_seconds), "60s", 1,
		3600, NULL, "how long a silent server is waited for"},
	{"account", "session-maximum", SETTING_SECONDS,
		offsetof(struct collect_account, session_maximum_seconds),
		"12h", 10, 7 * 86400, NULL,
		"how long a session may take in all"},
	{"account", "minimum-rate", SETTING_OCTETS,
		offsetof(struct collect_account, minimum_rate), "16", 0,
		1u << 30, NULL,
		"octets a second that a reply must come with when it takes "
		"longer than timeout; 0 is any"},
	{"account", "sessions", SETTING_WORD,
		offsetof(struct collect_account, sessions), "auto", 0, 0,
		"auto|one|all",
		"whether to look again for mail that a server did not show at "
		"once"},
	{"account", "maximum-message", SETTING_OCTETS,
		offsetof(struct collect_account, maximum_message_octets),
		"1GiB", 1024, 1ull << 40, NULL,
		"a larger message stays on the server"},
	{"account", "envelope", SETTING_STRING,
		offsetof(struct collect_account, envelope),
		"X-Original-To, Envelope-To, X-Envelope-To, Delivered-To", 0, 0,
		NULL, "fields that name the envelope's recipient"},
	{"account", "envelope-skip", SETTING_NUMBER,
		offsetof(struct collect_account, envelope_skip), "0", 0, 16,
		NULL,
		"how many of these fields stand above the one that counts"},
	{"account", "observe", SETTING_BOOL,
		offsetof(struct collect_account, observe), "no", 0, 0, NULL,
		"only look what is new: UIDL and TOP, never RETR or DELE"},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
const struct settings account_table = {account_keys, COUNT(account_keys)};

/* ---- one account ---- */

bool
account_is_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._+-";
	size_t octets = strlen(name);

	/* It becomes part of file names. */
	return octets > 0 && octets <= ACCOUNT_NAME_MAXIMUM_OCTETS &&
	       name[0] != '.' && name[0] != '-' &&
	       strspn(name, allowed) == octets;
}

bool
account_init(struct collect_account *account, const char *name)
{
	*account = (struct collect_account){.name = strdup(name)};
	settings_init(&account_table, account);
	return account->name != NULL;
}

void
account_release(struct collect_account *account)
{
	settings_release(&account_table, account);
	free(account->name);
	free(account->file);
	account->name = account->file = NULL;
}

static bool
account_has_policy(const struct collect_account *account)
{
	return account->delete_after_seconds > 0 ||
	       account->delete_older_seconds > 0 || account->keep_newest > 0 ||
	       account->quota_octets > 0 || account->maximum_deletions > 0;
}

static unsigned
count_password_sources(const struct collect_account *account)
{
	return (account->password_file[0] != 0) +
	       (account->password_command[0] != 0) +
	       (account->password_credential[0] != 0) +
	       account->password_keyring;
}

bool
account_leaves_mail(const struct collect_account *account, uint64_t seconds)
{
	return account->keep || account->keep_newest > 0 ||
	       account->delete_after_seconds > seconds ||
	       account->delete_older_seconds > seconds;
}

bool
account_asks_password(const struct collect_account *account)
{
	return count_password_sources(account) == 0 &&
	       !account->tls_certificate[0] &&
	       account->oauth == ACCOUNT_OAUTH_NONE;
}

/* The sinks know more of it when they are opened; this is for who mistypes. */
static const char *
what_delivery_lacks(const struct collect_account *account)
{
	const char *sink = account_sink_name(account);
	const char *server = account->deliver_server;
	bool is_relay = strcmp(sink, "lmtp") == 0 || strcmp(sink, "smtp") == 0;
	bool is_imap = strcmp(sink, "imap") == 0;

	if (strcmp(sink, "mbox") == 0 && !account->mbox[0])
		return "deliver = mbox needs mbox, the file";
	if (strcmp(sink, "pipe") == 0 && !account->deliver_command[0])
		return "deliver = pipe needs deliver-command";
	if (strcmp(sink, "pipe") == 0 &&
		!words_can_cut(account->deliver_command))
		return "deliver-command has a quote that is not closed, or "
		       "too many words";
	if (is_relay && (!server[0] || !account->deliver_recipient[0]))
		return "deliver = lmtp or smtp needs deliver-server and "
		       "deliver-recipient, an address";
	if (is_imap && (!server[0] || !account->deliver_user[0]))
		return "deliver = imap needs deliver-server and deliver-user";
	if ((is_relay || is_imap) && !strchr(server, ':'))
		return "deliver-server is HOST:PORT or unix:/PATH";
	return NULL;
}

/* "pop.example.org:995"; an address of IPv6 has more than one. */
static bool
has_port(const char *host)
{
	const char *colon = strchr(host, ':');

	return colon && !strchr(colon + 1, ':');
}

/* What is wrong; NULL: nothing. */
static const char *
what_is_wrong(const struct collect_account *account)
{
	struct socks5_proxy proxy;
	struct tls_pins pins;
	bool is_proxy = account->proxy[0] != 0;
	bool is_clear = account->tls == ACCOUNT_TLS_NONE;

	if (!account->host[0])
		return "host is missing";
	if (has_port(account->host))
		return "host is a name alone; its port goes to port";
	if (count_password_sources(account) > 1)
		return "password-file, password-command, password-keyring, "
		       "password-credential: only one of them can be given";
	if (account->oauth != ACCOUNT_OAUTH_NONE &&
		!account->oauth_client_id[0])
		return "oauth needs oauth-client-id, that of an application "
		       "registered with the provider";
	if (account->oauth != ACCOUNT_OAUTH_NONE &&
		count_password_sources(account) > account->password_keyring)
		return "oauth gets tokens by itself: only password-keyring, "
		       "to keep them there, can stand beside it";
	if (!account->tls_certificate[0] != !account->tls_key[0])
		return "tls-certificate and tls-key need each other";
	if (account->tls_certificate[0] && is_clear)
		return "tls-certificate needs TLS";
	if (strcmp(account_login_name(account), "EXTERNAL") == 0 &&
		!account->tls_certificate[0])
		return "login = external needs tls-certificate";
	if (strchr(account->password_credential, '/') ||
		account->password_credential[0] == '.')
		return "password-credential is a name, not a path";
	if (account->keep && account_has_policy(account))
		return "what is to be deleted, and when, needs keep = no";
	if (!tls_pins_parse(account->tls_pin, &pins))
		return "tls-pin is a list of at most 8 pins, each "
		       "sha256//BASE64";
	if (pins.count > 0 && is_clear)
		return "tls-pin needs TLS";
	if (is_proxy && !socks5_parse(account->proxy, &proxy))
		return "proxy is socks5://[USER:PASSWORD@]HOST[:PORT]";
	if (is_proxy && is_clear)
		return "proxy needs TLS: without it the proxy could read the "
		       "password";
	return what_delivery_lacks(account);
}

bool
account_check(const struct collect_account *account, char error[INI_ERROR_SIZE])
{
	const char *wrong = what_is_wrong(account);

	if (wrong)
		snprintf(error, INI_ERROR_SIZE, "[account %s]: %s",
			account->name, wrong);
	return !wrong;
}

bool
account_can_write(
	const struct collect_account *account, char error[INI_ERROR_SIZE])
{
	for (size_t i = 0; i < account_table.count; i++) {
		const struct setting *key = &account_keys[i];
		const char *at = (const char *)account + key->offset;

		if (key->type != SETTING_STRING ||
			ini_can_hold(*(char *const *)(const void *)at))
			continue;
		snprintf(error, INI_ERROR_SIZE,
			"%s cannot stand in one line of the settings: it has "
			"line breaks, blanks at an end, \\ at the end, or ; "
			"or # behind a blank",
			key->key);
		return false;
	}
	return true;
}

bool
account_write(const struct collect_account *account, struct buffer *out)
{
	struct collect_account initial;
	bool is_good =
		account_init(&initial, account->name) &&
		buffer_printf(out, "[account %s]\n", account->name) &&
		settings_put_keys(&account_table, account, &initial, out);

	account_release(&initial);
	return is_good;
}

uint16_t
account_port(const struct collect_account *account)
{
	if (account->port > 0)
		return (uint16_t)account->port;
	return account->tls == ACCOUNT_TLS_IMPLICIT ? 995 : 110;
}

const char *
account_user(const struct collect_account *account)
{
	return account->user[0] ? account->user : account->name;
}

const char *
account_login_name(const struct collect_account *account)
{
	static const char *const names[] = {"auto", "SCRAM-SHA-256-PLUS",
		"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN",
		"LOGIN", "USER", "APOP", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"};

	return names[account->login];
}

const char *
account_tls_name(const struct collect_account *account)
{
	static const char *const names[] = {"implicit", "starttls", "none"};

	return names[account->tls];
}

bool
account_expand(const char *path, char *out, size_t size)
{
	const char *home = getenv("HOME");
	bool is_below = *path && *path != '/';

	if (strncmp(path, "~/", 2) == 0)
		path += 2;
	return snprintf(out, size, "%s%s%s", is_below && home ? home : "",
		       is_below ? "/" : "", path) < (int)size;
}

const char *
account_sink_name(const struct collect_account *account)
{
	static const char *const names[] = {
		"maildir", "mbox", "lmtp", "smtp", "pipe", "imap"};

	return names[account->deliver];
}

bool
account_maildir(const struct collect_account *account, char *out, size_t size)
{
	char path[ACCOUNT_NAME_MAXIMUM_OCTETS + 16];

	if (strcmp(account_sink_name(account), "mbox") == 0 && account->mbox[0])
		return account_expand(account->mbox, out, size);
	snprintf(path, sizeof(path), "~/Mail/%s", account->name);
	return account_expand(
		account->maildir[0] ? account->maildir : path, out, size);
}
