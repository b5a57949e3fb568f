/* SPDX-License-Identifier: ISC */
#include "server/setup_check.h"
#include "config/listener_settings.h"
#include "net/address.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ADDRESSES_MAXIMUM BOOT_LISTENERS_MAXIMUM

/* ---- users ---- */

#define USERS 6

struct role_user {
	const char *key, *user;
	bool is_needed;
};

static void
list_users(const struct server_settings *settings, struct role_user out[USERS])
{
	const struct role_user users[USERS] = {
		{"user", settings->user, true},
		{"auth-user", settings->auth_user, true},
		{"session-user", settings->session_user, true},
		{"web-user", settings->web_user, true},
		{"key-user", settings->key_user, true},
		{"lookup-user", settings->lookup_user,
			server_settings_needs_lookup(settings)},
	};

	memcpy(out, users, sizeof(users));
}

static bool
check_users(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE])
{
	struct role_user users[USERS];
	char why[256];
	uid_t uid;
	gid_t gid;

	list_users(settings, users);
	/* Who is not root stays who he is. */
	for (size_t i = 0; geteuid() == 0 && i < USERS; i++) {
		if (!users[i].is_needed ||
			privileges_find_user(users[i].user, &uid, &gid, why,
				sizeof(why)) == OK)
			continue;
		snprintf(error, SETUP_ERROR_SIZE, "[server] %s = %.60s: %s",
			users[i].key, users[i].user, why);
		return false;
	}
	return true;
}

bool
setup_shares_user(
	const struct server_settings *settings, char out[SETUP_ERROR_SIZE])
{
	struct role_user users[USERS];
	char why[256];
	uid_t uids[USERS];
	gid_t gid;

	list_users(settings, users);
	for (size_t i = 0; geteuid() == 0 && i < USERS; i++) {
		users[i].is_needed =
			users[i].is_needed &&
			privileges_find_user(users[i].user, &uids[i], &gid, why,
				sizeof(why)) == OK;
		for (size_t before = 0; before < i; before++) {
			if (!users[i].is_needed || !users[before].is_needed ||
				uids[i] != uids[before])
				continue;
			snprintf(out, SETUP_ERROR_SIZE,
				"[server] %s and %s are both %.60s: what one "
				"role may do, the other may too",
				users[before].key, users[i].key, users[i].user);
			return true;
		}
	}
	return false;
}

/* ---- directories ---- */

/* It is there, or where it can be made. */
static bool
check_directory(const char *key, const char *path, char error[SETUP_ERROR_SIZE])
{
	char above[PATH_MAX];
	struct stat found;
	char *slash;

	snprintf(above, sizeof(above), "%s", path);
	if (stat(above, &found) < 0 && errno == ENOENT) {
		slash = strrchr(above, '/');
		slash[slash == above] = '\0';
		if (stat(above, &found) < 0)
			found.st_mode = 0;
	}
	if (S_ISDIR(found.st_mode))
		return true;
	snprintf(error, SETUP_ERROR_SIZE,
		"[server] %s: %.200s is no directory, and cannot be made since "
		"what is above it is none",
		key, path);
	return false;
}

static bool
check_directories(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE])
{
	char root[PATH_MAX];
	const char *template;

	return check_directory("state", settings->state, error) &&
	       (!server_settings_split_mail(
			settings->mail, root, sizeof(root), &template) ||
		       check_directory("mail", root, error));
}

/* ---- files ---- */

/* Roles open it under their own users: here it has to be a file. */
static bool
check_passwd_file(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE])
{
	const char *file = settings->passwd_file;
	struct stat found;

	if (!server_settings_has_backend(settings, "passwd-file"))
		return true;
	if (stat(file, &found) < 0)
		snprintf(error, SETUP_ERROR_SIZE,
			"[auth] passwd-file = %.200s: %s", file,
			strerror(errno));
	else if (!S_ISREG(found.st_mode))
		snprintf(error, SETUP_ERROR_SIZE,
			"[auth] passwd-file = %.200s: it is no file", file);
	else
		return true;
	return false;
}

/* ---- addresses ---- */

struct checking {
	struct bytes seen[ADDRESSES_MAXIMUM];
	size_t count;
	char *error;
};

/* Any port will do to see whether the address is this machine's. */
static bool
is_of_this_machine(struct address address)
{
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_ours;

	if (address.any.sa_family == AF_INET6)
		((struct sockaddr_in6 *)&address.any)->sin6_port = 0;
	else
		((struct sockaddr_in *)&address.any)->sin_port = 0;
	is_ours = fd < 0 || bind(fd, &address.any, address.octets) == 0 ||
		  errno != EADDRNOTAVAIL;
	if (fd >= 0)
		close(fd);
	return is_ours;
}

/* Not its directory: the service manager may make that. */
static const char *
what_is_wrong_with_path(struct bytes text)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat found;

	if (!bytes_to_string(
		    bytes_after(text, strlen("unix:")), path, sizeof(path)))
		return "is too long: the path of a socket has 107 octets at "
		       "most";
	if (lstat(path, &found) == 0 && !S_ISSOCK(found.st_mode))
		return "is there and no socket: move it away";
	return NULL;
}

static const char *
what_is_wrong_with(const struct checking *checking, struct bytes text)
{
	bool is_unix = text.octets > 6 && memcmp(text.at, "unix:/", 6) == 0;
	struct address address;

	for (size_t i = 0; i < checking->count; i++)
		if (bytes_equal(checking->seen[i], text))
			return "stands in two places";
	if (is_unix)
		return what_is_wrong_with_path(text);
	if (!address_parse(text, &address) || address.any.sa_family == AF_UNIX)
		return "is no address with a port: 192.0.2.1:995, [::]:995, "
		       "unix:/path";
	return is_of_this_machine(address) ? NULL
					   : "this machine has no such address";
}

static bool
check_addresses(
	struct checking *checking, const struct listener_settings *listener)
{
	struct bytes rest = bytes_of_string(listener->address);

	while (rest.octets > 0) {
		struct bytes text = bytes_trim(bytes_cut(&rest, ','));
		const char *wrong = what_is_wrong_with(checking, text);

		if (!wrong && checking->count == ADDRESSES_MAXIMUM)
			wrong = "is one too many";
		if (wrong) {
			snprintf(checking->error, SETUP_ERROR_SIZE,
				"[listener %s] address: %.*s %s",
				listener_settings_word(listener->kind),
				(int)text.octets, (const char *)text.at, wrong);
			return false;
		}
		checking->seen[checking->count++] = text;
	}
	return true;
}

static bool
check_listeners(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE])
{
	struct checking checking = {.error = error};
	gid_t gid;

	for (size_t i = 0; i < settings->listener_count; i++) {
		const struct listener_settings *at = &settings->listeners[i];

		if (!check_addresses(&checking, at))
			return false;
		if (!at->group || privileges_find_group(at->group, &gid) == OK)
			continue;
		snprintf(error, SETUP_ERROR_SIZE,
			"[listener %s] group = %.60s: no such group",
			listener_settings_word(at->kind), at->group);
		return false;
	}
	return true;
}

enum outcome
setup_check(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE])
{
	return check_users(settings, error) &&
			       check_directories(settings, error) &&
			       check_passwd_file(settings, error) &&
			       check_listeners(settings, error)
		       ? OK
		       : ERR_PEER;
}
