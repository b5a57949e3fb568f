/* SPDX-License-Identifier: ISC */
#include "collect/secret_source.h"
#include "collect/oauth/token.h"
#include "collect/secret_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum outcome
secret_source_check_file(int fd, const char *path, char error[INI_ERROR_SIZE])
{
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		snprintf(error, INI_ERROR_SIZE, "%.200s is not a file", path);
	else if (status.st_uid != geteuid() && status.st_uid != 0)
		snprintf(error, INI_ERROR_SIZE,
			"%.200s belongs to somebody else: make it your own",
			path);
	else if (status.st_mode & 077)
		snprintf(error, INI_ERROR_SIZE,
			"%.200s can be read by others: chmod 600 %.200s", path,
			path);
	else
		return OK;
	return ERR_DENIED;
}

static enum outcome
read_and_close(int fd, const char *what, const char *path, struct secret *out,
	char error[INI_ERROR_SIZE])
{
	enum secret_program_end end = secret_program_read_line(fd, out, NULL);

	close(fd);
	if (end == SECRET_PROGRAM_DONE)
		return OK;
	snprintf(error, INI_ERROR_SIZE,
		"%s %.300s: its first line is empty or too long", what, path);
	return ERR_DENIED;
}

enum outcome
secret_source_read_file(const char *what, const char *name, struct secret *out,
	char error[INI_ERROR_SIZE])
{
	char path[PATH_MAX / 2];
	enum outcome outcome;
	int fd;

	if (!account_expand(name, path, sizeof(path))) {
		snprintf(error, INI_ERROR_SIZE,
			"%s: %.100s... is too long a path", what, name);
		return ERR_PEER;
	}
	/* A pipe is waited for by no open(2): it is refused as no file. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		snprintf(error, INI_ERROR_SIZE, "%s %.300s: %s", what, path,
			strerror(errno));
		return ERR_DENIED;
	}
	outcome = secret_source_check_file(fd, path, error);
	if (outcome == OK)
		return read_and_close(fd, what, path, out, error);
	close(fd);
	return outcome;
}

static enum outcome
say_end(enum secret_program_end end, const char *what, const char *program,
	char error[INI_ERROR_SIZE])
{
	switch (end) {
	case SECRET_PROGRAM_DONE:
		return OK;
	case SECRET_PROGRAM_NOT_STARTED:
		snprintf(error, INI_ERROR_SIZE, "%s%.300s: %s", what, program,
			strerror(errno));
		return errno == ENOENT ? ERR_DENIED : ERR_TRY_LATER;
	case SECRET_PROGRAM_SLOW:
		snprintf(error, INI_ERROR_SIZE,
			"%s%.300s: it printed nothing within %d s", what,
			program, SECRET_SOURCE_MAXIMUM_SECONDS);
		return ERR_TRY_LATER;
	case SECRET_PROGRAM_CANCELLED:
		snprintf(error, INI_ERROR_SIZE, "%s%.300s: was not waited for",
			what, program);
		return ERR_TRY_LATER;
	case SECRET_PROGRAM_SILENT:
		snprintf(error, INI_ERROR_SIZE,
			"%s%.300s: the first line it prints is empty or too "
			"long",
			what, program);
		return ERR_DENIED;
	case SECRET_PROGRAM_FAILED:
	default:
		snprintf(error, INI_ERROR_SIZE, "%s%.300s: it failed", what,
			program);
		return ERR_DENIED;
	}
}

/* By the shell, as `pass show mail | head -1` expects. */
static enum outcome
run_command(const char *command, struct secret *out,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	const char *argv[] = {"/bin/sh", "-c", command, NULL};

	return say_end(secret_program_read(argv, out, is_cancelled),
		"password-command ", command, error);
}

/* ---- the keyring ---- */

static enum outcome
say_keyring(enum secret_program_end end, const char *name,
	char error[INI_ERROR_SIZE])
{
	if (end == SECRET_PROGRAM_NOT_STARTED && errno == ENOENT) {
		snprintf(error, INI_ERROR_SIZE,
			"the keyring is asked by secret-tool, which is not "
			"here: install libsecret-tools");
		return ERR_DENIED;
	}
	if (end != SECRET_PROGRAM_FAILED && end != SECRET_PROGRAM_SILENT)
		return say_end(end, "keyring: ", "secret-tool", error);
	snprintf(error, INI_ERROR_SIZE,
		"the keyring holds no password of %.200s, or it is locked: "
		"secret-tool store --label=%.60s service restante account "
		"%.60s",
		name, name, name);
	return ERR_DENIED;
}

enum outcome
secret_source_read_keyring(const char *name, struct secret *out,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	const char *argv[] = {"secret-tool", "lookup", "service", "restante",
		"account", name, NULL};

	return say_keyring(
		secret_program_read(argv, out, is_cancelled), name, error);
}

enum outcome
secret_source_store_keyring(const struct collect_account *account,
	const struct secret *password, char error[INI_ERROR_SIZE])
{
	char label[ACCOUNT_NAME_MAXIMUM_OCTETS + 32];
	const char *argv[] = {"secret-tool", "store", label, "service",
		"restante", "account", account->name, NULL};
	enum secret_program_end end;

	snprintf(label, sizeof(label), "--label=restante: %s", account->name);
	end = secret_program_write(argv, password);
	if (end != SECRET_PROGRAM_FAILED)
		return say_keyring(end, account->name, error);
	snprintf(error, INI_ERROR_SIZE,
		"secret-tool could not store the password: is the keyring "
		"unlocked?");
	return ERR_DENIED;
}

/* ---- systemd ---- */

/* systemd.exec(5), LoadCredential=: its access is the service manager's. */
static enum outcome
read_credential(
	const char *name, struct secret *out, char error[INI_ERROR_SIZE])
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];
	int fd;

	if (!folder || folder[0] != '/') {
		snprintf(error, INI_ERROR_SIZE,
			"password-credential %.100s: systemd passes none here; "
			"the unit needs LoadCredential=%.100s:/a/file",
			name, name);
		return ERR_DENIED;
	}
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
		(int)sizeof(path)) {
		snprintf(error, INI_ERROR_SIZE,
			"CREDENTIALS_DIRECTORY is too long a path");
		return ERR_PEER;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		snprintf(error, INI_ERROR_SIZE,
			"password-credential %.300s: %s", path,
			strerror(errno));
		return ERR_DENIED;
	}
	return read_and_close(fd, "password-credential", path, out, error);
}

