/* SPDX-License-Identifier: ISC */
#include "../check.h"

#include "base/log.h"
#include "accounts/scheme.h"
#include "config/server_settings.h"
#include "sasl/server.h"

#include <unistd.h>

#define SAMPLE_MAXIMUM_OCTETS 65536
#define LISTENER	      "[listener pop3s]\naddress = [::]:995\n"

static struct server_settings settings;
static char error[INI_ERROR_SIZE];

static int
set_up(void **state)
{
	server_settings_init(&settings);
	error[0] = '\0';
	return 0;
}

static int
tear_down(void **state)
{
	server_settings_release(&settings);
	return 0;
}

static void
start_again(void)
{
	tear_down(NULL);
	set_up(NULL);
}

static enum outcome
parse(const char *text)
{
	return server_settings_parse(
		&settings, "test.conf", bytes_of_string(text), error);
}

static void
begins_with_its_defaults(void **state)
{
	char name[256] = "";

	assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
	assert_string_equal(settings.hostname, name);
	assert_string_equal(settings.state, "/var/lib/restante");
	assert_string_equal(settings.mail, "/var/mail/vhosts/%d/%n");
	assert_string_equal(settings.user, "restante");
	assert_string_equal(settings.auth_user, "restante-auth");
	assert_string_equal(settings.session_user, "restante-session");
	assert_string_equal(settings.web_user, "restante-web");
	assert_int_equal(settings.session_processes, 0);
	assert_true(settings.is_shared);
	assert_false(settings.is_demo);
	assert_string_equal(settings.log, "auto");
	assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
	assert_int_equal(settings.listener_count, 0);
	assert_string_equal(settings.certificate, "");
	assert_string_equal(settings.key, "");
	assert_string_equal(settings.client_ca, "");
	assert_int_equal(settings.client_certificate, CLIENT_CERTIFICATE_NO);
	assert_int_equal(settings.plaintext, PLAINTEXT_NO);
	assert_string_equal(settings.mechanisms, SASL_SERVER_ALL);
	assert_false(settings.has_login);
	assert_int_equal(settings.external_name, EXTERNAL_CREDENTIAL);
	assert_string_equal(settings.backends, "sqlite");
	assert_int_equal(settings.timeout_seconds, 600);
	assert_int_equal(settings.maximum_message_octets, 50u << 20);
	assert_int_equal(settings.bare_newline, 0);
	assert_int_equal(settings.maximum_connections, 10000);
	assert_int_equal(settings.stalled_seconds, 600);
	assert_int_equal(settings.vanished_seconds, 30);
}

static const char whole[] = "[server]\n"
			    "hostname = mail.example.org\n"
			    "state = /srv/state\n"
			    "mail = /srv/mail/%u\n"
			    "store = mbox\n"
			    "user = m1\n"
			    "auth-user = m2\n"
			    "session-user = m3\n"
			    "web-user = m4\n"
			    "key-user = m5\n"
			    "lookup-user = m6\n"
			    "session-processes = 64\n"
			    "shared = no\n"
			    "delivery-journal = 1048576\n"
			    "demo = yes\n"
			    "audit = yes\n"
			    "log = syslog\n"
			    "log-format = dovecot\n"
			    "log-level = debug\n"
			    "\n[tls]\n"
			    "certificate = /etc/c.pem\n"
			    "key = /etc/k.pem\n"
			    "key-role = no\n"
			    "ticket-rotation = 3600\n"
			    "expiry-warning = 604800\n"
			    "client-ca = /etc/ca.pem\n"
			    "client-certificate = require\n"
			    "\n[auth]\n"
			    "plaintext-without-tls = yes\n"
			    "mechanisms = PLAIN, SCRAM-SHA-256\n"
			    "login = yes\n"
			    "external-name = common-name\n"
			    "backends = sqlite, pam\n"
			    "passwd-file = /etc/users\n"
			    "passwd-file-scheme = SSHA256\n"
			    "default-domain = example.org\n"
			    "fold-case = no\n"
			    "scram-iterations = 4096\n"
			    "hash-threads = 3\n"
			    "cache = 90\n"
			    "\n[pam]\n"
			    "service = pop3\n"
			    "folder = /srv/pam.d\n"
			    "group = shadow\n"
			    "may-read = /srv/users, /srv/more\n"
			    "first-uid = 500\n"
			    "threads = 64\n"
			    "timeout = 300\n"
			    "cache = 0\n"
			    "\n[oauth]\n"
			    "jwks = /srv/jwks.json\n"
			    "algorithms = ES256\n"
			    "introspection = https://issuer.example/asked\n"
			    "client = /srv/client\n"
			    "ca = /srv/ca.pem\n"
			    "issuer = https://issuer.example\n"
			    "audience = pop3\n"
			    "scope = mail\n"
			    "user-claim = sub\n"
			    "timeout = 3\n"
			    "cache = 0\n"
			    "\n[pop3]\n"
			    "timeout = 604800\n"
			    "utf8-headers = refuse\n"
			    "replace-nul = yes\n"
			    "language = de\n"
			    "\n[lmtp]\n"
			    "maximum-message = 1099511627776\n"
			    "bare-newline = reject\n"
			    "recipient-delimiter = +-\n"
			    "\n[quota]\n"
			    "octets = 1073741824\n"
			    "messages = 5000\n"
			    "soft = 90\n"
			    "\n[policy]\n"
			    "retention = 2592000\n"
			    "retention-from = retrieval\n"
			    "login-delay = 60\n"
			    "login-burst = 3\n"
			    "connections = 7\n"
			    "\n[limits]\n"
			    "connections = 1\n"
			    "address-connections = 10000\n"
			    "exempt-networks = 10.0.0.0/8, ::1\n"
			    "stalled = 5\n"
			    "vanished = 7200\n"
			    "\n[setup]\nname = Example & Co\n"
			    "submission = smtp.example.org:587\n"
			    "user-name = local-part\n"
			    "url = https://example.org/mail\n"
			    "\n[listener pop3]\n"
			    "address = 127.0.0.1:110, [::1]:110\n"
			    "\n[listener pop3s]\n"
			    "address = 0.0.0.0:995\n"
			    "proxy-networks = 192.0.2.0/24, ::1\n"
			    "\n[listener lmtp]\n"
			    "address = unix:/run/lmtp.sock\n"
			    "group = postfix\n"
			    "\n[listener pop3s]\n"
			    "address = [::]:995\n"
			    "\n[tls pop.example.com]\n"
			    "certificate = /etc/ec.pem, /etc/rsa.pem\n"
			    "key = /etc/ec.key,/etc/rsa.key\n"
			    "\n[policy example.org]\n"
			    "retention = 0\n"
			    "login-burst = 5\n"
			    "connections = 0\n"
			    "\n[policy Bob@example.org]\n"
			    "retention = 86400\n"
			    "login-delay = 300\n";

