/* SPDX-License-Identifier: ISC */
/* How a channel ends, and what ends it; and its use before a loop runs. */
#include "pair.h"

#include <sys/socket.h>

/* ---- the end ---- */

static void
tells_the_end_after_the_last_message(void **state)
{
	struct pair p;

	pair_open(&p, false);
	p.there.take = take_number;
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(send_number(p.here.channel, i), OK);
	channel_free(&p.here.channel);
	assert_null(p.here.channel);
	turn_until(&p, &p.there.closed_count, 1);
	assert_int_equal(p.there.count, 5);
	assert_int_equal(p.there.why, ERR_GONE);
	assert_int_equal(p.here.closed_count, 0);
	assert_int_equal(send_number(p.there.channel, 0), ERR_GONE);
	turn(&p, 10);
	assert_int_equal(p.there.closed_count, 1);
	pair_close(&p);
}

static bool
take_and_free(struct end *end, struct message *message)
{
	channel_free(&end->channel);
	return true;
}

static bool
free_and_complain(struct end *end, struct message *message)
{
	channel_free(&end->channel);
	return false;
}

static void
may_be_freed_by_its_handler(void **state)
{
	bool (*const takes[])(struct end *, struct message *) = {
		take_and_free, free_and_complain};

	for (size_t i = 0; i < COUNT(takes); i++) {
		struct pair p;

		pair_open(&p, false);
		p.there.take = takes[i];
		p.here.frees_when_closed = true;
		send_number(p.here.channel, 0);
		send_number(p.here.channel, 1);
		turn_until(&p, &p.here.closed_count, 1);
		assert_int_equal(p.there.count, 1);
		assert_int_equal(p.there.closed_count, 0);
		assert_null(p.here.channel);
		pair_close(&p);
	}
}

/* Its memory is still there until the loop turns. */
static void
sending_while_it_closes(void **state)
{
	struct channel *closing;
	struct message message;
	int reading, writing;
	struct pair p;

	pair_open(&p, false);
	reading = open_pipe(&writing);
	closing = p.here.channel;
	channel_free(&p.here.channel);
	message_init(&message, 1, 0);
	message_put_descriptor(&message, &writing);
	message_put_string(&message, "PASS");
	assert_int_equal(channel_send(closing, &message), ERR_GONE);
	assert_int_equal(message.payload.octets, 0);
	assert_true(is_at_end(reading));
	message_release(&message);
	close(reading);
	pair_close(&p);
}

/* ---- a role that does not keep to the rules ---- */

static bool
complain(struct end *end, struct message *message)
{
	return false;
}

/* It was its last word. */
static void
assert_ended(struct pair *p, unsigned messages)
{
	turn_until(p, &p->here.closed_count, 1);
	assert_int_equal(p->here.why, ERR_PEER);
	assert_int_equal(p->here.count, messages);
	assert_int_equal(send_number(p->here.channel, 1), ERR_GONE);
	turn(p, 10);
	assert_int_equal(p->here.closed_count, 1);
	assert_int_equal(p->here.count, messages);
}

static void
complaint_ends_it(void **state)
{
	struct pair p;

	pair_open(&p, false);
	p.here.take = complain;
	send_number(p.there.channel, 0);
	send_number(p.there.channel, 1);
	assert_ended(&p, 1);
	pair_close(&p);
}

/* type 1, no subject, and a length that may be a lie. */
static size_t
make_raw(unsigned char *out, uint32_t said, size_t octets)
{
	memset(out, 0, MESSAGE_HEADER_OCTETS);
	out[0] = 1;
	for (int i = 0; i < 4; i++)
		out[4 + i] = (unsigned char)(said >> (8 * i));
	memset(out + MESSAGE_HEADER_OCTETS, 'x', octets);
	return MESSAGE_HEADER_OCTETS + octets;
}

static const struct {
	const char *name;
	size_t cut; /* octets of the header that are missing */
	uint32_t said;
	size_t octets;
	bool is_right;
} raws[] = {
	{"right", 0, 3, 3, true},
	{"right, empty", 0, 0, 0, true},
	{"right, largest", 0, PAYLOAD_MOST, PAYLOAD_MOST, true},
	{"one octet", 15, 0, 0, false},
	{"header cut", 1, 0, 0, false},
	{"less than said", 0, 4, 3, false},
	{"more than said", 0, 2, 3, false},
	{"nothing said", 0, 0, 1, false},
	{"length of all ones", 0, UINT32_MAX, 1, false},
	{"wraps to the right length", 0, UINT32_MAX - 15, 0, false},
	{"one too large", 0, PAYLOAD_MOST + 1, PAYLOAD_MOST + 1, false},
	{"truncated to a right one", 0, PAYLOAD_MOST, PAYLOAD_MOST + 1, false},
	{"far too large", 0, 100000, 100000, false},
};

