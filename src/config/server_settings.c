/* SPDX-License-Identifier: ISC */
#include "config/server_settings.h"
#include "base/log.h"
#include "config/auth_settings.h"
#include "config/listener_settings.h"
#include "config/lookup_settings.h"
#include "config/policy_settings.h"
#include "config/sasl_settings.h"
#include "config/server_table.h"
#include "config/setting_place.h"
#include "config/settings.h"
#include "config/setup_settings.h"
#include "config/tls_settings.h"
#include "config/value.h"
#include "sasl/server.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) offsetof(struct server_settings, member)
#define SEVEN_DAYS (7 * 86400)

static const struct setting keys[] = {
	{"server", "hostname", SETTING_STRING, AT(hostname), "", 0, 0, NULL,
		"what the server calls itself; default: the machine's name"},
	{"server", "state", SETTING_STRING, AT(state), "/var/lib/restante", 0,
		0, NULL, "accounts, indexes, journals, control sockets"},
	{"server", "mail", SETTING_STRING, AT(mail), "/var/mail/vhosts/%d/%n",
		0, 0, NULL,
		"where a mailbox is: %u user, %n local part, %d domain"},
	{"server", "store", SETTING_WORD, AT(store), "maildir", 0, 0,
		"maildir|mbox|memory",
		"what a mailbox is; memory ends with the server, for tests"},
	{"server", "user", SETTING_STRING, AT(user), "restante", 0, 0, NULL,
		"owns the mail; runs the store"},
	{"server", "auth-user", SETTING_STRING, AT(auth_user), "restante-auth",
		0, 0, NULL, "owns the accounts"},
	{"server", "session-user", SETTING_STRING, AT(session_user),
		"restante-session", 0, 0, NULL, "talks to clients"},
	{"server", "web-user", SETTING_STRING, AT(web_user), "restante-web", 0,
		0, NULL, "answers restantectl"},
	{"server", "key-user", SETTING_STRING, AT(key_user), "restante-key", 0,
		0, NULL, "holds the TLS key"},
	{"server", "lookup-user", SETTING_STRING, AT(lookup_user),
		"restante-lookup", 0, 0, NULL,
		"asks PAM, and who checks tokens"},
	{"server", "session-processes", SETTING_NUMBER, AT(session_processes),
		"0", 0, 64, NULL, "0: one for each core"},
	{"server", "shared", SETTING_BOOL, AT(is_shared), "yes", 0, 0, NULL,
		"other programs write to the mailboxes too"},
	{"server", "delivery-journal", SETTING_OCTETS, AT(journal_octets),
		"4MiB", 0, 1u << 30, NULL,
		"each of its two files; 0: every delivery is synced alone"},
	{"server", "demo", SETTING_BOOL, AT(is_demo), "no", 0, 0, NULL,
		"set by restanted --demo alone"},
	{"server", "audit", SETTING_BOOL, AT(is_audited), "no", 0, 0, NULL,
		"a line for each message that is retrieved or deleted",
		SETTING_LIVE},
	{"server", "log", SETTING_STRING, AT(log), "auto", 0, 0,
		"auto|stderr|syslog",
		"auto: stderr on a terminal, else syslog (facility mail)"},
	{"server", "log-format", SETTING_WORD, AT(log_format), "restante", 0, 0,
		"restante|dovecot",
		"dovecot: as Dovecot 2.3 writes it, for tools that know that",
		SETTING_LIVE},
	{"server", "log-level", SETTING_WORD, AT(log_level), "info", 0, 0,
		"error|warning|info|debug", "the least that is logged",
		SETTING_LIVE},
	{"tls", "certificate", SETTING_STRING, AT(certificate), "", 0, 0, NULL,
		"PEM with its chain; two with a comma: EC and RSA; none: one "
		"is made",
		SETTING_LIVE},
	{"tls", "key", SETTING_STRING, AT(key), "", 0, 0, NULL,
		"PEM; as many as certificates, in the same order",
		SETTING_LIVE},
	{"tls", "key-role", SETTING_BOOL, AT(has_key_role), "yes", 0, 0, NULL,
		"keys are in a process of their own, which signs; no: in those "
		"that clients speak to, for a little less CPU"},
	{"tls", "ticket-rotation", SETTING_SECONDS, AT(ticket_rotation_seconds),
		"12h", 1, SEVEN_DAYS, NULL,
		"session tickets get a new key, and are good for one more such "
		"time",
		SETTING_LIVE},
	{"tls", "expiry-warning", SETTING_SECONDS, AT(expiry_warning_seconds),
		"30d", 0, 365 * 86400, NULL,
		"the log says daily that a certificate ends; 0: only when it "
		"has",
		SETTING_LIVE},
	{"tls", "client-ca", SETTING_STRING, AT(client_ca), "", 0, 0, NULL,
		"PEM; who may issue certificates of clients", SETTING_LIVE},
	{"tls", "client-certificate", SETTING_WORD, AT(client_certificate),
		"no", 0, 0, "no|ask|require",
		"ask: whoever has one may log in with it (EXTERNAL); require: "
		"nobody connects without",
		SETTING_LIVE},
	{"auth", "plaintext-without-tls", SETTING_WORD, AT(plaintext), "no", 0,
		0, "no|yes|force",
		"yes is refused outside loopback, force is not", SETTING_LIVE},
	{"auth", "mechanisms", SETTING_STRING, AT(mechanisms), SASL_SERVER_ALL,
		0, 0, NULL, "SASL: what may be used where it can be"},
	{"auth", "login", SETTING_BOOL, AT(has_login), "no", 0, 0, NULL,
		"SASL LOGIN too, for clients that know nothing newer"},
	{"auth", "external-name", SETTING_WORD, AT(external_name), "credential",
		0, 0, "credential|email|common-name",
		"whose a client's certificate is: an account it was added to, "
		"or the account of a name it carries",
		SETTING_LIVE},
	{"auth", "backends", SETTING_LIST, AT(backends), "sqlite", 0, 0,
		"sqlite|passwd-file|pam",
		"where accounts are; the first that knows a name decides"},
	{"auth", "passwd-file", SETTING_STRING, AT(passwd_file), "", 0, 0, NULL,
		"a file of users as Dovecot has it, readable for auth-user"},
	{"auth", "passwd-file-scheme", SETTING_STRING, AT(passwd_file_scheme),
		"CRYPT", 0, 0, NULL, "of passwords in it without a {SCHEME}"},
	{"auth", "default-domain", SETTING_STRING, AT(default_domain), "", 0, 0,
		NULL, "of names without one; none: they stay as they are"},
	{"auth", "fold-case", SETTING_BOOL, AT(folds_case), "yes", 0, 0, NULL,
		"Alice is alice; no: only domains are folded"},
	{"auth", "scram-iterations", SETTING_NUMBER, AT(scram_iterations),
		"32768", 0, 10000000, NULL,
		"of new passwords, computed by clients (4096 or more); 0: no "
		"SCRAM",
		SETTING_LIVE},
	{"auth", "hash-threads", SETTING_NUMBER, AT(hash_threads), "0", 0, 64,
		NULL, "passwords hashed at once; 0: half of the cores"},
	{"auth", "cache", SETTING_SECONDS, AT(cache_seconds), "1h", 0, 86400,
		NULL, "a password that was right needs no hash; 0: always",
		SETTING_LIVE},
	{"pam", "service", SETTING_STRING, AT(pam.service), "restante", 0, 0,
		NULL, "the name of a file in /etc/pam.d"},
	{"pam", "folder", SETTING_STRING, AT(pam.folder), "", 0, 0, NULL,
		"where that file is, instead of /etc/pam.d"},
	{"pam", "group", SETTING_STRING, AT(pam.group), "", 0, 0, NULL,
		"a group that modules need to be in: shadow, for pam_unix"},
	{"pam", "may-read", SETTING_STRING, AT(pam.may_read), "", 0, 0, NULL,
		"folders that modules read besides /etc, /usr, /run, /dev: "
		"/a, /b"},
	{"pam", "first-uid", SETTING_NUMBER, AT(pam.first_uid), "1000", 0,
		UINT32_MAX, NULL,
		"users of the system below it have no mailbox"},
	{"pam", "threads", SETTING_NUMBER, AT(pam.threads), "4", 1, 64, NULL,
		"passwords asked for at once; 1: not all modules bear more"},
	{"pam", "timeout", SETTING_SECONDS, AT(pam.timeout_seconds), "15s", 1,
		300, NULL, "modules that take longer count as away"},
	{"pam", "cache", SETTING_SECONDS, AT(pam.cache_seconds), "1m", 0, 86400,
		NULL, "a password that was right is not asked for again"},
	{"oauth", "jwks", SETTING_STRING, AT(oauth.jwks), "", 0, 0, NULL,
		"file of the keys that sign tokens; read again when it "
		"changes"},
	{"oauth", "algorithms", SETTING_LIST, AT(oauth.algorithms),
		"RS256, ES256", 0, 0, "RS256|ES256", "how they may sign"},
	{"oauth", "introspection", SETTING_STRING, AT(oauth.introspection), "",
		0, 0, NULL,
		"https URL that is asked about tokens that no key of jwks "
		"signed"},
	{"oauth", "client", SETTING_STRING, AT(oauth.client), "", 0, 0, NULL,
		"file of two lines, name and secret, for that URL"},
	{"oauth", "ca", SETTING_STRING, AT(oauth.ca), "", 0, 0, NULL,
		"PEM of who may vouch for that URL's server; none: the "
		"system's"},
	{"oauth", "issuer", SETTING_STRING, AT(oauth.issuer), "", 0, 0, NULL,
		"whose tokens are taken (iss)"},
	{"oauth", "audience", SETTING_STRING, AT(oauth.audience), "", 0, 0,
		NULL, "what they must be for (aud)"},
	{"oauth", "scope", SETTING_STRING, AT(oauth.scope), "", 0, 0, NULL,
		"a word that their scope must have"},
	{"oauth", "user-claim", SETTING_STRING, AT(oauth.user_claim), "email",
		0, 0, NULL, "what in a token is the account's name"},
	{"oauth", "timeout", SETTING_SECONDS, AT(oauth.timeout_seconds), "10s",
		1, 300, NULL, "for an answer of introspection"},
	{"oauth", "cache", SETTING_SECONDS, AT(oauth.cache_seconds), "1m", 0,
		3600, NULL, "how long such an answer is good"},
	{"pop3", "timeout", SETTING_SECONDS, AT(timeout_seconds), "10m", 600,
		SEVEN_DAYS, NULL,
		"a silent session ends (RFC 1939 section 3: 10m or more)",
		SETTING_LIVE},
	{"pop3", "utf8-headers", SETTING_WORD, AT(utf8_headers), "surrogate", 0,
		0, "surrogate|refuse|as-is",
		"mail with UTF-8 in its header, for clients without UTF8",
		SETTING_LIVE},
	{"pop3", "replace-nul", SETTING_BOOL, AT(replaces_nul), "no", 0, 0,
		NULL, "octet 128 for NUL: some clients stop there",
		SETTING_LIVE},
	{"pop3", "language", SETTING_WORD, AT(language), "en", 0, 0,
		"i-default|en|de|fr", "what LANG * chooses", SETTING_LIVE},
	{"lmtp", "maximum-message", SETTING_OCTETS, AT(maximum_message_octets),
		"50MiB", 65536, 1ull << 40, NULL,
		"larger messages are refused (SIZE)", SETTING_LIVE},
	{"lmtp", "bare-newline", SETTING_WORD, AT(bare_newline), "normalize", 0,
		0, "normalize|reject", "a line feed without carriage return",
		SETTING_LIVE},
	{"lmtp", "recipient-delimiter", SETTING_STRING, AT(recipient_delimiter),
		"+", 0, 0, NULL,
		"alice+anything is alice; any of these characters; empty: "
		"none",
		SETTING_LIVE},
	{"quota", "octets", SETTING_OCTETS, AT(quota_octets), "0", 0,
		1ull << 47, NULL,
		"of a mailbox; over it mail is refused (552); 0: any",
		SETTING_LIVE},
	{"quota", "messages", SETTING_NUMBER, AT(quota_messages), "0", 0,
		UINT32_MAX, NULL,
		"of a mailbox; over it mail is refused (552); 0: any",
		SETTING_LIVE},
	{"quota", "soft", SETTING_NUMBER, AT(quota_soft_percent), "100", 1, 100,
		NULL,
		"percent of both; over it mail is put off (452); 100: not",
		SETTING_LIVE},
	{"policy", "retention", SETTING_SECONDS, AT(policy.retention_seconds),
		"0", 0, 36500ull * 86400, NULL,
		"how long mail is kept, 1d or more (CAPA: EXPIRE); 0: for "
		"ever",
		SETTING_LIVE},
	{"policy", "retention-from", SETTING_WORD, AT(policy.retention_from),
		"arrival", 0, 0, "arrival|retrieval",
		"retrieval: from the first complete RETR on", SETTING_LIVE},
	{"policy", "login-delay", SETTING_SECONDS,
		AT(policy.login_delay_seconds), "0", 0, 86400, NULL,
		"time between logins of a user (CAPA: LOGIN-DELAY); 0: any",
		SETTING_LIVE},
	{"policy", "login-burst", SETTING_NUMBER, AT(policy.login_burst), "1",
		1, 1000, NULL,
		"logins that may come at once when there were none for long",
		SETTING_LIVE},
	{"policy", "connections", SETTING_NUMBER, AT(policy.connections), "10",
		0, 1000000, NULL, "of a user at once, logged in; 0: any",
		SETTING_LIVE},
	{"limits", "connections", SETTING_NUMBER, AT(maximum_connections),
		"10000", 1, 1000000, NULL,
		"of one session process; full, the oldest not logged in goes",
		SETTING_LIVE},
	{"limits", "address-connections", SETTING_NUMBER,
		AT(address_connections), "20", 0, 10000, NULL,
		"not logged in, from one address (IPv6: its /64); 0: any",
		SETTING_LIVE},
	{"limits", "exempt-networks", SETTING_STRING, AT(exempt_networks),
		"127.0.0.0/8, ::1", 0, 0, NULL,
		"whom address-connections does not hold for: webmail, a NAT",
		SETTING_LIVE},
	{"limits", "stalled", SETTING_SECONDS, AT(stalled_seconds), "10m", 5,
		SEVEN_DAYS, NULL,
		"a connection that takes none of what waits for it is dropped",
		SETTING_LIVE},
	{"limits", "vanished", SETTING_SECONDS, AT(vanished_seconds), "30s", 0,
		7200, NULL,
		"a client whose machine is not heard of any more; 0: hours",
		SETTING_LIVE},
	{"setup", "name", SETTING_STRING, AT(setup_name), "", 0, 0, NULL,
		"of who runs this, for people; none: the hostname",
		SETTING_LIVE},
	{"setup", "submission", SETTING_STRING, AT(setup_submission), "", 0, 0,
		NULL,
		"host:port mail is sent by; 465: TLS at once, else STARTTLS",
		SETTING_LIVE},
	{"setup", "user-name", SETTING_WORD, AT(setup_user_name), "address", 0,
		0, "address|local-part",
		"what people log in with: all of it, or what is before the @",
		SETTING_LIVE},
	{"setup", "url", SETTING_STRING, AT(setup_url), "", 0, 0, NULL,
		"of the set-up page; none: by hostname and [listener setup]",
		SETTING_LIVE},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))
