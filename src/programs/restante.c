/* SPDX-License-Identifier: ISC */
/*
 * restante - the collector: the rows of what it can do, and its settings.
 */
#include "programs/restante/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct command commands[] = {
	{"discover", "ADDRESS [--json] [OPTION...]", "find a mailbox's server",
		"cPDCj", 1, 1, true, show_discovery},
	{"account add", "ADDRESS [--host HOST] [OPTION...]",
		"find its server, test a mailbox's login and save it",
		"hptumckdswKnPyDCOISVW", 1, 1, true, account_add},
	{"account authorize", "ACCOUNT [--device | --browser]",
		"ask for the permission to read its mail by OAuth2", "VW", 1, 1,
		false, account_authorize},
	{"account list", "[--json]", "list the accounts", "j", 0, 0, false,
		account_list},
	{"config show", "[--changed] [--json]", "the settings in force", "Gj",
		0, 0, false, config_show},
	{"config sample", "", "a commented file with every setting", "", 0, 0,
		true, config_sample},
	{"doctor", "ACCOUNT [--json]",
		"look at all an account needs: what is wrong, and what to do",
		"j", 1, 1, false, examine_account},
	{"explain", "MESSAGE [--account NAME] | ACCOUNT UIDL [--json]",
		"which rule holds for a message (a file, - or a UIDL), and why",
		"Aj", 1, 2, false, explain},
	{"fetch", "[ACCOUNT...] [--daemon] [--dry-run] [--json] [-q]",
		"collect new mail, of all accounts when none is named",
		"raboBQNjq", 0, ACCOUNTS_MAXIMUM, false, fetch},
	{"import-state", "FILE ACCOUNT --from PROGRAM [--mailbox NAME]",
		"do not collect what another program did", "FM", 2, 2, false,
		import_state},
	{"status", "[--json]", "what the last run of each account did", "j", 0,
		0, false, show_status},
};

#define AT(member) offsetof(struct arguments, member)
static const struct command_option options[] = {
	{'h', "--host", NULL, "HOST", AT(host), "the server's name"},
	{'p', "--port", NULL, "PORT", AT(port),
		"its port (default 995; 110 without implicit TLS)"},
	{'t', "--tls", NULL, "HOW", AT(tls),
		"implicit (default), starttls, or none (loopback only)"},
	{'u', "--user", NULL, "NAME", AT(user),
		"the login name (default: the address)"},
	{'m', "--maildir", NULL, "DIR", AT(maildir),
		"where its mail is filed (default: ~/Mail/ADDRESS)"},
	{'c', "--ca-file", NULL, "FILE", AT(ca_file),
		"certificates to trust instead of the system's"},
	{'k', "--keep", NULL, NULL, AT(keeps),
		"leave collected mail on the server (default)"},
	{'d', "--delete", NULL, NULL, AT(deletes),
		"delete it there once it is safe here"},
	{'s', "--password-stdin", NULL, NULL, AT(reads_stdin),
		"read the password from standard input"},
	{'w', "--password-command", NULL, "COMMAND", AT(password_command),
		"a command that prints the password, asked at each run"},
	{'K', "--keyring", NULL, NULL, AT(uses_keyring),
		"save the password in the desktop's keyring"},
	{'O', "--oauth", NULL, "PROVIDER", AT(oauth),
		"log in by OAuth2: google, microsoft, yahoo or aol"},
	{'I', "--oauth-client-id", NULL, "ID", AT(client_id),
		"of an application registered with the provider"},
	{'S', "--oauth-secret-file", NULL, "FILE", AT(client_secret_file),
		"its secret, when it has one"},
	{'V', "--device", NULL, NULL, AT(by_device),
		"give the permission on any device, by a code"},
	{'W', "--browser", NULL, NULL, AT(by_browser),
		"give the permission in a browser on this machine"},
	{'P', "--proxy", NULL, "URL", AT(proxy),
		"socks5://[USER:PASSWORD@]HOST[:PORT], past which nothing "
		"goes"},
	{'D', "--dns-server", NULL, "ADDRESS", AT(dns_server),
		"ask this DNS server, ADDRESS:PORT too"},
	{'C', "--connect-to", NULL, "LIST", AT(connect_to),
		"HOST:PORT:TO-HOST:TO-PORT,...: look there instead"},
	{'y', "--yes", NULL, NULL, AT(is_sure),
		"trust a server that DNS alone names"},
	{'n', "--no-test", NULL, NULL, AT(is_untested),
		"save without trying to log in"},
	{'A', "--account", NULL, "NAME", AT(account),
		"the account that it came to"},
	{'r', "--dry-run", NULL, NULL, AT(is_dry_run),
		"say what would be done and change nothing"},
	{'a', "--retry", NULL, NULL, AT(is_retry),
		"log in also when that should wait"},
	{'b', "--daemon", NULL, NULL, AT(is_daemon),
		"stay, and collect each account at its interval"},
	{'o', "--observe", NULL, NULL, AT(observes),
		"only look: list what is new, by UIDL and TOP"},
	{'B', "--bodies", NULL, NULL, AT(wants_bodies),
		"the rest of messages whose header alone is here, too"},
	{'Q', "--quarantined", NULL, NULL, AT(wants_quarantined),
		"try again what is in quarantine"},
	{'N', "--accept-new-uidls", NULL, NULL, AT(accepts_new_uidls),
		"receive again what has new UIDLs and may be here"},
	{'F', "--from", NULL, "PROGRAM", AT(from),
		"whose file it is: fetchmail, getmail, mpop or fdm"},
	{'M', "--mailbox", NULL, "NAME", AT(mailbox),
		"which mailbox of the file, as USER@HOST"},
	{'G', "--changed", NULL, NULL, AT(only_changed),
		"only what differs from the defaults"},
	{'j', "--json", NULL, NULL, AT(is_json), "print data as JSON"},
	{'q', "--quiet", "-q", NULL, AT(is_quiet), "print failures only"},
};

