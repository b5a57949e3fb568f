/* SPDX-License-Identifier: ISC */
/* What a channel carries: messages of every size, a queue, descriptors. */
#include "pair.h"

/* ---- payload ---- */

static bool
take_payload(struct end *end, struct message *message)
{
	assert_int_equal(message->type, 0xfedc);
	assert_true(message->subject == 0xfedcba9876543210);
	assert_bytes(buffer_bytes(&message->payload), end->wanted, BYTES_NONE);
	assert_int_equal(message->descriptor_count, 0);
	return true;
}

static const size_t sizes[] = {
	0, 1, 4, 255, 256, 257, 4096, PAYLOAD_MOST - 1, PAYLOAD_MOST};

static void
carries_every_size(void **state)
{
	static unsigned char octets[PAYLOAD_MOST];
	uint64_t seed = 1;
	struct pair p;

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (unsigned char)random_next(&seed);
	pair_open(&p, false);
	p.there.take = take_payload;
	for (unsigned i = 0; i < COUNT(sizes); i++) {
		struct message message;

		message_init(&message, 0xfedc, 0xfedcba9876543210);
		p.there.wanted = bytes_of(octets, sizes[i]);
		assert_true(buffer_append(&message.payload, octets, sizes[i]));
		assert_int_equal(channel_send(p.here.channel, &message), OK);
		turn_until(&p, &p.there.count, i + 1);
		message_release(&message);
	}
	pair_close(&p);
}

static void
carries_both_ways(void **state)
{
	struct pair p;

	pair_open(&p, false);
	p.here.take = p.there.take = take_number;
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(send_number(p.here.channel, i), OK);
		assert_int_equal(send_number(p.there.channel, i), OK);
	}
	turn_until(&p, &p.here.count, 100);
	turn_until(&p, &p.there.count, 100);
	pair_close(&p);
}

static void
too_large_is_not_sent(void **state)
{
	static const unsigned char octets[PAYLOAD_MOST];
	struct message message;
	struct pair p;

	pair_open(&p, false);
	message_init(&message, 1, 0);
	message_put_bytes(&message, bytes_of(octets, PAYLOAD_MOST));
	assert_int_equal(channel_send(p.here.channel, &message), ERR_BROKEN);
	assert_int_equal(message.payload.octets, 0);
	assert_false(message.is_bad);
	turn(&p, 10);
	assert_int_equal(p.there.count, 0);
	/* The channel lives on. */
	p.there.take = take_number;
	assert_int_equal(send_number(p.here.channel, 0), OK);
	turn_until(&p, &p.there.count, 1);
	message_release(&message);
	pair_close(&p);
}

/* ---- the queue ---- */

#define MANY 3000

/* True when the socket was full and messages wait here. */
static bool
has_queue(const struct end *end)
{
	return end->channel->watched & UV_WRITABLE;
}

/* What comes later never overtakes, though the socket has room again. */
static void
waits_in_order(void **state)
{
	uint32_t sent = 0;
	struct pair p;

	pair_open(&p, false);
	p.there.take = take_number;
	while (!has_queue(&p.here))
		assert_int_equal(send_number(p.here.channel, sent++), OK);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(send_number(p.here.channel, sent++), OK);
		assert_true(channel_poll(p.there.channel));
	}
	assert_true(has_queue(&p.here));
	turn_until(&p, &p.there.count, sent);
	assert_false(has_queue(&p.here));
	pair_close(&p);
}

/* A credit is a message the receiver has room for. Without any, the queue is
   the limit: what does not fit is refused, what was taken arrives. */
static void
queue_has_a_maximum(void **state)
{
	uint32_t taken = 0;
	struct pair p;

	pair_open(&p, false);
	p.there.take = take_number;
	while (send_number(p.here.channel, taken) == OK)
		assert_true(++taken < 2 * CHANNEL_QUEUE_MAXIMUM);
	assert_true(taken >= CHANNEL_QUEUE_MAXIMUM);
	assert_int_equal(send_number(p.here.channel, 0), ERR_TRY_LATER);
	turn_until(&p, &p.there.count, taken);
	assert_int_equal(send_number(p.here.channel, taken), OK);
	turn_until(&p, &p.there.count, taken + 1);
	pair_close(&p);
}

static void
refused_closes_descriptors(void **state)
{
	struct message message;
	int reading, writing;
	struct pair p;

	pair_open(&p, false);
	reading = open_pipe(&writing);
	while (send_number(p.here.channel, 0) == OK)
		;
	message_init(&message, 1, 0);
	message_put_descriptor(&message, &writing);
	assert_int_equal(channel_send(p.here.channel, &message), ERR_TRY_LATER);
	assert_true(is_at_end(reading));
	close(reading);
	pair_close(&p);
}

