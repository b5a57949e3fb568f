/* SPDX-License-Identifier: ISC */
#include "server/setup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "net/listener.h"
#include "process/service.h"
#include "tls/self_signed.h"
#include "tls/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- directories ---- */

static enum outcome
make_directory(const char *path, mode_t mode, const char *user,
	char error[SETUP_ERROR_SIZE])
{
	char why[256];
	uid_t uid;
	gid_t gid;

	if (mkdir(path, mode) < 0 && errno != EEXIST) {
		snprintf(error, SETUP_ERROR_SIZE, "cannot make %s: %s", path,
			strerror(errno));
		return ERR_BROKEN;
	}
	if (geteuid() != 0 || !user)
		return OK;
	if (privileges_find_user(user, &uid, &gid, why, sizeof(why)) != OK) {
		snprintf(error, SETUP_ERROR_SIZE, "%s", why);
		return ERR_DENIED;
	}
	if (chown(path, uid, gid) == 0)
		return OK;
	snprintf(error, SETUP_ERROR_SIZE, "cannot give %s to %s: %s", path,
		user, strerror(errno));
	return ERR_BROKEN;
}

/* The mail's directory is made when missing; one that exists keeps its owner. */
static enum outcome
make_mail_root(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE])
{
	char root[PATH_MAX];
	const char *template;
	struct stat found;

	if (!server_settings_split_mail(
		    settings->mail, root, sizeof(root), &template)) {
		snprintf(error, SETUP_ERROR_SIZE,
			"[server] mail = %s: not a path with %%n or %%u",
			settings->mail);
		return ERR_BROKEN;
	}
	if (stat(root, &found) == 0)
		return OK;
	return make_directory(root, 0750, settings->user, error);
}

enum outcome
setup_directories(
	const struct server_settings *settings, char error[SETUP_ERROR_SIZE])
{
	const struct {
		const char *name;
		mode_t mode;
		const char *user;
	} directories[] = {
		{"", 0755, NULL},
		{"/accounts", 0700, settings->auth_user},
		{"/store", 0700, settings->user},
		{"/empty", 0555, NULL},
		{"/control", 0755, NULL},
		{"/tls", 0755, NULL},
	};
	char path[PATH_MAX];
	enum outcome outcome = OK;

	for (size_t i = 0;
		i < sizeof(directories) / sizeof(*directories) && outcome == OK;
		i++) {
		snprintf(path, sizeof(path), "%s%s", settings->state,
			directories[i].name);
		outcome = make_directory(
			path, directories[i].mode, directories[i].user, error);
	}
	return outcome == OK ? make_mail_root(settings, error) : outcome;
}

/* ---- the certificate that is made ---- */

static bool
write_file(const char *path, struct bytes bytes, mode_t mode)
{
	char fresh[PATH_MAX];
	bool is_written;
	int fd;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >=
		(int)sizeof(fresh))
		return false;
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	is_written =
		write(fd, bytes.at, bytes.octets) == (ssize_t)bytes.octets &&
		fsync(fd) == 0;
	close(fd);
	return is_written && rename(fresh, path) == 0;
}

bool
setup_certificate_path(
	const struct server_settings *settings, char *out, size_t size)
{
	int octets =
		snprintf(out, size, "%s/tls/certificate.pem", settings->state);

	return octets > 0 && (size_t)octets < size;
}

/* A crash between the two files leaves a pair that does not fit, which the next
   start makes anew. */
static enum outcome
make_self_signed(const struct server_settings *settings,
	const struct certificate_pair *pair, char error[SETUP_ERROR_SIZE])
{
	struct buffer certificate, key;
	enum outcome outcome;

	buffer_init(&certificate, BOOT_PEM_MAXIMUM_OCTETS);
	buffer_init(&key, BOOT_PEM_MAXIMUM_OCTETS);
	outcome = self_signed_make(settings->hostname, &certificate, &key);
	if (outcome == OK &&
		(!write_file(pair->key_file, buffer_bytes(&key), 0600) ||
			!write_file(pair->certificate_file,
				buffer_bytes(&certificate), 0644)))
		outcome = ERR_BROKEN;
	if (outcome != OK)
		snprintf(error, SETUP_ERROR_SIZE,
			"cannot make a certificate in %s/tls: %s",
			settings->state, strerror(errno));
	buffer_release(&certificate);
	buffer_wipe(&key);
	return outcome;
}

enum outcome
setup_made_certificate(const struct server_settings *settings,
	struct certificate_set *set, char error[SETUP_ERROR_SIZE])
{
	struct certificate_pair *pair = &set->pairs[0];
	char why[CERTIFICATE_SET_ERROR_SIZE] = "";

	if (set->count == 0 || !pair->is_made)
		return OK;
	if (access(pair->certificate_file, F_OK) == 0) {
		if (certificate_set_read(set, 0, why) == OK) {
			if (certificate_days_left(&pair->info,
				    clock_wall_seconds()) >= SETUP_RENEWAL_DAYS)
				return OK;
			snprintf(why, sizeof(why), "%s ends soon",
				pair->certificate_file);
		}
		log_event(LOG_LEVEL_WARNING, "certificate-made", "why=\"%s\"",
			why);
	}
	if (make_self_signed(settings, pair, error) != OK)
		return ERR_BROKEN;
	return certificate_set_read(set, 0, error);
}

