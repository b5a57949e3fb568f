/* SPDX-License-Identifier: ISC */
#include "programs/completion.h"
#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

/* ---- the rows as a tree of words ---- */

/* The words of a command before its last, "account " of "account add". */
static size_t
front_of(const struct command *command)
{
	const char *blank = strrchr(command->words, ' ');

	return blank ? (size_t)(blank - command->words) + 1 : 0;
}

static bool
begins_so(const struct command *command, const char *front, size_t octets)
{
	return strncmp(command->words, front, octets) == 0;
}

static struct bytes
next_word(const struct command *command, size_t octets)
{
	struct bytes rest = bytes_of_string(command->words + octets);

	return bytes_cut(&rest, ' ');
}

/* Is this the first row with that word behind that front? */
static bool
is_first(const struct command_line *line, size_t index, size_t octets)
{
	const struct command *command = &line->commands[index];

	for (size_t i = 0; i < index; i++)
		if (begins_so(&line->commands[i], command->words, octets) &&
			bytes_equal(next_word(&line->commands[i], octets),
				next_word(command, octets)))
			return false;
	return true;
}

/* Calls `each` once for every word that may follow `front`. */
static void
each_word(const struct command_line *line, const char *front, size_t octets,
	void (*each)(const struct command *command, struct bytes word))
{
	for (size_t i = 0; i < line->command_count; i++) {
		const struct command *command = &line->commands[i];

		if (begins_so(command, front, octets) &&
			is_first(line, i, octets))
			each(command, next_word(command, octets));
	}
}

static void
each_option(const struct command_line *line, const struct command *command,
	void (*each)(const struct command_option *option))
{
	for (size_t i = 0; i < line->option_count; i++)
		if (strchr(command->options, line->options[i].letter))
			each(&line->options[i]);
}

/* ---- bash ---- */

static void
bash_word(const struct command *command, struct bytes word)
{
	printf("%.*s ", (int)word.octets, word.at);
}

static void
bash_option(const struct command_option *option)
{
	if (option->name)
		printf("%s ", option->name);
	if (option->short_name)
		printf("%s ", option->short_name);
}

static void
bash_cases(const struct command_line *line)
{
	for (size_t i = 0; i < line->command_count; i++) {
		const struct command *command = &line->commands[i];
		size_t front = front_of(command);

		printf("\t'%s '*) offer='", command->words);
		each_option(line, command, bash_option);
		printf("--help' ;;\n");
		if (front == 0 || !is_first(line, i, 0))
			continue;
		printf("\t'%.*s') offer='", (int)front, command->words);
		each_word(line, command->words, front, bash_word);
		printf("' ;;\n");
	}
}

static void
print_bash(const struct command_line *line)
{
	const char *name = line->program;

	printf("# bash completion of %s, made by: %s --completion bash\n"
	       "_%s() {\n"
	       "\tlocal word words= skip= offer=\n"
	       "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	       "\t\tcase $skip$word in\n"
	       "\t\t-c | --config) skip=y ;;\n"
	       "\t\ty*) skip= ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\t*) words=\"$words$word \" ;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\tcase $words in\n",
		name, name, name);
	bash_cases(line);
	printf("\t'') offer='");
	each_word(line, "", 0, bash_word);
	printf("--config --help --version' ;;\n"
	       "\tesac\n"
	       "\tCOMPREPLY=($(compgen -W \"$offer\" -- "
	       "\"${COMP_WORDS[COMP_CWORD]}\"))\n"
	       "}\n"
	       "complete -o default -F _%s %s\n",
		name, name);
}

/* ---- zsh ---- */

/* Within single quotes; a colon would end the word that is described. */
static void
put_quoted(const char *text, const char *escaped)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		else if (strchr(escaped, *text))
			putchar('\\');
		putchar(*text);
	}
}

static void
zsh_word(const struct command *command, struct bytes word)
{
	printf("'%.*s", (int)word.octets, word.at);
	/* A word of several commands has no help of its own. */
	if (!strchr(command->words, ' ') ||
		front_of(command) + word.octets == strlen(command->words)) {
		putchar(':');
		put_quoted(command->help, "\\");
	}
	printf("' ");
}

static void
zsh_option(const struct command_option *option)
{
	const char *names[] = {option->name, option->short_name};

	for (size_t i = 0; i < 2; i++) {
		if (!names[i])
			continue;
		printf("'%s:", names[i]);
		put_quoted(option->help, "\\");
		printf("' ");
	}
}

static void
zsh_cases(const struct command_line *line)
{
	for (size_t i = 0; i < line->command_count; i++) {
		const struct command *command = &line->commands[i];
		size_t front = front_of(command);

		printf("\t'%s '*) offer=(", command->words);
		each_option(line, command, zsh_option);
		printf("'--help:what it does') ;;\n");
		if (front == 0 || !is_first(line, i, 0))
			continue;
		printf("\t'%.*s') offer=(", (int)front, command->words);
		each_word(line, command->words, front, zsh_word);
		printf(") ;;\n");
	}
}

