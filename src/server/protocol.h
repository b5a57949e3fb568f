/* SPDX-License-Identifier: ISC */
/*
 * protocol - every message between roles: who sends it to whom, what it holds.
 * Fields are in the order they are put and got. `subject` is the connection's
 * number in the session process unless said otherwise; a session process is
 * known to auth and store by its instance, which the parent never gives twice.
 */
#ifndef SERVER_PROTOCOL_H
#define SERVER_PROTOCOL_H

enum role {
	ROLE_PARENT,
	ROLE_SESSION,
	ROLE_AUTH,
	ROLE_STORE,
	ROLE_WEB,
	ROLE_KEY,
	ROLE_LOOKUP,
	ROLE_COUNT,
};

enum server_message {
	/* ---- parent to role, before it runs; pieces until is_last ---- */
	MESSAGE_SETTINGS = 1, /* also on reload: u8 is_last, bytes INI text */
	/* to session, also on reload: u8 enum pem_part, string name of
	   [tls NAME], bytes PEM */
	MESSAGE_CERTIFICATE,
	MESSAGE_KEY, /* to key, without that role to session, before; the same */
	/* to session, also on reload, before CERTIFICATE; the same */
	MESSAGE_CLIENT_CA,
	/* to session, also at each rotation: bytes, TICKET_KEYS keys */
	MESSAGE_TICKET_KEYS,
	/* u8 enum listener_kind, u32 which of the settings (LISTENER_OF_NONE:
	   a control socket), descriptor */
	MESSAGE_LISTENER,
	/* to session: descriptor: crowd.h */
	MESSAGE_CROWD,
	MESSAGE_STATS, /* u8 enum role, u32 number, descriptor */
	MESSAGE_START, /* u32 number, u64 instance */
	/* ---- parent to role, at any time; PEER before START too ---- */
	MESSAGE_PEER, /* u8 enum role, u64 instance, descriptor: a channel */
	MESSAGE_STOP, /* nothing: finish what is under way, then end */
	/* to web: u8 enum role, u32 number, u32 pid, u32 restarts, u64 seconds
	   since 1970 of the start */
	MESSAGE_ROSTER,
	/* to web: u32 number, u32 how many there are, string name of [tls
	   NAME], string file, string names, string kind of key, u64 seconds
	   since 1970 of its end */
	MESSAGE_CERTIFICATE_TOLD,
	/* u64 generation: what came before belongs to it */
	MESSAGE_SETTLE,
	/* to web; subject: of its RELOAD. string error, "": none; u32 n, then n
	   times string: settings that changed; u32 n, then n times string: those
	   that need a restart */
	MESSAGE_RELOADED,
	/* ---- role to parent ---- */
	MESSAGE_READY,	 /* nothing: running, privileges dropped */
	MESSAGE_SETTLED, /* u64 generation: it is in force here */
	MESSAGE_RELOAD,	 /* web; nothing: read the settings anew */
	/* u8 enum role, u64 instance: it said something malformed, and its
	   channel is closed */
	MESSAGE_MALFORMED,

	/* ---- session to auth ---- */
	/* bytes mechanism, bytes user, u8 has_response, bytes response,
	   u8 is_tls, string address, bytes tls-exporter, bytes tls-unique, u8
	   has_certificate; when it has: bytes SHA-256, string subject, string
	   email, string common name. A response over 32 KiB comes in pieces
	   before it. */
	MESSAGE_AUTH_PIECE, /* bytes: the front of the next response */
	MESSAGE_AUTH_BEGIN,
	MESSAGE_AUTH_RESPOND, /* bytes response */
	MESSAGE_AUTH_CANCEL,  /* nothing: forget the exchange, or the login */
	MESSAGE_RESOLVE,      /* u32 recipient number, bytes address */
	/* string user, string address, string tls, u64 seconds since 1970 of
	   the login, u32 messages, u64 octets of the maildrop */
	MESSAGE_LOGGED_IN,
	/* subject 0: u32 count, u64 connection each: their logins are over */
	MESSAGE_LOGGED_OUT,
	/* ---- auth to session ---- */
	MESSAGE_AUTH_CHALLENGE, /* bytes */
	/* u8 enum outcome, string user that was tried, "": none was said */
	MESSAGE_AUTH_REFUSED,
	MESSAGE_RESOLVED, /* u32 recipient number, u8 enum outcome */
	MESSAGE_KICK,	  /* nothing: end this session, without UPDATE */
	/* subject 0: string user, u32 seconds from now, 0: no more */
	MESSAGE_TRACE,
	MESSAGE_TELL_LOGINS, /* subject 0, nothing: LOGGED_OUT without delay */

