/* SPDX-License-Identifier: ISC */
#include "server/penalties.h"
#include "server/table.h"

#include <stdlib.h>
#include <string.h>

/* Passwords that failed last, to know them again. */
#define TRIED_MAXIMUM 8
/* Another attempt is being checked: its end is near. */
#define AGAIN_MS 20

static const uint64_t ladder_ms[] = {0, 2000, 4000, 8000, 15000};
#define TOP (sizeof(ladder_ms) / sizeof(*ladder_ms) - 1)

struct list;

/* A network, an account, or an account as tried from a network. */
struct record {
	struct table_entry entry;
	struct record *older, *newer;
	struct list *list;
	uint64_t failed_ms; /* when `failures` last grew or shrank */
	uint64_t tried_ms;  /* the last attempt that was wrong */
	uint64_t known_ms;  /* the last login; 0 for none */
	uint64_t *tried;    /* TRIED_MAXIMUM of them; NULL: nothing failed */
	unsigned failures, next_tried, checks;
	const char *account; /* in `network`, behind its NUL */
	char network[];
};

/* By age of the last change. */
struct list {
	struct record *oldest, *newest;
	size_t count, maximum;
};

struct penalties {
	unsigned char key[SIPHASH_KEY_OCTETS];
	struct table records;
	struct list failed, known;
};

struct penalties *
penalties_new(const unsigned char key[SIPHASH_KEY_OCTETS])
{
	struct penalties *penalties = calloc(1, sizeof(*penalties));

	if (!penalties)
		return NULL;
	memcpy(penalties->key, key, sizeof(penalties->key));
	penalties->failed.maximum = PENALTY_RECORDS_MAXIMUM;
	penalties->known.maximum = PENALTY_KNOWN_MAXIMUM;
	return penalties;
}

/* ---- records ---- */

static void
unlink_record(struct record *r)
{
	struct list *list = r->list;

	if (r->older)
		r->older->newer = r->newer;
	else
		list->oldest = r->newer;
	if (r->newer)
		r->newer->older = r->older;
	else
		list->newest = r->older;
	r->older = r->newer = NULL;
	list->count--;
}

static void
append_record(struct list *list, struct record *r)
{
	r->list = list;
	r->older = list->newest;
	if (list->newest)
		list->newest->newer = r;
	else
		list->oldest = r;
	list->newest = r;
	list->count++;
}

static void
touch(struct list *list, struct record *r)
{
	unlink_record(r);
	append_record(list, r);
}

static void
drop(struct penalties *penalties, struct record *r)
{
	unlink_record(r);
	table_remove(&penalties->records, &r->entry);
	free(r->tried);
	free(r);
}

void
penalties_free(struct penalties **place)
{
	struct penalties *penalties = *place;

	*place = NULL;
	if (!penalties)
		return;
	while (penalties->failed.oldest)
		drop(penalties, penalties->failed.oldest);
	while (penalties->known.oldest)
		drop(penalties, penalties->known.oldest);
	table_release(&penalties->records);
	explicit_bzero(penalties->key, sizeof(penalties->key));
	free(penalties);
}

static uint64_t
id_of(const struct penalties *penalties, const char *network,
	const char *account)
{
	uint64_t of_network = siphash(penalties->key, bytes_of_string(network));
	uint64_t of_account = siphash(penalties->key, bytes_of_string(account));

	/* Multiplied, so that it matters which is which. */
	return of_network * 0x9e3779b97f4a7c15u ^ of_account;
}

static struct record *
find_by_id(struct penalties *penalties, uint64_t id)
{
	struct table_entry *entry = table_find(&penalties->records, id);

	return entry ? table_object(entry, struct record, entry) : NULL;
}

static struct record *
find(struct penalties *penalties, const char *network, const char *account)
{
	return find_by_id(penalties, id_of(penalties, network, account));
}

/* One that is being checked stays: its end must find it. */
static void
make_room(struct penalties *penalties, const struct list *list)
{
	struct record *r = list->oldest, *newer;

	for (; list->count >= list->maximum && r; r = newer) {
		newer = r->newer;
		if (r->checks == 0)
			drop(penalties, r);
	}
}

static struct record *
find_or_make(
	struct penalties *penalties, const char *network, const char *account)
{
	uint64_t id = id_of(penalties, network, account);
	struct record *r = find_by_id(penalties, id);
	size_t octets = strlen(network) + 1;

