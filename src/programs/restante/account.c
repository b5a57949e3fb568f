/* SPDX-License-Identifier: ISC */
/* restante account add */
#include "programs/restante/finding.h"
#include "collect/oauth/provider.h"
#include "collect/secret_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define SECTION_MAXIMUM_OCTETS 65536

/* ---- writing files so that a crash leaves the old or the new ---- */

static int
cannot_write(const char *path)
{
	return complain(
		EX_CANTCREAT, "cannot write %s: %s", path, strerror(errno));
}

static int
write_file(const char *path, struct bytes text)
{
	char temporary[PATH_MAX];
	int fd, code = EX_OK;

	if (snprintf(temporary, sizeof(temporary), "%s.%d.tmp", path,
		    (int)getpid()) >= (int)sizeof(temporary))
		return complain(EX_CONFIG, "%s is too long a path", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return cannot_write(temporary);
	if (write(fd, text.at, text.octets) != (ssize_t)text.octets ||
		fsync(fd) < 0 || rename(temporary, path) < 0) {
		code = cannot_write(path);
		unlink(temporary);
	}
	close(fd);
	return code;
}

/* The directory of `path`, as mkdir -p, and only its owner's. */
static int
make_directory_of(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return cannot_write(copy);
		*slash = '/';
	}
	return EX_OK;
}

/* ---- account add ---- */

struct setting_text {
	char **to;
	const char *text;
	bool is_path;
};

/* The settings are read in other directories than this one. */
static char *
absolute(const char *path)
{
	char here[PATH_MAX], *made = NULL;

	/* "" stands for the default. */
	if (path[0] == '\0' || path[0] == '/' || strncmp(path, "~/", 2) == 0)
		return strdup(path);
	if (!getcwd(here, sizeof(here)) ||
		asprintf(&made, "%s/%s", here, path) < 0)
		return NULL;
	return made;
}

static int
set_texts(const struct arguments *arguments, struct collect_account *account)
{
	const struct setting_text texts[] = {
		{&account->host, arguments->host, false},
		{&account->user, arguments->user, false},
		{&account->maildir, arguments->maildir, true},
		{&account->ca_file, arguments->ca_file, true},
		{&account->password_command, arguments->password_command,
			false},
		{&account->proxy, arguments->proxy, false},
		{&account->oauth_client_id, arguments->client_id, false},
		{&account->oauth_client_secret_file,
			arguments->client_secret_file, true},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!texts[i].text)
			continue;
		free(*texts[i].to);
		*texts[i].to = texts[i].is_path ? absolute(texts[i].text)
						: strdup(texts[i].text);
		if (!*texts[i].to)
			return complain(EX_OSERR, "no memory");
	}
	return EX_OK;
}

static int
set_oauth(const char *provider, struct collect_account *account)
{
	static const char *const known[] = {
		"none", "google", "microsoft", "yahoo", "aol"};

	for (size_t i = 1; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], provider) == 0) {
			account->oauth = i;
			return EX_OK;
		}
	return complain(EX_USAGE,
		"--oauth %s: it is google, microsoft, yahoo or aol; another "
		"provider's addresses go into the settings, oauth = custom",
		provider);
}

/* A server that takes no password is not sent one. */
static int
want_oauth(const struct arguments *arguments, const struct named_server *server,
	struct collect_account *account)
{
	const char *provider = oauth_provider_of_host(server->host);

	if (!server->wants_oauth || arguments->oauth ||
		arguments->reads_stdin || arguments->password_command)
		return EX_OK;
	if (!provider)
		return complain(EX_UNAVAILABLE,
			"%s wants OAuth2, and its provider is not known here: "
			"write the account with oauth = custom, or give "
			"--password-stdin to try a password",
			server->host);
	if (!arguments->client_id)
		return complain(EX_UNAVAILABLE,
			"%s wants OAuth2: register an application with %s and "
			"give its --oauth-client-id, or --password-stdin to "
			"try a password",
			server->host, provider);
	return set_oauth(provider, account);
}

static int
set_rest(const struct arguments *arguments, struct collect_account *account)
{
	static const char *const how[] = {"implicit", "starttls", "none"};

	if (arguments->keeps && arguments->deletes)
		return complain(
			EX_USAGE, "--keep and --delete: which of them?");
	if (!arguments->host && (arguments->port || arguments->tls))
		return complain(EX_USAGE,
			"--port and --tls need --host; without it all of them "
			"are found");
	if (arguments->oauth && set_oauth(arguments->oauth, account) != EX_OK)
		return EX_USAGE;
	account->state = arguments->settings.state;
	account->keep = !arguments->deletes;
	account->password_keyring = arguments->uses_keyring;
	if (arguments->port &&
		(!bytes_to_number(bytes_of_string(arguments->port), 65535,
			 &account->port) ||
			account->port == 0))
		return complain(
			EX_USAGE, "--port %s: 1 to 65535", arguments->port);
	if (!arguments->tls)
		return EX_OK;
	for (account->tls = 0; account->tls < 3; account->tls++)
		if (strcmp(how[account->tls], arguments->tls) == 0)
			return EX_OK;
	return complain(EX_USAGE, "--tls %s: it is implicit, starttls or none",
		arguments->tls);
}

