/* SPDX-License-Identifier: ISC */
/*
 * restantectl - the administrator's tool: accounts, deliveries, mailboxes,
 * status. The rows of what it can do.
 */
#include "programs/restantectl/command.h"

#include <signal.h>
#include <sysexits.h>

#define DEFAULT_CONFIG "/etc/restante/restante.conf"
#define COUNT(rows)    (sizeof(rows) / sizeof((rows)[0]))

static const struct command commands[] = {
	{"user add", "NAME [--password-stdin]", "make an account", "p", 1, 1,
		false, user_add},
	{"user list", "[--json]", "list the accounts", "j", 0, 0, false,
		user_list},
	{"user passwd", "NAME [--password-stdin]",
		"give an account another password", "p", 1, 1, false,
		user_passwd},
	{"user disable", "NAME", "let nobody log in; mail is still taken", "",
		1, 1, false, user_disable},
	{"user enable", "NAME", "undo that", "", 1, 1, false, user_enable},
	{"user limit", "NAME [--quota SIZE] [--messages N]",
		"a quota of the user's own; 0: what [quota] says", "qm", 1, 1,
		false, user_limit},
	{"user remove", "NAME", "remove an account; its mail stays", "", 1, 1,
		false, user_remove},
	{"device add", "NAME DEVICE [OPTION...]",
		"make a password for a device, or take its certificate",
		"pCenrj", 2, 2, false, device_add},
	{"device list", "NAME [--json]", "passwords and certificates of a user",
		"j", 1, 1, false, device_list},
	{"device set", "NAME DEVICE [OPTION...]",
		"what a device, or the device main, may do", "enrw", 2, 2,
		false, device_set},
	{"device remove", "NAME DEVICE", "its next login is refused", "", 2, 2,
		false, device_remove},
	{"alias add", "NAME|@DOMAIN USER",
		"another name of a user, or all that is left of a domain", "",
		2, 2, false, alias_add},
	{"alias list", "[USER] [--json]", "list the aliases", "j", 0, 1, false,
		alias_list},
	{"alias remove", "NAME|@DOMAIN", "remove an alias", "", 1, 1, false,
		alias_remove},
	{"deliver", "NAME [-f SENDER] < message",
		"deliver a message through the running server", "f", 1, 1,
		false, deliver},
	{"mailbox check", "[NAME] [--json]",
		"compare the index with the Maildir, octet by octet", "j", 0, 1,
		false, mailbox_check},
	{"mailbox import-uidls", "NAME FILE [--format FORMAT] [--json]",
		"UIDLs as Dovecot or Courier gave them", "Fj", 2, 2, false,
		mailbox_import_uidls},
	{"mailbox list", "[NAME] [--json]",
		"messages and octets of each mailbox", "j", 0, 1, false,
		mailbox_list},
	{"mailbox rebuild", "NAME [--json]",
		"make the index anew from the mail; UIDLs stay", "j", 1, 1,
		false, mailbox_rebuild},
	{"mailbox repair", "NAME [--json]",
		"compare the index with the mail, mend what is wrong", "j", 1,
		1, false, mailbox_repair},
	{"status", "[--json]", "what the running server does", "j", 0, 0, false,
		show_status},
	{"who", "[--json]", "who is logged in", "j", 0, 0, false, who},
	{"kick", "USER|SESSION", "end sessions; nothing is deleted", "", 1, 1,
		false, kick},
	{"forgive", "ADDRESS", "forget failed logins of an address or account",
		"", 1, 1, false, forgive},
	{"reload", "[--json]", "read the settings anew, all of them or none",
		"j", 0, 0, false, reload},
	{"trace", "[USER] [--for TIME | --off] [--json]",
		"log what a user's programs say, without secrets", "ojO", 0, 1,
		false, trace},
	{"tls check", "[DOMAIN] [--json]",
		"check the certificates, and what the listeners show", "j", 0,
		1, false, tls_check},
	{"dns", "DOMAIN [OPTION...]",
		"the records that mail programs look for, and which are there",
		"dj", 1, 1, false, dns},
	{"config show", "[--changed] [--json]", "the settings in force", "cj",
		0, 0, false, config_show},
	{"config sample", "", "a commented file with every setting", "", 0, 0,
		true, config_sample},
};

#define AT(member) offsetof(struct arguments, member)
static const struct command_option options[] = {
	{'j', "--json", NULL, NULL, AT(is_json), "print data as JSON"},
	{'p', "--password-stdin", NULL, NULL, AT(reads_stdin),
		"read the password from standard input"},
	{'r', "--read-only", NULL, NULL, AT(is_read_only),
		"nothing can be deleted with it"},
	{'w', "--read-write", NULL, NULL, AT(is_read_write),
		"mail can be deleted with it"},
	{'e', "--expires", NULL, "WHEN", AT(expires),
		"the last day (2027-12-31), a time from now (90d), or never"},
	{'n', "--networks", NULL, "LIST", AT(networks),
		"from where: 192.0.2.0/24,2001:db8::/32, or any"},
	{'C', "--certificate", NULL, "CERTIFICATE", AT(certificate),
		"of a client, for EXTERNAL: a PEM file, sha256:... or "
		"subject:..."},
	{'q', "--quota", NULL, "SIZE", AT(quota), "of the mailbox: 2GiB"},
	{'m', "--messages", NULL, "N", AT(messages),
		"that the mailbox may hold"},
	{'f', NULL, "-f", "SENDER", AT(sender),
		"the envelope's sender (default: none, as of a bounce)"},
	{'F', "--format", NULL, "FORMAT", AT(format),
		"pop3_uidl_format of Dovecot (default: %08Xu%08Xv)"},
	{'o', "--for", NULL, "TIME", AT(duration),
		"how long (default 10m, a day at most)"},
	{'O', "--off", NULL, NULL, AT(is_off), "no longer"},
	{'d', "--dns-server", NULL, "ADDRESS", AT(dns_server),
		"ask this one: 192.0.2.1, or 127.0.0.1:5353"},
	{'c', "--changed", NULL, NULL, AT(only_changed),
		"only what differs from the defaults"},
};

static int
load(struct arguments *arguments, const struct command *command)
{
	const char *config = arguments->operands.config
				     ? arguments->operands.config
				     : DEFAULT_CONFIG;
	char error[INI_ERROR_SIZE];
	enum outcome outcome;

	server_settings_init(&arguments->settings);
	if (command->needs_no_config)
		return EX_OK;
	outcome = server_settings_read(&arguments->settings, config, error);
	return outcome == OK ? EX_OK : complain(EX_CONFIG, "%s", error);
}

static void
unload(struct arguments *arguments)
{
	server_settings_release(&arguments->settings);
}

static const struct command_line line = {
	.program = "restantectl",
	.default_config = DEFAULT_CONFIG,
	.codes =
		"64 usage, 67 no such user, 69 no\nserver, 75 try again later, "
		"78 configuration",
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
	struct arguments arguments = {.sender = ""};

	signal(SIGPIPE, SIG_IGN);
	return command_line_run(
		&line, argc, argv, &arguments.operands, &arguments);
}
