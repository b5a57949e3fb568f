/* SPDX-License-Identifier: ISC */
#include "collect/words.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* One word, without its quotes, from *from to *to; false: a quote is open. */
static bool
take_word(char **from, char **to)
{
	char quote = 0;

	for (; **from && (quote || (**from != ' ' && **from != '\t'));
		(*from)++) {
		if (quote ? **from == quote : strchr("'\"", **from) != NULL)
			quote = (char)(quote ? 0 : **from);
		else
			*(*to)++ = **from;
	}
	if (**from)
		(*from)++;
	*(*to)++ = '\0';
	return !quote;
}

bool
words_cut(char *text, char *words[WORDS_MAXIMUM + 1])
{
	char *from = text, *to = text;
	size_t count = 0;

	while (*(from += strspn(from, " \t"))) {
		if (count == WORDS_MAXIMUM)
			return false;
		words[count++] = to;
		if (!take_word(&from, &to))
			return false;
	}
	words[count] = NULL;
	return count > 0;
}

bool
words_can_cut(const char *text)
{
	char *words[WORDS_MAXIMUM + 1];
	char *copy = strdup(text);
	bool is_good = copy && words_cut(copy, words);

	free(copy);
	return is_good;
}