/* ---- who may issue certificates of clients ---- */

enum outcome
setup_client_ca(const struct server_settings *settings, struct buffer *out,
	char error[SETUP_ERROR_SIZE])
{
	char why[TLS_ERROR_SIZE];

	if (!file_read(settings->client_ca, out)) {
		snprintf(error, SETUP_ERROR_SIZE, "[tls] client-ca: %.200s: %s",
			settings->client_ca, strerror(errno));
		return ERR_BROKEN;
	}
	if (tls_client_trust_check(buffer_bytes(out), why) == OK)
		return OK;
	snprintf(error, SETUP_ERROR_SIZE, "[tls] client-ca: %.200s: %.200s",
		settings->client_ca, why);
	return ERR_BROKEN;
}

/* ---- sockets ---- */

static enum outcome
add_socket(struct setup_sockets *out, struct setup_socket socket,
	struct bytes address, char error[SETUP_ERROR_SIZE])
{
	enum outcome outcome = OK;

	if (out->count == BOOT_LISTENERS_MAXIMUM) {
		snprintf(error, SETUP_ERROR_SIZE, "too many listeners");
		return ERR_BROKEN;
	}
	socket.fd = service_take_socket(address);
	if (socket.fd >= 0)
		socket.process = -1; /* one queue for all */
	else
		outcome = listener_open(address, socket.process >= 0,
			&socket.fd, error, SETUP_ERROR_SIZE);
	if (outcome == OK)
		out->sockets[out->count++] = socket;
	return outcome;
}

static bool
is_unix(struct bytes address)
{
	return address.octets > 5 && memcmp(address.at, "unix:", 5) == 0;
}

/* An MTA of a user of its own delivers through its group. */
static enum outcome
give_socket(
	struct bytes address, const char *group, char error[SETUP_ERROR_SIZE])
{
	char path[PATH_MAX];
	gid_t gid;

	if (privileges_find_group(group, &gid) != OK) {
		snprintf(error, SETUP_ERROR_SIZE,
			"[listener] group = %.60s: no such group", group);
		return ERR_DENIED;
	}
	if (bytes_to_string(bytes_after(address, 5), path, sizeof(path)) &&
		lchown(path, (uid_t)-1, gid) == 0)
		return OK;
	snprintf(error, SETUP_ERROR_SIZE, "cannot give %.*s to group %.60s: %s",
		(int)address.octets, (const char *)address.at, group,
		strerror(errno));
	return ERR_BROKEN;
}

static enum outcome
listen_on(const struct server_settings *settings, uint32_t number,
	int processes, struct setup_sockets *out, char error[SETUP_ERROR_SIZE])
{
	const struct listener_settings *listener = &settings->listeners[number];
	struct bytes rest = bytes_of_string(listener->address);
	enum outcome outcome = OK;

	while (rest.octets > 0 && outcome == OK) {
		struct bytes address = bytes_trim(bytes_cut(&rest, ','));
		bool is_shared =
			is_unix(address) || listener->kind == LISTENER_WEB;
		int first = is_shared ? -1 : 0;
		int last = is_shared ? -1 : processes - 1;

		for (int i = first; i <= last && outcome == OK; i++) {
			const struct setup_socket socket = {
				.kind = listener->kind,
				.number = number,
				.process = i};

			outcome = add_socket(out, socket, address, error);
			if (outcome == OK &&
				out->sockets[out->count - 1].process < 0)
				break;
		}
		if (is_unix(address) && listener->group && outcome == OK)
			outcome = give_socket(address, listener->group, error);
	}
	return outcome;
}

/*
 * On a full disk there may be no room for a socket's name. Mail can be read and
 * deleted all the same; only restantectl finds nobody.
 */
static enum outcome
may_lack_room(enum outcome outcome, const char *error)
{
	if (outcome != ERR_NO_SPACE)
		return outcome;
	log_event(LOG_LEVEL_WARNING, "control-away",
		"why=\"%s\" todo=\"make room and start again, so that "
		"restantectl can reach the server\"",
		error);
	return OK;
}

static enum outcome
listen_on_control(const struct server_settings *settings,
	struct setup_sockets *out, char error[SETUP_ERROR_SIZE])
{
	const struct setup_socket lmtp = {.kind = LISTENER_LMTP,
		.number = LISTENER_OF_NONE,
		.process = -1};
	char address[PATH_MAX];
	enum outcome outcome;

	snprintf(address, sizeof(address), "unix:%s/control/lmtp.sock",
		settings->state);
	outcome = add_socket(out, lmtp, bytes_of_string(address), error);
	if (may_lack_room(outcome, error) != OK)
		return outcome;
	snprintf(address, sizeof(address), "unix:%s/control/control.sock",
		settings->state);
	out->control = -1;
	outcome = listener_open(bytes_of_string(address), false, &out->control,
		error, SETUP_ERROR_SIZE);
	return may_lack_room(outcome, error);
}

enum outcome
setup_listen(const struct server_settings *settings, int session_processes,
	struct setup_sockets *out, char error[SETUP_ERROR_SIZE])
{
	enum outcome outcome = OK;

	out->count = 0;
	for (uint32_t i = 0; i < settings->listener_count && outcome == OK; i++)
		outcome = listen_on(settings, i, session_processes, out, error);
	return outcome == OK ? listen_on_control(settings, out, error)
			     : outcome;
}
