/* SPDX-License-Identifier: ISC */
/*
 * connection - one client's socket in the session process: TLS, input, output,
 * a message file on its way out, the time it may be silent. What is said on it
 * is the protocol's business (pop3_connection.c, lmtp_connection.c), which
 * embeds this as its first member.
 *
 * Memory: an idle connection holds no buffer.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include "base/buffer.h"
#include "net/address.h"
#include "net/deadlines.h"
#include "process/channel.h"
#include "server/session_id.h"
#include "server/session_role.h"
#include "server/table.h"
#include "tls/tls.h"

/* Output that waits for a slow reader: the high-water mark. */
#define CONNECTION_OUTPUT_MAXIMUM_OCTETS 65536
/* The most that is read at once; a client that sends more waits in its socket. */
#define CONNECTION_INPUT_MAXIMUM_OCTETS 32768
/* Where lines are read: malloc has so much at hand, and 32 KiB not. */
#define CONNECTION_LINES_OCTETS 1024
/* One connection's turn ends after this much, so that others get theirs. */
#define CONNECTION_TURN_OCTETS (1u << 20)

struct connection;
struct proxy_header;

enum advance {
	ADVANCE_READ,  /* more input, after the output is drained */
	ADVANCE_WRITE, /* drain output (and file), then again */
	ADVANCE_WAIT,  /* another role will answer; drain meanwhile */
	ADVANCE_HOLD,  /* the same; what there is to drain goes with what comes
			  of the answer, since the peer waits for that */
	ADVANCE_TLS,   /* drain, forget input, shake hands */
	ADVANCE_CLOSE, /* drain, then close */
};

/* Why a connection is over. */
enum ending {
	ENDING_CLOSED,	 /* the peer left, or the network */
	ENDING_OURS,	 /* QUIT, or too many mistakes */
	ENDING_IDLE,	 /* it said nothing for too long */
	ENDING_DEAF,	 /* it took no output */
	ENDING_VANISHED, /* nothing is heard of its machine */
	ENDING_STOPPED,
	ENDING_KICKED,
	ENDING_STORE,	/* its maildrop is not held any more */
	ENDING_TLS,	/* no handshake, or not in time */
	ENDING_PRESSED, /* it made room for others */
};

struct protocol {
	const char *name;
	bool has_login; /* until then it may have to make room */
	bool is_brief;	/* it has no longer in all than a handshake may take */
	bool is_web;	/* HTTPS: browsers are welcome, POP3 clients are not */
	size_t octets;	/* of the struct that begins with the connection */
	size_t input_octets; /* read at once */
	bool (*start)(struct connection *connection, bool is_tls);
	/* Goes on as far as it can with connection->in and ->out. */
	enum advance (*advance)(struct connection *connection);
	void (*tls_started)(struct connection *connection);
	/* An answer of auth or store. False: malformed. */
	bool (*answer)(struct connection *connection, struct message *message);
	/* auth or store is gone, and with it what it held for us. */
	void (*lost)(struct connection *connection, enum role role);
	/* Another auth is there, which knows nothing yet; NULL: no matter. */
	void (*auth_again)(struct connection *connection);
	/* Ends politely at the next advance: the server stops, or (NULL) the
	   peer was idle for too long. */
	void (*expire)(struct connection *connection, const char *why);
	/* The file was shorter than the store said, or unreadable. */
	void (*file_failed)(struct connection *connection);
	/* Logs the summary, frees what start made. */
	void (*end)(struct connection *connection);
};

extern const struct protocol protocol_pop3, protocol_lmtp, protocol_setup;

struct connection {
	uv_poll_t *poll; /* borrowed: watchers.h */
	struct table_entry entry;
	struct deadline deadline;
	/* Among those not logged in; closed, `older` is the next such one. */
	struct connection *older, *newer;
	struct session_role *role;
	const struct protocol *protocol;
	const struct session_listener *listener;
	struct session_settings *settings; /* those it began with */
	struct tls *tls;
	struct proxy_header *header; /* awaited before all else, or NULL */
	char *peer;		     /* "192.0.2.1:4711" */
	char id[SESSION_ID_SIZE];    /* for the log; "": it never began */
	uint64_t since_ms;
	struct buffer in, out;
	uint64_t file_offset, file_octets; /* still to send, after `out` */
	int file;			   /* borrowed; -1 for none */
	int fd;
	int watched;	      /* libuv's events asked for */
	uint32_t crowd_place; /* where it is counted, if it is */
	uint8_t after;	      /* enum advance, once drained */
	uint8_t ending;	      /* enum ending: the first that was found */
	bool is_counted;
	bool is_deaf; /* it takes no output */
	/* Its end is being said; what auth or store still answer is nobody's. */
	bool is_parted;
	bool is_handshaking, is_closing, is_fresh, may_have_more, is_remembered;
};

void connection_accept(const struct session_listener *listener, int fd,
	const struct address *peer);
/* Advances and does I/O until it would block. May close and free it. */
void connection_pump(struct connection *connection);
/* Drops it now; the memory is there until connection_free_closed. */
void connection_close(struct connection *connection);
/* Before the loop waits: nobody is at work on one. */
void connection_free_closed(struct session_role *role);
/* It has logged in: no longer the first to go under pressure. */
void connection_is_known(struct connection *connection);
/* Why it ends, unless that is known already. */
void connection_set_ending(struct connection *connection, enum ending ending);
/* The same in a word, for the log. */
const char *connection_ending(const struct connection *connection);
/* How long it has lasted. */
uint64_t connection_seconds(const struct connection *connection);
/* "127.0.0.1", "::1": ours; "" for a unix socket. */
const char *connection_own_host(
	const struct connection *connection, char out[ADDRESS_TEXT_SIZE]);
struct bytes connection_peer_host(const struct connection *connection);

/* Sends to auth or store; false when that role is not there. */
bool connection_send(
	struct connection *connection, enum role role, struct message *message);

#endif