static void
takes_every_key(void **state)
{
	assert_int_equal(parse(whole), OK);
	assert_string_equal(settings.hostname, "mail.example.org");
	assert_string_equal(settings.state, "/srv/state");
	assert_string_equal(settings.mail, "/srv/mail/%u");
	assert_string_equal(settings.user, "m1");
	assert_string_equal(settings.auth_user, "m2");
	assert_string_equal(settings.session_user, "m3");
	assert_string_equal(settings.web_user, "m4");
	assert_int_equal(settings.session_processes, 64);
	assert_false(settings.is_shared);
	assert_int_equal(settings.journal_octets, 1u << 20);
	assert_true(settings.is_demo);
	assert_string_equal(settings.log, "syslog");
	assert_true(settings.is_audited);
	assert_int_equal(settings.log_format, LOG_FORMAT_DOVECOT);
	assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(settings.certificate, "/etc/c.pem");
	assert_string_equal(settings.key, "/etc/k.pem");
	assert_false(settings.has_key_role);
	assert_int_equal(settings.ticket_rotation_seconds, 3600);
	assert_int_equal(settings.expiry_warning_seconds, 604800);
	assert_string_equal(settings.lookup_user, "m6");
	assert_string_equal(settings.backends, "sqlite, pam");
	assert_string_equal(settings.passwd_file, "/etc/users");
	assert_string_equal(settings.passwd_file_scheme, "SSHA256");
	assert_string_equal(settings.default_domain, "example.org");
	assert_false(settings.folds_case);
	assert_int_equal(settings.scram_iterations, 4096);
	assert_string_equal(settings.pam.service, "pop3");
	assert_string_equal(settings.pam.may_read, "/srv/users, /srv/more");
	assert_int_equal(settings.pam.first_uid, 500);
	assert_string_equal(settings.oauth.algorithms, "ES256");
	assert_string_equal(settings.oauth.user_claim, "sub");
	assert_int_equal(settings.oauth.timeout_seconds, 3);
	assert_int_equal(settings.plaintext, PLAINTEXT_YES);
	assert_int_equal(settings.timeout_seconds, 604800);
	assert_int_equal(settings.utf8_headers, 1);
	assert_true(settings.replaces_nul);
	assert_int_equal(settings.language, 2);
	assert_int_equal(settings.maximum_message_octets, 1ull << 40);
	assert_int_equal(settings.bare_newline, 1);
	assert_string_equal(settings.recipient_delimiter, "+-");
	assert_int_equal(settings.quota_octets, 1u << 30);
	assert_int_equal(settings.quota_messages, 5000);
	assert_int_equal(settings.quota_soft_percent, 90);
	assert_int_equal(settings.policy.retention_seconds, 2592000);
	assert_int_equal(
		settings.policy.retention_from, RETENTION_FROM_RETRIEVAL);
	assert_int_equal(settings.policy.login_delay_seconds, 60);
	assert_int_equal(settings.policy.login_burst, 3);
	assert_int_equal(settings.policy_count, 2);
	assert_int_equal(settings.maximum_connections, 1);
	assert_int_equal(settings.address_connections, 10000);
	assert_string_equal(settings.exempt_networks, "10.0.0.0/8, ::1");
	assert_int_equal(settings.stalled_seconds, 5);
	assert_int_equal(settings.vanished_seconds, 7200);
	assert_int_equal(settings.listener_count, 4);
	assert_int_equal(settings.listeners[0].kind, LISTENER_POP3);
	assert_string_equal(
		settings.listeners[0].address, "127.0.0.1:110, [::1]:110");
	assert_int_equal(settings.listeners[1].kind, LISTENER_POP3S);
	assert_int_equal(settings.listeners[2].kind, LISTENER_LMTP);
	assert_string_equal(settings.listeners[2].group, "postfix");
	assert_null(settings.listeners[1].group);
	assert_string_equal(
		settings.listeners[1].proxy_networks, "192.0.2.0/24, ::1");
	assert_null(settings.listeners[0].proxy_networks);
	assert_int_equal(settings.listeners[3].kind, LISTENER_POP3S);
	assert_string_equal(settings.listeners[3].address, "[::]:995");
	assert_int_equal(server_settings_check(&settings, error), OK);
}

