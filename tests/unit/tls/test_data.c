/* SPDX-License-Identifier: ISC */
/* Octets through a connection: all of them, in order, until it ends. */
#include "peers.h"

#include <sys/socket.h>
#include <unistd.h>

#define LARGE_OCTETS (4u << 20)
#define PIECE_OCTETS 40000

/* ---- large data ---- */

/* What goes one way; the octet at each offset is known to both ends. */
struct flow {
	struct tls *from, *to;
	uint64_t salt;
	size_t sent, received;
	size_t waiting; /* what the last write could not send, it must again */
};

static unsigned char
octet_at(const struct flow *flow, size_t offset)
{
	uint64_t seed = flow->salt + offset / 8;

	return (unsigned char)(random_next(&seed) >> (offset % 8 * 8));
}

static bool
is_waiting(enum tls_result result)
{
	return result == TLS_WANT_READ || result == TLS_WANT_WRITE;
}

/* True when it went on. */
static bool
send_some(struct flow *flow, uint64_t *seed)
{
	/* Never where the last one was. */
	static unsigned char memory[2][PIECE_OCTETS], *out = memory[0];
	size_t most = 1 + random_below(seed, PIECE_OCTETS), taken = SIZE_MAX;
	enum tls_result result;

	if (most < flow->waiting)
		most = flow->waiting;
	if (most > LARGE_OCTETS - flow->sent)
		most = LARGE_OCTETS - flow->sent;
	if (most == 0)
		return false;
	out = out == memory[0] ? memory[1] : memory[0];
	for (size_t i = 0; i < most; i++)
		out[i] = octet_at(flow, flow->sent + i);
	result = tls_write(flow->from, bytes_of(out, most), &taken);
	flow->waiting = is_waiting(result) ? most : 0;
	if (is_waiting(result))
		return false;
	assert_int_equal(result, TLS_DONE);
	assert_true(taken > 0 && taken <= most);
	flow->sent += taken;
	return true;
}

static bool
receive_some(struct flow *flow, uint64_t *seed)
{
	static unsigned char in[PIECE_OCTETS];
	size_t room = 1 + random_below(seed, PIECE_OCTETS), got = SIZE_MAX;
	enum tls_result result = tls_read(flow->to, in, room, &got);

	if (is_waiting(result)) {
		/* poll(2) is asked next: nothing may be left behind. */
		assert_int_equal(tls_pending(flow->to), 0);
		return false;
	}
	assert_int_equal(result, TLS_DONE);
	assert_true(got > 0 && got <= room);
	for (size_t i = 0; i < got; i++)
		if (in[i] != octet_at(flow, flow->received + i))
			fail_msg("octet %zu", flow->received + i);
	flow->received += got;
	return true;
}