	/* ---- auth to store; subject: the connection's number ---- */
	/* u64 session instance, string mailbox, u8 is_read_only */
	MESSAGE_GRANT_OPEN,
	/* u64 session instance, u32 recipient number, string mailbox, u64
	   octets and u64 messages of its quota, 0: as of all */
	MESSAGE_GRANT_APPEND,
	/* subject 0 */
	MESSAGE_SWEEP, /* string mailbox: remove what its policy keeps no
			  longer */

	/* ---- store to session ---- */
	/* u8 enum outcome; when OK: string mailbox, u8 is_read_only, u64
	   trailer offset, u32 count, u64 octets, descriptor of the index */
	MESSAGE_OPENED,
	/* u32 first index, u32 count, then count times: u8 enum outcome,
	   u64 offset, u64 octets and, when OK, u8 has_descriptor and perhaps
	   one descriptor; without, the message is read in pieces */
	MESSAGE_FILES,
	MESSAGE_PIECE,	    /* u32 index, u64 offset, u8 enum outcome, bytes */
	MESSAGE_LEASE_LOST, /* nothing: another may have the maildrop now */
	MESSAGE_COMMITTED,  /* u8 enum outcome */
	MESSAGE_APPEND_BEGUN, /* u8 enum outcome */
	MESSAGE_CREDIT,	      /* u32 messages of data written */
	MESSAGE_DELIVERED,    /* u32 recipient number, u8 enum outcome */
	/* ---- session to store ---- */
	MESSAGE_READ, /* u32 first index, u32 count (at most READ_AHEAD) */
	/* u32 index, u64 offset, u32 octets (at most PIECE_OCTETS); each is
	   answered by a PIECE, in order */
	MESSAGE_READ_PIECE,
	MESSAGE_DELETE,	   /* u32 n, then n times u32 index: marks for COMMIT */
	MESSAGE_RETRIEVED, /* u32 n, then n times u32 index: sent whole */
	MESSAGE_COMMIT,	   /* nothing */
	/* u32 n, then n times u32 recipient number, bytes stamp */
	MESSAGE_APPEND_BEGIN_PIECE, /* as below, more follow */
	MESSAGE_APPEND_BEGIN,
	MESSAGE_APPEND_DATA,   /* bytes, for every recipient */
	MESSAGE_APPEND_COMMIT, /* bytes, the last of it; may be none */
	MESSAGE_APPEND_ABORT,  /* nothing; grants are forgotten too */
	MESSAGE_RELEASE,       /* nothing: the connection is over */

	/* ---- web to store; subject: a request's number ---- */
	MESSAGE_STAT,	/* string mailbox */
	MESSAGE_MEND,	/* u8 is_repair, string mailbox */
	MESSAGE_SURVEY, /* nothing */
	/* ---- store to web ---- */
	MESSAGE_STAT_DONE, /* u8 enum outcome, u32 count, u64 octets, u8 open */
	MESSAGE_MENDING,   /* u32 messages read, u32 of how many in this pass */
	/* u8 enum outcome (ERR_PEER: the store has nothing to mend), u32 count,
	   u64 octets, u8 was damaged, u8 was missing, u8 was made anew, u32
	   wrong, u32 new, u32 removed, u32 leftovers, u32 UIDLs restored, u64
	   octets of UIDLs set aside */
	MESSAGE_MENDED,
	/* u32 mailboxes, u64 messages, u64 octets, then twice, the largest and
	   those that rest longest: u32 n, then n times string mailbox, u32
	   messages, u64 octets, u64 seconds since 1970 of its last change */
	MESSAGE_SURVEYED,