static void
words_mean_what_they_say(void **state)
{
	static const struct {
		const char *word;
		enum log_level level;
	} rows[] = {
		{"error", LOG_LEVEL_ERROR},
		{"warning", LOG_LEVEL_WARNING},
		{"info", LOG_LEVEL_INFO},
		{"debug", LOG_LEVEL_DEBUG},
	};
	char text[100];

	for (size_t i = 0; i < COUNT(rows); i++) {
		start_again();
		snprintf(text, sizeof(text), "[server]\nlog-level = %s\n",
			rows[i].word);
		assert_int_equal(parse(text), OK);
		assert_int_equal(settings.log_level, rows[i].level);
	}
	start_again();
	assert_int_equal(parse("[auth]\nplaintext-without-tls = force\n"), OK);
	assert_int_equal(settings.plaintext, PLAINTEXT_FORCE);
}

struct wrong {
	const char *text;
	const char *error;
};

static void
says_file_and_line(void **state)
{
	static const struct wrong rows[] = {
		{"hostname = x\n",
			"test.conf:1: \"hostname\" stands before any "
			"[section]"},
		{"[sever]\n",
			"test.conf:1: unknown section [sever]; did you mean "
			"\"server\"?"},
		{"[listner pop3]\n",
			"test.conf:1: unknown section [listner]; did you mean "
			"\"listener\"?"},
		{"[web]\n", "test.conf:1: unknown section [web]"},
		{"[server]\nhostnam = x\n",
			"test.conf:2: unknown key \"hostnam\" in [server]; did "
			"you mean \"hostname\"?"},
		{"[tls]\ncert = x\n", "test.conf:2: unknown key \"cert\" in "
				      "[tls]"},
		{"[server]\n\nstate = a\n; c\nstate = b\n",
			"test.conf:5: state stands twice in [server]"},
		/* Also when the section stands twice. */
		{"[server]\nstate = a\n[tls]\n[server]\nstate = b\n",
			"test.conf:5: state stands twice in [server]"},
		{"[server]\nlog = file\n",
			"test.conf:2: log = file: must be one of "
			"auto|stderr|syslog"},
		{"[server]\nlog-level = trace\n",
			"test.conf:2: log-level = trace: must be one of "
			"error|warning|info|debug"},
		{"[server]\nshared = sometimes\n",
			"test.conf:2: shared = sometimes: must be yes or no"},
		{"[server]\nsession-processes = 65\n",
			"test.conf:2: session-processes = 65: must be from 0 "
			"to 64"},
		{"[server]\nsession-processes = many\n",
			"test.conf:2: session-processes = many: expected a "
			"value like 4"},
		{"[auth]\nplaintext-without-tls = true\n",
			"test.conf:2: plaintext-without-tls = true: must be "
			"one of no|yes|force"},
		{"[auth]\nbackends = ldap\n",
			"test.conf:2: backends = ldap: must be some, each "
			"once, of sqlite|passwd-file|pam"},
		{"[auth]\nbackends = sqlite, sqlite\n",
			"test.conf:2: backends = sqlite, sqlite: must be some, "
			"each once, of sqlite|passwd-file|pam"},
		{"[auth]\nbackends =\n",
			"test.conf:2: backends = : must be some, each once, of "
			"sqlite|passwd-file|pam"},
		/* RFC 1939 section 3 */
		{"[pop3]\ntimeout = 599\n",
			"test.conf:2: timeout = 599: must be from 600 to "
			"604800"},
		{"[pop3]\ntimeout = 8d\n",
			"test.conf:2: timeout = 8d: must be from 600 to "
			"604800"},
		{"[pop3]\ntimeout = ten\n",
			"test.conf:2: timeout = ten: expected a value like "
			"10m"},
		{"[lmtp]\nmaximum-message = 1KiB\n",
			"test.conf:2: maximum-message = 1KiB: must be from "
			"65536 to 1099511627776"},
		{"[lmtp]\nmaximum-message = 50M\n",
			"test.conf:2: maximum-message = 50M: expected a value "
			"like 50MiB"},
		{"[lmtp]\nbare-newline = keep\n",
			"test.conf:2: bare-newline = keep: must be one of "
			"normalize|reject"},
		{"[limits]\nconnections = 0\n",
			"test.conf:2: connections = 0: must be from 1 to "
			"1000000"},
		/* listeners */
		{"[listener]\n",
			"test.conf:1: unknown listener \"\": pop3, pop3s, "
			"lmtp, web or setup"},
		{"[listener imap]\n",
			"test.conf:1: unknown listener \"imap\": pop3, pop3s, "
			"lmtp, web or setup"},
		{"[listener POP3]\n",
			"test.conf:1: unknown listener \"POP3\": pop3, pop3s, "
			"lmtp, web or setup"},
		{"[listener pop3]\nadress = x\n",
			"test.conf:2: unknown key \"adress\" in [listener "
			"pop3]; did you mean \"address\"?"},
		{"[listener pop3]\nport = 110\n",
			"test.conf:2: unknown key \"port\" in [listener "
			"pop3]"},
		{"[listener pop3]\naddress = a\naddress = b\n",
			"test.conf:3: address stands twice in [listener "
			"pop3]"},
		{"[listener lmtp]\ngroup = a\ngroup = a\n",
			"test.conf:3: group stands twice in [listener lmtp]"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		start_again();
		assert_int_equal(parse(rows[i].text), ERR_PEER);
		assert_string_equal(error, rows[i].error);
	}
}

static void
listeners_have_their_maximum(void **state)
{
	struct buffer text;

	buffer_init(&text, SAMPLE_MAXIMUM_OCTETS);
	for (int i = 0; i < SETTINGS_LISTENERS_MAXIMUM; i++)
		assert_true(buffer_append_string(&text, LISTENER));
	assert_int_equal(server_settings_parse(&settings, "test.conf",
				 buffer_bytes(&text), error),
		OK);
	assert_int_equal(server_settings_check(&settings, error), OK);
	start_again();
	assert_true(buffer_append_string(&text, LISTENER));
	assert_int_equal(server_settings_parse(&settings, "test.conf",
				 buffer_bytes(&text), error),
		ERR_PEER);
	assert_string_equal(error, "test.conf:65: more than 32 listeners");
	buffer_release(&text);
}

/* ---- what only holds across keys ---- */

#define MAIL(path)                                                             \
	"[server] mail = " path                                                \
	": must be an absolute path with %u, %n or %d below a directory"

static const struct wrong bad[] = {
	{"", "no [listener pop3s] or other listener: nobody could reach the "
	     "server"},
	{"[server]\nmail = relative/%u\n" LISTENER, MAIL("relative/%u")},
	{"[auth]\nbackends = passwd-file\n" LISTENER,
		"[auth] passwd-file = : must be the absolute path of a file, "
		"since passwd-file is one of the backends"},
	{"[auth]\nbackends = passwd-file\npasswd-file = users\n" LISTENER,
		"[auth] passwd-file = users: must be the absolute path of a "
		"file, since passwd-file is one of the backends"},
	{"[auth]\nbackends = passwd-file\npasswd-file = /etc/\n" LISTENER,
		"[auth] passwd-file = /etc/: must be the absolute path of a "
		"file, since passwd-file is one of the backends"},
	{"[auth]\npasswd-file-scheme = OTP\n" LISTENER,
		"[auth] passwd-file-scheme = OTP: must be one "
		"of " SCHEME_NAMES},
	{"[auth]\ndefault-domain = @example.org\n" LISTENER,
		"[auth] default-domain = @example.org: must be a domain, "
		"without an @"},
	{"[auth]\ndefault-domain = a..b\n" LISTENER,
		"[auth] default-domain = a..b: must be a domain, without an @"},
	{"[auth]\nscram-iterations = 4095\n" LISTENER,
		"[auth] scram-iterations = 4095: must be 4096 or more (RFC "
		"7677 section 4), or 0 for no SCRAM"},
	{"[server]\nmail = /var/mail\n" LISTENER, MAIL("/var/mail")},
	{"[server]\nmail = /var/mail/%x\n" LISTENER, MAIL("/var/mail/%x")},
	{"[server]\nmail = /var/mail/%u%\n" LISTENER, MAIL("/var/mail/%u%")},
	{"[server]\nmail = /var/%u/../%n\n" LISTENER, MAIL("/var/%u/../%n")},
	{"[server]\nstate = state\n" LISTENER,
		"[server] state = state: must be an absolute path"},
	{"[tls]\nkey = /k\n" LISTENER,
		"[tls] certificate and key belong together: certificate is "
		"missing"},
	{"[tls]\ncertificate = /c\n" LISTENER,
		"[tls] certificate and key belong together: key is missing"},
	{"[oauth]\njwks = k\n" LISTENER,
		"[oauth] jwks = k: must be an absolute path"},
	{"[oauth]\njwks = /k\n" LISTENER,
		"[oauth] jwks needs issuer: else tokens for others would do"},
	{"[oauth]\njwks = /k\nissuer = x\n" LISTENER,
		"[oauth] jwks needs audience: else tokens for others would do"},
	{"[oauth]\nscope = a b\n" LISTENER,
		"[oauth] scope = a b: must be one word"},
	{"[oauth]\nscope = a\"b\n" LISTENER,
		"[oauth] scope = a\"b: must be one word"},
	{"[oauth]\nuser-claim =\n" LISTENER,
		"[oauth] user-claim: whose a token is must be said"},
	{"[pam]\nservice = ../x\n" LISTENER,
		"[pam] service = ../x: must be the name of a file in "
		"/etc/pam.d"},
	{"[pam]\nfolder = pam.d\n" LISTENER,
		"[pam] folder = pam.d: must be an absolute path"},
	{"[pam]\nmay-read = /a, b\n" LISTENER,
		"[pam] may-read = /a, b: must be absolute paths, divided by "
		"commas"},
	{"[listener pop3s]\n", "[listener pop3s]: address is missing"},
	{LISTENER "[listener lmtp]\naddress =\n",
		"[listener lmtp]: address is missing"},
	{"[listener lmtp]\ngroup = mail\n",
		"[listener lmtp]: address is missing"},
	{"[listener pop3s]\naddress = [::1]:1\nproxy-networks = ::1, host\n",
		"[listener pop3s] proxy-networks: \"host\" is no network, or "
		"there are more than 16: 192.0.2.0/24, 2001:db8::/32"},
	{"[listener web]\naddress = [::1]:1\nproxy-networks = ::1\n",
		"[listener web] proxy-networks: the status page knows no PROXY "
		"protocol"},
	{"[limits]\nexempt-networks = 10.0.0.0/33\n" LISTENER,
		"[limits] exempt-networks: \"10.0.0.0/33\" is no network, or "
		"there are more than 16: 192.0.2.0/24, 2001:db8::/32"},
	{"[listener lmtp]\naddress = [::1]:24\ngroup = mail\n",
		"[listener lmtp] group = mail: only unix: addresses have a "
		"group"},
};

static void
checks_what_holds_across_keys(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		start_again();
		assert_int_equal(parse(bad[i].text), OK);
		assert_int_equal(
			server_settings_check(&settings, error), ERR_PEER);
		assert_string_equal(error, bad[i].error);
	}
	start_again();
	assert_int_equal(parse(LISTENER), OK);
	assert_int_equal(server_settings_check(&settings, error), OK);
}

