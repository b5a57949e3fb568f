/* SPDX-License-Identifier: ISC */
/* certificate - a client's certificate as the command line names it. */
#ifndef PROGRAMS_RESTANTECTL_CERTIFICATE_H
#define PROGRAMS_RESTANTECTL_CERTIFICATE_H

#include "accounts/accounts.h"

/*
 * "sha256:" and a fingerprint (with colons or without), "subject:" and a
 * subject as RFC 4514 writes it, or a PEM file. Fills kind and hash; an exit
 * code, having complained.
 */
int read_certificate(const char *text, struct credential *credential);

#endif