	/* ---- session to key; subject: a request's number ---- */
	/* bytes key id, u8 enum signing_how, bytes what is to be signed */
	MESSAGE_SIGN,
	/* ---- key to session ---- */
	MESSAGE_SIGNED, /* bytes: the signature, none on failure */

	/* ---- auth to lookup; subject: a request's number ---- */
	MESSAGE_LOOKUP_PASSWORD, /* string user, string host, bytes password */
	MESSAGE_LOOKUP_USER,	 /* string user: does the system know him? */
	MESSAGE_LOOKUP_TOKEN_PIECE, /* bytes: the front of the next token */
	MESSAGE_LOOKUP_TOKEN,	    /* bytes: its end, or the whole */
	/* ---- lookup to auth ---- */
	/* u8 enum outcome, string: the user of a token, else "" */
	MESSAGE_LOOKED_UP,

	/* ---- web to auth; subject: a request's number ---- */
	MESSAGE_PENALTIES, /* nothing */
	MESSAGE_FORGIVE,   /* string: an address or an account */
	MESSAGE_WHO,	   /* u64: behind this serial, 0: from the first on */
	MESSAGE_KICK_WHOM, /* string: "user", "user%device", or a session */
	/* u8 enum trace_how, string user, u32 seconds: of TRACE_ON alone */
	MESSAGE_TRACE_WHOM,
	/* ---- auth to web ---- */
	/* u32 how many there are, u32 n, then n times (the latest first): string
	   network, string account, u32 failures, u32 ms until the next try */
	MESSAGE_PENALTIES_TOLD,
	MESSAGE_FORGIVEN, /* u32 how many */
	/* u32 how many there are, u64 serial of the last one (0: no more are
	   to be asked for), u32 n, then n times: string session, string user,
	   string device, string address, string tls, u64 seconds since 1970,
	   u32 messages, u64 octets */
	MESSAGE_WHO_TOLD,
	MESSAGE_KICKED, /* u32 how many */
	/* subject 0: unasked. string error, "": none; u32 n, then n times: string
	   user, u32 seconds left */
	MESSAGE_TRACES_TOLD,
};

#define LISTENER_OF_NONE UINT32_MAX

enum trace_how { TRACE_LIST, TRACE_ON, TRACE_OFF };
/* Users traced at once, and for how long at most. */
#define TRACES_MAXIMUM	      16
#define TRACE_SECONDS_MAXIMUM 86400

/* Names in each list of one RELOADED, so that the longest fit. */
#define RELOADED_MAXIMUM 50

/* Of a PEM, and of all of them. */
enum pem_part { PEM_GOES_ON, PEM_ENDS, PEM_IS_LAST };

/* The first makes tickets; the one before it is good for one more period. */
#define TICKET_KEYS	  2
#define TICKET_KEY_OCTETS 48

/* Message files asked for at once; their descriptors fit one message. */
#define READ_AHEAD 16
/* READ_PIECE messages under way for one connection. */
#define PIECE_CREDITS 4
/* APPEND_DATA messages under way for one connection. */
#define APPEND_CREDITS 8
/* Indexes in one DELETE, with room for the header. */
#define DELETE_BATCH 4096
/* Octets of one APPEND_DATA or of a piece of anything. */
#define PIECE_OCTETS 32000
/* The user that was tried, perhaps with a device, with its NUL. */
#define AUTH_TRIED_SIZE 320
/* Rows of one PENALTIES_TOLD, so that the longest fit. */
#define PENALTIES_TOLD_MAXIMUM 64
/* Rows of one WHO_TOLD, likewise. */
#define WHO_TOLD_MAXIMUM 40
/* auth is told who has logged in or out at the latest after this. */
#define LOGINS_TOLD_WITHIN_MS 20
/* How a connection is protected, in words, with its NUL. */
#define WHO_TLS_SIZE 80

#endif