static void
large_data_both_ways(void **state)
{
	uint64_t seed = 8446;
	struct flow flows[2];
	struct peers p;
	bool goes_on = true;

	peers_meet(&p);
	flows[0] = (struct flow){.from = p.server, .to = p.client, .salt = 1};
	flows[1] = (struct flow){.from = p.client, .to = p.server, .salt = 9};
	while (goes_on) {
		goes_on = false;
		for (int i = 0; i < 2; i++) {
			goes_on |= send_some(&flows[i], &seed);
			goes_on |= receive_some(&flows[i], &seed);
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(flows[i].sent, LARGE_OCTETS);
		assert_int_equal(flows[i].received, LARGE_OCTETS);
	}
	peers_close(&p);
}

/* A writer that is faster than its reader is told so, and goes on later, also
   from another place in memory. */
static void
writer_waits(void **state)
{
	uint64_t seed = 1;
	struct flow flow;
	struct peers p;

	peers_meet(&p);
	flow = (struct flow){.from = p.server, .to = p.client};
	while (send_some(&flow, &seed))
		assert_true(flow.sent < LARGE_OCTETS);
	while (flow.received < flow.sent)
		assert_true(receive_some(&flow, &seed));
	assert_true(send_some(&flow, &seed));
	peers_close(&p);
}

/* Or nothing would be known of what was sent until all is. */
static void
writer_takes_a_part(void **state)
{
	static const unsigned char large[LARGE_OCTETS];
	struct peers p;
	size_t octets = 0;

	peers_meet(&p);
	assert_int_equal(
		tls_write(p.server, bytes_of(large, sizeof(large)), &octets),
		TLS_DONE);
	assert_true(octets > 0 && octets < sizeof(large));
	peers_close(&p);
}

static void
pending_is_what_was_not_read(void **state)
{
	unsigned char in[8];
	struct peers p;
	size_t octets = 0;

	peers_meet(&p);
	assert_int_equal(
		tls_write(p.client, BYTES("QUIT\r\n"), &octets), TLS_DONE);
	assert_int_equal(octets, 6);
	assert_int_equal(tls_pending(p.server), 0);
	assert_int_equal(tls_read(p.server, in, 2, &octets), TLS_DONE);
	assert_bytes(bytes_of(in, octets), BYTES("QU"), BYTES_NONE);
	assert_int_equal(tls_pending(p.server), 4);
	assert_int_equal(tls_read(p.server, in, 8, &octets), TLS_DONE);
	assert_bytes(bytes_of(in, octets), BYTES("IT\r\n"), BYTES_NONE);
	assert_int_equal(tls_read(p.server, in, 8, &octets), TLS_WANT_READ);
	peers_close(&p);
}

/* What no socket will report any more. */
static void
more_is_what_was_read_ahead(void **state)
{
	unsigned char in[8];
	struct peers p;
	size_t octets;

	peers_meet(&p);
	assert_false(tls_has_more(p.server));
	assert_int_equal(
		tls_write(p.client, BYTES("STAT\r\n"), &octets), TLS_DONE);
	assert_int_equal(
		tls_write(p.client, BYTES("QUIT\r\n"), &octets), TLS_DONE);
	assert_int_equal(tls_read(p.server, in, 8, &octets), TLS_DONE);
	assert_bytes(bytes_of(in, octets), BYTES("STAT\r\n"), BYTES_NONE);
	assert_int_equal(tls_pending(p.server), 0);
	assert_true(tls_has_more(p.server));
	assert_int_equal(tls_read(p.server, in, 2, &octets), TLS_DONE);
	assert_true(tls_has_more(p.server));
	assert_int_equal(tls_read(p.server, in, 8, &octets), TLS_DONE);
	assert_bytes(bytes_of(in, octets), BYTES("IT\r\n"), BYTES_NONE);
	assert_false(tls_has_more(p.server));
	peers_close(&p);
}

/* ---- the end ---- */

static void
shutdown_is_told(void **state)
{
	unsigned char in[8];
	struct peers p;
	size_t octets;

	peers_meet(&p);
	assert_int_equal(tls_write(p.server, BYTES("+OK"), &octets), TLS_DONE);
	tls_shutdown(p.server);
	tls_shutdown(p.server);
	assert_int_equal(tls_read(p.client, in, 8, &octets), TLS_DONE);
	assert_int_equal(octets, 3);
	assert_int_equal(tls_read(p.client, in, 8, &octets), TLS_CLOSED);
	assert_int_equal(tls_read(p.client, in, 8, &octets), TLS_CLOSED);
	peers_close(&p);
}

/* Many clients just go; that is an end, no failure. */
static void
dropped_line_is_an_end(void **state)
{
	unsigned char in[8];
	struct peers p;
	size_t octets;

	peers_meet(&p);
	/* What the server sent in the handshake, or the drop is a reset. */
	assert_int_equal(tls_read(p.client, in, 8, &octets), TLS_WANT_READ);
	shutdown(p.client_fd, SHUT_RDWR);
	assert_int_equal(tls_read(p.server, in, 8, &octets), TLS_CLOSED);
	assert_int_equal(
		tls_write(p.server, BYTES("+OK"), &octets), TLS_FAILED);
	assert_string_equal(
		tls_error(p.server), "writing failed: the other side closed");
	peers_close(&p);
}

/* The reader's end is the writer's failure, and has a reason. */
static void
closed_while_shaking_hands(void **state)
{
	int one, other;
	struct tls *tls;

	open_sockets(&one, &other);
	tls = tls_connect(trust.client, one, HOSTNAME);
	assert_int_equal(tls_handshake(tls), TLS_WANT_READ);
	shutdown(other, SHUT_WR);
	assert_int_equal(tls_handshake(tls), TLS_FAILED);
	assert_string_equal(
		tls_error(tls), "handshake failed: the other side closed");
	tls_free(&tls);
	close(one);
	close(other);
}

static void
shutdown_before_the_handshake(void **state)
{
	int one, other;
	struct tls *tls;
	char octet;

	open_sockets(&one, &other);
	tls = tls_accept(trust.server, one);
	tls_shutdown(tls);
	tls_free(&tls);
	close(one);
	/* Nothing was sent. */
	assert_int_equal(read(other, &octet, 1), 0);
	close(other);
}

/* ---- a line that is not as it should be ---- */

static const struct bytes not_tls[] = {
	TEXT("QUIT\r\n"),
	TEXT("GET / HTTP/1.0\r\n\r\n"),
	TEXT("\0\0\0\0\0\0\0\0\0\0"),
	TEXT("\x16\x03\x01\xff\xff"
	     "aaaaaaaaaaaaaaaaaaaa"),
	TEXT("\x15\x03\x03\0\2\2\x28"),
};

static void
what_is_not_tls_fails(void **state)
{
	for (size_t i = 0; i < COUNT(not_tls); i++) {
		int one, other;
		struct tls *tls;

		open_sockets(&one, &other);
		tls = tls_accept(trust.server, one);
		assert_int_equal(tls_handshake(tls), TLS_WANT_READ);
		assert_int_equal(write(other, not_tls[i].at, not_tls[i].octets),
			not_tls[i].octets);
		assert_int_equal(tls_handshake(tls), TLS_FAILED);
		assert_memory_equal(tls_error(tls), "handshake failed: ", 18);
		assert_int_equal(tls_handshake(tls), TLS_FAILED);
		tls_free(&tls);
		close(one);
		close(other);
	}
}

/* A wire between two ends: one octet at a time, and perhaps one of them
   changed. */
struct wire {
	struct peers peers;
	int at_server, at_client; /* our ends of it */
	size_t from_server;	  /* octets so far */
	size_t changed;		  /* which of them; SIZE_MAX: none */
};

static void
wire_open(struct wire *wire, size_t changed)
{
	struct peers *p = &wire->peers;

	*wire = (struct wire){.changed = changed};
	open_sockets(&p->server_fd, &wire->at_server);
	open_sockets(&p->client_fd, &wire->at_client);
	p->server = tls_accept(trust.server, p->server_fd);
	p->client = tls_connect(trust.client, p->client_fd, HOSTNAME);
}

static void
wire_close(struct wire *wire)
{
	peers_close(&wire->peers);
	close(wire->at_server);
	close(wire->at_client);
}

/* True when something moved. */
static bool
wire_carry(struct wire *wire)
{
	unsigned char octet;
	bool has_moved = false;

	if (read(wire->at_client, &octet, 1) == 1)
		has_moved = write(wire->at_server, &octet, 1) == 1;
	if (read(wire->at_server, &octet, 1) == 1) {
		if (wire->from_server++ == wire->changed)
			octet ^= 1;
		has_moved |= write(wire->at_client, &octet, 1) == 1;
	}
	return has_moved;
}

static void
wire_meet(struct wire *wire)
{
	struct peers *p = &wire->peers;

	do {
		p->client_result = tls_handshake(p->client);
		p->server_result = tls_handshake(p->server);
	} while (wire_carry(wire));
}

static void
one_octet_at_a_time(void **state)
{
	unsigned char in[8];
	struct wire wire;
	struct peers *p = &wire.peers;
	size_t octets, before;

	wire_open(&wire, SIZE_MAX);
	wire_meet(&wire);
	assert_int_equal(p->client_result, TLS_DONE);
	assert_int_equal(p->server_result, TLS_DONE);
	before = wire.from_server;
	assert_int_equal(tls_write(p->server, BYTES("+OK"), &octets), TLS_DONE);
	while (tls_read(p->client, in, 8, &octets) == TLS_WANT_READ)
		assert_true(wire_carry(&wire));
	assert_bytes(bytes_of(in, octets), BYTES("+OK"), BYTES_NONE);
	/* A record comes whole or not at all. */
	assert_true(wire.from_server - before > 3 + 16);
	wire_close(&wire);
}

static void
changed_data_fails(void **state)
{
	unsigned char in[8];
	enum tls_result result;
	struct wire wire;
	struct peers *p = &wire.peers;
	size_t octets;

	wire_open(&wire, SIZE_MAX);
	wire_meet(&wire);
	assert_int_equal(p->client_result, TLS_DONE);
	/* Behind the five octets of the record's header. */
	wire.changed = wire.from_server + 7;
	assert_int_equal(tls_write(p->server, BYTES("+OK"), &octets), TLS_DONE);
	while ((result = tls_read(p->client, in, 8, &octets)) == TLS_WANT_READ)
		assert_true(wire_carry(&wire));
	assert_int_equal(result, TLS_FAILED);
	assert_memory_equal(tls_error(p->client), "reading failed: ", 16);
	wire_close(&wire);
}

/* Wherever the server's side of the handshake is changed, none comes of it. */
static void
changed_handshake_fails(void **state)
{
	struct wire wire;
	size_t octets;

	wire_open(&wire, SIZE_MAX);
	wire_meet(&wire);
	octets = wire.from_server;
	wire_close(&wire);
	/* The ticket at its end is no part of the handshake. */
	for (size_t at = 0; at < octets - 300; at += 13) {
		wire_open(&wire, at);
		wire_meet(&wire);
		assert_int_not_equal(wire.peers.client_result, TLS_DONE);
		wire_close(&wire);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_data_both_ways),
		cmocka_unit_test(writer_waits),
		cmocka_unit_test(writer_takes_a_part),
		cmocka_unit_test(pending_is_what_was_not_read),
		cmocka_unit_test(more_is_what_was_read_ahead),
		cmocka_unit_test(shutdown_is_told),
		cmocka_unit_test(dropped_line_is_an_end),
		cmocka_unit_test(closed_while_shaking_hands),
		cmocka_unit_test(shutdown_before_the_handshake),
		cmocka_unit_test(what_is_not_tls_fails),
		cmocka_unit_test(one_octet_at_a_time),
		cmocka_unit_test(changed_data_fails),
		cmocka_unit_test(changed_handshake_fails),
	};

	return cmocka_run_group_tests(tests, trust_open, trust_close);
}