static void
say_nothing(const struct engine_event *event, void *context)
{
	char *why = context;

	if (event->kind == ENGINE_ENDED)
		snprintf(why, ENGINE_TEXT_SIZE, "%s", event->text);
}

static int
test_login(const struct collect_account *account, struct secret *password)
{
	char why[ENGINE_TEXT_SIZE] = "", error[ENGINE_TEXT_SIZE];
	struct engine_options options = {
		.is_login_only = true, .on_event = say_nothing, .context = why};
	struct secret copy = {0};
	enum outcome outcome = ERR_TRY_LATER;
	struct engine_account one = {account, &copy, &outcome};

	if (!secret_set(&copy, secret_bytes(password)))
		return complain(EX_OSERR, "no memory");
	if (engine_run(&options, NULL, &one, 1, error) != OK)
		snprintf(why, sizeof(why), "%s", error);
	secret_release(&copy);
	if (outcome == OK)
		return EX_OK;
	return complain(code_of_outcome(outcome),
		"%s: %s\nNothing was saved. (--no-test saves without trying.)",
		account->name, why);
}

/* The permission of a person, and the first token. */
static int
find_token(const struct arguments *arguments,
	const struct collect_account *account, struct secret *token)
{
	char error[INI_ERROR_SIZE];
	int code;

	if (arguments->reads_stdin || arguments->password_command)
		return complain(EX_USAGE, "OAuth2 takes no password");
	code = authorize(arguments, account);
	if (code == EX_OK && secret_source_read(account, token, error) != OK)
		code = complain(EX_NOINPUT, "%s", error);
	return code;
}

static int
find_password(const struct arguments *arguments,
	const struct collect_account *account, struct secret *password)
{
	char error[INI_ERROR_SIZE];

	if (account->oauth != ACCOUNT_OAUTH_NONE)
		return find_token(arguments, account, password);
	if (!arguments->password_command && arguments->reads_stdin)
		return read_password(true, false, password);
	if (!arguments->password_command)
		return ask_password_of(account->name, password);
	if (arguments->reads_stdin)
		return complain(EX_USAGE,
			"--password-stdin and --password-command: which?");
	if (secret_source_read(account, password, error) != OK)
		return complain(EX_NOINPUT, "%s", error);
	return EX_OK;
}

/* Beside the settings: secrets/NAME. */
static int
save_password(const struct arguments *arguments,
	struct collect_account *account, const struct secret *password)
{
	const char *slash = strrchr(arguments->config, '/');
	int folder = slash ? (int)(slash - arguments->config + 1) : 0;
	char path[PATH_MAX], error[INI_ERROR_SIZE];
	int code;

	if (account->password_command[0] ||
		account->oauth != ACCOUNT_OAUTH_NONE)
		return EX_OK;
	if (account->password_keyring) {
		if (secret_source_store_keyring(account, password, error) != OK)
			return complain(EX_CANTCREAT, "%s", error);
		return EX_OK;
	}
	snprintf(path, sizeof(path), "%.*ssecrets/%s", folder,
		arguments->config, account->name);
	code = make_directory_of(path);
	if (code == EX_OK)
		code = write_file(path, secret_bytes(password));
	if (code != EX_OK)
		return code;
	free(account->password_file);
	account->password_file = realpath(path, NULL);
	return account->password_file ? EX_OK : cannot_write(path);
}

