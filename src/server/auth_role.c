/* SPDX-License-Identifier: ISC */
#include "server/auth_role.h"
#include "base/log.h"
#include "config/settings.h"
#include "server/auth_decoy.h"
#include "server/auth_logins.h"
#include "server/auth_state.h"
#include "server/confinement.h"
#include "server/login_delay.h"
#include "server/role_lost.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct auth_role auth;

/* ---- channels ---- */

void
auth_client_free_when_unused(struct auth_client *client)
{
	if (client->channel || client->checks > 0)
		return;
	table_release(&client->exchanges);
	free(client);
}

static bool
on_client_message(struct channel *channel, struct message *message)
{
	struct auth_client *client = channel->context;

	switch (message->type) {
	case MESSAGE_AUTH_BEGIN:
		return auth_on_begin(client, message);
	case MESSAGE_AUTH_PIECE:
		return auth_on_piece(client, message);
	case MESSAGE_AUTH_RESPOND:
		return auth_on_respond(client, message);
	case MESSAGE_AUTH_CANCEL:
		return auth_on_cancel(client, message);
	case MESSAGE_RESOLVE:
		return auth_on_resolve(client, message);
	case MESSAGE_LOGGED_IN:
		return auth_on_logged_in(client, message);
	case MESSAGE_LOGGED_OUT:
		return auth_on_logged_out(client, message);
	default:
		return false;
	}
}

static void
on_client_closed(struct channel *channel, enum outcome why)
{
	struct auth_client *client = channel->context;
	struct auth_client **link = &auth.clients;

	role_lost_log("session", why);
	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	channel_free(&client->channel);
	auth_forget_exchanges(client);
	auth_logins_forget(client);
	auth_client_free_when_unused(client);
}

/* Store has nothing to ask of us. */
static bool
on_store_message(struct channel *channel, struct message *message)
{
	return false;
}

static void
on_store_closed(struct channel *channel, enum outcome why)
{
	role_lost_log("store", why);
	channel_free(&auth.store);
}

static bool
add_client(uint64_t instance, int *fd)
{
	static const struct channel_handler handler = {
		.on_message = on_client_message, .on_closed = on_client_closed};
	struct auth_client *client = calloc(1, sizeof(*client));

	if (!client)
		return false;
	client->instance = instance;
	client->channel = channel_new(&auth.loop, fd, &handler, client);
	client->next = auth.clients;
	auth.clients = client;
	auth_trace_greet(client);
	return client->channel != NULL;
}

static void
on_web_closed(struct channel *channel, enum outcome why)
{
	channel_free(&auth.web);
}

static bool
on_peer(enum role peer, uint64_t instance, int *fd)
{
	static const struct channel_handler store = {
		.on_message = on_store_message, .on_closed = on_store_closed};
	static const struct channel_handler web = {
		.on_message = auth_on_web_message, .on_closed = on_web_closed};
	struct channel **place = peer == ROLE_WEB ? &auth.web : &auth.store;

	if (peer == ROLE_SESSION)
		return add_client(instance, fd);
	if (peer == ROLE_LOOKUP)
		return auth_lookup_use(fd);
	if (peer != ROLE_STORE && peer != ROLE_WEB)
		return false;
	channel_free(place);
	*place = channel_new(
		&auth.loop, fd, peer == ROLE_WEB ? &web : &store, NULL);
	if (peer == ROLE_WEB)
		auth_trace_tell_web(0, "");
	return *place != NULL;
}

/* ---- the role ---- */

static void
notice(const char *text)
{
	char quoted[LOG_QUOTED_OCTETS];

	log_event(LOG_LEVEL_ERROR, "passwd-file", "what=%s",
		log_quote(quoted, bytes_of_string(text)));
}

static void
open_source(const char *kind, int passwd_folder)
{
	const struct server_settings *settings = &auth.boot->settings;
	struct accounts **source = &auth.sources[auth.source_count++];
	struct accounts_options options = {.directory = AT_FDCWD,
		.location = "accounts.db",
		.may_create = true,
		.scheme = settings->passwd_file_scheme,
		.naming = auth.naming,
		.notice = notice};
	enum outcome outcome;

	if (strcmp(kind, "pam") == 0) {
		auth.has_pam = true;
		auth.has_foreign_hashes = true;
		return;
	}
	options.kind = kind;
	if (strcmp(kind, "passwd-file") == 0) {
		auth.has_foreign_hashes = true;
		options.directory = passwd_folder;
		options.location = strrchr(settings->passwd_file, '/') + 1;
	}
	outcome = accounts_open_with(&options, source);
	if (outcome == OK)
		return;
	log_event(LOG_LEVEL_ERROR, "accounts", "backend=%s file=%s why=%s",
		kind, options.location, outcome_name(outcome));
	exit(EX_OSFILE);
}

