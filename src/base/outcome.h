/* SPDX-License-Identifier: ISC */
/*
 * outcome - the one answer of everything that can fail: whose fault it is.
 *
 * It maps to the wire in one function per protocol. Outputs of a function that
 * does not return OK are untouched. Detail belongs in the log.
 */
#ifndef BASE_OUTCOME_H
#define BASE_OUTCOME_H

enum outcome {
	OK = 0,
	ERR_PEER,   /* they broke the protocol   -> -ERR, counted            */
	ERR_DENIED, /* authentication            -> -ERR [AUTH]   RFC 3206   */
	ERR_BUSY,   /* maildrop in use           -> -ERR [IN-USE] RFC 2449   */
	ERR_TOO_SOON, /* since the last login     -> [LOGIN-DELAY] RFC 2449     */
	ERR_TRY_LATER, /* back end away, I/O error  -> -ERR [SYS/TEMP] RFC 3206 */
	ERR_NO_SPACE, /* disk full                 -> [SYS/TEMP], LMTP 452     */
	ERR_OVER_QUOTA, /* maildrop or size limit    -> LMTP 552                 */
	ERR_SOFT_QUOTA, /* nearly there              -> LMTP 452                 */
	ERR_BROKEN, /* damaged store             -> -ERR [SYS/PERM] RFC 3206 */
	ERR_GONE,   /* the connection died       -> no reply possible        */
};

/* A fixed word for logs, "ok" to "gone"; never NULL. */
const char *outcome_name(enum outcome outcome);

/* The outcome a failed system call stands for (errno value). */
enum outcome outcome_of_errno(int error);

#endif
