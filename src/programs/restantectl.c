/* SPDX-License-Identifier: ISC */
/*
 * restantectl - the administrator's tool: accounts, deliveries, mailboxes,
 * status. Reads the command, finds its row, runs it.
 */
#include "programs/restantectl/command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_CONFIG "/etc/restante/restante.conf"

static const struct command commands[] = {
	{"user add", "NAME [--password-stdin]", "make an account", 1, 1, "p",
		false, user_add},
	{"user list", "[--json]", "list the accounts", 0, 0, "j", false,
		user_list},
	{"user passwd", "NAME [--password-stdin]",
		"give an account another password", 1, 1, "p", false,
		user_passwd},
	{"user remove", "NAME", "remove an account; its mail stays", 1, 1, "",
		false, user_remove},
	{"deliver", "NAME [-f SENDER] < message",
		"deliver a message through the running server", 1, 1, "f",
		false, deliver},
	{"mailbox list", "[NAME] [--json]",
		"messages and octets of each mailbox", 0, 1, "j", false,
		mailbox_list},
	{"status", "[--json]", "what the running server does", 0, 0, "j", false,
		show_status},
	{"config show", "[--changed]", "the settings in force", 0, 0, "c",
		false, config_show},
	{"config sample", "", "a commented file with every setting", 0, 0, "",
		true, config_sample},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
print_help(FILE *file)
{
	fputs("usage: restantectl [-c FILE] COMMAND\n\n", file);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(file, "  %-13s %-26s %s\n", commands[i].words,
			commands[i].usage, commands[i].help);
	fputs("\n"
	      "  -c, --config FILE   the server's settings "
	      "(default " DEFAULT_CONFIG ")\n"
	      "      --json          print data as JSON\n"
	      "  -h, --help          this text, or a command's\n"
	      "  -V, --version       the version\n"
	      "\n"
	      "Exit codes are those of sysexits(3): 64 usage, 67 no such "
	      "user,\n"
	      "69 no server, 75 try again later, 78 configuration.\n",
		file);
}

static void
print_command_help(const struct command *command)
{
	printf("usage: restantectl [-c FILE] %s %s\n\n%s.\n", command->words,
		command->usage, command->help);
}

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

static int
wrong(const char *what, const char *word)
{
	return complain(EX_USAGE, "%s%s\nTry: restantectl --help", what, word);
}

static bool
takes(const struct command *command, char letter)
{
	return strchr(command->options, letter) != NULL;
}

/* The command's own words. -1: go on; else exit with it. */
static int
read_operands(const struct command *command, int argc, char **argv,
	struct arguments *arguments)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			print_command_help(command);
			return EX_OK;
		}
		if (strcmp(word, "--json") == 0 && takes(command, 'j'))
			arguments->is_json = true;
		else if (strcmp(word, "--password-stdin") == 0 &&
			 takes(command, 'p'))
			arguments->reads_stdin = true;
		else if (strcmp(word, "--changed") == 0 && takes(command, 'c'))
			arguments->only_changed = true;
		else if (strcmp(word, "-f") == 0 && takes(command, 'f') &&
			 i + 1 < argc)
			arguments->sender = argv[++i];
		else if (word[0] == '-' && word[1])
			return wrong("unknown option ", word);
		else if (arguments->operand_count >= command->most)
			return wrong("too many arguments: ", word);
		else
			arguments->operands[arguments->operand_count++] = word;
	}
	if (arguments->operand_count < command->least)
		return complain(EX_USAGE, "usage: restantectl %s %s",
			command->words, command->usage);
	return -1;
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
			puts("restantectl " RESTANTE_VERSION);
			return EX_OK;
		}
		if ((strcmp(word, "-c") == 0 ||
			    strcmp(word, "--config") == 0) &&
			*index + 1 < argc)
			arguments->config = argv[++*index];
		else
			return wrong("unknown option ", word);
	}
	return -1;
}

static int
run(const struct command *command, struct arguments *arguments)
{
	char error[INI_ERROR_SIZE];
	enum outcome outcome = OK;
	int code;

	server_settings_init(&arguments->settings);
	if (!command->needs_no_config) {
		outcome = server_settings_load(
			&arguments->settings, arguments->config, error);
		if (outcome == OK)
			outcome = server_settings_check(
				&arguments->settings, error);
	}
	code = outcome == OK ? command->run(arguments)
			     : complain(EX_CONFIG, "%s", error);
	server_settings_release(&arguments->settings);
	if (code == EX_OK && (fflush(stdout) != 0 || ferror(stdout)))
		return complain(EX_IOERR, "cannot write the output");
	return code;
}

int
main(int argc, char **argv)
{
	struct arguments arguments = {.config = DEFAULT_CONFIG, .sender = ""};
	int index = 1, code;

	signal(SIGPIPE, SIG_IGN);
	code = read_options(argc, argv, &index, &arguments);
	if (code >= 0)
		return code;
	if (index == argc) {
		print_help(stderr);
		return EX_USAGE;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		int words = match(&commands[i], argc - index, argv + index);

		if (words == 0)
			continue;
		index += words;
		code = read_operands(
			&commands[i], argc - index, argv + index, &arguments);
		return code >= 0 ? code : run(&commands[i], &arguments);
	}
	return wrong("unknown command ", argv[index]);
}