/* ---- settings ---- */

/* $NAME/restante, or ~/`below`/restante. */
static bool
find_directory(const char *name, const char *below, char *out, size_t size)
{
	const char *base = getenv(name);
	const char *home = getenv("HOME");

	if (base && base[0] == '/')
		return snprintf(out, size, "%s/restante", base) < (int)size;
	if (!home || home[0] != '/')
		return false;
	return snprintf(out, size, "%s/%s/restante", home, below) < (int)size;
}

int
default_settings(struct collect_settings *settings)
{
	char state[PATH_MAX / 4];

	if (!find_directory(
		    "XDG_DATA_HOME", ".local/share", state, sizeof(state)))
		return complain(EX_CONFIG, "HOME is not set");
	if (!collect_settings_init(settings, state))
		return complain(EX_OSERR, "no memory");
	return EX_OK;
}

int
load_settings(
	const struct arguments *arguments, struct collect_settings *settings)
{
	char error[INI_ERROR_SIZE];
	int code = default_settings(settings);

	if (code != EX_OK)
		return code;
	/* The first account makes the file. */
	if (access(arguments->config, F_OK) < 0 && errno == ENOENT)
		return EX_OK;
	if (collect_settings_load(settings, arguments->config, error) != OK)
		return complain(EX_CONFIG, "%s", error);
	return EX_OK;
}

static int
load(struct arguments *arguments, const struct command *command)
{
	char config[PATH_MAX / 4];

	if (arguments->operands.config)
		snprintf(arguments->config, sizeof(arguments->config), "%s",
			arguments->operands.config);
	else if (find_directory(
			 "XDG_CONFIG_HOME", ".config", config, sizeof(config)))
		snprintf(arguments->config, sizeof(arguments->config),
			"%s/restante.conf", config);
	else
		return complain(EX_CONFIG, "HOME is not set");
	/* Nobody names a file that is not there and means it. */
	if (arguments->operands.config && !command->needs_no_config &&
		access(arguments->config, F_OK) < 0)
		return complain(EX_CONFIG, "%s: %s", arguments->config,
			strerror(errno));
	return load_settings(arguments, &arguments->settings);
}

struct ledger *
open_ledger(const struct arguments *arguments)
{
	char state[PATH_MAX], error[LEDGER_ERROR_SIZE];
	struct ledger *ledger = NULL;

	if (!account_expand(arguments->settings.state, state, sizeof(state)))
		complain(EX_CONFIG, "[client] state is too long");
	else if (ledger_open(state, &ledger, error) != OK)
		complain(EX_CANTCREAT, "%s", error);
	return ledger;
}

/* ---- codes ---- */

int
code_of_outcome(enum outcome outcome)
{
	switch (outcome) {
	case OK:
		return EX_OK;
	case ERR_PEER:
		return EX_PROTOCOL;
	case ERR_DENIED:
		return EX_NOPERM;
	case ERR_BROKEN:
		return EX_IOERR;
	case ERR_BUSY:
	case ERR_TOO_SOON:
	case ERR_TRY_LATER:
	case ERR_NO_SPACE:
	case ERR_OVER_QUOTA:
	case ERR_SOFT_QUOTA:
	case ERR_GONE:
	default:
		return EX_TEMPFAIL;
	}
}

/* What needs a person comes before what time may mend. */
int
worse_code(int a, int b)
{
	if (a == EX_OK || b == EX_OK)
		return a == EX_OK ? b : a;
	if (a == EX_TEMPFAIL || b == EX_TEMPFAIL)
		return a == EX_TEMPFAIL ? b : a;
	return a;
}

static void
unload(struct arguments *arguments)
{
	collect_settings_release(&arguments->settings);
}

static const struct command_line line = {
	.program = "restante",
	.default_config = "~/.config/restante/restante.conf",
	.codes = "64 usage, 75 try again later,\n76 the server broke the "
		 "protocol, 77 login refused, 78 configuration",
	.commands = commands,
	.command_count = COUNT(commands),
	.options = options,
	.option_count = COUNT(options),
	.load = load,
	.unload = unload,
};

int
main(int argc, char **argv)
{
	struct arguments arguments = {.is_json = false};

	signal(SIGPIPE, SIG_IGN);
	/* Passwords pass through: no core file, no debugger of others. */
	prctl(PR_SET_DUMPABLE, 0);
	return command_line_run(
		&line, argc, argv, &arguments.operands, &arguments);
}