static void
malformed_ends_it(void **state)
{
	static unsigned char raw[200000];

	for (size_t i = 0; i < COUNT(raws); i++) {
		size_t octets = make_raw(raw, raws[i].said, raws[i].octets);
		struct pair p;

		octets -= raws[i].cut;
		pair_open(&p, true);
		assert_int_equal(send(p.bare, raw, octets, 0), octets);
		make_raw(raw, 0, 0);
		send(p.bare, raw, MESSAGE_HEADER_OCTETS, 0);
		if (raws[i].is_right)
			turn_until(&p, &p.here.count, 2);
		else
			assert_ended(&p, 0);
		pair_close(&p);
	}
}

union many_descriptors {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(int) * 128)];
};

static void
send_descriptors(int to, int fd, unsigned count)
{
	unsigned char raw[MESSAGE_HEADER_OCTETS];
	struct iovec part = {raw, make_raw(raw, 0, 0)};
	union many_descriptors control = {0};
	struct msghdr msg = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = CMSG_SPACE(sizeof(int) * count)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * count);
	for (unsigned i = 0; i < count; i++)
		memcpy(CMSG_DATA(cmsg) + sizeof(int) * i, &fd, sizeof(fd));
	assert_int_equal(sendmsg(to, &msg, 0), sizeof(raw));
}

/* MSG_CTRUNC is fatal, and the 64 that did come are closed. */
static void
too_many_descriptors_end_it(void **state)
{
	static const unsigned counts[] = {64, 65, 66, 128};

	for (size_t i = 0; i < COUNT(counts); i++) {
		int reading, writing;
		struct pair p;

		pair_open(&p, true);
		reading = open_pipe(&writing);
		send_descriptors(p.bare, writing, counts[i]);
		close(writing);
		if (counts[i] <= MESSAGE_MAXIMUM_DESCRIPTORS)
			turn_until(&p, &p.here.count, 1);
		else
			assert_ended(&p, 0);
		assert_true(is_at_end(reading));
		close(reading);
		pair_close(&p);
	}
}

/* ---- before a loop runs ---- */

static void
blocking_carries(void **state)
{
	int fds[2], writing, reading = open_pipe(&writing);
	struct message_reader reader;
	struct message message;

	assert_int_equal(channel_pair(fds), OK);
	message_init(&message, 3, 4);
	message_put_string(&message, "boot");
	message_put_descriptor(&message, &writing);
	assert_int_equal(channel_send_blocking(fds[0], &message), OK);
	assert_int_equal(message.payload.octets, 0);
	message_put_string(&message, "left from before");
	assert_int_equal(channel_receive_blocking(fds[1], &message), OK);
	assert_int_equal(message.type, 3);
	assert_int_equal(message.subject, 4);
	message_reader_init(&reader, &message);
	assert_true(bytes_equal(message_get_bytes(&reader), BYTES("boot")));
	close(message_get_descriptor(&reader));
	assert_true(message_reader_finish(&reader));
	assert_true(is_at_end(reading));
	message.is_bad = true;
	assert_int_equal(channel_send_blocking(fds[0], &message), ERR_BROKEN);
	close(fds[0]);
	assert_int_equal(channel_receive_blocking(fds[1], &message), ERR_GONE);
	assert_int_equal(channel_send_blocking(fds[1], &message), ERR_GONE);
	message_release(&message);
	close(fds[1]);
	close(reading);
}

#define WAITED 700 /* of the largest messages: more than a socket holds */

static void
receive_slowly(void *fd)
{
	struct message message;

	message_init(&message, 0, 0);
	for (uint32_t i = 0; i < WAITED; i++) {
		if (i % 100 == 0)
			usleep(10000);
		if (channel_receive_blocking(*(int *)fd, &message) != OK ||
			message.subject != i)
			break;
		if (i + 1 == WAITED)
			channel_send_blocking(*(int *)fd, &message);
	}
	message_release(&message);
}

/* Each waits for the other: for room, and for a message. */
static void
blocking_waits(void **state)
{
	static const unsigned char octets[PAYLOAD_MOST];
	struct message message;
	uv_thread_t thread;
	int fds[2];

	assert_int_equal(channel_pair(fds), OK);
	assert_int_equal(uv_thread_create(&thread, receive_slowly, &fds[1]), 0);
	message_init(&message, 0, 0);
	for (uint32_t i = 0; i < WAITED; i++) {
		message.subject = i;
		assert_true(buffer_append(
			&message.payload, octets, sizeof(octets)));
		assert_int_equal(channel_send_blocking(fds[0], &message), OK);
	}
	assert_int_equal(channel_receive_blocking(fds[0], &message), OK);
	assert_int_equal(message.subject, WAITED - 1);
	uv_thread_join(&thread);
	message_release(&message);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_end_after_the_last_message),
		cmocka_unit_test(may_be_freed_by_its_handler),
		cmocka_unit_test(sending_while_it_closes),
		cmocka_unit_test(complaint_ends_it),
		cmocka_unit_test(malformed_ends_it),
		cmocka_unit_test(too_many_descriptors_end_it),
		cmocka_unit_test(blocking_carries),
		cmocka_unit_test(blocking_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
