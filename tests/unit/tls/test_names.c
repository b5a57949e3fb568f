/* SPDX-License-Identifier: ISC */
/* Which of several certificates a client is shown (RFC 6066 section 3). */
#include "peers.h"

#include <unistd.h>

#include "certificates.h"
#include "odd.h"

/* In the order in which they are added. */
static const struct {
	const char *section, *hostname;
	unsigned rsa_bits;
} served[] = {
	{"", "mail.example.org", 0},
	{"", "mail.example.org", 2048},
	{"example.com", "mail.example.com,DNS:*.pop.example.com", 0},
	{"example.com", "mail.example.com,DNS:*.pop.example.com", 2048},
	{"example.net", "*.example.net,DNS:example.org,DNS:shared.test", 0},
	{"deep.example.net", "something.else", 0},
	{"shared.test", "first.test", 0},
};

static struct certificate made[COUNT(served)];

static void
add(struct tls_context **context, size_t i)
{
	struct tls_pair pair = {.name = served[i].section,
		.certificate = buffer_bytes(&made[i].pem),
		.key = buffer_bytes(&made[i].key_pem)};
	char error[TLS_ERROR_SIZE] = "";
	enum outcome outcome =
		*context ? tls_context_add(*context, &pair, error)
			 : tls_server_context_new(&pair, context, error);

	if (outcome != OK)
		fail_msg("%zu: %s", i, error);
}

static int
open_server(void **state)
{
	struct tls_context *context = NULL;

	for (size_t i = 0; i < COUNT(served); i++) {
		struct certificate_wish wish = {.hostname = served[i].hostname,
			.rsa_bits = served[i].rsa_bits,
			.from_days = -1,
			.to_days = 10};

		certificate_make(&made[i], &wish);
		add(&context, i);
	}
	*state = context;
	return 0;
}

static int
close_server(void **state)
{
	struct tls_context *context = *state;

	tls_context_free(&context);
	for (size_t i = 0; i < COUNT(served); i++)
		certificate_release(&made[i]);
	return 0;
}

/* Its place among the served; -1: none of them. */
static int
shown_to(struct tls_context *server, const struct offer *offer)
{
	struct tls *ours;
	struct odd odd;
	X509 *shown;
	int fd, which = -1;

	open_sockets(&fd, &odd.fd);
	odd_open(&odd, TLS_client_method(), offer);
	SSL_set_connect_state(odd.ssl);
	ours = tls_accept(server, fd);
	assert_int_equal(odd_meet(ours, &odd), TLS_DONE);
	shown = SSL_get1_peer_certificate(odd.ssl);
	for (size_t i = 0; i < COUNT(served); i++)
		if (X509_cmp(shown, made[i].x509) == 0)
			which = (int)i;
	X509_free(shown);
	tls_free(&ours);
	close(fd);
	odd_close(&odd);
	return which;
}

static const struct {
	const char *name;
	int shown; /* to a client that knows ECDSA */
} wanted[] = {
	{NULL, 0},
	{"mail.example.org", 0},
	{"nobody.example", 0},
	{"127.0.0.1", 0},
	/* A section's name, then those of its certificate. */
	{"example.com", 2},
	{"EXAMPLE.com", 2},
	{"mail.example.com", 2},
	{"a.pop.example.com", 2},
	{"pop.example.com", 0},
	{"a.b.pop.example.com", 0},
	{"x.mail.example.com", 0},
	{"mail.example.net", 4},
	{"example.net", 4},
	{"a.b.example.net", 0},
	/* A section before another's wildcard. */
	{"deep.example.net", 5},
	{"something.else", 5},
	/* And before what stands in another's certificate. */
	{"shared.test", 6},
	{"example.org", 4},
	{"*.example.net", 4},
	{".example.net", 0},
	{".", 0},
};

static void
chosen_by_name(void **state)
{
	for (size_t i = 0; i < COUNT(wanted); i++) {
		const struct offer offer = {.name = wanted[i].name};
		int which = shown_to(*state, &offer);

		if (which != wanted[i].shown)
			fail_msg("%s: %d instead of %d",
				wanted[i].name ? wanted[i].name : "nothing",
				which, wanted[i].shown);
	}
}

static const struct {
	struct offer offer;
	int shown;
} kinds[] = {
	{{.sigalgs = "RSA-PSS+SHA256"}, 1},
	{{.sigalgs = "RSA-PSS+SHA256", .name = "mail.example.com"}, 3},
	{{.sigalgs = "ECDSA+SHA256:RSA-PSS+SHA256", .name = "example.com"}, 2},
	{{TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256"}, 1},
	{{TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", NULL, "example.com"},
		3},
	{{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL, "example.com"},
		2},
	{{TLS1_2_VERSION}, 0},
};

static void
chosen_by_kind(void **state)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		assert_int_equal(
			shown_to(*state, &kinds[i].offer), kinds[i].shown);
}

/* ALPN is looked at whatever the name. */
static void
every_name_has_the_same_rules(void **state)
{
	struct offer offer = {.name = "example.com", .alpn = "\2h2"};
	struct tls *ours;
	struct odd odd;
	int fd;

	open_sockets(&fd, &odd.fd);
	odd_open(&odd, TLS_client_method(), &offer);
	SSL_set_connect_state(odd.ssl);
	ours = tls_accept(*state, fd);
	assert_int_equal(odd_meet(ours, &odd), TLS_FAILED);
	assert_non_null(strstr(tls_error(ours), "no application protocol"));
	tls_free(&ours);
	close(fd);
	odd_close(&odd);
}

static void
one_of_a_kind(void **state)
{
	struct tls_pair pair = {.name = "example.com",
		.certificate = buffer_bytes(&made[0].pem),
		.key = buffer_bytes(&made[0].key_pem)};
	const struct offer offer = {.name = "example.com"};
	char error[TLS_ERROR_SIZE] = "";

	assert_int_equal(tls_context_add(*state, &pair, error), ERR_BROKEN);
	assert_non_null(strstr(error, "one EC and one RSA at most"));
	assert_int_equal(shown_to(*state, &offer), 2);
}

/* A handshake goes on in a context that a reload has freed. */
static void
context_may_go_first(void **state)
{
	const struct offer offer = {.name = "mail.example.com"};
	struct tls_context *context = NULL;
	struct tls *ours;
	struct odd odd;
	int fd;

	for (size_t i = 0; i < COUNT(served); i++)
		add(&context, i);
	open_sockets(&fd, &odd.fd);
	odd_open(&odd, TLS_client_method(), &offer);
	SSL_set_connect_state(odd.ssl);
	ours = tls_accept(context, fd);
	tls_context_free(&context);
	assert_int_equal(odd_meet(ours, &odd), TLS_DONE);
	tls_free(&ours);
	close(fd);
	odd_close(&odd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_by_name),
		cmocka_unit_test(chosen_by_kind),
		cmocka_unit_test(every_name_has_the_same_rules),
		cmocka_unit_test(one_of_a_kind),
		cmocka_unit_test(context_may_go_first),
	};

	return cmocka_run_group_tests(tests, open_server, close_server);
}
