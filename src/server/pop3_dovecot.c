/* SPDX-License-Identifier: ISC */
#include "server/pop3_dovecot.h"
#include "base/log.h"
#include "store/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What stands behind the user of a line of pop3-login. */
#define ENDS_SIZE (2 * ADDRESS_TEXT_SIZE + 32)

/* For Dovecot USER and PASS are PLAIN. */
static const char *
method(const struct pop3_connection *p)
{
	return strcmp(p->method, "USER") == 0 ? "PLAIN" : p->method;
}

/* "rip=127.0.0.1, lip=127.0.0.1" */
static const char *
addresses(const struct connection *c, char out[ENDS_SIZE], bool *out_is_local)
{
	struct bytes peer = connection_peer_host(c);
	char own[ADDRESS_TEXT_SIZE];

	if (peer.octets > 1 && peer.at[0] == '[')
		peer = bytes_of(peer.at + 1, peer.octets - 2);
	connection_own_host(c, own);
	*out_is_local = bytes_equal(peer, bytes_of_string(own));
	snprintf(out, ENDS_SIZE, "rip=%.*s, lip=%s", (int)peer.octets,
		(const char *)peer.at, own);
	return out;
}

/* Dovecot believes whoever is on its own machine. */
static const char *
security(const struct connection *c, bool is_local)
{
	if (c->tls)
		return c->is_handshaking ? ", TLS handshaking" : ", TLS";
	return is_local ? ", secured" : "";
}

void
pop3_dovecot_login(const struct pop3_connection *p)
{
	const struct connection *c = &p->base;
	char user[LOG_QUOTED_OCTETS], ends[ENDS_SIZE];
	bool is_local;

	addresses(c, ends, &is_local);
	log_as(LOG_LEVEL_INFO, "pop3-login",
		"Login: user=<%s>, method=%s, %s, mpid=%d%s, session=<%s>",
		log_plain(user, bytes_of_string(p->mailbox)), method(p), ends,
		(int)getpid(), security(c, is_local), c->id);
}

static void
end_of_attempts(const struct pop3_connection *p, const struct pop3_summary *sum)
{
	static const char *const words[] = {
		[ENDING_CLOSED] = "Disconnected: Connection closed",
		[ENDING_OURS] = "Disconnected",
		[ENDING_IDLE] = "Disconnected: Inactivity",
		[ENDING_DEAF] = "Disconnected: Inactivity",
		[ENDING_VANISHED] = "Disconnected: Connection timed out",
		[ENDING_STOPPED] = "Disconnected: Shutting down",
		[ENDING_KICKED] = "Disconnected",
		[ENDING_STORE] = "Disconnected",
		[ENDING_TLS] = "Disconnected: TLS handshake failed",
		[ENDING_PRESSED] = "Disconnected: Too many connections",
	};
	const struct connection *c = &p->base;
	char attempts[64], user[LOG_QUOTED_OCTETS], ends[ENDS_SIZE];
	bool has_quit = sum->has_quit && c->ending == ENDING_OURS, is_local;
	unsigned long long seconds = connection_seconds(c);

	if (sum->refused_count > 0)
		snprintf(attempts, sizeof(attempts),
			"auth failed, %u attempts in %llu secs",
			sum->refused_count, seconds);
	else
		snprintf(attempts, sizeof(attempts),
			"no auth attempts in %llu secs", seconds);
	log_plain(user, bytes_of_string(p->tried ? p->tried : ""));
	addresses(c, ends, &is_local);
	log_as(LOG_LEVEL_INFO, "pop3-login",
		"%s (%s): user=<%s>,%s%s%s %s%s, session=<%s>",
		has_quit ? "Aborted login" : words[c->ending], attempts, user,
		p->method[0] ? " method=" : "", method(p),
		p->method[0] ? "," : "", ends, security(c, is_local), c->id);
}

static void
end_of_session(const struct pop3_connection *p, const struct pop3_summary *sum)
{
	static const char *const words[] = {
		[ENDING_CLOSED] = "Disconnected: Connection closed",
		[ENDING_OURS] = "Disconnected: Too many bad commands",
		[ENDING_IDLE] = "Disconnected: Disconnected for inactivity",
		[ENDING_DEAF] = "Disconnected: Disconnected for inactivity",
		[ENDING_VANISHED] = "Disconnected: Connection timed out",
		[ENDING_STOPPED] = "Disconnected: Server shutting down",
		[ENDING_KICKED] = "Disconnected: Disconnected by the operator",
		[ENDING_STORE] = "Disconnected: Internal error",
		[ENDING_TLS] = "Disconnected: Connection closed",
		[ENDING_PRESSED] = "Disconnected: Too many connections",
	};
	const struct connection *c = &p->base;
	const struct maildrop *maildrop = snapshot_maildrop(p->snapshot);
	char who[LOG_QUOTED_OCTETS + 64], user[LOG_QUOTED_OCTETS];
	bool has_quit = sum->has_quit && c->ending == ENDING_OURS;

	snprintf(who, sizeof(who), "pop3(%s)<%d><%s>",
		log_plain(user, bytes_of_string(p->mailbox)), (int)getpid(),
		c->id);
	log_as(LOG_LEVEL_INFO, who,
		"%s top=%u/%llu, retr=%u/%llu, del=%u/%u, size=%llu",
		has_quit ? "Disconnected: Logged out" : words[c->ending],
		sum->top_count, (unsigned long long)sum->top_octets,
		sum->retr_count, (unsigned long long)sum->sent_octets,
		sum->is_committed ? sum->dele_count : 0, maildrop->count,
		(unsigned long long)maildrop->octets);
}

void
pop3_dovecot_end(
	const struct pop3_connection *p, const struct pop3_summary *sum)
{
	if (p->mailbox)
		end_of_session(p, sum);
	else
		end_of_attempts(p, sum);
}