static void
freed_with_a_queue(void **state)
{
	static const unsigned char octets[PAYLOAD_MOST];
	struct pair p;

	pair_open(&p, false);
	for (int more = 5; more > 0; more -= has_queue(&p.here)) {
		struct message message;
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		message_init(&message, 1, 0);
		message_put_descriptor(&message, &fd);
		assert_true(buffer_append(
			&message.payload, octets, sizeof(octets)));
		assert_int_equal(channel_send(p.here.channel, &message), OK);
		message_release(&message);
	}
	pair_close(&p);
}

/* Others get their turn before all that waits is handled. */
static void
handles_a_batch_a_turn(void **state)
{
	unsigned before;
	struct pair p;

	pair_open(&p, false);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(send_number(p.here.channel, i), OK);
	while (p.there.count < MANY) {
		before = p.there.count;
		turn(&p, 1);
		assert_true(p.there.count > before);
		assert_true(p.there.count - before <= CHANNEL_BATCH_MAXIMUM);
	}
	pair_close(&p);
}

static void
polls_without_the_loop(void **state)
{
	struct pair p;

	pair_open(&p, false);
	p.there.take = take_number;
	assert_false(channel_poll(p.there.channel));
	send_number(p.here.channel, 0);
	send_number(p.here.channel, 1);
	assert_true(channel_poll(p.there.channel));
	assert_int_equal(p.there.count, 1);
	assert_true(channel_poll(p.there.channel));
	assert_false(channel_poll(p.there.channel));
	assert_int_equal(p.there.count, 2);
	channel_free(&p.here.channel);
	assert_int_equal(p.there.closed_count, 0);
	assert_false(channel_poll(p.there.channel));
	assert_int_equal(p.there.closed_count, 1);
	assert_false(channel_poll(p.there.channel));
	assert_int_equal(p.there.closed_count, 1);
	pair_close(&p);
}

/* ---- descriptors ---- */

static bool
take_descriptors(struct end *end, struct message *message)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	for (uint8_t i = 0; i < MESSAGE_MAXIMUM_DESCRIPTORS; i++) {
		int fd = message_get_descriptor(&reader);

		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(write(fd, &i, 1), 1);
		close(fd);
	}
	assert_true(message_reader_finish(&reader));
	return true;
}

static void
carries_64_descriptors(void **state)
{
	int reading[MESSAGE_MAXIMUM_DESCRIPTORS];
	struct message message;
	struct pair p;

	pair_open(&p, false);
	p.there.take = take_descriptors;
	message_init(&message, 1, 0);
	for (int i = 0; i < MESSAGE_MAXIMUM_DESCRIPTORS; i++) {
		int writing;

		reading[i] = open_pipe(&writing);
		message_put_descriptor(&message, &writing);
	}
	assert_int_equal(channel_send(p.here.channel, &message), OK);
	assert_int_equal(message.descriptor_count, 0);
	turn_until(&p, &p.there.count, 1);
	for (uint8_t i = 0; i < MESSAGE_MAXIMUM_DESCRIPTORS; i++) {
		uint8_t number;

		/* In order, and no copy of the other end is left. */
		assert_int_equal(read(reading[i], &number, 1), 1);
		assert_int_equal(number, i);
		assert_true(is_at_end(reading[i]));
		close(reading[i]);
	}
	message_release(&message);
	pair_close(&p);
}

static void
not_taken_is_closed(void **state)
{
	struct message message;
	int reading, writing;
	struct pair p;

	pair_open(&p, false);
	reading = open_pipe(&writing);
	message_init(&message, 1, 0);
	message_put_descriptor(&message, &writing);
	assert_int_equal(channel_send(p.here.channel, &message), OK);
	turn_until(&p, &p.there.count, 1);
	assert_true(is_at_end(reading));
	close(reading);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_every_size),
		cmocka_unit_test(carries_both_ways),
		cmocka_unit_test(too_large_is_not_sent),
		cmocka_unit_test(waits_in_order),
		cmocka_unit_test(queue_has_a_maximum),
		cmocka_unit_test(refused_closes_descriptors),
		cmocka_unit_test(freed_with_a_queue),
		cmocka_unit_test(handles_a_batch_a_turn),
		cmocka_unit_test(polls_without_the_loop),
		cmocka_unit_test(carries_64_descriptors),
		cmocka_unit_test(not_taken_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
