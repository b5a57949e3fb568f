/* SPDX-License-Identifier: ISC */
#include "collect/oauth/token.h"
#include "base/clock.h"
#include "collect/oauth/post.h"
#include "collect/oauth/provider.h"
#include "collect/secret_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEFT_SECONDS 60 /* less is not enough for a login */

/* ---- the file ---- */

static bool
path_of(const struct collect_account *account, const char *end, char *out,
	size_t size)
{
	char state[PATH_MAX / 2];

	return account->state &&
	       account_expand(account->state, state, sizeof(state)) &&
	       snprintf(out, size, "%s/tokens/%s%s", state, account->name,
		       end) < (int)size;
}

static enum outcome
fail(const char *what, const char *path, char error[INI_ERROR_SIZE])
{
	snprintf(error, INI_ERROR_SIZE, "cannot %s %.300s: %s", what, path,
		strerror(errno));
	return outcome_of_errno(errno);
}

static enum outcome
make_folder(const char *path, char error[INI_ERROR_SIZE])
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	for (char *slash = folder + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			return fail("make", folder, error);
		*slash = '/';
	}
	return OK;
}

/* One program at a time refreshes: a token that was replaced is good no more.
 * -1: error says why. */
static int
lock(const struct collect_account *account, int how, char error[INI_ERROR_SIZE])
{
	char path[PATH_MAX];
	int fd;

	snprintf(error, INI_ERROR_SIZE, "[client] state is too long a path");
	if (!path_of(account, ".lock", path, sizeof(path)) ||
		make_folder(path, error) != OK)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && flock(fd, how) == 0)
		return fd;
	fail("lock", path, error);
	if (fd >= 0)
		close(fd);
	return -1;
}

static enum outcome
write_file(int fd, struct bytes text)
{
	while (text.octets > 0) {
		ssize_t put = write(fd, text.at, text.octets);

		if (put < 0)
			return outcome_of_errno(errno);
		text = bytes_after(text, (size_t)put);
	}
	return fsync(fd) == 0 ? OK : outcome_of_errno(errno);
}