_Static_assert(KEYS <= SETTINGS_KEYS_MAXIMUM, "settings_seen holds them");

const struct settings server_settings_table = {keys, KEYS};

static const char *const sections[] = {"server", "listener", "tls", "auth",
	"pam", "oauth", "pop3", "lmtp", "quota", "policy", "limits", "setup",
	NULL};

/* ---- life ---- */

/* Also when it is set to nothing, as in the sample. */
static void
set_hostname(struct server_settings *settings)
{
	char error[INI_ERROR_SIZE], name[256] = "";

	if (settings->hostname && settings->hostname[0])
		return;
	if (gethostname(name, sizeof(name) - 1) != 0 || !name[0])
		snprintf(name, sizeof(name), "localhost");
	settings_set(&keys[0], settings, name, error);
}

void
server_settings_init_unnamed(struct server_settings *settings)
{
	*settings = (struct server_settings){0};
	settings_init(&server_settings_table, settings);
}

void
server_settings_init(struct server_settings *settings)
{
	server_settings_init_unnamed(settings);
	set_hostname(settings);
}

void
server_settings_release(struct server_settings *settings)
{
	settings_release(&server_settings_table, settings);
	listener_settings_release(settings);
	policy_settings_release(settings);
	tls_settings_release(settings);
}

/* ---- reading ---- */

