/* SPDX-License-Identifier: ISC */
/*
 * restante - the collector: reads the command, finds its row, runs it.
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

static const struct command commands[] = {
	{"account add", "ADDRESS --host HOST [OPTION...]",
		"test a mailbox's login and save it", "hptumckdswn", 1, 1,
		account_add},
	{"account list", "[--json]", "list the accounts", "j", 0, 0,
		account_list},
	{"fetch", "[ACCOUNT...] [--dry-run] [--json] [-q]",
		"collect new mail, of all accounts when none is named", "rjq",
		0, ACCOUNTS_MAXIMUM, fetch},
	{"status", "[--json]", "what the last run of each account did", "j", 0,
		0, show_status},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

struct option_row {
	char letter;
	const char *name, *value; /* value NULL: it takes none */
	size_t offset;		  /* in struct arguments */
	const char *help;
};

#define AT(member) offsetof(struct arguments, member)
static const struct option_row options[] = {
	{'h', "--host", "HOST", AT(host), "the server's name"},
	{'p', "--port", "PORT", AT(port),
		"its port (default 995; 110 without implicit TLS)"},
	{'t', "--tls", "HOW", AT(tls),
		"implicit (default), starttls, or none (loopback only)"},
	{'u', "--user", "NAME", AT(user),
		"the login name (default: the address)"},
	{'m', "--maildir", "DIR", AT(maildir),
		"where its mail is filed (default: ~/Mail/ADDRESS)"},
	{'c', "--ca-file", "FILE", AT(ca_file),
		"certificates to trust instead of the system's"},
	{'k', "--keep", NULL, AT(keeps),
		"leave collected mail on the server (default)"},
	{'d', "--delete", NULL, AT(deletes),
		"delete it there once it is safe here"},
	{'s', "--password-stdin", NULL, AT(reads_stdin),
		"read the password from standard input"},
	{'w', "--password-command", "COMMAND", AT(password_command),
		"a command that prints the password, asked at each run"},
	{'n', "--no-test", NULL, AT(is_untested),
		"save without trying to log in"},
	{'r', "--dry-run", NULL, AT(is_dry_run),
		"say what would be done and change nothing"},
	{'j', "--json", NULL, AT(is_json), "print data as JSON"},
	{'q', "--quiet", NULL, AT(is_quiet), "print failures only"},
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* ---- help ---- */

static void
print_help(FILE *file)
{
	fputs("usage: restante [-c FILE] COMMAND\n\n", file);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(file, "  %-13s %-39s %s\n", commands[i].words,
			commands[i].usage, commands[i].help);
	fputs("\n"
	      "  -c, --config FILE   the settings (default "
	      "~/.config/restante/restante.conf)\n"
	      "  -h, --help          this text, or a command's\n"
	      "  -V, --version       the version\n"
	      "\n"
	      "Exit codes are those of sysexits(3): 64 usage, 75 try again "
	      "later, 76 the\n"
	      "server broke the protocol, 77 login refused, 78 "
	      "configuration.\n",
		file);
}

static void
print_command_help(const struct command *command)
{
	printf("usage: restante [-c FILE] %s %s\n\n%s.\n\n", command->words,
		command->usage, command->help);
	for (size_t i = 0; i < OPTIONS; i++) {
		char left[40];

		if (!strchr(command->options, options[i].letter))
			continue;
		snprintf(left, sizeof(left), "%s %s", options[i].name,
			options[i].value ? options[i].value : "");
		printf("  %-28s %s\n", left, options[i].help);
	}
}

static int
wrong(const char *what, const char *word)
{
	return complain(EX_USAGE, "%s%s\nTry: restante --help", what, word);
}

/* ---- reading the command line ---- */

/* How many of the words at `argv` are the command's; 0 when it is another. */
static int
match(const struct command *command, int argc, char **argv)
{
	struct bytes rest = bytes_of_string(command->words);
	int count = 0;

	while (rest.octets > 0) {
		struct bytes word = bytes_cut(&rest, ' ');

		if (count >= argc ||
			!bytes_equal(word, bytes_of_string(argv[count])))
			return 0;
		count++;
	}
	return count;
}

static const struct option_row *
find_option(const struct command *command, const char *word)
{
	if (strcmp(word, "-q") == 0)
		word = "--quiet";
	for (size_t i = 0; i < OPTIONS; i++)
		if (strcmp(options[i].name, word) == 0 &&
			strchr(command->options, options[i].letter))
			return &options[i];
	return NULL;
}

/* The option at argv[*i]. -1: go on. */
static int
read_option(const struct command *command, int argc, char **argv, int *i,
	struct arguments *arguments)
{
	const struct option_row *option = find_option(command, argv[*i]);
	char *object = (char *)arguments;

	if (!option)
		return wrong("unknown option ", argv[*i]);
	if (!option->value) {
		*(bool *)(void *)(object + option->offset) = true;
		return -1;
	}
	if (*i + 1 >= argc)
		return complain(EX_USAGE, "%s takes a value: %s %s",
			option->name, option->name, option->value);
	*(const char **)(void *)(object + option->offset) = argv[++*i];
	return -1;
}

/* The command's own words. -1: go on; else exit with it. */
static int
read_words(const struct command *command, int argc, char **argv,
	struct arguments *arguments)
{
	int code = -1;

	for (int i = 0; i < argc && code < 0; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			print_command_help(command);
			return EX_OK;
		}
		if (word[0] == '-' && word[1])
			code = read_option(command, argc, argv, &i, arguments);
		else if (arguments->operand_count >= command->most)
			code = wrong("too many arguments: ", word);
		else
			arguments->operands[arguments->operand_count++] = word;
	}
	if (code < 0 && arguments->operand_count < command->least)
		return complain(EX_USAGE, "usage: restante %s %s",
			command->words, command->usage);
	return code;
}

