/* SPDX-License-Identifier: ISC */
#include "load.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>

static const struct mode *const modes[] = {
	&mode_login, &mode_retr, &mode_listing, &mode_idle, &mode_lmtp};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static const char usage[] =
	"usage: load MODE --to ADDRESS:PORT --user NAME --users N [OPTION...]\n"
	"\n"
	"  login     USER, PASS, STAT, QUIT\n"
	"  retr      every message; --delete: and DELE; --window N commands\n"
	"            before their replies (1: lockstep)\n"
	"  listing   STAT, UIDL, LIST\n"
	"  idle      log in, say \"ready\", wait for the end of standard "
	"input\n"
	"  lmtp      deliver --count messages of --octets\n"
	"\n"
	"  --connections N  at once     --count N   sessions in all\n"
	"  --password P     of all      --tls CA    TLS; the certificate is\n"
	"                               checked against this file\n"
	"  --loose-sizes    sizes announced need not be what comes\n"
	"\n"
	"User n of N is NAME and n with four digits, from 0000.\n";

enum { OPTION_LOOSE = 256, OPTION_DELETE };

static const struct option long_options[] = {
	{"to", required_argument, NULL, 't'},
	{"tls", required_argument, NULL, 's'},
	{"user", required_argument, NULL, 'u'},
	{"users", required_argument, NULL, 'n'},
	{"password", required_argument, NULL, 'p'},
	{"connections", required_argument, NULL, 'c'},
	{"count", required_argument, NULL, 'k'},
	{"window", required_argument, NULL, 'w'},
	{"octets", required_argument, NULL, 'o'},
	{"delete", no_argument, NULL, OPTION_DELETE},
	{"loose-sizes", no_argument, NULL, OPTION_LOOSE},
	{NULL, 0, NULL, 0},
};

/* ---- helpers of all ---- */

void
fail(const struct client *client, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "load: ");
	if (client)
		fprintf(stderr, "%s, session %" PRIu64 ": ", client->user,
			client->turn);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(EX_PROTOCOL);
}

uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void
load_timed(struct load *load, uint64_t duration_ns)
{
	if (load->timed < load->options.count)
		load->durations_ns[load->timed++] = duration_ns;
}

/* ---- what is printed ---- */

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double
percentile_us(const struct load *load, unsigned percent)
{
	if (load->timed == 0)
		return 0;
	return (double)load->durations_ns[(load->timed - 1) * percent / 100] /
	       1e3;
}

static double
cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void
print_totals(const struct load *load)
{
	const struct totals *t = &load->totals;

	if (load->timed > 1)
		qsort(load->durations_ns, load->timed, sizeof(uint64_t),
			compare);
	printf("{\"mode\": \"%s\", \"sessions\": %" PRIu64
	       ", \"messages\": %" PRIu64 ", \"octets\": %" PRIu64
	       ", \"digest\": \"%016" PRIx64 "\", \"seconds\": %.6f"
	       ", \"median_us\": %.1f, \"p99_us\": %.1f"
	       ", \"client_cpu_seconds\": %.3f}\n",
		load->mode->name, t->sessions, t->messages, t->octets,
		t->digest, (double)(t->last_ns - t->first_ns) / 1e9,
		percentile_us(load, 50), percentile_us(load, 99),
		cpu_seconds());
}

/* ---- the command line ---- */

static uint64_t
number(const char *text, uint64_t most)
{
	uint64_t value;

	if (!bytes_to_number(bytes_of_string(text), most, &value) ||
		value == 0) {
		fprintf(stderr, "load: %s is no number of 1 to %" PRIu64 "\n",
			text, most);
		exit(EX_USAGE);
	}
	return value;
}

__attribute__((noreturn)) static void
misused(void)
{
	fputs(usage, stderr);
	exit(EX_USAGE);
}

static void
take_option(struct options *o, int option)
{
	switch (option) {
	case 't':
		if (!address_parse(bytes_of_string(optarg), &o->to))
			misused();
		break;
	case 's':
		o->ca_file = optarg;
		break;
	case 'u':
		o->user = optarg;
		break;
	case 'p':
		o->password = optarg;
		break;
	case 'n':
		o->users = number(optarg, UINT32_MAX);
		break;
	case 'c':
		o->connections = number(optarg, CONNECTIONS_MOST);
		break;
	case 'k':
		o->count = number(optarg, UINT32_MAX);
		break;
	case 'w':
		o->window = number(optarg, 10000);
		break;
	case 'o':
		o->octets = number(optarg, COMMANDS_OCTETS / 2);
		break;
	case OPTION_DELETE:
		o->deletes = true;
		break;
	case OPTION_LOOSE:
		o->has_loose_sizes = true;
		break;
	default:
		misused();
	}
}

static void
read_options(struct load *load, int argc, char **argv)
{
	struct options *o = &load->options;
	int option;

	*o = (struct options){.password = "demo",
		.users = 1,
		.connections = 1,
		.count = 1,
		.window = 1,
		.octets = 4096};
	for (size_t i = 0; argc > 1 && i < MODES; i++)
		if (strcmp(modes[i]->name, argv[1]) == 0)
			load->mode = modes[i];
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(o, option);
	if (!load->mode || optind != argc - 1 || !o->to.octets || !o->user)
		misused();
	if (load->mode == &mode_idle)
		o->count = o->connections;
	if (load->mode != &mode_lmtp && o->users < o->connections) {
		fputs("load: more connections than users\n", stderr);
		exit(EX_USAGE);
	}
	if (o->users < o->connections)
		o->connections = o->users;
	if (o->octets < 1024)
		o->octets = 1024;
}

/* ---- the run ---- */

static void
set_up(struct load *load)
{
	const struct options *o = &load->options;
	char error[TLS_ERROR_SIZE];

	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->clients = calloc(o->connections, sizeof(*load->clients));
	load->durations_ns = calloc(o->count, sizeof(uint64_t));
	if (load->epoll < 0 || !load->clients || !load->durations_ns)
		fail(NULL, "no memory");
	if (o->ca_file &&
		tls_client_context_new(o->ca_file, &load->tls, error) != OK)
		fail(NULL, "TLS: %s", error);
	for (uint64_t i = 0; i < o->connections; i++) {
		load->clients[i].load = load;
		load->clients[i].slot = i;
		load->clients[i].fd = -1;
	}
}

int
main(int argc, char **argv)
{
	static struct load load;
	uint64_t first;

	read_options(&load, argc, argv);
	set_up(&load);
	first = load.options.connections;
	if (load.mode == &mode_idle && first > SIMULTANEOUS_LOGIN)
		first = SIMULTANEOUS_LOGIN;
	for (uint64_t i = 0; i < first; i++)
		client_begin(&load.clients[i]);
	clients_run(&load);
	print_totals(&load);
	return EX_OK;
}
