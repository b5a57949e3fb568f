/* SPDX-License-Identifier: ISC */
/*
 * penalties - how long an attempt to log in has to wait because of those that
 * failed before it. No I/O, no clock: time goes in, in milliseconds.
 *
 * A network (an IPv4 address, a /64 of IPv6) with 1, 2, 3, 4 failures may try
 * again 2, 4, 8, 15 s after its last attempt, one at a time: attempts at once
 * gain nothing. An account that is tried from everywhere makes networks that do
 * not know it wait too. A network from which an account has logged in is known
 * to it: there only failures at that account, from there, count. So whoever
 * sprays passwords cannot keep the owner out, and no wait is longer than
 * PENALTY_WAIT_MAXIMUM_MS.
 *
 * The same wrong password again is no new failure: a client that was not told
 * of a change asks for ever. A failure is forgotten PENALTY_FORGET_MS after the
 * last one, one by one.
 */
#ifndef SERVER_PENALTIES_H
#define SERVER_PENALTIES_H

#include "base/outcome.h"
#include "base/siphash.h"

/* What an attempt waits at most, however many are before it. */
#define PENALTY_WAIT_MAXIMUM_MS 30000
#define PENALTY_FORGET_MS	300000
/* Failures at one account from anywhere that weigh as one of a network. */
#define PENALTY_ACCOUNT_SHARE 10
/* Networks, accounts and pairs of them that have failed; and pairs that have
   logged in. The one that has been silent longest goes first. */
#define PENALTY_RECORDS_MAXIMUM 32768
#define PENALTY_KNOWN_MAXIMUM	65536
/* A pair that has logged in is known for so long after. */
#define PENALTY_KNOWN_MS (30ull * 86400 * 1000)

struct penalties;

struct penalty_attempt {
	const char *network; /* address_network_text */
	const char *account; /* as it was tried, known or not */
	uint64_t arrived_ms;
};

/* NULL: memory is short. */
struct penalties *penalties_new(const unsigned char key[SIPHASH_KEY_OCTETS]);
void penalties_free(struct penalties **penalties);

/* 0: it may be checked now. Else ask again after this long. */
uint64_t penalties_wait_ms(struct penalties *penalties,
	const struct penalty_attempt *attempt, uint64_t now_ms);
/* Has this account logged in from there, and is nothing held against it? */
bool penalties_is_known(struct penalties *penalties,
	const struct penalty_attempt *attempt, uint64_t now_ms);
/* Is nothing held against the network? */
bool penalties_is_clean(struct penalties *penalties,
	const struct penalty_attempt *attempt, uint64_t now_ms);
/* The network's number in a queue. */
uint64_t penalties_lane(const struct penalties *penalties, const char *network);
/* It is being checked; penalties_end must follow. */
void penalties_begin(struct penalties *penalties,
	const struct penalty_attempt *attempt, uint64_t now_ms);
/*
 * outcome  OK and ERR_DENIED count, others do not
 * proof    a keyed digest of account and password, to know it again
 */
void penalties_end(struct penalties *penalties,
	const struct penalty_attempt *attempt, enum outcome outcome,
	uint64_t proof, uint64_t now_ms);

struct penalty_report {
	const char *network, *account; /* one of them may be "" */
	uint64_t failures;
	uint64_t wait_ms; /* until the next attempt, 0 for none */
};
/* Those with failures, the latest first, until `each` returns false. */
void penalties_each(struct penalties *penalties, uint64_t now_ms,
	bool (*each)(const struct penalty_report *report, void *context),
	void *context);
/* Forgets the failures of a network or an account; how many records it had. */
unsigned penalties_forgive(
	struct penalties *penalties, const char *network_or_account);

#endif