/* -c and its like, before the command. -1: go on at *index. */
static int
read_options(int argc, char **argv, int *index, struct arguments *arguments)
{
	for (; *index < argc && argv[*index][0] == '-'; (*index)++) {
		const char *word = argv[*index];

		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			print_help(stdout);
			return EX_OK;
		}
		if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
			puts("restante " RESTANTE_VERSION);
			return EX_OK;
		}
		if ((strcmp(word, "-c") != 0 &&
			    strcmp(word, "--config") != 0) ||
			*index + 1 >= argc)
			return wrong("unknown option ", word);
		arguments->is_config_given = true;
		snprintf(arguments->config, sizeof(arguments->config), "%s",
			argv[++*index]);
	}
	return -1;
}

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

static int
load_settings(struct arguments *arguments)
{
	char config[PATH_MAX / 4], state[PATH_MAX / 4];
	char error[INI_ERROR_SIZE];

	if (!find_directory(
		    "XDG_DATA_HOME", ".local/share", state, sizeof(state)) ||
		!find_directory(
			"XDG_CONFIG_HOME", ".config", config, sizeof(config)))
		return complain(EX_CONFIG, "HOME is not set");
	if (!arguments->is_config_given)
		snprintf(arguments->config, sizeof(arguments->config),
			"%s/restante.conf", config);
	if (!collect_settings_init(&arguments->settings, state))
		return complain(EX_OSERR, "no memory");
	/* The first account makes the file. */
	if (access(arguments->config, F_OK) < 0 && errno == ENOENT)
		return EX_OK;
	if (collect_settings_load(
		    &arguments->settings, arguments->config, error) != OK)
		return complain(EX_CONFIG, "%s", error);
	return EX_OK;
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
	case ERR_TRY_LATER:
	case ERR_NO_SPACE:
	case ERR_OVER_QUOTA:
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

static int
run(const struct command *command, struct arguments *arguments)
{
	int code = load_settings(arguments);

	if (code == EX_OK)
		code = command->run(arguments);
	collect_settings_release(&arguments->settings);
	if (fflush(stdout) != 0 || ferror(stdout))
		return complain(EX_IOERR, "cannot write the output");
	return code;
}

int
main(int argc, char **argv)
{
	struct arguments arguments = {.is_json = false};
	int index = 1, code;

	signal(SIGPIPE, SIG_IGN);
	/* Passwords pass through: no core file, no debugger of others. */
	prctl(PR_SET_DUMPABLE, 0);
	arguments.operands = calloc((size_t)argc + 1, sizeof(char *));
	code = arguments.operands ? read_options(argc, argv, &index, &arguments)
				  : EX_OSERR;
	if (code < 0 && index == argc) {
		print_help(stderr);
		code = EX_USAGE;
	}
	for (size_t i = 0; i < COMMANDS && code < 0; i++) {
		int words = match(&commands[i], argc - index, argv + index);

		if (words == 0)
			continue;
		index += words;
		code = read_words(
			&commands[i], argc - index, argv + index, &arguments);
		if (code < 0)
			code = run(&commands[i], &arguments);
	}
	if (code < 0)
		code = wrong("unknown command ", argv[index]);
	free(arguments.operands);
	return code;
}
