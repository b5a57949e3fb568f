/* SPDX-License-Identifier: ISC */
/*
 * pop3_client - the client's side of one POP3 connection, without I/O, clock or
 * globals: it turns requests into commands, and what the server says into
 * events. Many requests may be under way (RFC 2449 section 6.6, PIPELINING);
 * their replies come in order. Each state is a function of its own.
 *
 * The owner asks (pop3_client_retr ...), sends what is in pop3_client_output,
 * feeds what arrives:
 *
 *	while ((event = pop3_client_take(client, &in)) != POP3_CLIENT_NOTHING)
 *
 * Everything a server may do wrong (no + or -, lines without end, lists without
 * end, numbers out of range, a UIDL that is none, text after an end) becomes
 * POP3_CLIENT_BROKEN with a sentence for people in pop3_client_error.
 * Secrets: pop3_client_output is wiped by the owner as it is sent.
 *
 * Source: RFC 1939, 2449, 2595, 3206, 5034.
 */
#ifndef POP3_CLIENT_SESSION_H
#define POP3_CLIENT_SESSION_H

#include "base/buffer.h"
#include "message/maildrop.h"
#include "wire/dot_decoder.h"

#define POP3_CLIENT_LINE_MAXIMUM_OCTETS 4096 /* of a reply line */
#define POP3_CLIENT_PENDING_MAXIMUM	4096 /* requests under way */
#define POP3_CLIENT_MESSAGES_MAXIMUM	16000000
#define POP3_CLIENT_CAPA_MAXIMUM_LINES	200

enum pop3_client_event {
	POP3_CLIENT_NOTHING, /* all input taken */
	POP3_CLIENT_GREETED, /* +OK greeting */
	POP3_CLIENT_CAPABLE, /* CAPA answered (also -ERR: no capabilities) */
	POP3_CLIENT_TLS,     /* STLS answered +OK: shake hands. Input behind it
				 was POP3_CLIENT_BROKEN */
	POP3_CLIENT_CHALLENGE, /* SASL: decoded octets in _data; answer with
				 pop3_client_respond or _cancel */
	POP3_CLIENT_LOGGED_IN,
	POP3_CLIENT_STAT, /* _count, _octets */
	POP3_CLIENT_UIDL, /* one line: _msgno, _data: never empty, no control
				 characters, but blanks and more than 70
				 octets, as some servers have it */
	POP3_CLIENT_LIST, /* one line: _msgno, _octets */
	POP3_CLIENT_LIST_END, /* of UIDL or LIST without argument */
	POP3_CLIENT_MESSAGE,  /* +OK to RETR or TOP: octets of _msgno follow */
	POP3_CLIENT_OCTETS,   /* decoded octets of it in _data */
	POP3_CLIENT_MESSAGE_END,
	POP3_CLIENT_DELETED, /* +OK to DELE _msgno */
	POP3_CLIENT_DONE,    /* +OK to NOOP, RSET, UTF8 */
	POP3_CLIENT_QUIT,    /* +OK to QUIT: deletions are promised */
	POP3_CLIENT_REFUSED, /* -ERR to the request in _request; _msgno,
				 _code and _data (text) say more */
	POP3_CLIENT_BROKEN,  /* the server broke the protocol: close */
};

enum pop3_client_request {
	POP3_REQUEST_GREETING,
	POP3_REQUEST_CAPA,
	POP3_REQUEST_STLS,
	POP3_REQUEST_UTF8,
	POP3_REQUEST_USER,
	POP3_REQUEST_PASS,
	POP3_REQUEST_APOP,
	POP3_REQUEST_AUTH,
	POP3_REQUEST_STAT,
	POP3_REQUEST_LIST,
	POP3_REQUEST_UIDL,
	POP3_REQUEST_UIDL_ONE,
	POP3_REQUEST_RETR,
	POP3_REQUEST_TOP,
	POP3_REQUEST_DELE,
	POP3_REQUEST_NOOP,
	POP3_REQUEST_RSET,
	POP3_REQUEST_QUIT,
};

enum pop3_capability {
	POP3_CAN_TOP = 1,
	POP3_CAN_USER = 2,
	POP3_CAN_UIDL = 4,
	POP3_CAN_PIPELINING = 8,
	POP3_CAN_STLS = 16,
	POP3_CAN_RESP_CODES = 32,
	POP3_CAN_AUTH_RESP_CODE = 64,
	POP3_CAN_UTF8 = 128,
	POP3_CAN_SASL = 256,
};

#define POP3_CLIENT_EXPIRE_NEVER   UINT32_MAX
#define POP3_CLIENT_EXPIRE_MAXIMUM 36500  /* days; more is as good as never */
#define POP3_CLIENT_DELAY_MAXIMUM  604800 /* seconds */

