/* SPDX-License-Identifier: ISC */
/*
 * model - what must be so, in the simplest words: every message ever offered,
 * in which mailbox, with which octets, and what its sender or reader was told
 * of it. Actors tell it what they were told; it ends the run when the programs
 * do otherwise.
 *
 * A message begins with "X-Letter: NUMBER", so that whoever reads it knows
 * which it claims to be; its digest says whether it is.
 */
#ifndef TESTS_SIMULATION_MODEL_H
#define TESTS_SIMULATION_MODEL_H

#include "base/buffer.h"
#include "message/maildrop.h"

#define XXH_STATIC_LINKING_ONLY /* a state that can be embedded */
#include <xxhash.h>

#define MAILBOXES	3
#define LETTERS_MAXIMUM 4096

extern const char *const mailbox_names[MAILBOXES];

enum letter_fate {
	OFFERED,  /* nobody was told anything: it is there or not */
	ACCEPTED, /* 250: it is there */
	REFUSED,  /* it is not there, unless something failed meanwhile */
	LEAVING,  /* QUIT was sent: all that go with it are there, or none */
	DELETED,  /* +OK to QUIT: it is not there, ever again */
	LOOSE,	  /* another program took it, or time: it is there or not */
	VANISHED, /* it was to be there or not, and was not */
};

struct letter {
	unsigned number, mailbox;
	unsigned claimed; /* what its text says */
	enum letter_fate fate;
	unsigned leaving; /* which QUIT */
	bool is_foreign;  /* put there by another program */
	/* Another program has removed it, and that may not have reached the
	   disk: it may come back, with another UIDL. */
	bool was_removed;
	uint64_t born_ns;
	struct bytes text;		    /* as stored */
	uint64_t octets, digest;	    /* as sent */
	unsigned char sha256[32];	    /* of the same */
	char uidl[UIDL_MAXIMUM_OCTETS + 1]; /* "" until it is known */
	bool was_collected; /* deleted on the server by the collector */
};

void model_begin(void);
void model_end(void);
int mailbox_number(struct bytes name); /* -1: none */

/* Writes one. is_foreign: with any line ends. */
struct letter *letter_new(unsigned mailbox, bool is_foreign);
/* The same octets, for another mailbox; right behind the first one. */
struct letter *letter_again(const struct letter *first, unsigned mailbox);
unsigned letter_count(void);
struct letter *letter_at(unsigned number); /* from 0 */
struct letter *letter_of_uidl(unsigned mailbox, struct bytes uidl);
struct letter *letter_of_digest(
	unsigned mailbox, const unsigned char sha256[32]);

void letter_accepted(struct letter *letter);
/* is_certain: nothing failed meanwhile */
void letter_refused(struct letter *letter, bool is_certain);

/* A message as it arrives at somebody. */
struct incoming {
	XXH3_state_t digest;
	uint64_t octets;
	char head[32];
	unsigned head_octets;
};
void incoming_begin(struct incoming *incoming);
void incoming_put(struct incoming *incoming, struct bytes octets);
/* Which it is, octet by octet; `who` has it from where. */
struct letter *incoming_end(
	struct incoming *incoming, const char *who, unsigned mailbox);

/* A message of this UIDL was read by `who`. */
void letter_read(struct letter *letter, struct bytes uidl, const char *who);

/* QUIT goes out, for these. */
unsigned model_leaving(void);
void letter_leaving(struct letter *letter, unsigned leaving);
/* It was answered +OK. */
void model_left(unsigned leaving);

/*
 * What a session that begins now must see: the letters to be there, those that
 * must not, and what has become of QUITs that were not answered.
 */
struct expectation {
	unsigned mailbox;
	unsigned letters; /* so many there were */
	/* The store could not read something: what it is of is left out. */
	bool is_excused;
	unsigned char must[LETTERS_MAXIMUM / 8];
};
void expect_begin(struct expectation *e, unsigned mailbox);
/* The whole list has come. */
void expect_list(
	const struct expectation *e, const struct bytes *uidls, uint32_t count);
/* All were read: `was_read` has a bit for each. */
void expect_read(const struct expectation *e, const unsigned char *was_read);

/* The retention of the server's mail; 0: none. */
void model_set_kept(uint64_t kept_ns);
/* Its time has come: the server may have removed it. It counts seconds. */
bool letter_is_due(const struct letter *letter);

#endif