struct reading {
	struct server_settings *settings;
	struct settings_seen seen;
};

static bool
begin_section(struct reading *reading, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	if (strcmp(entry->section, "listener") == 0)
		return listener_settings_begin(
			reading->settings, entry->name, error);
	if (strcmp(entry->section, "policy") == 0 && entry->name[0])
		return policy_settings_begin(
			reading->settings, entry->name, error);
	if (strcmp(entry->section, "tls") == 0 && entry->name[0])
		return tls_settings_begin(
			reading->settings, entry->name, error);
	for (int i = 0; sections[i]; i++)
		if (strcmp(sections[i], entry->section) == 0)
			return true;
	snprintf(error, INI_ERROR_SIZE, "unknown section [%.60s]",
		entry->section);
	settings_did_you_mean(error, value_nearest(entry->section, sections));
	return false;
}

static bool
take_entry(const struct ini_entry *entry, char error[INI_ERROR_SIZE],
	void *context)
{
	struct reading *reading = context;

	if (!entry->key)
		return begin_section(reading, entry, error);
	if (strcmp(entry->section, "listener") == 0)
		return listener_settings_take(reading->settings, entry, error);
	if (strcmp(entry->section, "policy") == 0 && entry->name[0])
		return policy_settings_take(&server_settings_table,
			reading->settings, entry, error);
	if (strcmp(entry->section, "tls") == 0 && entry->name[0])
		return tls_settings_take(reading->settings, entry, error);
	return settings_take(&server_settings_table, reading->settings,
		&reading->seen, entry, error);
}

