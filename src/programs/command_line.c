/* SPDX-License-Identifier: ISC */
#include "programs/command_line.h"
#include "base/bytes.h"
#include "programs/completion.h"
#include "programs/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define KNOWN_MAXIMUM_OCTETS 256 /* of a list of commands */

/* ---- help ---- */

/* The widest of what stands left, so that columns stand below each other. */
static int
width_of(const struct command_line *line, bool is_usage)
{
	size_t width = 0;

	for (size_t i = 0; i < line->command_count; i++) {
		const struct command *command = &line->commands[i];
		size_t octets =
			strlen(is_usage ? command->usage : command->words);

		if (octets > width)
			width = octets;
	}
	return (int)width;
}

static void
print_help(const struct command_line *line, FILE *file)
{
	int words = width_of(line, false), usage = width_of(line, true);

	fprintf(file, "usage: %s [-c FILE] COMMAND\n\n", line->program);
	for (size_t i = 0; i < line->command_count; i++)
		fprintf(file, "  %-*s  %-*s  %s\n", words,
			line->commands[i].words, usage, line->commands[i].usage,
			line->commands[i].help);
	fprintf(file,
		"\n"
		"  -c, --config FILE   the settings (default %s)\n"
		"  -h, --help          this text, or a command's\n"
		"  -V, --version       the version\n"
		"  --completion SHELL  what bash, zsh or fish needs to "
		"complete "
		"commands\n"
		"\n"
		"Exit codes are those of sysexits(3): %s.\n",
		line->default_config, line->codes);
}

static void
print_option(const struct command_option *option)
{
	char left[48];

	snprintf(left, sizeof(left), "%s%s%s%s%s",
		option->short_name ? option->short_name : "",
		option->short_name && option->name ? ", " : "",
		option->name ? option->name : "", option->value ? " " : "",
		option->value ? option->value : "");
	printf("  %-28s %s\n", left, option->help);
}

static void
print_command_help(
	const struct command_line *line, const struct command *command)
{
	printf("usage: %s [-c FILE] %s%s%s\n\n%s.\n", line->program,
		command->words, *command->usage ? " " : "", command->usage,
		command->help);
	if (*command->options)
		putchar('\n');
	for (size_t i = 0; i < line->option_count; i++)
		if (strchr(command->options, line->options[i].letter))
			print_option(&line->options[i]);
}

/* ---- reading ---- */

