/* SPDX-License-Identifier: ISC */
/* What the log says of a POP3 connection. */
#include "base/log.h"
#include "server/pop3_connection.h"
#include "server/pop3_dovecot.h"
#include "store/snapshot.h"

static void
log_login(const struct pop3_connection *p, bool is_read_only)
{
	const struct connection *c = &p->base;
	const struct maildrop *maildrop = snapshot_maildrop(p->snapshot);
	char quoted[LOG_QUOTED_OCTETS];

	log_event(LOG_LEVEL_INFO, "login",
		"id=%s addr=%s user=%s tls=%s messages=%u octets=%llu "
		"read-only=%s",
		c->id, c->peer, log_quote(quoted, bytes_of_string(p->mailbox)),
		c->tls ? tls_description(c->tls) : "none", maildrop->count,
		(unsigned long long)maildrop->octets,
		is_read_only ? "yes" : "no");
}

void
pop3_log_login(const struct pop3_connection *p, bool is_read_only)
{
	if (log_is_dovecot())
		pop3_dovecot_login(p);
	else
		log_login(p, is_read_only);
}

static const char *
ending(const struct pop3_connection *p, const struct pop3_summary *sum)
{
	if (sum->has_quit && p->base.ending == ENDING_OURS)
		return "quit";
	return connection_ending(&p->base);
}

static void
log_session(const struct pop3_connection *p, const struct pop3_summary *sum)
{
	const struct connection *c = &p->base;
	char quoted[LOG_QUOTED_OCTETS];

	log_event(LOG_LEVEL_INFO, "pop3-session",
		"id=%s addr=%s user=%s retr=%u top=%u dele=%u octets=%llu "
		"top-octets=%llu quit=%s end=%s seconds=%llu",
		c->id, c->peer, log_quote(quoted, bytes_of_string(p->mailbox)),
		sum->retr_count, sum->top_count, sum->dele_count,
		(unsigned long long)sum->sent_octets,
		(unsigned long long)sum->top_octets,
		sum->is_committed ? "yes" : "no", ending(p, sum),
		(unsigned long long)connection_seconds(c));
}

/* Who looks whether the port is open does not fill the log. */
static void
log_no_login(const struct pop3_connection *p, const struct pop3_summary *sum)
{
	const struct connection *c = &p->base;

	log_event(sum->refused_count > 0 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
		"no-login",
		"id=%s addr=%s refused=%u tls=%s end=%s seconds=%llu", c->id,
		c->peer, sum->refused_count,
		c->tls ? tls_description(c->tls) : "none", ending(p, sum),
		(unsigned long long)connection_seconds(c));
}

void
pop3_log_end(const struct pop3_connection *p)
{
	const struct pop3_summary *sum = pop3_session_summary(p->session);

	if (!p->base.id[0])
		return;
	if (log_is_dovecot())
		pop3_dovecot_end(p, sum);
	else if (p->mailbox)
		log_session(p, sum);
	else
		log_no_login(p, sum);
}
