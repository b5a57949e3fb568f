/* SPDX-License-Identifier: ISC */
/*
 * A client that is not ours: SCRAM by GNU SASL, channel binding by OpenSSL.
 *
 * usage: scram_client [OPTION]... PORT USER PASSWORD
 *
 *	--stls           STLS on a plain port, else TLS from the start
 *	--tls12          TLS 1.2 at most
 *	--no-ems         without the extended master secret
 *	--mechanism M    else the strongest that is offered
 *	--stripped       somebody took the -PLUS off the list: the client can
 *	                 bind and says so, with a mechanism that does not
 *	--other-binding  bound to another connection, as by somebody between
 *	--unbound        it cannot bind
 *	--from ADDRESS   of 127.0.0.0/8, to call from
 *
 * Prints what was offered, each challenge and the last reply; 0 when it is in
 * and the server has proved itself, 1 when it was refused, 2 when all else.
 */
#include <arpa/inet.h>
#include <gsasl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE	4096
#define BINDING_MAXIMUM 64

static struct {
	bool uses_stls, is_tls12, has_no_ems, is_stripped, is_elsewhere,
		is_unbound;
	const char *mechanism, *user, *password, *from;
	unsigned port;
} wanted;

struct connection {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl; /* NULL: not yet */
};

static __attribute__((noreturn)) void
die(const char *what)
{
	fprintf(stderr, "scram_client: %s\n", what);
	exit(2);
}

/* ---- a connection ---- */

static void
say(struct connection *c, const char *line)
{
	char text[LINE_SIZE];
	int octets = snprintf(text, sizeof(text), "%s\r\n", line);

	if (octets >= (int)sizeof(text))
		die("the line is too long");
	if (c->ssl ? SSL_write(c->ssl, text, octets) != octets
		   : write(c->fd, text, (size_t)octets) != octets)
		die("cannot write");
}

/* A line without its end. */
static void
hear(struct connection *c, char line[LINE_SIZE])
{
	size_t octets = 0;

	for (;;) {
		char *to = &line[octets];

		if ((c->ssl ? SSL_read(c->ssl, to, 1)
			    : (int)read(c->fd, to, 1)) != 1)
			die("the connection is closed");
		if (*to == '\n')
			break;
		if (++octets == LINE_SIZE)
			die("the server's line is too long");
	}
	if (octets > 0 && line[octets - 1] == '\r')
		octets--;
	line[octets] = '\0';
}