/* What stood in the file, and the new section. */
static int
save_section(const struct arguments *arguments,
	const struct collect_account *account)
{
	struct buffer text;
	unsigned char *room;
	int code = EX_OK, fd;
	ssize_t got = 0;

	buffer_init(&text, INI_FILE_MAXIMUM_OCTETS + SECTION_MAXIMUM_OCTETS);
	fd = open(arguments->config, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (room = buffer_reserve(&text, 65536)) &&
		(got = read(fd, room, 65536)) > 0)
		buffer_grow(&text, (size_t)got);
	if (got < 0 || (fd < 0 && errno != ENOENT))
		code = complain(EX_NOINPUT, "cannot read %s: %s",
			arguments->config, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (code == EX_OK &&
		((text.octets > 0 && !buffer_append_string(&text, "\n")) ||
			!account_write(account, &text)))
		code = complain(
			EX_CONFIG, "%s is too large", arguments->config);
	if (code == EX_OK)
		code = make_directory_of(arguments->config);
	if (code == EX_OK)
		code = write_file(arguments->config, buffer_bytes(&text));
	buffer_release(&text);
	return code;
}

/* A password goes to no server that somebody on the way may have made up
 * (RFC 6186 section 6). */
static int
ask_trust(const struct arguments *arguments, const struct discovery *discovery)
{
	char question[2 * HOST_SIZE + 128];

	if (discovery->trust != TRUST_NONE || arguments->is_sure)
		return EX_OK;
	snprintf(question, sizeof(question),
		"Only DNS says that %s is the server of %s. Send it your "
		"password?",
		discovery->server.host, discovery->who.domain);
	if (ask_yes(question))
		return EX_OK;
	return complain(EX_NOPERM,
		"only DNS says that %s is the server of %s, and nobody said "
		"that it is right: --yes, or --host with the name that your "
		"provider gives",
		discovery->server.host, discovery->who.domain);
}

static int
use_finding(const struct arguments *arguments, struct finding *finding,
	struct collect_account *account)
{
	const struct discovery *discovery = &finding->discovery;
	int code = finding_run(finding, arguments, account->name);

	if (code != EX_OK)
		return code;
	if (!discovery->is_found) {
		finding_print_steps(discovery, "  ", stderr);
		return complain(EX_NOHOST,
			"no POP3 server was found for %s: --host HOST says it "
			"(your provider calls it the POP3 or incoming mail "
			"server)",
			discovery->who.domain);
	}
	finding_print_server(discovery, "", stdout);
	fflush(stdout);
	if (!finding_set_account(discovery, account))
		return complain(EX_OSERR, "no memory");
	code = want_oauth(arguments, &discovery->server, account);
	return code == EX_OK ? ask_trust(arguments, discovery) : code;
}

/* Before the texts are set: what a person says of the login counts. */
static int
find_server(const struct arguments *arguments, struct collect_account *account)
{
	struct finding finding;
	int code;

	if (arguments->host)
		return EX_OK;
	code = finding_open(&finding, arguments);
	if (code == EX_OK)
		code = use_finding(arguments, &finding, account);
	finding_close(&finding);
	return code;
}

static int
fill(const struct arguments *arguments, struct collect_account *account)
{
	char error[INI_ERROR_SIZE];
	int code = set_rest(arguments, account);

	if (code == EX_OK)
		code = find_server(arguments, account);
	if (code == EX_OK)
		code = set_texts(arguments, account);
	if (code == EX_OK && (!account_check(account, error) ||
				     !account_can_write(account, error)))
		code = complain(EX_DATAERR, "%s", error);
	return code;
}

static int
add(const struct arguments *arguments, struct collect_account *account)
{
	struct secret password = {0};
	char maildir[PATH_MAX];
	int code = fill(arguments, account);

	if (code == EX_OK)
		code = find_password(arguments, account, &password);
	if (code == EX_OK && !arguments->is_untested)
		code = test_login(account, &password);
	if (code == EX_OK)
		code = save_password(arguments, account, &password);
	secret_release(&password);
	if (code == EX_OK)
		code = save_section(arguments, account);
	if (code != EX_OK)
		return code;
	account_maildir(account, maildir, sizeof(maildir));
	printf("%s: %s; saved in %s\nIts mail goes to %s and %s on the "
	       "server. Collect it:\n  restante fetch %s\n",
		account->name,
		arguments->is_untested ? "not tested" : "the login works",
		arguments->config, maildir,
		account->keep ? "stays" : "is then deleted", account->name);
	return EX_OK;
}

int
account_add(struct arguments *arguments)
{
	const char *name = arguments->operands.at[0];
	struct collect_account account;
	char error[MAIL_ADDRESS_ERROR_SIZE];
	struct mail_address who;
	int code;

	/* As discover names it: a domain has more than one spelling. */
	if (!arguments->host && mail_address_parse(name, &who, error))
		name = who.address;

	if (!account_is_name(name))
		return complain(EX_DATAERR,
			"%s cannot be an account's name: letters, digits and "
			"@ . _ + -",
			name);
	if (collect_settings_find(&arguments->settings, name))
		return complain(EX_CANTCREAT,
			"there is an account %s in %s already", name,
			arguments->config);
	if (arguments->host && (arguments->dns_server || arguments->connect_to))
		return complain(EX_USAGE,
			"--dns-server and --connect-to find a server, which "
			"--host names already");
	code = account_init(&account, name) ? add(arguments, &account)
					    : complain(EX_OSERR, "no memory");
	account_release(&account);
	return code;
}
