/* SPDX-License-Identifier: ISC */
/*
 * state - what the files of pop3/client share. Nobody else includes it.
 */
#ifndef POP3_CLIENT_STATE_H
#define POP3_CLIENT_STATE_H

#include "base/secret.h"
#include "pop3/client/session.h"
#include "wire/line_reader.h"

/* RETR and its like are short: room for more than may be pending. */
#define POP3_CLIENT_OUTPUT_MAXIMUM_OCTETS (256u << 10)
/* Decoded octets handed over at once. */
#define POP3_CLIENT_CHUNK_OCTETS 16384

struct pop3_pending {
	enum pop3_client_request request;
	uint32_t msgno;
};

/* What the next octets are: a function that takes some of them. */
typedef enum pop3_client_event pop3_client_state(
	struct pop3_client *client, struct bytes *in);

struct pop3_client {
	pop3_client_state *receive;
	struct line_reader lines;
	struct dot_decoder decoder;
	struct buffer output, decoded;
	struct secret password; /* until USER is answered */
	struct secret initial;	/* until AUTH is answered with "+" */
	bool has_initial;
	bool is_cancelled;  /* by "*": -ERR is all that may come */
	bool is_two_line;   /* AUTH never has an initial response */
	bool is_answered;   /* the challenge that is to come */
	bool owes_response; /* to a challenge: the server has to wait */
	/* requests whose reply is awaited, a ring */
	struct pop3_pending *pending;
	size_t pending_first, pending_count, pending_room;
	struct pop3_pending current;
	/* of the last event */
	uint32_t msgno, count, list_lines;
	uint64_t octets;
	struct bytes data;
	enum pop3_code code;
	uint32_t capabilities, login_delay_seconds, expire_days;
	char *mechanisms;
	uint64_t answers;
	unsigned capa_lines;
	bool is_body_over; /* its last octets are handed over */
	unsigned char chunk[POP3_CLIENT_CHUNK_OCTETS];
	char error[256];
};

pop3_client_state pop3_client_receive_status, pop3_client_receive_capa,
	pop3_client_receive_list, pop3_client_receive_body,
	pop3_client_receive_nothing;

/* False: too many under way, or no memory. */
bool pop3_client_expect(struct pop3_client *client,
	enum pop3_client_request request, uint32_t msgno);
/* Takes back the one that was expected last. */
void pop3_client_unexpect(struct pop3_client *client);
/* The first that is pending becomes the current one. */
void pop3_client_answered(struct pop3_client *client);

void pop3_client_forget_capabilities(struct pop3_client *client);
void pop3_client_forget_initial(struct pop3_client *client);

/* Says what the server did and takes nothing more from it. */
__attribute__((format(printf, 2, 3))) enum pop3_client_event pop3_client_break(
	struct pop3_client *client, const char *format, ...);

#endif