	if (r)
		return r;
	make_room(penalties, &penalties->failed);
	r = calloc(1, sizeof(*r) + octets + strlen(account) + 1);
	if (!r)
		return NULL;
	memcpy(r->network, network, octets);
	memcpy(r->network + octets, account, strlen(account) + 1);
	r->account = r->network + octets;
	if (!table_add(&penalties->records, &r->entry, id)) {
		free(r);
		return NULL;
	}
	append_record(&penalties->failed, r);
	return r;
}

/* ---- what is held against one ---- */

/* An account alone is everybody's: it takes more to make it suspicious. */
static unsigned
share(const struct record *r)
{
	return r->network[0] ? 1 : PENALTY_ACCOUNT_SHARE;
}

/* Failures fade one by one. */
static void
fade(struct record *r, uint64_t now_ms)
{
	uint64_t step_ms = PENALTY_FORGET_MS / share(r);
	uint64_t steps = (now_ms - r->failed_ms) / step_ms;

	if (steps < r->failures) {
		r->failures -= (unsigned)steps;
		r->failed_ms += steps * step_ms;
	} else {
		r->failures = 0;
		r->failed_ms = now_ms;
	}
}

static uint64_t
delay_ms(const struct record *r)
{
	unsigned level = r->failures / share(r);

	return ladder_ms[level < TOP ? level : TOP];
}

static bool
is_known(const struct record *pair, uint64_t now_ms)
{
	return pair && pair->known_ms &&
	       now_ms - pair->known_ms < PENALTY_KNOWN_MS;
}

static uint64_t
left_ms(uint64_t due_ms, uint64_t now_ms)
{
	return due_ms > now_ms ? due_ms - now_ms : 0;
}

/* After the last attempt, one at a time, but not for ever. */
static uint64_t
wait_in_line(struct record *r, uint64_t arrived_ms, uint64_t now_ms)
{
	uint64_t most_ms =
		left_ms(arrived_ms + PENALTY_WAIT_MAXIMUM_MS, now_ms);
	uint64_t wait_ms;

	if (!r)
		return 0;
	fade(r, now_ms);
	if (r->failures == 0)
		return 0;
	wait_ms = left_ms(r->tried_ms + delay_ms(r), now_ms);
	if (wait_ms == 0 && r->checks > 0)
		wait_ms = AGAIN_MS;
	return wait_ms < most_ms ? wait_ms : most_ms;
}

/* No line here: others, wherever they are, must not push the owner back. */
static uint64_t
wait_apart(struct record *r, uint64_t arrived_ms, uint64_t now_ms)
{
	if (!r)
		return 0;
	fade(r, now_ms);
	return left_ms(arrived_ms + delay_ms(r), now_ms);
}

uint64_t
penalties_wait_ms(struct penalties *penalties,
	const struct penalty_attempt *attempt, uint64_t now_ms)
{
	struct record *pair =
		find(penalties, attempt->network, attempt->account);
	uint64_t network_ms, account_ms;

	if (is_known(pair, now_ms))
		return wait_in_line(pair, attempt->arrived_ms, now_ms);
	network_ms = wait_in_line(find(penalties, attempt->network, ""),
		attempt->arrived_ms, now_ms);
	account_ms = wait_apart(find(penalties, "", attempt->account),
		attempt->arrived_ms, now_ms);
	return network_ms > account_ms ? network_ms : account_ms;
}

bool
penalties_is_known(struct penalties *penalties,
	const struct penalty_attempt *attempt, uint64_t now_ms)
{
	struct record *pair =
		find(penalties, attempt->network, attempt->account);

	if (!is_known(pair, now_ms))
		return false;
	fade(pair, now_ms);
	return pair->failures == 0;
}

bool
penalties_is_clean(struct penalties *penalties,
	const struct penalty_attempt *attempt, uint64_t now_ms)
{
	struct record *network = find(penalties, attempt->network, "");

	if (!network)
		return true;
	fade(network, now_ms);
	return network->failures == 0;
}

uint64_t
penalties_lane(const struct penalties *penalties, const char *network)
{
	return siphash(penalties->key, bytes_of_string(network));
}

/* ---- what an attempt does ---- */

static void
count_check(struct record *r, int difference)
{
	if (r)
		r->checks += (unsigned)difference;
}

void
penalties_begin(struct penalties *penalties,
	const struct penalty_attempt *attempt, uint64_t now_ms)
{
	struct record *network = find_or_make(penalties, attempt->network, "");
	struct record *pair;

	count_check(network, 1);
	pair = find_or_make(penalties, attempt->network, attempt->account);
	count_check(pair, 1);
}