enum outcome
server_settings_load(struct server_settings *settings, const char *file,
	char error[INI_ERROR_SIZE])
{
	struct reading reading = {.settings = settings};
	enum outcome outcome = ini_load(file, take_entry, &reading, error);

	set_hostname(settings);
	return outcome;
}

enum outcome
server_settings_parse(struct server_settings *settings, const char *file,
	struct bytes text, char error[INI_ERROR_SIZE])
{
	struct reading reading = {.settings = settings};
	enum outcome outcome =
		ini_parse(file, text, take_entry, &reading, error);

	set_hostname(settings);
	return outcome;
}

/* ---- checking ---- */

/* It stands in greetings and in Received: one word of ASCII. */
static bool
check_hostname(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	for (const char *at = settings->hostname; *at; at++) {
		if (*at > ' ' && *at < 0x7F)
			continue;
		snprintf(error, INI_ERROR_SIZE,
			"[server] hostname = %.100s: must be a host's name, in "
			"ASCII and without blanks",
			settings->hostname);
		return false;
	}
	return true;
}

enum outcome
server_settings_check(
	const struct server_settings *settings, char error[INI_ERROR_SIZE])
{
	const char *template;
	char root[4096];

	if (!server_settings_split_mail(
		    settings->mail, root, sizeof(root), &template)) {
		snprintf(error, INI_ERROR_SIZE,
			"[server] mail = %.100s: must be an absolute path with "
			"%%u, %%n or %%d below a directory",
			settings->mail);
		return ERR_PEER;
	}
	if (settings->state[0] != '/') {
		snprintf(error, INI_ERROR_SIZE,
			"[server] state = %.100s: must be an absolute path",
			settings->state);
		return ERR_PEER;
	}
	if (!check_hostname(settings, error) ||
		!tls_settings_check(settings, error) ||
		!auth_settings_check(settings, error) ||
		!lookup_settings_check(settings, error) ||
		!sasl_settings_check(settings, error) ||
		!policy_settings_check(settings, error) ||
		!listener_settings_check(settings, error) ||
		!setup_settings_check(settings, error) ||
		!settings_check_networks(settings->exempt_networks, "limits",
			"exempt-networks", error))
		return ERR_PEER;
	return OK;
}

