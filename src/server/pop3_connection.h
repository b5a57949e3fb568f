/* SPDX-License-Identifier: ISC */
/*
 * pop3_connection - what the files of a POP3 connection share. Nobody else
 * includes it.
 */
#ifndef SERVER_POP3_CONNECTION_H
#define SERVER_POP3_CONNECTION_H

#include "server/connection.h"

struct ahead;
struct connection_trace;
struct snapshot;
struct stream;

enum waiting {
	WAITING_NOT,
	WAITING_AUTH,
	WAITING_FILES,
	WAITING_PIECE,
	WAITING_COMMIT,
};

enum reading {
	READING_NOT,
	READING_FED,	  /* through the session, which stuffs dots */
	READING_RAW,	  /* the file's octets are the wire's */
	READING_SENT,	  /* raw, by the kernel */
	READING_STREAMED, /* in pieces from store, through the session */
};

/* A SASL mechanism's name, RFC 4422 section 3.1. */
#define POP3_METHOD_SIZE 21

struct pop3_connection {
	struct connection base;
	struct pop3_session *session;
	struct snapshot *snapshot;
	struct ahead *ahead;
	struct connection_trace *trace; /* NULL: nobody is traced */
	struct stream *stream;		/* NULL: none was needed yet */
	char *mailbox;
	char *tried; /* whom auth has refused, last; or NULL */
	char method[POP3_METHOD_SIZE]; /* of the last login; "": none */
	uint32_t next_index; /* what a client that reads in order wants next */
	uint64_t offset, left;	/* of the file being read */
	uint64_t since_seconds; /* of the login */
	int fd;
	uint8_t waiting, reading;
	bool is_retrieval_told;
};

static inline struct pop3_connection *
pop3_of(struct connection *c)
{
	return (struct pop3_connection *)c;
}

/* ---- pop3_authentication.c ---- */

/* Asks auth what the session wants to know. */
enum advance pop3_authentication_send(struct pop3_connection *p);
void pop3_authentication_tls_started(struct connection *c);

/* ---- pop3_log.c ---- */

void pop3_log_login(const struct pop3_connection *p, bool is_read_only);
/* The session in one line. */
void pop3_log_end(const struct pop3_connection *p);

/* ---- pop3_login.c ---- */

/* Tells auth of the login, if there is one. */
void pop3_login_tell(struct connection *connection);
/* Tells auth that there is none, nor an attempt at one. */
void pop3_login_over(struct connection *connection);
/* Ends the session without UPDATE, at once or when it is pumped. */
void pop3_login_end(struct connection *connection, const char *why);

/* ---- pop3_message.c ---- */

/* Goes on with the message in hand; ADVANCE_READ: go on with the session. */
enum advance pop3_message_go_on(struct pop3_connection *p);
/* The session wants a message: finds its file or asks store for it. */
enum advance pop3_message_start(struct pop3_connection *p);
void pop3_message_failed(struct pop3_connection *p, enum outcome outcome);
/* MESSAGE_FILES of store; false: malformed. */
bool pop3_message_on_files(
	struct pop3_connection *p, struct message_reader *reader);
void pop3_message_done(struct pop3_connection *p);
/* A result of feeding that ends the turn. */
enum advance pop3_message_fed(struct pop3_connection *p, enum pop3_feed result);
/* Closes the files that were opened ahead. */
void pop3_message_close_ahead(struct pop3_connection *p);

/* ---- pop3_stream.c ---- */

/* MESSAGE_PIECE of store; false: malformed. */
bool pop3_stream_on_piece(
	struct pop3_connection *p, struct message_reader *reader);
/* Message `index` of `octets`, of which store has no file. */
enum advance pop3_stream_start(
	struct pop3_connection *p, uint32_t index, uint64_t octets);
/* As pop3_message_go_on. */
enum advance pop3_stream_go_on(struct pop3_connection *p);
/* Nothing more of the message in hand is wanted. */
void pop3_stream_stop(struct pop3_connection *p);
/* Store is gone: what was asked of it will not be answered. */
void pop3_stream_forget(struct pop3_connection *p);
void pop3_stream_free(struct pop3_connection *p);

#endif
