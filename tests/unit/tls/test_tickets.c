/* SPDX-License-Identifier: ISC */
/* Tickets: of another process, of the key before, of a key that is gone. */
#include "peers.h"

#include <unistd.h>

#include "odd.h"

typedef unsigned char ticket_key[TLS_TICKET_KEY_OCTETS];

static const ticket_key keys[4] = {{1}, {2}, {3}, {4}};
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* One connection that reads the ticket; its session, to be freed. */
static SSL_SESSION *
session_of(struct tls_context *server, const struct offer *offer,
	SSL_SESSION *old, bool *out_resumed)
{
	unsigned char octet;
	SSL_SESSION *session;
	struct tls *ours;
	size_t written;
	struct odd odd;
	int fd;

	open_sockets(&fd, &odd.fd);
	odd_open(&odd, TLS_client_method(), offer);
	if (old)
		SSL_set_session(odd.ssl, old);
	SSL_set_connect_state(odd.ssl);
	ours = tls_accept(server, fd);
	assert_int_equal(odd_meet(ours, &odd), TLS_DONE);
	assert_int_equal(tls_write(ours, BYTES("+"), &written), TLS_DONE);
	assert_int_equal(SSL_read(odd.ssl, &octet, 1), 1);
	*out_resumed = SSL_session_reused(odd.ssl);
	session = SSL_get1_session(odd.ssl);
	/* Or the session would be marked as not to be used again. */
	SSL_shutdown(odd.ssl);
	tls_free(&ours);
	close(fd);
	odd_close(&odd);
	return session;
}

/* Is a ticket of `from` good at `to`? *out_next: what `to` gave. */
static bool
is_good_at(struct tls_context *from, struct tls_context *to,
	const struct offer *offer, SSL_SESSION **out_next)
{
	bool is_resumed;
	SSL_SESSION *first = session_of(from, offer, NULL, &is_resumed);
	SSL_SESSION *next;

	assert_false(is_resumed);
	next = session_of(to, offer, first, &is_resumed);
	SSL_SESSION_free(first);
	if (out_next)
		*out_next = next;
	else
		SSL_SESSION_free(next);
	return is_resumed;
}

static struct tls_context *
context_with(size_t first, size_t count)
{
	struct tls_context *context = server_context(
		buffer_bytes(&trust.certificate), buffer_bytes(&trust.key));

	tls_context_set_ticket_keys(context, keys + first, count);
	return context;
}

static void
go_with_their_key(void **state)
{
	struct tls_context *one = context_with(0, 1),
			   *same = context_with(0, 1),
			   *other = context_with(1, 1);

	for (size_t i = 0; i < COUNT(versions); i++) {
		const struct offer offer = {versions[i]};

		assert_true(is_good_at(one, same, &offer, NULL));
		assert_false(is_good_at(one, other, &offer, NULL));
	}
	tls_context_free(&one);
	tls_context_free(&same);
	tls_context_free(&other);
}

/* Old tickets are good for one more period, and then are replaced. */
static void
outlast_one_rotation(void **state)
{
	for (size_t i = 0; i < COUNT(versions); i++) {
		const struct offer offer = {versions[i]};
		struct tls_context *old = context_with(1, 2),
				   *rotated = context_with(0, 2),
				   *alone = context_with(0, 1);
		SSL_SESSION *next, *last;
		bool is_resumed;

		/* keys[1] made it, rotated holds 0 and 1. */
		assert_true(is_good_at(old, rotated, &offer, &next));
		/* What the client holds now is of the new key. */
		last = session_of(alone, &offer, next, &is_resumed);
		assert_true(is_resumed);
		assert_false(is_good_at(old, alone, &offer, NULL));
		SSL_SESSION_free(next);
		SSL_SESSION_free(last);
		tls_context_free(&old);
		tls_context_free(&rotated);
		tls_context_free(&alone);
	}
}

/* In one context, as a session process does it. */
static void
keys_are_replaced(void **state)
{
	for (size_t i = 0; i < COUNT(versions); i++) {
		const struct offer offer = {versions[i]};
		struct tls_context *context = context_with(3, 1);
		bool is_resumed;
		SSL_SESSION *first =
			session_of(context, &offer, NULL, &is_resumed);
		SSL_SESSION *next;

		tls_context_set_ticket_keys(context, keys + 2, 2);
		next = session_of(context, &offer, first, &is_resumed);
		assert_true(is_resumed);
		SSL_SESSION_free(next);
		tls_context_set_ticket_keys(context, keys + 1, 2);
		next = session_of(context, &offer, first, &is_resumed);
		assert_false(is_resumed);
		SSL_SESSION_free(next);
		SSL_SESSION_free(first);
		tls_context_free(&context);
	}
}

/* A key is the same only when all of it is. */
static void
need_the_whole_key(void **state)
{
	const struct offer offer = {TLS1_3_VERSION};
	ticket_key whole[1] = {{9}}, changed[1] = {{9}};
	struct tls_context *one = context_with(0, 1),
			   *other = context_with(0, 1);

	/* 20: of what authenticates; both: the name is the same. */
	changed[0][20] = 1;
	tls_context_set_ticket_keys(one, (const ticket_key *)whole, 1);
	tls_context_set_ticket_keys(other, (const ticket_key *)changed, 1);
	assert_false(is_good_at(one, other, &offer, NULL));
	tls_context_free(&one);
	tls_context_free(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_with_their_key),
		cmocka_unit_test(outlast_one_rotation),
		cmocka_unit_test(keys_are_replaced),
		cmocka_unit_test(need_the_whole_key),
	};

	return cmocka_run_group_tests(tests, trust_open, trust_close);
}
