/* SPDX-License-Identifier: ISC */
/*
 * network - how discovery reaches anything: names, trust, a proxy, detours. What
 * all of it shares.
 */
#ifndef COLLECT_DISCOVERY_NETWORK_H
#define COLLECT_DISCOVERY_NETWORK_H

#include "collect/discovery/detour.h"
#include "collect/discovery/resolver.h"
#include "net/socks5.h"
#include "tls/tls.h"

struct network {
	struct resolver *resolver; /* NULL: the proxy finds names, or the
				      system does */
	const char *ca_file;	   /* NULL: the system's certificates */
	struct tls_context *tls;
	const char *proxy_url; /* NULL: none */
	const struct socks5_proxy *proxy;
	struct detours detours;
};

#endif
