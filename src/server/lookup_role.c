/* SPDX-License-Identifier: ISC */
#include "server/lookup_role.h"
#include "accounts/system_user.h"
#include "base/log.h"
#include "config/settings.h"
#include "process/seccomp_filter.h"
#include "server/confinement.h"
#include "server/lookup_state.h"
#include "server/role_lost.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct lookup_role lookup;

/* ---- answering, in a thread ---- */

/* Users of the system itself have no mailbox, whatever their password. */
static enum outcome
find_user(const char *name)
{
	enum outcome outcome;
	uid_t uid = 0;

	outcome = system_user_find(name, &uid);
	if (outcome == OK && uid < lookup.boot->settings.pam.first_uid)
		return ERR_PEER;
	return outcome;
}

/* Who is not known to the system may be known to PAM's modules all the same. */
static enum outcome
check_password(struct lookup_job *job)
{
	const struct pam_settings *settings = &lookup.boot->settings.pam;
	const struct pam_question question = {.service = settings->service,
		.folder = settings->folder,
		.user = job->user,
		.host = job->host,
		.password = secret_bytes(&job->secret)};
	enum outcome outcome = find_user(job->user);
	unsigned refused = seccomp_filter_refused_starts();

	if (outcome == ERR_TRY_LATER || outcome == ERR_PEER)
		return outcome;
	outcome = pam_check(&question, job->error);
	if (outcome != ERR_DENIED || seccomp_filter_refused_starts() == refused)
		return outcome;
	/* pam_unix without the group shadow: it cannot know. */
	snprintf(job->error, sizeof(job->error),
		"a module wants to start a program, and may not");
	return ERR_TRY_LATER;
}

void
lookup_work(struct lookup_job *job)
{
	if (job->kind == LOOKUP_PASSWORD)
		job->outcome = check_password(job);
	else if (job->kind == LOOKUP_TOKEN)
		lookup_tokens_work(job);
	else
		job->outcome = find_user(job->user);
	if (job->outcome == ERR_PEER)
		job->outcome = ERR_DENIED;
}

/* Wrong passwords are auth's to tell. */
static void
tell_log(const struct lookup_job *job)
{
	char user[LOG_QUOTED_OCTETS], why[LOG_QUOTED_OCTETS];
	const char *error =
		job->error[0] ? job->error : "no answer of who knows users";

	/* A token may be wrong in many ways, and its user cannot see which. */
	if (job->kind == LOOKUP_TOKEN && job->outcome != OK) {
		log_event(job->outcome == ERR_DENIED ? LOG_LEVEL_INFO
						     : LOG_LEVEL_ERROR,
			"token", "why=%s",
			log_quote(why, bytes_of_string(error)));
		return;
	}
	if (job->outcome == OK ||
		(!job->error[0] && job->outcome == ERR_DENIED))
		return;
	log_event(
		job->outcome == ERR_DENIED ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR,
		"lookup", "user=%s why=%s",
		log_quote(user, bytes_of_string(job->user)),
		log_quote(why, bytes_of_string(error)));
}

void
lookup_answer(const struct lookup_job *job, enum outcome outcome)
{
	struct message message;

	if (!lookup.auth || job->instance != lookup.auth_instance)
		return;
	message_init(&message, MESSAGE_LOOKED_UP, job->request);
	message_put_u8(&message, (uint8_t)outcome);
	/* Whose thread is still at it has no user yet. */
	message_put_string(&message, outcome == OK ? job->token.user : "");
	channel_send(lookup.auth, &message);
	message_release(&message);
}

void
lookup_done(const struct lookup_job *job)
{
	if (job->kind == LOOKUP_TOKEN)
		lookup_tokens_remember(job);
	tell_log(job);
	lookup_answer(job, job->outcome);
}

/* ---- auth ---- */

static bool
on_token_piece(struct message *message)
{
	struct message_reader reader;
	struct bytes piece;

	message_reader_init(&reader, message);
	piece = message_get_bytes(&reader);
	if (lookup.front_of != message->subject)
		buffer_wipe(&lookup.front);
	lookup.front_of = message->subject;
	return message_reader_finish(&reader) &&
	       buffer_append_bytes(&lookup.front, piece);
}

static bool
read_token(struct lookup_job *job, struct message_reader *reader)
{
	struct bytes end = message_get_bytes(reader);
	bool is_good;

	if (lookup.front_of != job->request)
		buffer_wipe(&lookup.front);
	if (!message_reader_finish(reader) ||
		!buffer_append_bytes(&lookup.front, end))
		return false;
	is_good = secret_set(&job->secret, buffer_bytes(&lookup.front));
	buffer_wipe(&lookup.front);
	return is_good;
}

static bool
read_question(struct lookup_job *job, struct message *message)
{
	struct message_reader reader;
	struct bytes password = BYTES_NONE;

	message_reader_init(&reader, message);
	if (job->kind == LOOKUP_TOKEN)
		return read_token(job, &reader);
	message_get_string(&reader, job->user, sizeof(job->user));
	if (job->kind == LOOKUP_PASSWORD) {
		message_get_string(&reader, job->host, sizeof(job->host));
		password = message_get_bytes(&reader);
	}
	return message_reader_finish(&reader) &&
	       secret_set(&job->secret, password);
}