enum outcome
server_settings_read(struct server_settings *settings, const char *file,
	char error[INI_ERROR_SIZE])
{
	enum outcome outcome = server_settings_load(settings, file, error);

	if (outcome != OK)
		return outcome;
	outcome = server_settings_check(settings, error);
	if (outcome != OK)
		setting_place_name(file, error);
	return outcome;
}

bool
server_settings_split_mail(const char *mail, char *out_root, size_t size,
	const char **out_template)
{
	const char *percent = strchr(mail, '%');
	const char *slash = percent;
	size_t octets;

	if (!percent || mail[0] != '/' || strstr(mail, ".."))
		return false;
	for (const char *at = percent; (at = strchr(at, '%')); at += 2)
		if (!at[1] || !strchr("und", at[1]))
			return false;
	while (*slash != '/')
		slash--;
	octets = slash > mail ? (size_t)(slash - mail) : strlen("/");
	if (octets >= size)
		return false;
	memcpy(out_root, mail, octets);
	out_root[octets] = '\0';
	*out_template = slash + 1;
	return true;
}

const char *
server_settings_store(const struct server_settings *settings)
{
	static const char *const kinds[] = {
		[STORE_MAILDIR] = "maildir",
		[STORE_MBOX] = "mbox",
		[STORE_MEMORY] = "memory",
	};

	return kinds[settings->store];
}
