/* SPDX-License-Identifier: ISC */
/*
 * browser - a port on loopback that a browser is sent back to with a code. Only
 * a request with our state counts; anybody on this machine may send others.
 *
 * Source: RFC 8252 section 7.3, RFC 7636.
 */
#ifndef COLLECT_OAUTH_BROWSER_H
#define COLLECT_OAUTH_BROWSER_H

#include "base/outcome.h"
#include "base/secret.h"
#include "config/ini.h"

#define OAUTH_RANDOM_SIZE	     64
#define OAUTH_REQUEST_MAXIMUM_OCTETS 8192
#define OAUTH_CODE_MAXIMUM_OCTETS    4096

struct oauth_browser {
	int fd;
	char redirect[64]; /* "http://127.0.0.1:PORT/" */
	char state[OAUTH_RANDOM_SIZE], verifier[OAUTH_RANDOM_SIZE],
		challenge[OAUTH_RANDOM_SIZE];
};

enum oauth_return {
	OAUTH_RETURN_CODE,
	OAUTH_RETURN_REFUSED, /* error says why */
	OAUTH_RETURN_OTHER,   /* not what we wait for */
};

enum outcome oauth_browser_open(
	struct oauth_browser *browser, char error[INI_ERROR_SIZE]);
enum outcome oauth_browser_wait(struct oauth_browser *browser, unsigned seconds,
	struct secret *out_code, char error[INI_ERROR_SIZE]);
void oauth_browser_close(struct oauth_browser *browser);

/* What a request's first line brings. Pure. */
enum oauth_return oauth_browser_read(struct bytes line, const char *state,
	struct secret *out_code, char error[INI_ERROR_SIZE]);

#endif
