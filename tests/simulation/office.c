/* SPDX-License-Identifier: ISC */
#include "office.h"
#include "chance.h"
#include "clock.h"
#include "trace.h"

#include "store/maildir/maildir.h"

#include <fcntl.h>
#include <string.h>

struct office office;

static struct event store_start, tending;

static int
open_directory(const char *name)
{
	struct files *files = &office.store_process.files;

	return files->open(files, AT_FDCWD, name, O_RDONLY | O_DIRECTORY, 0);
}

static void
on_notice(const char *mailbox, const char *text)
{
	trace("notice", "%s: %s", mailbox, text);
	office.has_unfiled |= strstr(text, "cannot be filed now") != NULL;
}

static void
start_store(void *context)
{
	struct store_options options = {
		.kind = "maildir",
		.mail_template = "%u",
		.is_shared = office.settings.is_shared,
		.journal_octets = office.settings.journal_octets,
		.hostname = "office",
		.executor = &simulated_executor,
		.notice = on_notice,
	};

	disk_process_init(&office.store_process, office.disk);
	office.store_process.is_forgetful = true;
	options.mail_root = open_directory("mail");
	options.state_root = open_directory("state");
	trace("store", "starts");
	office.has_unfiled = false;
	if (maildir_store_new(
		    &options, &office.store_process.files, &office.store) != OK)
		violation("the store does not start");
	event_start(&tending, office.settings.tending_ns);
}

static void
tend(void *context)
{
	if (!office.store)
		return;
	office.store->ops->tend(office.store);
	event_start(&tending, office.settings.tending_ns);
}

/* ---- deaths ---- */

void
office_kill_store(void)
{
	struct disk_process *process = &office.store_process;

	if (!office.store)
		return;
	trace("store", "dies after %u calls", process->calls);
	totals.crashes++;
	office_failed();
	process->is_dead = true;
	office.is_store_dying = true;
	executor_drain();
	served_lost_store();
	executor_drain();
	office.store->ops->free(&office.store);
	executor_drain();
	office.is_store_dying = false;
	if (process->open > 0)
		violation("the store left %u descriptors open", process->open);
	office.failed_calls += process->failed;
	process->failed = 0;
	event_stop(&tending);
	event_start(&store_start, chance_between(MILLISECOND, 5 * SECOND));
}

void
office_kill_sessions(bool is_told)
{
	trace("sessions", "die with %u connections", served_count());
	totals.crashes++;
	office_failed();
	served_kill_all(is_told);
}

void
office_power_cut(enum disk_loss loss)
{
	trace("office", "power cut, loss %d", loss);
	totals.crashes++;
	office_kill_store();
	office_kill_sessions(chance_one_in(2));
	if (office.session_process.open > 0)
		violation("the session process left %u descriptors open",
			office.session_process.open);
	disk_power_cut(office.disk, loss);
}

void
office_failed(void)
{
	office.failures++;
}

unsigned
office_failed_calls(void)
{
	return office.failed_calls + office.store_process.failed;
}

void
office_check(void)
{
	if (!office.store || !office.store_process.is_dead)
		return;
	if (office.power_goes)
		office_power_cut((enum disk_loss)chance_below(DISK_LOSSES));
	else
		office_kill_store();
	office.power_goes = false;
}

/* ---- beginning and end ---- */

static void
make_directories(const struct disk_world *world)
{
	struct files *files = &office.session_process.files;
	int root;

	office.disk = disk_new(world);
	disk_process_init(&office.session_process, office.disk);
	(void)files->mkdir(files, AT_FDCWD, "mail", 0700);
	(void)files->mkdir(files, AT_FDCWD, "state", 0700);
	root = files->open(files, AT_FDCWD, ".", O_RDONLY, 0);
	(void)files->sync(files, root);
	files->close(files, &root);
}

void
office_begin(const struct office_settings *settings)
{
	static const uint64_t units[] = {1, 4 * MILLISECOND, SECOND};
	struct disk_world world = {
		.now_ns = clock_now_ns,
		.random = chance_number,
		.stamp_ns = units[chance_below(3)],
	};

	memset(&office, 0, sizeof(office));
	office.settings = *settings;
	make_directories(&world);
	event_init(&store_start, start_store, NULL);
	event_init(&tending, tend, NULL);
	executor_set_slowness(1);
	start_store(NULL);
	served_begin();
}

void
office_end(void)
{
	served_kill_all(true);
	executor_drain();
	event_stop(&tending);
	event_stop(&store_start);
	if (office.store)
		office.store->ops->free(&office.store);
	executor_drain();
	if (office.store_process.open > 0)
		violation("the store left %u descriptors open at its end",
			office.store_process.open);
	disk_free(&office.disk);
}
