/* SPDX-License-Identifier: ISC */
/* accounts - what the commands for users, devices and aliases share. */
#ifndef PROGRAMS_RESTANTECTL_ACCOUNTS_H
#define PROGRAMS_RESTANTECTL_ACCOUNTS_H

#include "accounts/password.h"
#include "programs/restantectl/command.h"

#include <jansson.h>

/* What the settings say of names. */
struct accounts_naming naming_of(const struct server_settings *settings);

/* A name as it was typed, made canonical; false having complained. */
bool user_name(const struct arguments *arguments, const char *given,
	char out[ACCOUNT_NAME_SIZE]);
/* "main" is the main password, whose device is "". */
bool device_name(const char *given, char out[ACCOUNT_DEVICE_SIZE]);

/* ---- user.c ---- */

/* Asks for a new password, whose secret `credential` gets; `like` as in
   password_set. */
int ask_password(const struct arguments *arguments, const struct account *like,
	struct credential *credential);

/* ---- accounts.c ---- */

/* A sysexits(3) code, having complained unless it is EX_OK. `what` is that of
   the account which there is not, or already: "user alice". */
int accounts_code(enum outcome outcome, const char *what);

/* Opens the data base and loads the account that the first operand names; NULL
   having complained, *out_code then says how. account_release and close are
   due. */
struct accounts *load_user(
	const struct arguments *arguments, struct account *out, int *out_code);

/*
 * Every source of [auth] backends that can be read from here: not those of PAM.
 * Empty ones are left out.
 */
struct sources {
	struct accounts *at[4];
	size_t count;
};
/* An exit code, having complained and nothing open unless it is EX_OK. */
int sources_open(const struct arguments *arguments, struct sources *out);
void sources_close(struct sources *sources);
/* Of the first that knows it; ERR_DENIED. */
enum outcome sources_find(
	struct sources *sources, const char *name, struct account *out);

/* ---- tables ---- */

/* Prints arrays of strings below their heads, each column as wide as it needs. */
void print_table(const char *const *heads, size_t columns, const json_t *rows);
/* "2026-11-29", or "-" for 0; UTC. */
const char *date_text(uint64_t seconds, char out[16]);
/* The value as JSON, or the table. Takes both. */
void print_data(const struct arguments *arguments, json_t *data,
	const char *const *heads, size_t columns, json_t *rows);

#endif