static void
tokens_are_asked_about_in_private(void **state)
{
	static const struct {
		const char *url;
		bool is_good;
	} urls[] = {
		{"https://issuer.example/introspect", true},
		{"https://issuer.example:8443/a@b", true},
		{"https://[2001:db8::1]/x", true},
		{"http://127.0.0.1:8080/x", true},
		{"http://127.0.0.1", true},
		{"http://127.1.2.3/x", true},
		{"http://[::1]:80/x", true},
		{"http://localhost/x", true},
		{"http://issuer.example/x", false},
		{"http://127.0.0.1.example.org/x", false},
		{"http://127.evil.example/x", false},
		{"http://localhost.example/x", false},
		{"http://localhost@evil.example/x", false},
		{"http://[::1]evil.example/x", false},
		{"https://user@issuer.example/x", false},
		{"https://", false},
		{"ftp://127.0.0.1/x", false},
		{"127.0.0.1/x", false},
	};
	char text[300];

	for (size_t i = 0; i < COUNT(urls); i++) {
		start_again();
		snprintf(text, sizeof(text),
			"[oauth]\nintrospection = %s\n" LISTENER, urls[i].url);
		assert_int_equal(parse(text), OK);
		assert_true(server_settings_needs_lookup(&settings));
		if ((server_settings_check(&settings, error) == OK) !=
			urls[i].is_good)
			fail_msg("%s", urls[i].url);
	}
}

