/* SPDX-License-Identifier: ISC */
#include "programs/restanted/demo.h"
#include "accounts/accounts.h"
#include "accounts/password.h"
#include "base/log.h"
#include "server/boot.h"
#include "server/setup.h"
#include "store/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define DEMO_PASSWORD "demo"

static const char *const demo_users[] = {"alice", "bob"};
#define DEMO_USERS (sizeof(demo_users) / sizeof(*demo_users))

/* ---- the configuration ---- */

/*
 * The role users of a real set-up need not exist for a demo started as root:
 * then each role gets a number of its own that nobody has.
 */
static void
put_users(FILE *file)
{
	static const char *const roles[] = {"user", "auth-user", "session-user",
		"web-user", "key-user", "lookup-user"};
	static const char *const names[] = {"restante", "restante-auth",
		"restante-session", "restante-web", "restante-key",
		"restante-lookup"};

	for (size_t i = 0; geteuid() == 0 && i < sizeof(roles) / sizeof(*roles);
		i++)
		if (!getpwnam(names[i]))
			fprintf(file, "%s = %d\n", roles[i], 61601 + (int)i);
}

static void
put_config(FILE *file, const char *directory, unsigned base)
{
	fprintf(file,
		"; A demo post office: loopback only, plain passwords "
		"allowed.\n"
		"[server]\n"
		"hostname = localhost\n"
		"state = %s/state\n"
		"mail = %s/mail/%%u\n"
		"demo = yes\n",
		directory, directory);
	put_users(file);
	fprintf(file,
		"\n[listener pop3]\naddress = 127.0.0.1:%u\n"
		"\n[listener pop3s]\naddress = 127.0.0.1:%u\n"
		"\n[listener lmtp]\naddress = 127.0.0.1:%u\n"
		"\n[listener web]\naddress = 127.0.0.1:%u\n"
		"\n[auth]\nplaintext-without-tls = yes\n",
		base + 110, base + 995, base + 24, base + 80);
}

static int
failed(const char *what, const char *path)
{
	fprintf(stderr, "restanted: cannot %s %s: %s\n", what, path,
		strerror(errno));
	return EX_CANTCREAT;
}

/* Written aside and renamed: an interrupted start leaves none half-written. */
static int
write_config(const char *directory, const char *path, unsigned base)
{
	char aside[PATH_MAX];
	FILE *file;

	snprintf(aside, sizeof(aside), "%.*s.new", PATH_MAX - 8, path);
	file = fopen(aside, "we");
	if (!file)
		return failed("write", aside);
	put_config(file, directory, base);
	if (fflush(file) != 0 || fsync(fileno(file)) != 0 ||
		fclose(file) != 0 || rename(aside, path) != 0)
		return failed("write", path);
	return EX_OK;
}

/* The file is the owner's and is not written again; who names other ports than
   it has should know why they are not used. */
static void
warn_of_other_ports(const char *path, unsigned port_base)
{
	struct server_settings settings;
	char error[INI_ERROR_SIZE], wanted[64];
	bool has_port = false;

	server_settings_init(&settings);
	snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", port_base + 995);
	/* What is wrong with the file is said when it is loaded. */
	if (server_settings_load(&settings, path, error) != OK)
		has_port = true;
	for (size_t i = 0; i < settings.listener_count; i++)
		if (settings.listeners[i].address &&
			strcmp(settings.listeners[i].address, wanted) == 0)
			has_port = true;
	server_settings_release(&settings);
	if (!has_port)
		fprintf(stderr,
			"restanted: --port-base %u has no effect: %s is there "
			"already, with other ports\n",
			port_base, path);
}

int
demo_prepare(const char *directory, unsigned port_base, bool is_named_base,
	const char **out_config)
{
	static char path[PATH_MAX];
	char real[PATH_MAX];

	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return failed("make", directory);
	if (!realpath(directory, real))
		return failed("use", directory);
	if (strpbrk(real, "%;#\n") || strlen(real) > PATH_MAX - 64) {
		fprintf(stderr,
			"restanted: %s: a path with %%, ; or # cannot "
			"stand in a configuration\n",
			real);
		return EX_USAGE;
	}
	snprintf(path, sizeof(path), "%.*s/restante.conf", PATH_MAX - 64, real);
	*out_config = path;
	if (access(path, F_OK) != 0)
		return write_config(real, path, port_base);
	if (is_named_base)
		warn_of_other_ports(path, port_base);
	return EX_OK;
}

/* ---- users and mail, each written by the user that owns it ---- */

static int
run_as_child(int (*fill)(const struct server_settings *settings),
	const struct server_settings *settings)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fill(settings));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR;
}

static enum outcome
add_users(struct accounts *accounts)
{
	struct credential main = {0};
	enum outcome outcome = OK;

	for (size_t i = 0; i < DEMO_USERS && outcome == OK; i++) {
		outcome = password_set(&main, bytes_of_string(DEMO_PASSWORD),
			NULL, SCRAM_ITERATIONS_DEFAULT);
		if (outcome == OK)
			outcome = accounts->ops->changes->add(
				accounts, demo_users[i], &main);
	}
	explicit_bzero(&main, sizeof(main));
	return outcome;
}

