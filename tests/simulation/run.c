/* SPDX-License-Identifier: ISC */
/*
 * First everything goes on at once and goes wrong; then nothing goes wrong any
 * more, what is under way ends, the server and the collector are started anew,
 * and all that is left is compared.
 */
#include "run.h"
#include "chance.h"
#include "clock.h"
#include "collector.h"
#include "faults.h"
#include "model.h"
#include "network.h"
#include "office.h"
#include "reader.h"
#include "sender.h"
#include "trace.h"

#define STEPS_MAXIMUM 1000000 /* more is a circle */

static uint64_t last_step;
static unsigned pace;

/* False: that was the last one. */
static bool
step(void)
{
	if (trace_steps() >= last_step)
		return false;
	if (trace_steps() >= STEPS_MAXIMUM)
		violation("it does not come to an end");
	trace_step();
	if (!clock_step())
		violation("nothing is left to happen");
	office_check();
	collector_check();
	return true;
}

/* ---- beginning ---- */

static void
begin(unsigned *out_keep)
{
	struct office_settings settings = {
		.is_shared = !chance_one_in(3),
		.journal_octets = chance_one_in(4) ? 0 : 1,
	};
	unsigned deliveries = (unsigned)chance_between(4, 40);

	if (chance_one_in(3))
		settings.kept_seconds = 600 * (1 + chance_below(8));
	settings.is_kept_from_retrieval = chance_one_in(2);
	settings.tending_ns = chance_one_in(3) ? MINUTE : SECOND;
	pace = chance_one_in(3) ? 12 : 1;
	clock_begin(pace);
	network_begin();
	model_begin();
	model_set_kept(settings.kept_seconds * SECOND);
	office_begin(&settings);
	/* bob's mail is collected and deleted; alice's is deleted by readers
	   alone, carol's by both. */
	*out_keep = 1;
	collector_begin(*out_keep, (unsigned)chance_below(6));
	senders_begin(deliveries);
	readers_begin((unsigned)chance_below(12), 1 | 4);
	faults_begin(settings.is_shared);
	trace("run", "shared %d, journal %u, kept %llu s, %u deliveries",
		settings.is_shared, settings.journal_octets,
		(unsigned long long)settings.kept_seconds, deliveries);
}

/* ---- what must be so at the end ---- */

static bool
has_bit(const unsigned char *bits, unsigned i)
{
	return bits[i / 8] & (1u << (i % 8));
}

/* What the server has, the collector has; each once. One that another program
   removed and a power cut brought back may make up for what is gone: a mailbox
   with as many messages as before is not listed more than once a day. */
static void
compare(unsigned mailbox, const unsigned char *there)
{
	unsigned char here[LETTERS_MAXIMUM / 8];

	collector_look_through(mailbox, here);
	for (unsigned i = 0; i < letter_count(); i++)
		if (letter_at(i)->mailbox == mailbox && has_bit(there, i) &&
			!has_bit(here, i) && !letter_at(i)->was_removed &&
			!letter_is_due(letter_at(i)))
			violation("letter %u is on the server and was not "
				  "collected",
				i);
}

static bool
finish_mailbox(unsigned mailbox)
{
	while (!readers_look_through(mailbox))
		if (!step())
			return false;
	return true;
}

static bool
collect_mailbox(unsigned mailbox)
{
	unsigned char there[LETTERS_MAXIMUM / 8];

	for (unsigned i = 0; i < sizeof(there); i++)
		there[i] = readers_seen()[i];
	while (!collector_collect(mailbox))
		if (!step())
			return false;
	compare(mailbox, there);
	return true;
}

static bool
finish(void)
{
	for (unsigned i = 0; i < MAILBOXES; i++)
		if (!finish_mailbox(i) || !collect_mailbox(i) ||
			!finish_mailbox(i))
			return false;
	return true;
}

static bool
come_to_rest(void)
{
	bool is_resting = false;

	while (!is_resting) {
		if (!step())
			return false;
		is_resting = true;
		is_resting = senders_rest() && is_resting;
		is_resting = readers_rest() && is_resting;
		is_resting = collector_rest() && is_resting;
	}
	return true;
}

static bool
go_wrong(void)
{
	uint64_t minutes = chance_between(5, 20) * pace;
	uint64_t end_ns = clock_now_ns() + minutes * MINUTE;

	while (clock_now_ns() < end_ns)
		if (!step())
			return false;
	return true;
}

static bool
story(void)
{
	if (!go_wrong())
		return false;
	trace("run", "nothing goes wrong any more");
	faults_end();
	if (office.has_unfiled)
		office_kill_store();
	if (!come_to_rest() || !finish())
		return false;
	/* Once more, from the disk alone. */
	office_power_cut(DISK_LOSES_ALL);
	collector_power_cut(DISK_LOSES_ALL);
	return finish();
}

static void
end(void)
{
	faults_end();
	senders_end();
	readers_end();
	collector_end();
	office_end();
	network_end();
	clock_end();
	model_end();
}

uint64_t
run_seed(uint64_t seed, uint64_t steps, bool is_printed)
{
	unsigned keep;

	trace_begin(seed, is_printed);
	chance_begin(seed);
	last_step = steps ? steps : UINT64_MAX;
	begin(&keep);
	if (story())
		trace("run", "ends well: %u letters", letter_count());
	end();
	totals.seeds++;
	return trace_digest();
}
