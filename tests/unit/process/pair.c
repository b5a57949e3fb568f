/* SPDX-License-Identifier: ISC */
#include "pair.h"

#define TURNS_MOST 2000 /* of the loop, in which nothing may be missing */

static bool
on_message(struct channel *channel, struct message *message)
{
	struct end *end = channel->context;

	end->count++;
	return !end->take || end->take(end, message);
}

static void
on_closed(struct channel *channel, enum outcome why)
{
	struct end *end = channel->context;

	end->closed_count++;
	end->why = why;
	if (end->frees_when_closed)
		channel_free(&end->channel);
}

static const struct channel_handler handler = {
	.on_message = on_message, .on_closed = on_closed};

static void
end_open(struct pair *p, struct end *end, int *fd)
{
	*end = (struct end){0};
	end->channel = channel_new(&p->loop, fd, &handler, end);
	assert_non_null(end->channel);
	assert_int_equal(*fd, -1);
}

/* libuv's own, for signals, from the first loop on. */
static void
open_what_stays(void)
{
	uv_loop_t loop;

	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

void
pair_open(struct pair *p, bool is_bare)
{
	int fds[2];

	open_what_stays();
	*p = (struct pair){.descriptors = count_descriptors()};
	assert_int_equal(channel_pair(fds), OK);
	assert_int_equal(uv_loop_init(&p->loop), 0);
	end_open(p, &p->here, &fds[0]);
	p->bare = fds[1];
	if (!is_bare)
		end_open(p, &p->there, &p->bare);
}

void
pair_close(struct pair *p)
{
	channel_free(&p->here.channel);
	channel_free(&p->there.channel);
	if (p->bare >= 0)
		close(p->bare);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
	assert_int_equal(count_descriptors(), p->descriptors);
}

void
turn(struct pair *p, int times)
{
	for (int i = 0; i < times; i++)
		uv_run(&p->loop, UV_RUN_NOWAIT);
}

void
turn_until(struct pair *p, const unsigned *number, unsigned wanted)
{
	for (int i = 0; i < TURNS_MOST && *number < wanted; i++)
		turn(p, 1);
	assert_int_equal(*number, wanted);
}

enum outcome
send_number(struct channel *channel, uint32_t number)
{
	struct message message;
	enum outcome outcome;

	message_init(&message, 5, number);
	message_put_u32(&message, number);
	outcome = channel_send(channel, &message);
	assert_int_equal(message.payload.octets, 0);
	message_release(&message);
	return outcome;
}

bool
take_number(struct end *end, struct message *message)
{
	struct message_reader reader;
	uint32_t number;

	message_reader_init(&reader, message);
	number = message_get_u32(&reader);
	assert_true(message_reader_finish(&reader));
	assert_int_equal(number, end->count - 1);
	assert_int_equal(message->type, 5);
	assert_int_equal(message->subject, number);
	return true;
}
