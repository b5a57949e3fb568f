/* SPDX-License-Identifier: ISC */
/*
 * terminal - what the command line programs share: complaints, passwords that
 * are not shown, numbers for people.
 */
#ifndef PROGRAMS_TERMINAL_H
#define PROGRAMS_TERMINAL_H

#include "base/secret.h"

#define PASSWORD_LINE_MAXIMUM_OCTETS 1024

/* "program: text" on standard error; returns `code`. */
__attribute__((format(printf, 2, 3))) int complain(
	int code, const char *format, ...);

/*
 * The first line of standard input, or asked for on the terminal (twice when it
 * is a new one). Returns a sysexits(3) code.
 */
int read_password(bool from_stdin, bool is_new, struct secret *out);
/* Can a person be asked? */
bool has_terminal(void);
/* Asks on the terminal for the password of `whom`; a sysexits(3) code. */
int ask_password_of(const char *whom, struct secret *out);
/* Asks on the terminal; no when there is none. */
bool ask_yes(const char *question);
/* "1.2 MiB"; `out` has 16 octets. */
const char *human_octets(uint64_t octets, char out[16]);
/* "3 d 4 h"; `out` has 32 octets. */
const char *human_seconds(uint64_t seconds, char out[32]);

#endif