static bool
on_question(enum lookup_kind kind, struct message *message)
{
	struct lookup_job *job = calloc(1, sizeof(*job));

	if (!job)
		exit(EX_OSERR);
	job->kind = kind;
	job->request = message->subject;
	job->instance = lookup.auth_instance;
	if (read_question(job, message)) {
		lookup_pool_take(job);
		return true;
	}
	secret_release(&job->secret);
	free(job);
	return false;
}

static bool
on_auth_message(struct channel *channel, struct message *message)
{
	switch (message->type) {
	case MESSAGE_LOOKUP_PASSWORD:
		return on_question(LOOKUP_PASSWORD, message);
	case MESSAGE_LOOKUP_USER:
		return on_question(LOOKUP_USER, message);
	case MESSAGE_LOOKUP_TOKEN_PIECE:
		return on_token_piece(message);
	case MESSAGE_LOOKUP_TOKEN:
		return on_question(LOOKUP_TOKEN, message);
	default:
		return false;
	}
}

static void
on_auth_closed(struct channel *channel, enum outcome why)
{
	role_lost_log("auth", why);
	channel_free(&lookup.auth);
}

static bool
on_peer(enum role peer, uint64_t instance, int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_auth_message, .on_closed = on_auth_closed};

	if (peer != ROLE_AUTH)
		return false;
	channel_free(&lookup.auth);
	buffer_wipe(&lookup.front);
	lookup.auth_instance = instance;
	lookup.auth = channel_new(&lookup.loop, fd, &handler, NULL);
	return lookup.auth != NULL;
}

/* ---- the role ---- */

static void
may_read(struct confinement *confinement, const char *path)
{
	struct landlock_folder *folder =
		&confinement->folders[confinement->folder_count];

	if (confinement->folder_count == CONFINEMENT_FOLDERS_MAXIMUM) {
		log_event(LOG_LEVEL_ERROR, "lookup",
			"why=\"too many folders in [pam] may-read\"");
		exit(EX_CONFIG);
	}
	folder->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	folder->is_read_only = true;
	/* What this machine does not have nobody reads. */
	if (folder->fd >= 0)
		confinement->folder_count++;
}

/* The folder of a file, since another one may take its place there. */
static void
may_read_beside(struct confinement *confinement, const char *file)
{
	const char *slash = strrchr(file, '/');
	char path[PATH_MAX];

	if (slash && bytes_to_string(
			     bytes_of(file,
				     slash > file ? (size_t)(slash - file) : 1),
			     path, sizeof(path)))
		may_read(confinement, path);
}

/* Configuration, libraries, sockets of caches; not the mail, not the accounts.
 */
static void
choose_folders(struct confinement *confinement)
{
	static const char *const everywhere[] = {"/etc", "/usr", "/lib",
		"/lib64", "/run", "/dev", "/proc", "/sys/devices/system/cpu",
		"/var/lib/sss", "/var/lib/extrausers"};
	struct bytes rest = bytes_of_string(lookup.boot->settings.pam.may_read);
	struct bytes folder;
	char path[PATH_MAX];

	may_read_beside(confinement, lookup.boot->settings.oauth.jwks);
	may_read_beside(confinement, lookup.boot->settings.oauth.ca);
	for (size_t i = 0; i < sizeof(everywhere) / sizeof(*everywhere); i++)
		may_read(confinement, everywhere[i]);
	if (lookup.boot->settings.pam.folder[0])
		may_read(confinement, lookup.boot->settings.pam.folder);
	while (settings_next_word(&rest, &folder))
		if (bytes_to_string(folder, path, sizeof(path)))
			may_read(confinement, path);
}

static void
check_service(void)
{
	const struct pam_settings *pam = &lookup.boot->settings.pam;

	if (!server_settings_has_backend(&lookup.boot->settings, "pam") ||
		pam_has_service(pam->service, pam->folder))
		return;
	log_event(LOG_LEVEL_ERROR, "lookup",
		"why=\"no file %s/%s that says how PAM checks passwords "
		"([pam] service)\"",
		pam->folder[0] ? pam->folder : "/etc/pam.d", pam->service);
	exit(EX_CONFIG);
}

void
lookup_role_run(void)
{
	static const struct boot_handler handler = {
		.on_peer = on_peer, .on_stop = boot_leave};
	static struct confinement confinement = {
		.role = ROLE_LOOKUP, .has_threads = true, .is_open = true};
	const struct server_settings *settings;

	lookup.boot = boot_receive();
	settings = &lookup.boot->settings;
	boot_log_open(lookup.boot, "lookup");
	lookup_pool_init(settings);
	buffer_init(&lookup.front, OAUTH_TOKEN_MAXIMUM_OCTETS);
	lookup_tokens_prepare();
	boot_lock_memory();
	boot_drop_privileges_keep(settings->lookup_user, settings->pam.group);
	check_service();
	lookup_tokens_start();
	uv_loop_init(&lookup.loop);
	choose_folders(&confinement);
	confinement_enter(&confinement, &lookup.loop);
	lookup_pool_start();
	boot_finish(lookup.boot, &lookup.loop, &handler);
	uv_run(&lookup.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