static bool
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int
wrong(const struct command_line *line, const char *what, const char *word)
{
	return complain(
		EX_USAGE, "%s%s\nTry: %s --help", what, word, line->program);
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

static bool
is_called(const char *name, const char *word)
{
	return name && strcmp(name, word) == 0;
}

static const struct command_option *
find_option(const struct command_line *line, const struct command *command,
	const char *word)
{
	for (size_t i = 0; i < line->option_count; i++) {
		const struct command_option *option = &line->options[i];

		if (strchr(command->options, option->letter) &&
			(is_called(option->name, word) ||
				is_called(option->short_name, word)))
			return option;
	}
	return NULL;
}

static int
lacks_value(const char *option, const char *value)
{
	return complain(
		EX_USAGE, "%s takes a value: %s %s", option, option, value);
}

/* The option at argv[*i]. -1: go on. */
static int
read_option(const struct command_line *line, const struct command *command,
	int argc, char **argv, int *i, struct arguments *arguments)
{
	const struct command_option *option =
		find_option(line, command, argv[*i]);
	char *object = (char *)arguments;

	if (!option)
		return wrong(line, "unknown option ", argv[*i]);
	if (!option->value) {
		*(bool *)(void *)(object + option->offset) = true;
		return -1;
	}
	if (*i + 1 >= argc)
		return lacks_value(argv[*i], option->value);
	*(const char **)(void *)(object + option->offset) = argv[++*i];
	return -1;
}

/* The command's own words. -1: go on; else exit with it. */
static int
read_words(const struct command_line *line, const struct command *command,
	int argc, char **argv, struct operands *operands,
	struct arguments *arguments)
{
	bool is_option_over = false; /* behind "--" */
	int code = -1;

	for (int i = 0; i < argc && code < 0; i++) {
		bool may_be_option = !is_option_over && argv[i][0] == '-';

		if (may_be_option && is_help(argv[i])) {
			print_command_help(line, command);
			return EX_OK;
		}
		if (may_be_option && strcmp(argv[i], "--") == 0)
			is_option_over = true;
		else if (may_be_option && argv[i][1])
			code = read_option(
				line, command, argc, argv, &i, arguments);
		else if (operands->count >= command->most)
			code = wrong(line, "too many arguments: ", argv[i]);
		else
			operands->at[operands->count++] = argv[i];
	}
	if (code < 0 && operands->count < command->least)
		return complain(EX_USAGE, "usage: %s %s %s", line->program,
			command->words, command->usage);
	return code;
}

/* shell: NULL when it was not given. */
static int
print_completion(const struct command_line *line, const char *shell)
{
	if (shell && completion_print(line, shell))
		return EX_OK;
	return complain(
		EX_USAGE, "--completion takes a shell: %s", COMPLETION_SHELLS);
}

/* -c and its like, before the command. -1: go on at *index. */
static int
read_options(const struct command_line *line, int argc, char **argv, int *index,
	struct operands *operands)
{
	for (; *index < argc && argv[*index][0] == '-'; (*index)++) {
		const char *word = argv[*index];

		if (is_help(word)) {
			print_help(line, stdout);
			return EX_OK;
		}
		if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
			printf("%s " RESTANTE_VERSION "\n", line->program);
			return EX_OK;
		}
		if (strcmp(word, "--completion") == 0)
			return print_completion(line, argv[*index + 1]);
		if (strcmp(word, "-c") != 0 && strcmp(word, "--config") != 0)
			return wrong(line, "unknown option ", word);
		if (*index + 1 >= argc)
			return lacks_value(word, "FILE");
		operands->config = argv[++*index];
	}
	return -1;
}

static int
run(const struct command_line *line, const struct command *command,
	struct arguments *arguments)
{
	int code = line->load(arguments, command);

	if (code == EX_OK)
		code = command->run(arguments);
	line->unload(arguments);
	return code;
}

/* "user" or "user frob": tells which commands begin so. */
static int
wrong_command(const struct command_line *line, const char *word)
{
	size_t octets = strlen(word), used = 0;
	char known[KNOWN_MAXIMUM_OCTETS] = "";

	for (size_t i = 0; i < line->command_count; i++) {
		const char *words = line->commands[i].words;

		if (strncmp(words, word, octets) != 0 || words[octets] != ' ' ||
			used >= sizeof(known))
			continue;
		used += (size_t)snprintf(known + used, sizeof(known) - used,
			"%s%s", used ? ", " : "; there are ", words);
	}
	return complain(EX_USAGE, "unknown command %s%s\nTry: %s --help", word,
		known, line->program);
}

static int
find_and_run(const struct command_line *line, int argc, char **argv,
	struct operands *operands, struct arguments *arguments)
{
	for (size_t i = 0; i < line->command_count; i++) {
		const struct command *command = &line->commands[i];
		int words = match(command, argc, argv), code;

		if (words == 0)
			continue;
		code = read_words(line, command, argc - words, argv + words,
			operands, arguments);
		return code >= 0 ? code : run(line, command, arguments);
	}
	return wrong_command(line, argv[0]);
}

int
command_line_run(const struct command_line *line, int argc, char **argv,
	struct operands *operands, struct arguments *arguments)
{
	int index = 1, code;

	operands->at = calloc((size_t)argc + 1, sizeof(char *));
	if (!operands->at)
		return complain(EX_OSERR, "no memory");
	code = read_options(line, argc, argv, &index, operands);
	if (code < 0 && index == argc) {
		print_help(line, stderr);
		code = EX_USAGE;
	}
	if (code < 0)
		code = find_and_run(
			line, argc - index, argv + index, operands, arguments);
	free(operands->at);
	operands->at = NULL;
	if (fflush(stdout) != 0 || ferror(stdout))
		return complain(EX_IOERR, "cannot write the output");
	return code;
}
