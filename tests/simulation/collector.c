/* SPDX-License-Identifier: ISC */
#include "collector.h"
#include "chance.h"
#include "clock.h"
#include "model.h"
#include "sqlite_disk.h"
#include "trace.h"

#include "collect/collection.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct disk *collector_disk;
struct disk_process collector_process;

static struct {
	struct event event;
	struct ledger *ledger; /* NULL: the process does not run */
	struct collection run;
	struct collect_account accounts[MAILBOXES];
	struct engine_options options;
	struct secret password, none;
	bool is_running, has_ended, is_asked;
	unsigned mailbox, left, leaving;
	uint64_t deleted; /* that +OK to QUIT was heard for */
	int collected;	  /* mailbox of the last run that was good, or -1 */
} self;

/* ---- the process ---- */

static bool
start_process(void)
{
	char error[LEDGER_ERROR_SIZE] = "";
	enum outcome outcome;

	if (self.ledger)
		return true;
	sqlite_disk_use(&collector_process);
	outcome = ledger_open("/", &self.ledger, error);
	if (outcome != OK)
		trace("collector", "does not start: %s", error);
	/* A file that cannot be opened is broken, too, to the ledger. */
	if (outcome == ERR_BROKEN && !strstr(error, "unable to open"))
		violation("the ledger is broken: %s", error);
	return outcome == OK;
}

static void
stop_process(void)
{
	ledger_close(&self.ledger);
	if (collector_process.open > 0)
		violation("the collector left %u descriptors open",
			collector_process.open);
}

/* ---- a run ---- */

static void
on_event(const struct engine_event *event, void *context)
{
	if (event->kind == ENGINE_WARNING)
		trace("collector", "%s: %s", event->account, event->text);
	if (event->kind == ENGINE_ENDED) {
		trace("collector", "%s ends: %s %s", event->account,
			outcome_name(event->outcome), event->text);
		self.has_ended = true;
	}
}

static void
begin_run(unsigned mailbox)
{
	struct collection *c = &self.run;

	trace("collector", "collects %s", mailbox_names[mailbox]);
	totals.runs++;
	self.mailbox = mailbox;
	self.is_running = true;
	self.has_ended = false;
	self.leaving = 0;
	self.deleted = 0;
	if (!secret_set(&self.password, bytes_of_string("secret")))
		abort();
	memset(c, 0, sizeof(*c));
	c->options = &self.options;
	c->account = &self.accounts[mailbox];
	c->password = &self.password;
	c->deliver_password = &self.none;
	c->ledger = self.ledger;
	collection_start(c);
}

/* A run may have several sessions. */
static void
note_deleted(void)
{
	if (self.run.counts.deleted_messages == self.deleted)
		return;
	self.deleted = self.run.counts.deleted_messages;
	for (unsigned i = 0; i < letter_count(); i++)
		letter_at(i)->was_collected |=
			letter_at(i)->leaving == self.leaving;
	model_left(self.leaving);
}

static void
end_run(void)
{
	struct collection *c = &self.run;
	unsigned char here[LETTERS_MAXIMUM / 8];
	bool is_good = c->outcome == OK && !collector_process.is_dead;

	note_deleted();
	self.collected = is_good ? (int)self.mailbox : -1;
	collection_release(c);
	secret_release(&self.password);
	self.is_running = false;
	totals.operations++;
	collector_look_through(self.mailbox, here);
}

static void
leave(const struct listed *listed, const unsigned char *here)
{
	struct ledger_entry entry = {.state = LEDGER_UNKNOWN};
	struct letter *letter;

	if (ledger_find(self.ledger, self.run.account->name, &listed->key,
		    &entry) != OK)
		return; /* a disk that fails; what is in it was known before */
	if (entry.state != LEDGER_STORED)
		violation("the collector deletes what its ledger does not hold "
			  "(state %d)",
			entry.state);
	letter = letter_of_digest(self.mailbox, entry.digest);
	if (!letter ||
		!(here[letter->number / 8] & (1u << (letter->number % 8))))
		violation("the collector deletes what it does not have");
	letter_read(letter, listed->key.uidl, "collector");
	letter_leaving(letter, self.leaving);
}

void
collector_quits(void)
{
	struct collection *c = &self.run;
	unsigned char here[LETTERS_MAXIMUM / 8];

	note_deleted();
	self.leaving = model_leaving();
	collector_look_through(self.mailbox, here);
	for (uint32_t i = 0; i < c->listed_count && c->listed; i++)
		if (c->listed[i].state == MESSAGE_DELETING ||
			c->listed[i].state == MESSAGE_DELETED)
			leave(&c->listed[i], here);
}

/* ---- what is there ---- */

struct look {
	struct disk_process process;
	const char *directory;
	unsigned mailbox;
	unsigned char *out;
};

