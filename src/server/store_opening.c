/* SPDX-License-Identifier: ISC */
#include "server/store_opening.h"
#include "base/log.h"
#include "server/store_role.h"
#include "server/surveying.h"
#include "server/timed_files.h"
#include "store/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

/* Of the memory store: it is there to show what stores that many share do. */
#define MEMORY_LEASE_MS 6000

static void
notice(const char *mailbox, const char *text)
{
	char quoted[LOG_QUOTED_OCTETS];

	log_event(LOG_LEVEL_WARNING, "store", "mailbox=%s what=\"%s\"",
		log_quote(quoted, bytes_of_string(mailbox)), text);
}

/* One process at a time may own the mailboxes. */
static void
take_lock(const struct boot *boot, int state_root)
{
	int fd = openat(state_root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return; /* held, open, until the process ends */
	log_event(LOG_LEVEL_ERROR, "store-locked",
		"file=%s/store/lock why=\"%s\" do=\"stop the other server or "
		"restantectl that uses this state\"",
		boot->settings.state, strerror(errno));
	exit(EX_TEMPFAIL);
}

static int
open_mail_root(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		log_event(LOG_LEVEL_ERROR, "open-failed",
			"path=%s why=\"%s\" do=\"make the directory, owned by "
			"the user of [server] user\"",
			path, strerror(errno));
		exit(EX_OSFILE);
	}
	return fd;
}

struct store *
store_opening(struct boot *boot, uv_loop_t *loop, struct executor *executor,
	struct confinement *confinement)
{
	struct server_settings *settings = &boot->settings;
	struct store_options options = {.kind = server_settings_store(settings),
		.lease_ms = MEMORY_LEASE_MS,
		.is_shared = settings->is_shared,
		/* Each delivery brings its own: store_role_quota. */
		.quota = {.soft_percent = 100},
		.journal_octets = (uint32_t)settings->journal_octets,
		.hostname = settings->hostname,
		.files = timed_files(store_role_stats),
		.executor = executor,
		.notice = notice};
	char mail_root[4096];
	int keep_root = -1;
	struct store *store = NULL;
	enum outcome outcome;

	if (!server_settings_split_mail(settings->mail, mail_root,
		    sizeof(mail_root), &options.mail_template))
		exit(EX_CONFIG);
	options.state_root = boot_state_directory(boot, "store");
	options.mail_root = open_mail_root(mail_root);
	surveying_init(loop, options.state_root);
	boot_drop_privileges(settings->user, &keep_root);
	take_lock(boot, options.state_root);
	if (settings->store != STORE_MEMORY) { /* which closes them */
		confinement->folders[confinement->folder_count++].fd =
			options.state_root;
		confinement->folders[confinement->folder_count++].fd =
			options.mail_root;
	}
	outcome = store_open(&options, &store);
	if (outcome == OK)
		return store;
	log_event(LOG_LEVEL_ERROR, "store", "mail=%s state=%s/store why=%s",
		settings->mail, settings->state, outcome_name(outcome));
	exit(EX_OSFILE);
}