/* The data base is there at the second start: its users are the owner's. */
static int
fill_accounts(const struct server_settings *settings)
{
	struct boot boot = {.settings = *settings};
	int root_fd = boot_state_directory(&boot, "accounts");
	struct accounts *accounts;
	enum outcome outcome;

	if (faccessat(root_fd, "accounts.db", F_OK, 0) == 0)
		return EX_OK;
	if (fchdir(root_fd) < 0)
		return EX_OSFILE;
	boot_drop_privileges(settings->auth_user, &root_fd);
	outcome = accounts_open("sqlite", "accounts.db", true, &accounts);
	if (outcome == OK) {
		outcome = add_users(accounts);
		accounts->ops->close(&accounts);
	}
	if (outcome != OK)
		fprintf(stderr, "restanted: cannot make the demo's users: %s\n",
			outcome_name(outcome));
	return outcome == OK ? EX_OK : EX_CANTCREAT;
}

static void
delivered(struct store_call *call)
{
}

static enum outcome
put_mail(struct store *store, const struct demo_mail *mail)
{
	struct store_append_call call = {
		.call = {.done = delivered}, .mailbox = mail->user};

	store->ops->append_begin(store, &call);
	if (call.call.outcome != OK)
		return call.call.outcome;
	call.chunk = bytes_of_string(mail->text);
	store->ops->append_write(store, &call);
	if (call.call.outcome == OK)
		store->ops->append_commit(store, &call);
	return call.call.outcome;
}

static int
fill_mail(const struct server_settings *settings)
{
	struct boot boot = {.settings = *settings};
	struct store_options options = {.kind = server_settings_store(settings),
		.is_shared = true,
		.hostname = settings->hostname,
		.executor = &executor_inline};
	char mail_root[PATH_MAX], first[PATH_MAX + 16];
	int keep_root = -1;
	struct store *store;
	enum outcome outcome;

	server_settings_split_mail(settings->mail, mail_root, sizeof(mail_root),
		&options.mail_template);
	snprintf(first, sizeof(first), "%s/%s", mail_root, demo_users[0]);
	if (access(first, F_OK) == 0)
		return EX_OK;
	options.mail_root = open(mail_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	options.state_root = boot_state_directory(&boot, "store");
	boot_drop_privileges(settings->user, &keep_root);
	outcome = store_open(&options, &store);
	for (unsigned i = 0; i < demo_mail_count && outcome == OK; i++)
		outcome = put_mail(store, &demo_mails[i]);
	if (outcome != OK)
		fprintf(stderr, "restanted: cannot put the demo's mail: %s\n",
			outcome_name(outcome));
	return outcome == OK ? EX_OK : EX_CANTCREAT;
}

int
demo_fill(const struct server_settings *settings)
{
	char error[SETUP_ERROR_SIZE];
	int code;

	if (setup_directories(settings, error) != OK) {
		fprintf(stderr, "restanted: %s\n", error);
		return EX_CANTCREAT;
	}
	code = run_as_child(fill_accounts, settings);
	return code == EX_OK ? run_as_child(fill_mail, settings) : code;
}

/* ---- how to connect ---- */

static const char *
address_of(const struct server_settings *settings, enum listener_kind kind)
{
	for (size_t i = 0; i < settings->listener_count; i++)
		if (settings->listeners[i].kind == kind)
			return settings->listeners[i].address;
	return "(none)";
}

/* As a shell reads it. out has room for four times as much, and the quotes. */
static void
quote(const char *path, char *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-";
	const char *mark = path[strspn(path, plain)] ? "'" : "";

	out = stpcpy(out, mark);
	for (; *path; path++)
		if (*path == '\'')
			out = stpcpy(out, "'\\''");
		else
			*out++ = *path;
	stpcpy(out, mark);
}

void
demo_print(const struct server_settings *settings)
{
	char certificate[PATH_MAX] = "", quoted[4 * PATH_MAX + 3];
	const char *pop3s = address_of(settings, LISTENER_POP3S);

	setup_certificate_path(settings, certificate, sizeof(certificate));
	quote(certificate, quoted);
	printf("The post office is open.\n"
	       "\n"
	       "  POP3S  %s   (TLS)\n"
	       "  POP3   %s   (STLS, or plain: loopback only)\n"
	       "  LMTP   %s   (mail goes in here)\n"
	       "  Web    http://%s/   (status)\n"
	       "\n"
	       "  users        alice and bob, password %s\n"
	       "  certificate  %s (self-signed)\n"
	       "  mail         %s\n"
	       "\n"
	       "Try:\n"
	       "  curl --cacert %s -u alice:%s pop3s://%s/1\n"
	       "\n"
	       "Stop with Ctrl-C; the next start finds everything again.\n",
		pop3s, address_of(settings, LISTENER_POP3),
		address_of(settings, LISTENER_LMTP),
		address_of(settings, LISTENER_WEB), DEMO_PASSWORD, certificate,
		settings->mail, quoted, DEMO_PASSWORD, pop3s);
	fflush(stdout);
}