static void
backends_are_a_list(void **state)
{
	assert_int_equal(parse("[auth]\nbackends = pam ,sqlite\n"), OK);
	assert_true(server_settings_has_backend(&settings, "pam"));
	assert_true(server_settings_has_backend(&settings, "sqlite"));
	assert_false(server_settings_has_backend(&settings, "sql"));
	assert_true(server_settings_needs_lookup(&settings));
	start_again();
	assert_false(server_settings_has_backend(&settings, "pam"));
	assert_false(server_settings_needs_lookup(&settings));
}

static void
passwords_stay_on_loopback(void **state)
{
	static const struct {
		const char *plaintext, *kind, *address;
		bool is_good;
	} rows[] = {
		{"yes", "pop3", "127.0.0.1:110", true},
		{"yes", "pop3", "127.3.2.1:110", true},
		{"yes", "pop3", "[::1]:110", true},
		{"yes", "pop3", "unix:/run/pop3", true},
		{"yes", "pop3", "127.0.0.1:110, [::1]:110", true},
		{"yes", "pop3", "0.0.0.0:110", false},
		{"yes", "pop3", "[::]:110", false},
		{"yes", "pop3", "192.0.2.1:110", false},
		{"yes", "pop3", "[::10]:110", false},
		{"yes", "pop3", "127.0.0.1:110,192.0.2.1:110", false},
		{"yes", "pop3", "127.0.0.1:110, [::]:110", false},
		{"yes", "pop3", "1127.0.0.1:110", false},
		/* TLS, or no passwords at all */
		{"yes", "pop3s", "0.0.0.0:995", true},
		{"yes", "lmtp", "0.0.0.0:24", true},
		{"force", "pop3", "0.0.0.0:110", true},
		{"no", "pop3", "0.0.0.0:110", true},
	};
	char text[300];

	for (size_t i = 0; i < COUNT(rows); i++) {
		start_again();
		snprintf(text, sizeof(text),
			"[auth]\nplaintext-without-tls = %s\n[listener %s]\n"
			"address = %s\n",
			rows[i].plaintext, rows[i].kind, rows[i].address);
		assert_int_equal(parse(text), OK);
		assert_int_equal(server_settings_check(&settings, error),
			rows[i].is_good ? OK : ERR_PEER);
		if (!rows[i].is_good)
			assert_non_null(strstr(error,
				"would let passwords cross the network in "
				"clear"));
	}
}

static void
the_status_page_is_on_loopback(void **state)
{
	static const struct {
		const char *address;
		bool is_good;
	} rows[] = {
		{"127.0.0.1:1080", true},
		{"[::1]:1080, unix:/run/restante/web.sock", true},
		{"0.0.0.0:1080", false},
		{"127.0.0.1:1080, 192.0.2.1:1080", false},
	};
	char text[200];

	for (size_t i = 0; i < COUNT(rows); i++) {
		start_again();
		snprintf(text, sizeof(text), "[listener web]\naddress = %s\n",
			rows[i].address);
		assert_int_equal(parse(text), OK);
		assert_int_equal(server_settings_check(&settings, error),
			rows[i].is_good ? OK : ERR_PEER);
		if (!rows[i].is_good)
			assert_non_null(strstr(error, "nobody's business"));
	}
}

