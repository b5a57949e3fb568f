/* SPDX-License-Identifier: ISC */
/*
 * words - a command as a setting has it, as the words that a program is started
 * with. Blanks part them; quotes, ' or ", keep what is between them. Pure.
 */
#ifndef COLLECT_WORDS_H
#define COLLECT_WORDS_H

#include <stdbool.h>

#define WORDS_MAXIMUM 64

/* Cuts `text` itself; NULL ends the words. False: there is none, there are too
   many, or a quote is not closed. */
bool words_cut(char *text, char *words[WORDS_MAXIMUM + 1]);
/* The same of what is not to be cut yet. */
bool words_can_cut(const char *text);

#endif
