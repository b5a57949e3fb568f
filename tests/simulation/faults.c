/* SPDX-License-Identifier: ISC */
#include "faults.h"
#include "chance.h"
#include "clock.h"
#include "collector.h"
#include "foreign.h"
#include "model.h"
#include "network.h"
#include "office.h"
#include "trace.h"

#include <errno.h>

#define CALLS_MAXIMUM 60 /* until the one that fails, or is the last */

static struct event event, room;
static bool has_foreign;

/* ---- the server's machine ---- */

static void
fail_store(void)
{
	office.store_process.error = chance_one_in(2) ? EIO : ENOSPC;
	office.store_process.fails_at =
		(unsigned)chance_between(1, CALLS_MAXIMUM);
	trace("fault", "the store's call %u from now fails: %d",
		office.store_process.fails_at, office.store_process.error);
	office_failed();
	totals.faults++;
}

static void
kill_store_soon(void)
{
	office.store_process.dies_at =
		(unsigned)chance_between(1, CALLS_MAXIMUM);
	office.power_goes = chance_one_in(2);
	trace("fault", "the store dies in change %u from now%s",
		office.store_process.dies_at,
		office.power_goes ? ", with the power" : "");
}

static void
fill_disk(void)
{
	struct disk *disk = chance_one_in(4) ? collector_disk : office.disk;
	uint64_t octets = chance_below(8) * DISK_BLOCK_OCTETS;

	trace("fault", "a disk has room for %llu octets",
		(unsigned long long)octets);
	disk_set_room(disk, octets);
	office_failed();
	totals.faults++;
	event_start(&room, chance_between(SECOND, 3 * MINUTE));
}

static void
make_room(void *context)
{
	disk_set_room(office.disk, UINT64_MAX);
	disk_set_room(collector_disk, UINT64_MAX);
	office_failed();
}

/* ---- the collector's ---- */

static void
fail_collector(void)
{
	collector_process.error = chance_one_in(2) ? EIO : ENOSPC;
	collector_process.fails_at = (unsigned)chance_between(1, CALLS_MAXIMUM);
	totals.faults++;
}

static void
kill_collector_soon(void)
{
	collector_process.dies_at = (unsigned)chance_between(1, CALLS_MAXIMUM);
}

/* ---- all of them ---- */

static void
go_wrong(void)
{
	enum disk_loss loss = (enum disk_loss)chance_below(DISK_LOSSES);

	switch (chance_below(12)) {
	case 0:
		office_kill_store();
		break;
	case 1:
		kill_store_soon();
		break;
	case 2:
		office_kill_sessions(chance_one_in(2));
		break;
	case 3:
		office_power_cut(loss);
		break;
	case 4:
		fail_store();
		break;
	case 5:
		fill_disk();
		break;
	case 6:
		executor_set_slowness((unsigned)chance_between(1, 20));
		break;
	case 7:
		collector_kill();
		break;
	case 8:
		kill_collector_soon();
		break;
	case 9:
		collector_power_cut(loss);
		break;
	case 10:
		fail_collector();
		break;
	default:
		foreign_read_collected((unsigned)chance_below(MAILBOXES));
	}
}

/* A power cut in the middle of a change. */
static void
on_event(void *context)
{
	if (has_foreign && !chance_one_in(3))
		foreign_act((unsigned)chance_below(MAILBOXES));
	else
		go_wrong();
	event_pause(&event, 100 * MILLISECOND, MINUTE);
}

void
faults_begin(bool new_has_foreign)
{
	has_foreign = new_has_foreign;
	foreign_begin();
	network_set_cuts((unsigned)chance_between(3, 40));
	event_init(&event, on_event, NULL);
	event_init(&room, make_room, NULL);
	event_start(&event, chance_between(SECOND, MINUTE));
}

void
faults_end(void)
{
	event_stop(&event);
	event_stop(&room);
	make_room(NULL);
	network_set_cuts(0);
	executor_set_slowness(1);
	office.store_process.dies_at = office.store_process.fails_at = 0;
	collector_process.dies_at = collector_process.fails_at = 0;
}
