/* SPDX-License-Identifier: ISC */
/*
 * completion - what a shell offers when Tab is pressed, made of the rows that
 * the program reads its command line with.
 */
#ifndef PROGRAMS_COMPLETION_H
#define PROGRAMS_COMPLETION_H

#include "programs/command_line.h"

#define COMPLETION_SHELLS "bash, zsh or fish"

/* Prints the shell's file; false: no such shell. */
bool completion_print(const struct command_line *line, const char *shell);

#endif
