/* SPDX-License-Identifier: ISC */
#include "base/outcome.h"

#include <errno.h>

const char *
outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OK] = "ok",
		[ERR_PEER] = "peer",
		[ERR_DENIED] = "denied",
		[ERR_BUSY] = "busy",
		[ERR_TOO_SOON] = "too-soon",
		[ERR_TRY_LATER] = "try-later",
		[ERR_NO_SPACE] = "no-space",
		[ERR_OVER_QUOTA] = "over-quota",
		[ERR_SOFT_QUOTA] = "soft-quota",
		[ERR_BROKEN] = "broken",
		[ERR_GONE] = "gone",
	};

	if ((unsigned)outcome >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[outcome];
}

enum outcome
outcome_of_errno(int error)
{
	switch (error) {
	case 0:
		return OK;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return ERR_GONE;
	case ENOTDIR:
	case EACCES:
	case EPERM:
	case EROFS:
	case ENAMETOOLONG:
		return ERR_BROKEN;
	default:
		return ERR_TRY_LATER;
	}
}
