/* SPDX-License-Identifier: ISC */
/* doctor - what the files of restante doctor share; nobody else includes it. */
#ifndef PROGRAMS_RESTANTE_DOCTOR_H
#define PROGRAMS_RESTANTE_DOCTOR_H

#include "programs/restante/command.h"

#define FINDINGS_MAXIMUM    24
#define FINDING_TEXT_SIZE   640
#define FINDING_ADVICE_SIZE 320

enum finding_kind {
	FINDING_GOOD,
	FINDING_WARNING, /* it works, and may not for long */
	FINDING_BAD,
	FINDING_SKIPPED, /* something before it is bad */
};

/* One step's. */
struct diagnosis {
	const char *step;
	enum finding_kind kind;
	char text[FINDING_TEXT_SIZE];
	char advice[FINDING_ADVICE_SIZE]; /* what to do; "" without */
};

struct doctor {
	const struct arguments *arguments;
	const struct collect_account *account;
	struct secret password, deliver_password;
	struct diagnosis steps[FINDINGS_MAXIMUM];
	size_t count;
	int code; /* of the first that is bad */
};

__attribute__((format(printf, 4, 5))) void doctor_says(struct doctor *doctor,
	const char *step, enum finding_kind kind, const char *format, ...);
/* Of the step that was told last; code: the program's, when it is the first that
 * is bad. */
__attribute__((format(printf, 3, 4))) void doctor_advises(
	struct doctor *doctor, int code, const char *format, ...);

/* ---- doctor_server.c ---- */

/* Name, port, TLS, certificate, greeting, CAPA. False: the login is not worth a
 * try. */
bool doctor_looks_at_server(struct doctor *doctor);

/* ---- doctor_login.c ---- */

/* Or a token. */
bool doctor_has_password(struct doctor *doctor);
/* Login, STAT, UIDL. */
void doctor_logs_in(struct doctor *doctor, struct ledger *ledger);

/* ---- doctor_place.c ---- */

/* NULL: it is bad, or cannot be opened. */
struct ledger *doctor_looks_at_ledger(struct doctor *doctor);
void doctor_looks_at_delivery(struct doctor *doctor);
void doctor_looks_at_disk(struct doctor *doctor);
void doctor_looks_at_clock(struct doctor *doctor, struct ledger *ledger);

#endif
