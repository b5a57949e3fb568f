/* SPDX-License-Identifier: ISC */
/*
 * store_role - the process that holds every mailbox: it opens what auth
 * granted, hands out read-only descriptors, writes deliveries and carries out
 * deletions. No writable descriptor leaves it.
 */
#ifndef SERVER_STORE_ROLE_H
#define SERVER_STORE_ROLE_H

#include "server/boot.h"
#include "server/session_id.h"
#include "server/table.h"
#include "store/registry.h"

/* Threads that wait for the disk: enough for it to group commits. */
#define STORE_THREADS "16"
/* Connections of one session process with something held here. */
#define STORE_HOLDERS_MAXIMUM 65536

/* A lock that runs out, in the list of all; see server/lease.h. */
struct lease {
	struct lease *next, **back; /* NULL: it does not run out */
	struct store_renew_call call;
	uint64_t renewed_ms;
	uint32_t lease_ms;
	bool is_renewing, is_lost;
};

/* A session process. */
struct store_client {
	struct store_client *next;
	struct channel *channel; /* NULL: gone, freed with its last holder */
	struct table holders;
	uint64_t instance;
};

/*
 * One connection, for which an open maildrop or deliveries are held. Ends when
 * it is released and no call is under way.
 */
struct store_holder {
	struct table_entry entry;
	struct store_client *client;
	unsigned calls; /* under way */
	bool is_released;
	/* POP3 */
	struct store_session *session;
	uint32_t count; /* messages of its snapshot */
	bool is_opening;
	bool is_read_only; /* auth says that nothing may be deleted */
	struct index_set deleted;
	unsigned pieces; /* READ_PIECE under way */
	struct store_commit_call commit;
	bool is_committing;
	struct lease lease;
	struct audit *audit; /* NULL: none is wanted, or it failed */
	/* LMTP */
	struct delivery *delivery;
};

extern struct store *store_role_store;
extern struct stats *store_role_stats;

/* Finds or makes; NULL when there are too many or memory is short. */
struct store_holder *store_client_holder(
	struct store_client *client, uint64_t connection);
/* Takes what sessions have sent by now; false when there was nothing. */
bool store_role_settle_releases(void);
/* Answers on the client's channel, if it is still there. */
void store_client_send(struct store_client *client, struct message *message);
/* Whose mailbox it is decides how long mail is kept there. */
struct policy store_role_policy(const char *mailbox);
/* [quota], of mailboxes that have none of their own. */
struct store_quota store_role_quota(void);
/* [server] audit */
bool store_role_is_audited(void);
/* After each call that ended: frees a released holder with no more of them. */
void store_holder_call_ended(struct store_holder *holder);

/* Answers this process of web, if it is still there. */
void store_role_tell_web(uint64_t instance, struct message *message);

/* An append has ended: the store is to be tended to from now on. */
void store_role_tend_later(void);

/* Runs the role; does not return. */
void store_role_run(void);

#endif
