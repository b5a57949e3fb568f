/* SPDX-License-Identifier: ISC */
/*
 * https - reads a small file from a web server, by libcurl. Never in clear:
 * neither the first request nor one that it is sent on to. Certificates are
 * verified; octets, redirections and time have their maximum; no cookies, no
 * passwords, no proxies but the one that is given.
 */
#ifndef COLLECT_DISCOVERY_HTTPS_H
#define COLLECT_DISCOVERY_HTTPS_H

#include "base/buffer.h"
#include "base/outcome.h"
#include "collect/discovery/network.h"

#define HTTPS_SECONDS		 10 /* for all of it */
#define HTTPS_CONNECT_SECONDS	 5
#define HTTPS_REDIRECTIONS	 3
#define HTTPS_URL_MAXIMUM_OCTETS 2048
#define HTTPS_ERROR_SIZE	 320

enum https_answer {
	HTTPS_FOUND,
	HTTPS_NONE,   /* no such server, or it has no such file */
	HTTPS_FAILED, /* for another reason */
};

/* out: with a maximum. error: for people; set unless HTTPS_FOUND. */
enum https_answer https_get(const struct network *network, const char *url,
	struct buffer *out, char error[HTTPS_ERROR_SIZE]);

#endif