static bool
has_tried(const struct record *r, uint64_t proof)
{
	for (size_t i = 0; r->tried && i < TRIED_MAXIMUM; i++)
		if (r->tried[i] == proof)
			return true;
	return false;
}

static void
add_failure(struct record *r, uint64_t proof, uint64_t now_ms)
{
	if (!r)
		return;
	fade(r, now_ms);
	r->tried_ms = now_ms;
	if (has_tried(r, proof))
		return;
	if (!r->tried)
		r->tried = calloc(TRIED_MAXIMUM, sizeof(*r->tried));
	/* Without memory the same one counts again. */
	if (r->tried)
		r->tried[r->next_tried++ % TRIED_MAXIMUM] = proof;
	r->failed_ms = now_ms;
	if (r->failures < TOP * share(r))
		r->failures++;
	touch(r->list, r);
}

static void
take_back(struct record *r, unsigned failures)
{
	if (r)
		r->failures -= failures < r->failures ? failures : r->failures;
}

/* The owner was here: what failed from there at this account was a slip. */
static void
succeed(struct penalties *penalties, const struct penalty_attempt *attempt,
	struct record *pair, uint64_t now_ms)
{
	if (!pair)
		return;
	fade(pair, now_ms);
	if (pair->failures > 0) {
		take_back(
			find(penalties, attempt->network, ""), pair->failures);
		take_back(
			find(penalties, "", attempt->account), pair->failures);
	}
	pair->failures = 0;
	pair->known_ms = now_ms ? now_ms : 1;
	if (pair->list != &penalties->known)
		make_room(penalties, &penalties->known);
	touch(&penalties->known, pair);
}

/* A record that holds nothing is not kept. */
static void
drop_when_empty(struct penalties *penalties, struct record *r)
{
	if (r && !r->checks && !r->failures && !r->known_ms)
		drop(penalties, r);
}

static void
fail(struct penalties *penalties, const struct penalty_attempt *attempt,
	uint64_t proof, uint64_t now_ms)
{
	add_failure(find(penalties, attempt->network, ""), proof, now_ms);
	add_failure(find(penalties, attempt->network, attempt->account), proof,
		now_ms);
	add_failure(
		find_or_make(penalties, "", attempt->account), proof, now_ms);
}

void
penalties_end(struct penalties *penalties,
	const struct penalty_attempt *attempt, enum outcome outcome,
	uint64_t proof, uint64_t now_ms)
{
	struct record *network = find(penalties, attempt->network, "");
	struct record *pair =
		find(penalties, attempt->network, attempt->account);

	/* Both are there still: they count this check until below. */
	if (outcome == OK)
		succeed(penalties, attempt, pair, now_ms);
	else if (outcome == ERR_DENIED)
		fail(penalties, attempt, proof, now_ms);
	count_check(network, -1);
	count_check(pair, -1);
	drop_when_empty(penalties, network);
	drop_when_empty(penalties, pair);
}

/* ---- for the operator ---- */

static bool
report(const struct record *r, uint64_t now_ms,
	bool (*each)(const struct penalty_report *report, void *context),
	void *context)
{
	struct penalty_report told = {.network = r->network,
		.account = r->account,
		.failures = r->failures,
		.wait_ms = left_ms(r->tried_ms + delay_ms(r), now_ms)};

	return r->failures == 0 || each(&told, context);
}

void
penalties_each(struct penalties *penalties, uint64_t now_ms,
	bool (*each)(const struct penalty_report *report, void *context),
	void *context)
{
	struct list *lists[] = {&penalties->failed, &penalties->known};

	for (size_t i = 0; i < 2; i++)
		for (struct record *r = lists[i]->newest; r; r = r->older) {
			fade(r, now_ms);
			if (!report(r, now_ms, each, context))
				return;
		}
}

unsigned
penalties_forgive(struct penalties *penalties, const char *network_or_account)
{
	struct list *lists[] = {&penalties->failed, &penalties->known};
	unsigned count = 0;

	for (size_t i = 0; i < 2; i++)
		for (struct record *r = lists[i]->newest; r; r = r->older) {
			if (strcmp(r->network, network_or_account) != 0 &&
				strcmp(r->account, network_or_account) != 0)
				continue;
			count += r->failures > 0;
			r->failures = 0;
		}
	return count;
}
