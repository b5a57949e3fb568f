/* SPDX-License-Identifier: ISC */
/*
 * autoconfig - the XML with which mail domains say where their servers are:
 * clientConfig version 1.1. Whoever wrote it is not trusted: no document type,
 * so no entities of its own; depth, octets and servers have their maximum; what
 * comes out can stand in a line of settings and on a terminal. Pure.
 */
#ifndef COLLECT_DISCOVERY_AUTOCONFIG_H
#define COLLECT_DISCOVERY_AUTOCONFIG_H

#include "base/outcome.h"
#include "collect/account.h"
#include "collect/discovery/mail_address.h"

#define AUTOCONFIG_MAXIMUM_OCTETS  (256u << 10)
#define AUTOCONFIG_DEPTH_MAXIMUM   16
#define AUTOCONFIG_TEXT_OCTETS	   512 /* of one element */
#define AUTOCONFIG_SERVERS_MAXIMUM 8
#define AUTOCONFIG_USER_SIZE	   512
#define AUTOCONFIG_ERROR_SIZE	   160

/* A server as somebody named it. */
struct named_server {
	char host[HOST_SIZE]; /* normalized */
	uint16_t port;
	enum account_tls tls; /* never ACCOUNT_TLS_NONE */
	char user[AUTOCONFIG_USER_SIZE];
	bool wants_oauth; /* no other login is named */
};

struct autoconfig {
	struct named_server servers[AUTOCONFIG_SERVERS_MAXIMUM]; /* TLS first */
	size_t count;
	unsigned without_tls; /* left out */
	unsigned unusable;    /* left out: a name or port that is none */
	bool has_imap;
};

/*
 * who    for %EMAILADDRESS% and its like
 * error  what is wrong with it, for people. ERR_PEER: it is no such XML
 */
enum outcome autoconfig_parse(struct bytes xml, const struct mail_address *who,
	struct autoconfig *out, char error[AUTOCONFIG_ERROR_SIZE]);

#endif