static void
open_sources(int passwd_folder)
{
	struct bytes rest = bytes_of_string(auth.boot->settings.backends);
	struct bytes word;
	char kind[32];

	while (auth.source_count < AUTH_SOURCES_MAXIMUM &&
		settings_next_word(&rest, &word))
		if (bytes_to_string(word, kind, sizeof(kind)))
			open_source(kind, passwd_folder);
}

/*
 * Before this process has another root: the file of users may lie anywhere, and
 * another one may take its place. -1: there is none.
 */
static int
open_passwd_folder(void)
{
	const struct server_settings *settings = &auth.boot->settings;
	char path[PATH_MAX];
	int fd;

	if (!server_settings_has_backend(settings, "passwd-file"))
		return -1;
	snprintf(path, sizeof(path), "%s", settings->passwd_file);
	*strrchr(path, '/') = '\0';
	fd = open(path[0] ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		log_event(LOG_LEVEL_ERROR, "open-failed",
			"path=%s why=\"%s\" do=\"make the directory of [auth] "
			"passwd-file\"",
			path, strerror(errno));
		exit(EX_OSFILE);
	}
	return fd;
}

static void
open_decoys(void)
{
	if (auth_decoy_open("scram.key"))
		return;
	log_event(LOG_LEVEL_ERROR, "accounts",
		"file=%s/accounts/scram.key why=\"cannot be read or made: 32 "
		"random octets, for the salts of unknown users; remove it if "
		"it is damaged\"",
		auth.boot->settings.state);
	exit(EX_OSFILE);
}

/*
 * As root the accounts' directory becomes the root of this process, so the path
 * works wherever the directory lies.
 */
static void
open_accounts(int passwd_folder)
{
	struct server_settings *settings = &auth.boot->settings;
	int root_fd = boot_state_directory(auth.boot, "accounts");
	bool is_root = geteuid() == 0;

	if (!is_root && fchdir(root_fd) < 0)
		exit(EX_OSFILE);
	boot_lock_memory();
	boot_drop_privileges(settings->auth_user, &root_fd);
	open_sources(passwd_folder);
	open_decoys();
}

static bool
on_settings(struct server_settings *fresh)
{
	boot_use_settings(auth.boot, fresh);
	auth_guard_renew();
	auth_sweep_start();
	return true;
}

void
auth_role_run(void)
{
	static const struct boot_handler handler = {.on_peer = on_peer,
		.on_stop = boot_leave,
		.on_settings = on_settings};
	/* It stands in the accounts' folder: open_accounts. */
	struct confinement confinement = {
		.role = ROLE_AUTH, .folder_count = 1, .has_threads = true};
	int passwd_folder;

	auth.boot = boot_receive();
	auth_pool_init((unsigned)auth.boot->settings.hash_threads,
		(unsigned)auth.boot->settings.pam.threads);
	boot_log_open(auth.boot, "auth");
	passwd_folder = open_passwd_folder();
	auth.naming =
		(struct accounts_naming){auth.boot->settings.default_domain,
			!auth.boot->settings.folds_case};
	open_accounts(passwd_folder);
	uv_loop_init(&auth.loop);
	auth.delays = login_delays_new();
	if (!auth.delays || !auth_guard_init() || !auth_logins_init())
		exit(EX_OSERR);
	auth_lookup_start();
	auth_sweep_start();
	confinement.folders[0].fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (passwd_folder >= 0)
		confinement.folders[confinement.folder_count++] =
			(struct landlock_folder){passwd_folder, true};
	confinement_enter(&confinement, &auth.loop);
	boot_finish(auth.boot, &auth.loop, &handler);
	uv_run(&auth.loop, UV_RUN_DEFAULT);
	exit(EX_SOFTWARE);
}
