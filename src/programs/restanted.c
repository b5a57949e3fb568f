/* SPDX-License-Identifier: ISC */
/*
 * restanted - the server: POP3, POP3S, LMTP. Reads settings, chooses a role,
 * runs it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "config/setting_place.h"
#include "programs/restanted/demo.h"
#include "server/auth_role.h"
#include "server/key_role.h"
#include "server/lookup_check.h"
#include "server/lookup_role.h"
#include "server/parent.h"
#include "server/session_role.h"
#include "server/setup_check.h"
#include "server/store_role.h"
#include "server/web_role.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_CONFIG "/etc/restante/restante.conf"

static const char usage[] =
	"usage: restanted [-c FILE] [-n]\n"
	"       restanted --demo DIR [--port-base N]\n"
	"\n"
	"The POP3, POP3S and LMTP server. Runs in the foreground.\n"
	"\n"
	"  -c, --config FILE  settings (default " DEFAULT_CONFIG ")\n"
	"  -n, --check        check the settings and exit; 78 when wrong\n"
	"      --demo DIR     everything in DIR: no root, no configuration;\n"
	"                     users alice and bob, password demo; loopback "
	"only\n"
	"      --port-base N  ports of --demo: POP3 N+110, POP3S N+995,\n"
	"                     LMTP N+24, web N+80 (default 1000)\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n"
	"\n"
	"Signals: HUP reads settings and certificates anew, TERM and INT "
	"stop.\n"
	"Example: restanted --demo /tmp/post-office\n";

struct options {
	const char *config;
	const char *demo;
	const char *role;
	unsigned long port_base;
	bool has_port_base;
	bool only_checks;
};

__attribute__((noreturn)) static void
wrong_usage(const char *what)
{
	fprintf(stderr, "restanted: %s\nTry: restanted --help\n", what);
	exit(EX_USAGE);
}

static unsigned long
port_base_of(const char *text)
{
	uint64_t base;

	if (!bytes_to_number(bytes_of_string(text), 65535 - 995, &base))
		wrong_usage("--port-base takes a number from 0 to 64540");
	return (unsigned long)base;
}

static void
read_options(int argc, char **argv, struct options *options)
{
	enum { OPT_DEMO = 256, OPT_PORT_BASE, OPT_ROLE, OPT_NUMBER };
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'n'},
		{"demo", required_argument, NULL, OPT_DEMO},
		{"port-base", required_argument, NULL, OPT_PORT_BASE},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		/* The parent's way to start its roles; see process/spawn.h. */
		{"role", required_argument, NULL, OPT_ROLE},
		{"number", required_argument, NULL, OPT_NUMBER},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:nhV", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'n':
			options->only_checks = true;
			break;
		case OPT_DEMO:
			options->demo = optarg;
			break;
		case OPT_PORT_BASE:
			options->port_base = port_base_of(optarg);
			options->has_port_base = true;
			break;
		case OPT_ROLE:
			options->role = optarg;
			break;
		case OPT_NUMBER:
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EX_OK);
		case 'V':
			puts("restanted " RESTANTE_VERSION);
			exit(EX_OK);
		default:
			/* getopt has said what. */
			fputs("Try: restanted --help\n", stderr);
			exit(EX_USAGE);
		}
	}
	if (optind < argc)
		wrong_usage("too many arguments");
	if (options->demo && options->config)
		wrong_usage("--demo has its own configuration: not with -c");
}

static void
run_role(const char *name)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} roles[] = {
		{"session", session_role_run},
		{"auth", auth_role_run},
		{"key", key_role_run},
		{"lookup", lookup_role_run},
		{"store", store_role_run},
		{"web", web_role_run},
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(roles[i].name, name) == 0)
			roles[i].run();
	wrong_usage("--role is for restanted's own use");
}

/* What works and should not stay so. */
static void
warn_of(const struct server_settings *settings,
	const struct certificate_pair *pair)
{
	long days = certificate_days_left(&pair->info, clock_wall_seconds());

	if (pair->is_key_exposed)
		fprintf(stderr,
			"restanted: warning: %s: every user of this machine "
			"may read or write the key: chmod o= it\n",
			pair->key_file);
	if (days < 0)
		fprintf(stderr, "restanted: warning: %s: it has expired\n",
			pair->certificate_file);
	else if (days < (long)(settings->expiry_warning_seconds / 86400))
		fprintf(stderr,
			"restanted: warning: %s: it expires in %ld days\n",
			pair->certificate_file, days);
}

