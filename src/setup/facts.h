/* SPDX-License-Identifier: ISC */
/*
 * facts - what the pages of the set-up listener say of this server: taken from
 * the settings once, borrowed by all who answer.
 */
#ifndef SETUP_FACTS_H
#define SETUP_FACTS_H

#include "base/buffer.h"

#define SETUP_HOST_SIZE	    254
#define SETUP_ADDRESS_SIZE  (64 + 1 + SETUP_HOST_SIZE)
#define SETUP_QR_OCTETS	    32768
#define SETUP_ANSWER_OCTETS 61440 /* of an answer, its head included */

struct setup_server {
	char host[SETUP_HOST_SIZE]; /* "": there is none */
	unsigned port;
	bool is_starttls; /* else TLS from the first octet */
};

struct setup_facts {
	const char *name; /* of who runs it, for people */
	struct setup_server pop3[2], submission;
	size_t pop3_count;
	bool is_local_part; /* what is logged in with; else the whole address */
	const char *url;    /* of the page */
	struct bytes qr;    /* the same as an SVG; may be none */
};

/* "mail.example.org:465", port 465 with TLS from the first octet, any other with
   STARTTLS. False: it is none. */
bool setup_server_parse(struct bytes text, struct setup_server *out);
/* Letters, digits, hyphens, dots: what can stand anywhere. */
bool setup_is_host(struct bytes text);

/* The code that says `url`, as an SVG. False: it does not fit. */
bool setup_draw_qr(const char *url, struct buffer *out);

/* Who asks, as he says: nothing of it is known to be true. */
struct setup_who {
	char address[SETUP_ADDRESS_SIZE]; /* "": not said, or none */
	char local[65], domain[SETUP_HOST_SIZE];
};

/* False, and all empty: it is no address. */
bool setup_who_parse(const char *text, struct setup_who *out);
/* What he logs in with: his address, or its local part. */
const char *setup_login(
	const struct setup_facts *facts, const struct setup_who *who);

#endif