static void
print_zsh(const struct command_line *line)
{
	const char *name = line->program;

	printf("#compdef %s\n"
	       "# zsh completion of %s, made by: %s --completion zsh\n"
	       "_%s() {\n"
	       "\tlocal word before='' skip=''\n"
	       "\tlocal -a offer\n"
	       "\tfor word in \"${(@)words[2,CURRENT-1]}\"; do\n"
	       "\t\tcase $skip$word in\n"
	       "\t\t-c | --config) skip=y ;;\n"
	       "\t\ty*) skip='' ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\t*) before=\"$before$word \" ;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\tcase $before in\n",
		name, name, name, name);
	zsh_cases(line);
	printf("\t'') offer=(");
	each_word(line, "", 0, zsh_word);
	printf("'--config:the settings' '--help:what it does' "
	       "'--version:the version') ;;\n"
	       "\tesac\n"
	       "\t_describe %s offer || _files\n"
	       "}\n"
	       "if [ \"$funcstack[1]\" = _%s ]; then\n"
	       "\t_%s \"$@\"\n"
	       "else\n"
	       "\tcompdef _%s %s\n"
	       "fi\n",
		name, name, name, name, name);
}

/* ---- fish ---- */

static void
fish_description(const char *text)
{
	printf(" -d '");
	put_quoted(text, "\\");
	printf("'\n");
}

/* True in fish when these are the words so far, and no more. */
static void
fish_when(const struct command_line *line, const char *words, int octets,
	const char *test)
{
	printf("complete -c %s -n '__%s_%s \"%.*s\"'", line->program,
		line->program, test, octets, words);
}

static void
fish_command(const struct command_line *line, size_t index)
{
	const struct command *command = &line->commands[index];
	size_t front = front_of(command);
	struct bytes first = next_word(command, 0);

	if (front > 0 && is_first(line, index, 0)) {
		fish_when(line, "", 0, "at");
		printf(" -f -a '%.*s'\n", (int)first.octets, first.at);
	}
	fish_when(line, command->words, front ? (int)front - 1 : 0, "at");
	printf(" -f -a '%s'", command->words + front);
	fish_description(command->help);
	for (size_t i = 0; i < line->option_count; i++) {
		const struct command_option *option = &line->options[i];

		if (!strchr(command->options, option->letter))
			continue;
		fish_when(line, command->words, (int)strlen(command->words),
			"in");
		if (option->name)
			printf(" -l %s", option->name + 2);
		if (option->short_name)
			printf(" -s %s", option->short_name + 1);
		if (option->value)
			printf(" -r");
		fish_description(option->help);
	}
}

static void
print_fish(const struct command_line *line)
{
	const char *name = line->program;

	printf("# fish completion of %s, made by: %s --completion fish\n"
	       "function __%s_words\n"
	       "\tset -l words (commandline -opc)\n"
	       "\tset -e words[1]\n"
	       "\tset -l skip 0\n"
	       "\tfor word in $words\n"
	       "\t\tif test $skip = 1\n"
	       "\t\t\tset skip 0\n"
	       "\t\telse if contains -- $word -c --config\n"
	       "\t\t\tset skip 1\n"
	       "\t\telse if not string match -q -- '-*' $word\n"
	       "\t\t\techo $word\n"
	       "\t\tend\n"
	       "\tend\n"
	       "end\n"
	       "function __%s_at\n"
	       "\ttest \"$argv[1]\" = (string join -- ' ' (__%s_words) \"\" | "
	       "string trim)\n"
	       "end\n"
	       "function __%s_in\n"
	       "\tstring match -q -- \"$argv[1] *\" (string join -- ' ' "
	       "(__%s_words) \"\")\n"
	       "end\n",
		name, name, name, name, name, name, name);
	printf("complete -c %s -n '__%s_at \"\"' -s c -l config -r "
	       "-d 'the settings'\n"
	       "complete -c %s -s h -l help -d 'what it does'\n"
	       "complete -c %s -n '__%s_at \"\"' -s V -l version "
	       "-d 'the version'\n",
		name, name, name, name, name);
	for (size_t i = 0; i < line->command_count; i++)
		fish_command(line, i);
}

bool
completion_print(const struct command_line *line, const char *shell)
{
	static const struct {
		const char *shell;
		void (*print)(const struct command_line *line);
	} shells[] = {
		{"bash", print_bash},
		{"zsh", print_zsh},
		{"fish", print_fish},
	};

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(shells[i].shell, shell) == 0) {
			shells[i].print(line);
			return true;
		}
	return false;
}