static void
mail_is_split_below_its_directory(void **state)
{
	static const struct {
		const char *mail, *root, *template; /* NULL: none */
	} rows[] = {
		{"/var/mail/vhosts/%d/%n", "/var/mail/vhosts", "%d/%n"},
		{"/var/mail/%u", "/var/mail", "%u"},
		{"/var/mail/x-%u/Maildir", "/var/mail", "x-%u/Maildir"},
		{"/%u", "/", "%u"},
		{"//%u", "/", "%u"},
		{"/a/%n%d", "/a", "%n%d"},
		{"%u", NULL, NULL},
		{"/a", NULL, NULL},
		{"/a/%%", NULL, NULL},
		{"/a/%", NULL, NULL},
		{"/a/%u/%", NULL, NULL},
		{"/a/%h", NULL, NULL},
		{"/../%u", NULL, NULL},
		{"/a/%u/..", NULL, NULL},
		{"", NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *template = NULL;
		char root[64] = "untouched";
		bool is_good = server_settings_split_mail(
			rows[i].mail, root, sizeof(root), &template);

		assert_int_equal(is_good, rows[i].root != NULL);
		assert_string_equal(root, is_good ? rows[i].root : "untouched");
		if (is_good)
			assert_string_equal(template, rows[i].template);
	}
}

static void
a_root_that_does_not_fit_is_refused(void **state)
{
	const char *template;
	char root[5];

	assert_true(server_settings_split_mail("/abc/%u", root, 5, &template));
	assert_string_equal(root, "/abc");
	assert_false(server_settings_split_mail("/abc/%u", root, 4, &template));
	assert_false(server_settings_split_mail("/%u", root, 1, &template));
}

/* ---- writing ---- */

static void
write_all(struct buffer *out, bool only_changed)
{
	buffer_init(out, SAMPLE_MAXIMUM_OCTETS);
	assert_true(server_settings_write(&settings, only_changed, out));
}

static void
reads_what_it_writes(void **state)
{
	struct buffer once, twice;

	assert_int_equal(parse(whole), OK);
	write_all(&once, false);
	/* The order and the words are the table's. */
	assert_bytes(buffer_bytes(&once), bytes_of_string(whole), BYTES_NONE);
	start_again();
	assert_int_equal(server_settings_parse(&settings, "written",
				 buffer_bytes(&once), error),
		OK);
	write_all(&twice, false);
	assert_bytes(buffer_bytes(&twice), buffer_bytes(&once), BYTES_NONE);
	buffer_release(&once);
	buffer_release(&twice);
}

static void
writes_only_what_was_changed(void **state)
{
	static const char changed[] = "[server]\nshared = no\n\n[pop3]\n"
				      "timeout = 1200\n\n" LISTENER;
	struct buffer text;

	write_all(&text, true);
	assert_int_equal(text.octets, 0);
	buffer_release(&text);
	assert_int_equal(parse(changed), OK);
	write_all(&text, true);
	assert_bytes(buffer_bytes(&text), bytes_of_string(changed), BYTES_NONE);
	buffer_release(&text);
}

/* It says what is missing when it is read, not here. */
static void
writes_a_listener_without_address(void **state)
{
	struct buffer text;

	assert_int_equal(parse("[listener pop3]\n"), OK);
	write_all(&text, true);
	assert_bytes(buffer_bytes(&text),
		BYTES("\n[listener pop3]\naddress = \n"), BYTES_NONE);
	buffer_release(&text);
}

/* Also with the ";" in front of the keys taken away. */
static void
the_sample_says_the_defaults(void **state)
{
	struct buffer sample, plain, written;

	buffer_init(&sample, SAMPLE_MAXIMUM_OCTETS);
	buffer_init(&plain, SAMPLE_MAXIMUM_OCTETS);
	assert_true(server_settings_sample(&sample));
	for (size_t i = 0; i < sample.octets; i++) {
		struct bytes rest = bytes_after(buffer_bytes(&sample), i);
		bool is_key = rest.octets > 1 && rest.at[0] == ';' &&
			      rest.at[1] >= 'a' && rest.at[1] <= 'z' && i > 0 &&
			      rest.at[-1] == '\n';

		if (!is_key)
			assert_true(buffer_append(&plain, rest.at, 1));
	}
	assert_true(plain.octets < sample.octets);
	assert_int_equal(server_settings_parse(&settings, "sample",
				 buffer_bytes(&plain), error),
		OK);
	assert_int_equal(server_settings_check(&settings, error), OK);
	assert_int_equal(settings.listener_count, 3);
	write_all(&written, true);
	/* Only listeners have no default. */
	assert_bytes(buffer_bytes(&written),
		BYTES("\n[listener pop3s]\naddress = 0.0.0.0:995, [::]:995\n"
		      "\n[listener pop3]\naddress = 0.0.0.0:110, [::]:110\n"
		      "\n[listener lmtp]\naddress = "
		      "unix:/run/restante/lmtp.sock\n"
		      "group = postfix\n"),
		BYTES_NONE);
	buffer_release(&sample);
	buffer_release(&plain);
	buffer_release(&written);
}

static void
says_when_there_is_no_room(void **state)
{
	struct buffer all, text;

	assert_int_equal(parse(whole), OK);
	write_all(&all, false);
	for (size_t octets = 0; octets < all.octets; octets++) {
		buffer_init(&text, octets);
		assert_false(server_settings_write(&settings, false, &text));
		assert_false(server_settings_sample(&text));
		buffer_release(&text);
	}
	buffer_release(&all);
}

static void
a_file_that_is_not_there(void **state)
{
	assert_int_equal(
		server_settings_load(&settings, "/nonexistent/x.conf", error),
		ERR_PEER);
	assert_string_equal(error,
		"/nonexistent/x.conf: cannot read it: No such file or "
		"directory");
}

/* ---- a reload ---- */

static struct {
	char live[512], restart[512];
} told;

static void
tell(const char *name, bool is_live, void *context)
{
	char *to = is_live ? told.live : told.restart;
	size_t used = strlen(to);

	snprintf(to + used, sizeof(told.live) - used, "%s;", name);
}

#define RUNNING                                                                \
	"[server]\nuser = a\n[limits]\nconnections = 5\n[tls one]\n"           \
	"certificate = c\nkey = k\n[tls two]\ncertificate = c\nkey = k\n"      \
	"[policy x]\nconnections = 1\n[policy y]\nlogin-delay = 9\n"           \
	"[listener pop3]\naddress = 127.0.0.1:1\nproxy-networks = ::1\n"

static void
parse_other(struct server_settings *other, const char *text)
{
	server_settings_init(other);
	assert_int_equal(
		server_settings_parse(other, "o", bytes_of_string(text), error),
		OK);
}

static void
expect_changes(const char *text, const char *live, const char *restart)
{
	struct server_settings fresh;

	memset(&told, 0, sizeof(told));
	parse_other(&fresh, text);
	server_settings_changes(&settings, &fresh, tell, NULL);
	assert_string_equal(told.live, live);
	assert_string_equal(told.restart, restart);
	server_settings_release(&fresh);
}

static void
says_what_changed(void **state)
{
	assert_int_equal(parse(RUNNING), OK);
	expect_changes(RUNNING, "", "");
	expect_changes(
		"[server]\nuser = b\naudit = yes\n[limits]\nconnections = 6\n"
		"[tls one]\ncertificate = d\nkey = k\n[tls three]\n"
		"certificate = c\nkey = k\n[policy x]\nconnections = 2\n"
		"[policy z]\nlogin-delay = 9\n[listener pop3]\naddress = "
		"127.0.0.1:2\ngroup = g\n",
		"[server] audit;[limits] connections;[listener pop3] "
		"proxy-networks;[tls one];[tls three];[tls two];[policy x];"
		"[policy z];[policy y];",
		"[server] user;[listener pop3] address;[listener pop3] "
		"group;");
	/* Unset is not the same as set to what holds without. */
	start_again();
	assert_int_equal(parse("[policy x]\nlogin-delay = 0\n" LISTENER), OK);
	expect_changes("[policy x]\n" LISTENER, "[policy x];", "");
	expect_changes("[policy x]\nlogin-delay = 0\n" LISTENER LISTENER, "",
		"[listener];");
}

static void
keeps_what_needs_a_restart(void **state)
{
	struct server_settings fresh;

	assert_int_equal(parse(RUNNING), OK);
	parse_other(&fresh,
		"[server]\nuser = b\n[limits]\nconnections = 6\n[listener "
		"pop3]\naddress = 127.0.0.1:2\ngroup = g\nproxy-networks = "
		"::2\n");
	assert_true(server_settings_keep(&fresh, &settings));
	assert_string_equal(fresh.user, "a");
	assert_int_equal(fresh.maximum_connections, 6);
	assert_string_equal(fresh.listeners[0].address, "127.0.0.1:1");
	assert_null(fresh.listeners[0].group);
	assert_string_equal(fresh.listeners[0].proxy_networks, "::2");
	assert_int_equal(fresh.policy_count, 0);
	server_settings_release(&fresh);
	/* Other sections: which is which is not known, all stay. */
	parse_other(&fresh, "[listener web]\naddress = 127.0.0.1:3\n" LISTENER);
	assert_true(server_settings_keep(&fresh, &settings));
	assert_int_equal(fresh.listener_count, 1);
	assert_int_equal(fresh.listeners[0].kind, LISTENER_POP3);
	assert_string_equal(fresh.listeners[0].proxy_networks, "::1");
	server_settings_release(&fresh);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void
assert_policy(const char *user, uint64_t retention_seconds,
	uint64_t login_delay_seconds, uint64_t login_burst,
	uint64_t connections)
{
	struct policy policy = server_settings_policy(&settings, user);

	assert_int_equal(policy.retention_seconds, retention_seconds);
	assert_int_equal(policy.login_delay_seconds, login_delay_seconds);
	assert_int_equal(policy.login_burst, login_burst);
	assert_int_equal(policy.connections, connections);
	assert_int_equal(policy.retention_from, RETENTION_FROM_RETRIEVAL);
}

static void
count_policy(const struct policy *policy, void *context)
{
	uint64_t *sums = context;

	sums[0]++;
	sums[1] += policy->retention_seconds;
	sums[2] += policy->login_delay_seconds;
}

static void
the_nearest_policy_holds(void **state)
{
	uint64_t sums[3] = {0};

	assert_int_equal(parse(whole), OK);
	assert_policy("carol", 2592000, 60, 3, 7);
	assert_policy("carol@example.com", 2592000, 60, 3, 7);
	assert_policy("carol@example.org", 0, 60, 5, 0);
	assert_policy("bob@example.org", 86400, 300, 5, 0);
	server_settings_each_policy(&settings, count_policy, sums);
	assert_int_equal(sums[0], 3);
	assert_int_equal(sums[1], 2592000 + 0 + 86400);
	assert_int_equal(sums[2], 60 + 60 + 300);
}

static void
refuses_policies(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"[policy x]\nretentoin = 1d\n",
			"test.conf:2: unknown key \"retentoin\" in [policy x]; "
			"did you mean \"retention\"?"},
		{"[policy x]\nretention = 1d\n[tls]\n[policy X]\n"
		 "retention = 2d\n",
			"test.conf:5: retention stands twice in [policy X]"},
		{"[policy x]\nlogin-delay = 2d\n",
			"test.conf:2: login-delay = 2d: must be from 0 to "
			"86400"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		start_again();
		assert_int_equal(parse(wrong[i].text), ERR_PEER);
		assert_string_equal(error, wrong[i].why);
	}
	start_again();
	assert_int_equal(parse(LISTENER "[policy x@y]\nretention = 23h\n"), OK);
	assert_int_equal(server_settings_check(&settings, error), ERR_PEER);
	assert_string_equal(error, "[policy x@y] retention = 82800: must be 0 "
				   "or at least 1d");
}

/* ---- [tls NAME] ---- */

static void
add_pair(const char *name, struct bytes certificate, struct bytes key,
	void *context)
{
	char *all = context;
	size_t used = strlen(all);

	snprintf(all + used, 512 - used, "%s|%.*s|%.*s\n", name,
		(int)certificate.octets, (const char *)certificate.at,
		(int)key.octets, (const char *)key.at);
}

static void
names_every_pair(void **state)
{
	char all[512] = "";

	assert_int_equal(parse(whole), OK);
	server_settings_each_pair(&settings, add_pair, all);
	assert_string_equal(all, "|/etc/c.pem|/etc/k.pem\n"
				 "pop.example.com|/etc/ec.pem|/etc/ec.key\n"
				 "pop.example.com|/etc/rsa.pem|/etc/rsa.key\n");
	/* [tls] may do without: then one is made. */
	start_again();
	all[0] = '\0';
	assert_int_equal(
		parse(LISTENER "[tls a.b]\nkey = k\ncertificate = c\n"), OK);
	assert_int_equal(server_settings_check(&settings, error), OK);
	server_settings_each_pair(&settings, add_pair, all);
	assert_string_equal(all, "a.b|c|k\n");
}

static void
refuses_half_pairs(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"[tls a.b]\ncertificate = c\n",
			"[tls a.b] certificate and key belong together: key is "
			"missing"},
		{"[tls a.b]\n",
			"[tls a.b] certificate and key belong together: "
			"certificate is missing"},
		{"[tls a.b]\ncertificate = c, d\nkey = k\n",
			"[tls a.b] certificate names 2 files, key 1: one key "
			"for each certificate, in the same order"},
		{"[tls]\ncertificate = c,,d\nkey = k\n",
			"[tls] certificate, key: a file's name is missing at a "
			"comma"},
		{"[tls]\ncertificate = c,d,e\nkey = k,l,m\n",
			"[tls] certificate names 3 files: one with an EC key "
			"and one with an RSA key at most"},
	};
	static const struct {
		const char *text, *why;
	} unreadable[] = {
		{"[tls a b]\n",
			"test.conf:1: [tls a b]: not the name of a host"},
		{"[tls *.a]\n",
			"test.conf:1: [tls *.a]: not the name of a host"},
		{"[tls a]\nkeys = k\n",
			"test.conf:2: unknown key \"keys\" in [tls a]; did you "
			"mean \"key\"?"},
		{"[tls a]\nkey = k\n[tls]\n[tls A]\nkey = l\n",
			"test.conf:5: key stands twice in [tls A]"},
		{"[tls a]\nticket-rotation = 1h\n",
			"test.conf:2: unknown key \"ticket-rotation\" in [tls "
			"a]"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		start_again();
		assert_int_equal(parse(wrong[i].text), OK);
		assert_int_equal(
			server_settings_check(&settings, error), ERR_PEER);
		assert_string_equal(error, wrong[i].why);
	}
	for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]);
		i++) {
		start_again();
		assert_int_equal(parse(unreadable[i].text), ERR_PEER);
		assert_string_equal(error, unreadable[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begins_with_its_defaults),
		TEST(says_what_changed),
		TEST(keeps_what_needs_a_restart),
		TEST(takes_every_key),
		TEST(the_nearest_policy_holds),
		TEST(names_every_pair),
		TEST(refuses_half_pairs),
		TEST(refuses_policies),
		TEST(words_mean_what_they_say),
		TEST(says_file_and_line),
		TEST(listeners_have_their_maximum),
		TEST(checks_what_holds_across_keys),
		TEST(backends_are_a_list),
		TEST(tokens_are_asked_about_in_private),
		TEST(passwords_stay_on_loopback),
		TEST(the_status_page_is_on_loopback),
		TEST(mail_is_split_below_its_directory),
		TEST(a_root_that_does_not_fit_is_refused),
		TEST(reads_what_it_writes),
		TEST(writes_only_what_was_changed),
		TEST(writes_a_listener_without_address),
		TEST(the_sample_says_the_defaults),
		TEST(says_when_there_is_no_room),
		TEST(a_file_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