static void
sync_folder_of(char *path)
{
	int fd;

	*strrchr(path, '/') = '\0';
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* The old one or the new one is there, whenever the power goes. */
static enum outcome
save_file(const struct collect_account *account, struct bytes text,
	char error[INI_ERROR_SIZE])
{
	char path[PATH_MAX], temporary[PATH_MAX];
	enum outcome outcome;
	int fd;

	if (!path_of(account, "", path, sizeof(path)) ||
		!path_of(account, ".new", temporary, sizeof(temporary)))
		return ERR_PEER;
	outcome = make_folder(path, error);
	if (outcome != OK)
		return outcome;
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail("write", temporary, error);
	outcome = write_file(fd, text);
	close(fd);
	if (outcome != OK || rename(temporary, path) < 0) {
		fail("write", path, error);
		unlink(temporary);
		return outcome != OK ? outcome : ERR_TRY_LATER;
	}
	sync_folder_of(path);
	return OK;
}

/* The access token is not worth a question to the person whose keyring it is. */
static enum outcome
save_keyring(const struct collect_account *account,
	const struct oauth_tokens *tokens, char error[INI_ERROR_SIZE])
{
	const struct oauth_tokens lasting = {.refresh = tokens->refresh};
	struct secret line = {0};
	enum outcome outcome = ERR_TRY_LATER;
	struct buffer text;

	snprintf(error, INI_ERROR_SIZE, "no memory");
	buffer_init(&text, OAUTH_ANSWER_MAXIMUM_OCTETS);
	if (oauth_write_tokens(&lasting, &text) &&
		secret_set(&line, buffer_bytes(&text)))
		outcome = secret_source_store_keyring(account, &line, error);
	secret_release(&line);
	buffer_wipe(&text);
	return outcome;
}

enum outcome
oauth_save(const struct collect_account *account,
	const struct oauth_tokens *tokens, char error[INI_ERROR_SIZE])
{
	struct buffer text;
	enum outcome outcome = ERR_TRY_LATER;

	if (account->password_keyring)
		return save_keyring(account, tokens, error);
	snprintf(error, INI_ERROR_SIZE, "no memory");
	buffer_init(&text, OAUTH_ANSWER_MAXIMUM_OCTETS);
	if (oauth_write_tokens(tokens, &text))
		outcome = save_file(account, buffer_bytes(&text), error);
	buffer_wipe(&text);
	return outcome;
}

static enum outcome
load_file(const struct collect_account *account, struct secret *out,
	char error[INI_ERROR_SIZE])
{
	char path[PATH_MAX];
	unsigned char text[SECRET_SOURCE_MAXIMUM_OCTETS];
	enum outcome outcome;
	ssize_t got;
	int fd;

	if (!path_of(account, "", path, sizeof(path)))
		return ERR_PEER;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return ERR_DENIED;
	if (fd < 0)
		return fail("read", path, error);
	outcome = secret_source_check_file(fd, path, error);
	got = outcome == OK ? read(fd, text, sizeof(text)) : 0;
	close(fd);
	if (outcome == OK &&
		(got <= 0 || !secret_set(out, bytes_of(text, (size_t)got))))
		outcome = ERR_DENIED;
	explicit_bzero(text, sizeof(text));
	return outcome;
}

static enum outcome
load(const struct collect_account *account, struct oauth_tokens *out,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	struct secret text = {0};
	enum outcome outcome;

	snprintf(error, INI_ERROR_SIZE,
		"this account has no token: run restante account authorize %s",
		account->name);
	outcome = account->password_keyring
			  ? secret_source_read_keyring(
				    account->name, &text, is_cancelled, error)
			  : load_file(account, &text, error);
	if (outcome == OK && !oauth_read_saved(secret_bytes(&text), out)) {
		snprintf(error, INI_ERROR_SIZE,
			"what was saved of this account's token is damaged: "
			"run restante account authorize %s",
			account->name);
		outcome = ERR_DENIED;
	}
	secret_release(&text);
	return outcome;
}

/* ---- asking ---- */

enum outcome
oauth_put_client(const struct collect_account *account, struct buffer *form,
	char error[INI_ERROR_SIZE])
{
	struct secret secret = {0};
	enum outcome outcome = OK;
	bool is_good;

	if (!account->oauth_client_id[0]) {
		snprintf(error, INI_ERROR_SIZE,
			"oauth-client-id is missing: register an application "
			"with the provider and write its id into the account");
		return ERR_PEER;
	}
	is_good = oauth_form_put(
		form, "client_id", bytes_of_string(account->oauth_client_id));
	if (account->oauth_client_secret_file[0])
		outcome = secret_source_read_file("oauth-client-secret-file",
			account->oauth_client_secret_file, &secret, error);
	if (outcome == OK && secret.octets > 0)
		is_good = is_good && oauth_form_put(form, "client_secret",
					     secret_bytes(&secret));
	secret_release(&secret);
	if (outcome == OK && !is_good) {
		snprintf(error, INI_ERROR_SIZE, "no memory");
		outcome = ERR_TRY_LATER;
	}
	return outcome;
}

enum outcome
oauth_ask_tokens(const struct collect_account *account,
	const struct buffer *form, struct oauth_tokens *tokens,
	enum oauth_fault *out_fault, const atomic_bool *is_cancelled,
	char error[INI_ERROR_SIZE])
{
	struct oauth_provider provider = oauth_provider_of(account);
	char text[OAUTH_TEXT_SIZE];
	enum outcome outcome;
	struct buffer answer;
	long status = 0;

	*out_fault = OAUTH_FAULTY;
	buffer_init(&answer, OAUTH_ANSWER_MAXIMUM_OCTETS);
	outcome = oauth_post(account, provider.token_url, form, &answer,
		&status, is_cancelled, error);
	if (outcome == OK && status != 200) {
		*out_fault = oauth_read_error(buffer_bytes(&answer), text);
		snprintf(error, INI_ERROR_SIZE,
			"the OAuth server refuses (%ld): %s", status, text);
		outcome = ERR_DENIED;
	} else if (outcome == OK &&
		   !oauth_read_tokens(buffer_bytes(&answer),
			   (int64_t)clock_wall_seconds(), tokens)) {
		snprintf(error, INI_ERROR_SIZE,
			"the OAuth server %.200s sends no token",
			provider.token_url);
		outcome = ERR_TRY_LATER;
	}
	buffer_wipe(&answer);
	return outcome;
}

/* ---- refreshing ---- */

static enum outcome
refresh(const struct collect_account *account, struct oauth_tokens *tokens,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	enum oauth_fault fault = OAUTH_FAULTY;
	enum outcome outcome;
	struct buffer form;
	char why[INI_ERROR_SIZE];

	buffer_init(&form, OAUTH_FORM_MAXIMUM_OCTETS);
	outcome = oauth_put_client(account, &form, error);
	if (outcome == OK && (!oauth_form_put(&form, "grant_type",
				      bytes_of_string("refresh_token")) ||
				     !oauth_form_put(&form, "refresh_token",
					     secret_bytes(&tokens->refresh))))
		outcome = ERR_TRY_LATER;
	if (outcome == OK)
		outcome = oauth_ask_tokens(
			account, &form, tokens, &fault, is_cancelled, error);
	buffer_wipe(&form);
	/* Before it is used: the old one may be good no more. */
	if (outcome == OK)
		return oauth_save(account, tokens, error);
	if (outcome == ERR_DENIED && fault == OAUTH_REFUSED) {
		snprintf(why, sizeof(why), "%.200s", error);
		snprintf(error, INI_ERROR_SIZE,
			"%.200s; the permission is over or was taken back: run "
			"restante account authorize %s again",
			why, account->name);
	}
	return outcome;
}

static bool
is_fresh(const struct oauth_tokens *tokens)
{
	int64_t left = tokens->expires_at - (int64_t)clock_wall_seconds();

	/* More than a token ever has: the clock was set. */
	return tokens->access.octets > 0 && left > LEFT_SECONDS &&
	       left <= OAUTH_EXPIRES_MAXIMUM;
}

enum outcome
oauth_access(const struct collect_account *account, struct secret *out,
	const atomic_bool *is_cancelled, char error[INI_ERROR_SIZE])
{
	struct oauth_tokens tokens = {0};
	enum outcome outcome = ERR_TRY_LATER;
	int fd = lock(account, LOCK_EX, error);

	if (fd < 0)
		return outcome;
	outcome = load(account, &tokens, is_cancelled, error);
	if (outcome == OK && !is_fresh(&tokens)) {
		if (tokens.refresh.octets > 0) {
			outcome =
				refresh(account, &tokens, is_cancelled, error);
		} else {
			snprintf(error, INI_ERROR_SIZE,
				"the token is over and cannot be renewed: run "
				"restante account authorize %s",
				account->name);
			outcome = ERR_DENIED;
		}
	}
	if (outcome == OK && !secret_set(out, secret_bytes(&tokens.access)))
		outcome = ERR_TRY_LATER;
	oauth_tokens_release(&tokens);
	close(fd);
	return outcome;
}

void
oauth_forget_access(const struct collect_account *account)
{
	struct oauth_tokens tokens = {0};
	char error[INI_ERROR_SIZE];
	int fd;

	/* It holds none; and who has the lock gets another anyway. */
	if (account->password_keyring)
		return;
	fd = lock(account, LOCK_EX | LOCK_NB, error);
	if (fd < 0)
		return;
	if (load(account, &tokens, NULL, error) == OK &&
		tokens.refresh.octets > 0) {
		secret_release(&tokens.access);
		tokens.expires_at = 0;
		oauth_save(account, &tokens, error);
	}
	oauth_tokens_release(&tokens);
	close(fd);
}