/* ---- all of them ---- */

bool
secret_source_may_wait(const struct collect_account *account)
{
	return account->oauth != ACCOUNT_OAUTH_NONE ||
	       account->password_command[0] || account->password_keyring ||
	       account->deliver_password_command[0];
}

static enum outcome
read_password(const struct collect_account *account, struct secret *out,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	if (account->oauth != ACCOUNT_OAUTH_NONE)
		return oauth_access(account, out, is_cancelled, error);
	if (account->password_file[0])
		return secret_source_read_file(
			"password-file", account->password_file, out, error);
	if (account->password_command[0])
		return run_command(
			account->password_command, out, is_cancelled, error);
	if (account->password_keyring)
		return secret_source_read_keyring(
			account->name, out, is_cancelled, error);
	if (account->password_credential[0])
		return read_credential(
			account->password_credential, out, error);
	/* Its certificate says who it is. */
	if (account->tls_certificate[0])
		return OK;
	snprintf(error, INI_ERROR_SIZE,
		"there is nobody to ask for the password: set password-file, "
		"password-command, password-keyring or password-credential");
	return ERR_DENIED;
}

static enum outcome
read_deliver(const struct collect_account *account, struct secret *out,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	if (account->deliver_password_file[0])
		return secret_source_read_file("deliver-password-file",
			account->deliver_password_file, out, error);
	if (account->deliver_password_command[0])
		return run_command(account->deliver_password_command, out,
			is_cancelled, error);
	return OK;
}

enum outcome
secret_source_read(const struct collect_account *account, struct secret *out,
	char error[INI_ERROR_SIZE])
{
	return read_password(account, out, NULL, error);
}

enum outcome
secret_source_read_both(const struct collect_account *account,
	struct secret *out, struct secret *out_deliver,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	/* One that was asked for is here already. */
	enum outcome outcome = out->octets > 0 ? OK
					       : read_password(account, out,
							 is_cancelled, error);

	if (outcome == OK)
		outcome =
			read_deliver(account, out_deliver, is_cancelled, error);
	return outcome;
}