/* RFC 2449 section 8 and RFC 3206. */
enum pop3_code {
	POP3_CODE_NONE,
	POP3_CODE_IN_USE,
	POP3_CODE_LOGIN_DELAY,
	POP3_CODE_SYS_TEMP,
	POP3_CODE_SYS_PERM,
	POP3_CODE_AUTH,
	POP3_CODE_OTHER,
};

struct pop3_client;

struct pop3_client *pop3_client_new(void);
void pop3_client_free(struct pop3_client **client);

/* Commands to send, in order; the owner consumes what it sent. */
struct buffer *pop3_client_output(struct pop3_client *client);
/* Requests whose reply is still awaited. */
size_t pop3_client_pending(const struct pop3_client *client);
/* Does the server owe something: one of these, or the rest of a reply? */
bool pop3_client_is_owed(const struct pop3_client *client);

/* Each queues one command. ERR_PEER: an argument that would break the line
 * (CR, LF, NUL, too long); ERR_TRY_LATER: too many under way. */
enum outcome pop3_client_capa(struct pop3_client *client);
enum outcome pop3_client_stls(struct pop3_client *client);
/* RFC 6856: messages as they are. No event follows, whatever the answer: a
   server may refuse it. */
enum outcome pop3_client_utf8(struct pop3_client *client);
/* USER; PASS goes by itself after +OK, or at once when `pipelines`. */
enum outcome pop3_client_user_pass(struct pop3_client *client,
	struct bytes user, struct bytes password, bool pipelines);
/* RFC 1939 section 7: `digest` in hexadecimal. */
enum outcome pop3_client_apop(
	struct pop3_client *client, struct bytes user, struct bytes digest);
/* From here on AUTH has its two-line form: there are servers that take no
   initial response whatever its length. */
void pop3_client_use_two_lines(struct pop3_client *client);
/* AUTH; two-line form when `initial` does not fit 255 octets. */
enum outcome pop3_client_auth(struct pop3_client *client, const char *mechanism,
	bool has_initial, struct bytes initial);
enum outcome pop3_client_respond(
	struct pop3_client *client, struct bytes response);
/*
 * An empty response to the challenge that is still to come, so that it costs no
 * round trip. That challenge is told of, and not to be answered again. When the
 * exchange fails before, the server takes the line for a command.
 */
enum outcome pop3_client_respond_ahead(struct pop3_client *client);
enum outcome pop3_client_cancel(struct pop3_client *client);
/* The exchange was cancelled, by the owner or because a challenge was not
   base64. */
bool pop3_client_is_cancelled(const struct pop3_client *client);
enum outcome pop3_client_stat(struct pop3_client *client);
enum outcome pop3_client_list(struct pop3_client *client);
enum outcome pop3_client_uidl(struct pop3_client *client);
enum outcome pop3_client_uidl_one(struct pop3_client *client, uint32_t msgno);
enum outcome pop3_client_retr(struct pop3_client *client, uint32_t msgno);
enum outcome pop3_client_top(
	struct pop3_client *client, uint32_t msgno, uint32_t lines);
enum outcome pop3_client_dele(struct pop3_client *client, uint32_t msgno);
enum outcome pop3_client_noop(struct pop3_client *client);
enum outcome pop3_client_rset(struct pop3_client *client);
enum outcome pop3_client_quit(struct pop3_client *client);

/*
 * Takes octets from the front of *in until there is something to tell.
 * _data is borrowed from *in or the client until the next call.
 */
enum pop3_client_event pop3_client_take(
	struct pop3_client *client, struct bytes *in);

/* Of the last event. */
enum pop3_client_request pop3_client_request_of(
	const struct pop3_client *client);
uint32_t pop3_client_msgno(const struct pop3_client *client);
uint32_t pop3_client_count(const struct pop3_client *client);
uint64_t pop3_client_octets(const struct pop3_client *client);
struct bytes pop3_client_data(const struct pop3_client *client);
enum pop3_code pop3_client_code(const struct pop3_client *client);
const char *pop3_client_error(const struct pop3_client *client);

/* Replies that are over, since the connection began. */
uint64_t pop3_client_answers(const struct pop3_client *client);

/* After POP3_CLIENT_CAPABLE. */
uint32_t pop3_client_capabilities(const struct pop3_client *client);
/* The names of the SASL capability, with blanks between; "" without. */
const char *pop3_client_mechanisms(const struct pop3_client *client);
/* RFC 2449 section 6.5: the least time between two logins; 0 without. */
uint32_t pop3_client_login_delay_seconds(const struct pop3_client *client);
/* RFC 2449 section 6.7: days that mail is kept. */
uint32_t pop3_client_expire_days(const struct pop3_client *client);
/* What an earlier session was told, in place of CAPA. False: no memory. */
bool pop3_client_assume(struct pop3_client *client, uint32_t capabilities,
	const char *mechanisms);
bool pop3_client_has_mechanism(
	const struct pop3_client *client, const char *mechanism);
/* After the handshake: capabilities from before are forgotten (RFC 2595). */
void pop3_client_tls_started(struct pop3_client *client);

#endif
