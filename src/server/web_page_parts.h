/* SPDX-License-Identifier: ISC */
/*
 * web_page_parts - what the status page is made of. For web_page.c and the files
 * of its parts alone.
 */
#ifndef SERVER_WEB_PAGE_PARTS_H
#define SERVER_WEB_PAGE_PARTS_H

#include "server/web_page.h"

/* "1,234,567", "1.2 MiB", "3 d". */
const char *web_grouped(uint64_t number, char out[32]);
const char *web_octets_text(uint64_t octets, char out[32]);
const char *web_uptime_text(uint64_t seconds, char out[32]);

/* The plots of a day. */
bool web_put_cards(const struct web_snapshot *snapshot, struct buffer *out);
/* Mailboxes, penalties, certificates, processes. */
bool web_put_tables(const struct web_snapshot *snapshot, struct buffer *out);

#endif