static bool
look_at(void *context, const char *name)
{
	struct look *look = context;
	struct files *files = &look->process.files;
	static unsigned char octets[400000];
	static struct incoming incoming; /* more aligned than a stack */
	struct letter *letter;
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", look->directory, name);
	fd = files->open(files, AT_FDCWD, path, O_RDONLY, 0);
	n = files_read_all(files, fd, octets, sizeof(octets), 0);
	files->close(files, &fd);
	incoming_begin(&incoming);
	incoming_put(&incoming, bytes_of(octets, (size_t)n));
	letter = incoming_end(&incoming, "the collector", look->mailbox);
	if (!letter->was_removed &&
		(look->out[letter->number / 8] & (1u << (letter->number % 8))))
		violation("the collector has letter %u twice, in %s too",
			letter->number, path);
	look->out[letter->number / 8] |=
		(unsigned char)(1u << (letter->number % 8));
	return true;
}

void
collector_look_through(unsigned mailbox, unsigned char *out)
{
	static const char *const parts[] = {"new", "cur"};
	struct look look = {.mailbox = mailbox, .out = out};
	char path[64];

	disk_process_init(&look.process, collector_disk);
	memset(out, 0, LETTERS_MAXIMUM / 8);
	look.directory = path;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/Mail/%s/%s",
			mailbox_names[mailbox], parts[i]);
		(void)look.process.files.list(
			&look.process.files, AT_FDCWD, path, look_at, &look);
	}
	for (unsigned i = 0; i < letter_count(); i++)
		if (letter_at(i)->mailbox == mailbox &&
			letter_at(i)->was_collected &&
			!(out[i / 8] & (1u << (i % 8))))
			violation("letter %u was collected and deleted on the "
				  "server, and is not there",
				i);
}

/* ---- deaths ---- */

void
collector_kill(void)
{
	trace("collector", "dies after %u calls", collector_process.calls);
	totals.crashes++;
	collector_process.is_dead = true;
	lines_break();
	pool_drain();
	if (self.is_running && !self.has_ended)
		violation("a collection does not end");
	if (self.is_running)
		end_run();
	stop_process();
	disk_process_init(&collector_process, collector_disk);
}

void
collector_power_cut(enum disk_loss loss)
{
	unsigned char here[LETTERS_MAXIMUM / 8];

	trace("collector", "power cut, loss %d", loss);
	collector_kill();
	disk_power_cut(collector_disk, loss);
	for (unsigned i = 0; i < MAILBOXES; i++)
		collector_look_through(i, here);
}

void
collector_check(void)
{
	if (collector_process.is_dead)
		collector_kill();
	else if (self.is_running && self.has_ended)
		end_run();
}

/* ---- beginning and end ---- */

static void
on_time(void *context)
{
	if (self.left == 0)
		return;
	if (!self.is_running && start_process()) {
		self.left--;
		begin_run((unsigned)chance_below(MAILBOXES));
	}
	event_pause(&self.event, SECOND, 4 * MINUTE);
}

static void
set_up_account(unsigned mailbox, bool keep)
{
	struct collect_account *account = &self.accounts[mailbox];
	char path[64];

	snprintf(path, sizeof(path), "/Mail/%s", mailbox_names[mailbox]);
	if (!account_init(account, mailbox_names[mailbox]))
		abort();
	free(account->host);
	free(account->maildir);
	account->host = strdup("office");
	account->maildir = strdup(path);
	account->tls = ACCOUNT_TLS_NONE;
	account->keep = keep;
}

void
collector_begin(unsigned keep, unsigned runs)
{
	static const struct disk_world world = {
		.now_ns = clock_now_ns, .random = chance_number};

	memset(&self, 0, sizeof(self));
	collector_disk = disk_new(&world);
	disk_process_init(&collector_process, collector_disk);
	self.options = (struct engine_options){
		.files = &collector_process.files,
		.state = "/",
		.is_retry = true,
		.on_event = on_event,
	};
	self.left = runs;
	self.collected = -1;
	for (unsigned i = 0; i < MAILBOXES; i++)
		set_up_account(i, keep & (1u << i));
	event_init(&self.event, on_time, NULL);
	event_start(&self.event, chance_between(SECOND, MINUTE));
}

bool
collector_rest(void)
{
	self.left = 0;
	return !self.is_running;
}

bool
collector_collect(unsigned mailbox)
{
	if (self.is_running)
		return false;
	if (self.is_asked && self.collected == (int)mailbox) {
		self.is_asked = false;
		return true;
	}
	self.is_asked = start_process();
	if (self.is_asked)
		begin_run(mailbox);
	return false;
}

void
collector_end(void)
{
	event_stop(&self.event);
	if (self.is_running)
		collector_kill();
	stop_process();
	for (unsigned i = 0; i < MAILBOXES; i++)
		account_release(&self.accounts[i]);
	disk_free(&collector_disk);
}