static void
start_tls(struct connection *c)
{
	static const unsigned char alpn[] = "\4pop3";

	c->ctx = SSL_CTX_new(TLS_client_method());
	if (!c->ctx)
		die("no TLS");
	if (wanted.is_tls12)
		SSL_CTX_set_max_proto_version(c->ctx, TLS1_2_VERSION);
	if (wanted.has_no_ems)
		SSL_CTX_set_options(c->ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	SSL_CTX_set_alpn_protos(c->ctx, alpn, sizeof(alpn) - 1);
	c->ssl = SSL_new(c->ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 ||
		SSL_connect(c->ssl) != 1)
		die("no handshake");
}

static struct connection
connect_to_server(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)wanted.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct connection c = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	char line[LINE_SIZE];

	if (wanted.from &&
		(inet_pton(AF_INET, wanted.from, &from.sin_addr) != 1 ||
			bind(c.fd, (struct sockaddr *)&from, sizeof(from)) < 0))
		die("cannot call from there");
	if (connect(c.fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("cannot connect");
	if (!wanted.uses_stls)
		start_tls(&c);
	hear(&c, line);
	if (wanted.uses_stls) {
		say(&c, "STLS");
		hear(&c, line);
		start_tls(&c);
	}
	return c;
}

static void
disconnect(struct connection *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
}

/* ---- what it is bound to ---- */

/* RFC 9266, RFC 5929: from 1.3 on the exporter, before it tls-unique. */
static size_t
take_binding(SSL *ssl, unsigned char out[BINDING_MAXIMUM], bool is_13)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (!is_13)
		return SSL_get_finished(ssl, out, BINDING_MAXIMUM);
	if (SSL_export_keying_material(ssl, out, 32, label, strlen(label),
		    (const unsigned char *)"", 0, 1) != 1)
		die("no exporter");
	return 32;
}

static bool
can_bind(SSL *ssl)
{
	return !wanted.is_unbound && (SSL_version(ssl) >= TLS1_3_VERSION ||
					     SSL_get_extms_support(ssl) == 1);
}

static void
set_binding(Gsasl_session *session, SSL *ssl)
{
	bool is_13 = SSL_version(ssl) >= TLS1_3_VERSION;
	unsigned char binding[BINDING_MAXIMUM];
	size_t octets = take_binding(ssl, binding, is_13), base64_octets;
	char *base64;

	if (gsasl_base64_to((char *)binding, octets, &base64, &base64_octets) !=
		GSASL_OK)
		die("no memory");
	gsasl_property_set(session,
		is_13 ? GSASL_CB_TLS_EXPORTER : GSASL_CB_TLS_UNIQUE, base64);
	gsasl_free(base64);
}

/* ---- logging in ---- */

static void
ask_offered(struct connection *c, char offered[LINE_SIZE])
{
	char line[LINE_SIZE];

	offered[0] = '\0';
	say(c, "CAPA");
	do {
		hear(c, line);
		if (strncmp(line, "SASL ", 5) == 0)
			strcpy(offered, line + 5);
	} while (strcmp(line, ".") != 0);
	printf("offered: %s\n", offered);
}

static void
strip(char *offered)
{
	char *at;

	while ((at = strstr(offered, "-PLUS")))
		memmove(at, at + 5, strlen(at + 5) + 1);
}

/* False: refused. */
static bool
exchange(struct connection *c, Gsasl_session *session, const char *mechanism)
{
	char line[LINE_SIZE], *answer;
	int code = GSASL_NEEDS_MORE;

	snprintf(line, sizeof(line), "AUTH %s", mechanism);
	say(c, line);
	for (;;) {
		hear(c, line);
		printf("S: %s\n", line);
		if (strncmp(line, "+ ", 2) != 0)
			break;
		/* After the server's proof there is nothing to say. */
		if (code == GSASL_OK) {
			say(c, "");
			continue;
		}
		code = gsasl_step64(session, line + 2, &answer);
		if (code != GSASL_OK && code != GSASL_NEEDS_MORE) {
			printf("client: %s\n", gsasl_strerror(code));
			say(c, "*");
			hear(c, line);
			return false;
		}
		say(c, answer);
		gsasl_free(answer);
	}
	printf("verified: %s\n", code == GSASL_OK ? "yes" : "no");
	return strncmp(line, "+OK", 3) == 0 && code == GSASL_OK;
}

static bool
log_in(Gsasl *gsasl, struct connection *c)
{
	struct connection other = {.fd = -1};
	char offered[LINE_SIZE];
	const char *mechanism;
	Gsasl_session *session = NULL;
	bool is_in;

	ask_offered(c, offered);
	if (wanted.is_stripped)
		strip(offered);
	mechanism = wanted.mechanism
			    ? wanted.mechanism
			    : gsasl_client_suggest_mechanism(gsasl, offered);
	if (!mechanism ||
		gsasl_client_start(gsasl, mechanism, &session) != GSASL_OK)
		die("no mechanism");
	printf("mechanism: %s over %s\n", mechanism, SSL_get_version(c->ssl));
	gsasl_property_set(session, GSASL_AUTHID, wanted.user);
	gsasl_property_set(session, GSASL_PASSWORD, wanted.password);
	if (wanted.is_elsewhere)
		other = connect_to_server();
	if (can_bind(c->ssl))
		set_binding(session, wanted.is_elsewhere ? other.ssl : c->ssl);
	is_in = exchange(c, session, mechanism);
	if (wanted.is_elsewhere)
		disconnect(&other);
	gsasl_finish(session);
	return is_in;
}

/* ---- arguments ---- */

static void
parse(int argc, char **argv)
{
	const struct {
		const char *name;
		bool *set;
	} flags[] = {
		{"--stls", &wanted.uses_stls},
		{"--tls12", &wanted.is_tls12},
		{"--no-ems", &wanted.has_no_ems},
		{"--stripped", &wanted.is_stripped},
		{"--other-binding", &wanted.is_elsewhere},
		{"--unbound", &wanted.is_unbound},
	};
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		bool is_known = false;

		if (strcmp(argv[i], "--mechanism") == 0 && i + 1 < argc) {
			wanted.mechanism = argv[++i];
			continue;
		}
		if (strcmp(argv[i], "--from") == 0 && i + 1 < argc) {
			wanted.from = argv[++i];
			continue;
		}
		for (size_t f = 0; f < sizeof(flags) / sizeof(*flags); f++)
			if (strcmp(argv[i], flags[f].name) == 0)
				is_known = *flags[f].set = true;
		if (!is_known)
			die("unknown option");
	}
	if (argc - i != 3)
		die("usage: scram_client [OPTION]... PORT USER PASSWORD");
	wanted.port = (unsigned)strtoul(argv[i], NULL, 10);
	wanted.user = argv[i + 1];
	wanted.password = argv[i + 2];
}

int
main(int argc, char **argv)
{
	struct connection c;
	Gsasl *gsasl;
	bool is_in;

	parse(argc, argv);
	if (gsasl_init(&gsasl) != GSASL_OK)
		die("no GNU SASL");
	c = connect_to_server();
	is_in = log_in(gsasl, &c);
	if (is_in)
		say(&c, "QUIT");
	disconnect(&c);
	gsasl_done(gsasl);
	return is_in ? 0 : 1;
}