static enum outcome
check_client_ca(const struct server_settings *settings, char *error)
{
	struct buffer pem;
	enum outcome outcome;

	buffer_init(&pem, BOOT_PEM_MAXIMUM_OCTETS);
	outcome = setup_client_ca(settings, &pem, error);
	buffer_release(&pem);
	return outcome;
}

/* Settings are right; is what they name there too? */
static enum outcome
check_files(const struct server_settings *settings, char *error)
{
	struct certificate_set set = {0};
	char shared[SETUP_ERROR_SIZE];
	enum outcome outcome = OK;

	if (!certificate_set_list(settings, &set)) {
		snprintf(error, CERTIFICATE_SET_ERROR_SIZE, "no memory");
		return ERR_TRY_LATER;
	}
	for (size_t i = 0; i < set.count && outcome == OK; i++) {
		if (set.pairs[i].is_made)
			continue;
		outcome = certificate_set_read(&set, i, error);
		if (outcome == OK)
			warn_of(settings, &set.pairs[i]);
	}
	certificate_set_release(&set);
	if (outcome == OK &&
		settings->client_certificate != CLIENT_CERTIFICATE_NO)
		outcome = check_client_ca(settings, error);
	if (outcome == OK)
		outcome = lookup_check(settings, error);
	if (outcome == OK)
		outcome = setup_check(settings, error);
	if (outcome == OK && setup_shares_user(settings, shared))
		fprintf(stderr, "restanted: warning: %s\n", shared);
	return outcome;
}

static int
load(struct server_settings *settings, const char *file, bool only_checks)
{
	char error[INI_ERROR_SIZE];
	enum outcome outcome;

	outcome = server_settings_read(settings, file, error);
	/* The server reads them itself. */
	if (outcome == OK && only_checks) {
		outcome = check_files(settings, error);
		if (outcome != OK)
			setting_place_name(file, error);
	}
	if (outcome == OK)
		return EX_OK;
	fprintf(stderr, "restanted: %s\n", error);
	return EX_CONFIG;
}

/* Of the server that runs; a reload reads the same. */
static struct {
	const char *file;
	bool is_demo;
} source;

/* On a terminal to stderr, else to syslog's mail facility. */
static bool
choose_log(struct server_settings *settings)
{
	const char *target =
		source.is_demo || isatty(STDERR_FILENO) ? "stderr" : "syslog";

	if (strcmp(settings->log, "auto") == 0) {
		free(settings->log);
		settings->log = strdup(target);
	}
	return settings->log != NULL;
}

static enum outcome
load_again(struct server_settings *settings, char *error)
{
	enum outcome outcome =
		server_settings_read(settings, source.file, error);

	if (outcome != OK)
		return outcome;
	outcome = lookup_check(settings, error);
	if (outcome == OK)
		outcome = setup_check(settings, error);
	if (outcome != OK)
		setting_place_name(source.file, error);
	return outcome == OK && !choose_log(settings) ? ERR_TRY_LATER : outcome;
}

static void
open_log(const struct server_settings *settings)
{
	log_set_format((enum log_format)settings->log_format);
	log_open(strcmp(settings->log, "syslog") == 0 ? LOG_TARGET_SYSLOG
						      : LOG_TARGET_STDERR,
		(enum log_level)settings->log_level, "parent");
}

static int
serve(const struct options *options, struct server_settings *settings)
{
	int code = EX_OK;

	source.file = options->config;
	source.is_demo = options->demo != NULL;
	if (!choose_log(settings))
		return EX_OSERR;
	open_log(settings);
	if (options->demo)
		code = demo_fill(settings);
	if (code == EX_OK)
		code = parent_run(settings, load_again,
			options->demo ? demo_print : NULL);
	return code;
}

static int
run(struct options *options, struct server_settings *settings)
{
	int code = EX_OK;

	if (options->demo)
		code = demo_prepare(options->demo, (unsigned)options->port_base,
			options->has_port_base, &options->config);
	if (!options->config)
		options->config = DEFAULT_CONFIG;
	if (code == EX_OK)
		code = load(settings, options->config, options->only_checks);
	if (code != EX_OK)
		return code;
	if (!options->only_checks)
		return serve(options, settings);
	printf("%s: ok\n", options->config);
	return EX_OK;
}

int
main(int argc, char **argv)
{
	struct options options = {.port_base = DEMO_PORT_BASE};
	struct server_settings settings;
	int code;

	read_options(argc, argv, &options);
	if (options.role)
		run_role(options.role);
	umask(022);
	server_settings_init(&settings);
	code = run(&options, &settings);
	server_settings_release(&settings);
	return code;
}
