/* SPDX-License-Identifier: ISC */
/* account_table - what the files of accounts share. Nobody else includes it. */
#ifndef COLLECT_ACCOUNT_TABLE_H
#define COLLECT_ACCOUNT_TABLE_H

#include "collect/account.h"

/* The keys of a section [account NAME]. */
extern const struct settings account_table;

#endif
