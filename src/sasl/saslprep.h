/* SPDX-License-Identifier: ISC */
/*
 * saslprep - names and passwords in Unicode, made such that what looks the same
 * is the same: odd blanks are blanks, invisible characters go, compatibility
 * forms become one (NFKC). What may not stand there is refused.
 *
 * ASCII without control characters comes out as it went in.
 *
 * Source: RFC 4013, RFC 3454.
 */
#ifndef SASL_SASLPREP_H
#define SASL_SASLPREP_H

#include "base/secret.h"

enum saslprep_result {
	SASLPREP_DONE,
	SASLPREP_NOT_UTF8,   /* RFC 3629 */
	SASLPREP_PROHIBITED, /* RFC 4013 sections 2.3 and 2.4 */
	SASLPREP_NO_MEMORY,
};

/* Of a stored string no character may be unassigned in Unicode 3.2 (RFC 3454
   section 7); here: in the Unicode that the library knows. */
enum saslprep_kind { SASLPREP_QUERY, SASLPREP_STORED };

/* *out is set when it is done, and untouched else. */
enum saslprep_result saslprep(
	struct bytes text, enum saslprep_kind kind, struct secret *out);

#endif
