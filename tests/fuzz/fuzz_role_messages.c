/* SPDX-License-Identifier: ISC */
/*
 * What the store role is told by sessions and auth: any messages in any order,
 * whole, half or of another kind, from a session process that was taken over.
 * Nobody opens, reads, fills or empties what auth did not grant; what auth says
 * is never taken for malformed because of what a session did; and when all have
 * gone nothing is held.
 *
 * store_role.c is read in whole, so that its dispatching is what is driven; the
 * channels, the boot and the threads are ours. The store is that in memory.
 */
#include "fuzz.h"

/* NOLINTNEXTLINE(bugprone-suspicious-include): see above. */
#include "server/store_role.c"

#include "process/channel.h"

#define MAILBOXES   3
#define CONNECTIONS 4
#define STORED	    2 /* in each mailbox, before anybody comes */
#define TEXT_OCTETS 64
#define NOBODY	    200 /* an instance that has died */

static struct {
	struct channel session, auth;
	uint64_t instance;	  /* of the session process that lives */
	int granted[CONNECTIONS]; /* the mailbox asked for last, or -1 */
	int open[CONNECTIONS];	  /* what store said is open, or -1 */
	bool may_read_only[CONNECTIONS];
	bool may_fill[MAILBOXES], may_empty[MAILBOXES];
	unsigned data, credits; /* APPEND_DATA and what came back */
} world;

static const char *const mailboxes[MAILBOXES] = {"alice", "bob", "carol"};

static int
mailbox_number(const char *name)
{
	for (int i = 0; i < MAILBOXES; i++)
		if (!strcmp(mailboxes[i], name))
			return i;
	return -1;
}

/* ---- what store answers ---- */

static void
check_opened(int connection, struct message_reader *reader)
{
	char mailbox[STORE_MAILBOX_MAXIMUM_OCTETS];
	bool is_read_only;
	int fd, number;

	if (message_get_u8(reader) != OK)
		return;
	message_get_string(reader, mailbox, sizeof(mailbox));
	is_read_only = message_get_u8(reader);
	message_get_u64(reader);
	message_get_u32(reader);
	message_get_u64(reader);
	fd = message_get_descriptor(reader);
	assert_true(message_reader_finish(reader));
	assert_true(fd >= 0);
	close(fd);
	number = mailbox_number(mailbox);
	assert_int_equal(number, world.granted[connection]);
	assert_int_equal(is_read_only, world.may_read_only[connection]);
	for (int i = 0; i < CONNECTIONS; i++)
		assert_int_not_equal(world.open[i], number);
	world.open[connection] = number;
	if (!is_read_only)
		world.may_empty[number] = true;
}

/* What was there before says whose it is. */
static void
check_piece(int connection, struct message_reader *reader)
{
	struct bytes octets, owner;

	assert_int_not_equal(world.open[connection], -1);
	message_get_u32(reader);
	if (message_get_u64(reader) > 0 || message_get_u8(reader) != OK)
		return;
	octets = message_get_bytes(reader);
	assert_true(message_reader_finish(reader));
	owner = bytes_cut(&octets, ':');
	if (bytes_equal(owner, bytes_of_string("Mailbox")))
		assert_true(octets.octets == 0 ||
			    octets.at[0] == '0' + world.open[connection]);
}

static void
check_answer(struct message *message)
{
	int connection = (int)message->subject;
	struct message_reader reader;

	assert_in_range(message->subject, 0, CONNECTIONS - 1);
	message_reader_init(&reader, message);
	if (message->type == MESSAGE_OPENED)
		check_opened(connection, &reader);
	else if (message->type == MESSAGE_PIECE)
		check_piece(connection, &reader);
	else if (message->type == MESSAGE_CREDIT)
		world.credits += message_get_u32(&reader);
	else if (message->type == MESSAGE_COMMITTED)
		world.open[connection] = -1; /* it is free again by then */
	else if (message->type == MESSAGE_FILES)
		assert_int_not_equal(world.open[connection], -1);
}

/* ---- in the place of process/channel.c and server/boot.c ---- */

enum outcome
channel_send(struct channel *channel, struct message *message)
{
	if (channel == &world.session)
		check_answer(message);
	message_release(message);
	message_init(message, 0, 0);
	return OK;
}

struct channel *
channel_new(uv_loop_t *loop, int *fd, const struct channel_handler *handler,
	void *context)
{
	world.session =
		(struct channel){.handler = handler, .context = context};
	return &world.session;
}

void
channel_free(struct channel **channel)
{
	*channel = NULL;
}

bool
channel_poll(struct channel *channel)
{
	return false;
}

void
boot_settle(void)
{
}

void
boot_leave(void)
{
	abort();
}

struct boot *
boot_receive(void)
{
	abort();
}

void
boot_log_open(const struct boot *boot, const char *name)
{
}

int
boot_state_directory(const struct boot *boot, const char *name)
{
	return -1;
}

struct stats *
boot_own_stats(struct boot *boot)
{
	return NULL;
}

void
boot_drop_privileges(const char *user, int *root_fd)
{
}

void
boot_finish(
	struct boot *boot, uv_loop_t *loop, const struct boot_handler *handler)
{
}

void
confinement_enter(const struct confinement *confinement, uv_loop_t *loop)
{
}

/* ---- who speaks ---- */

static void
session_begins(void)
{
	int fd = -1;

	assert_true(add_client(++world.instance, &fd));
	for (int i = 0; i < CONNECTIONS; i++)
		world.granted[i] = world.open[i] = -1;
}

static void
session_ends(void)
{
	on_client_closed(&world.session, ERR_GONE);
	assert_null(role.clients);
}

/* As channel.c does it: who says something malformed is cut off. */
static void
session_says(struct message *message)
{
	if (message->type == MESSAGE_RELEASE)
		world.open[message->subject] = -1;
	world.data += message->type == MESSAGE_APPEND_DATA;
	if (!on_client_message(&world.session, message)) {
		session_ends();
		session_begins();
	}
	message_release(message);
}

static void
auth_grants(struct message *message)
{
	assert_true(on_auth_message(&world.auth, message));
	message_release(message);
}

static void
grant_open(uint64_t connection, struct bytes *in)
{
	uint8_t how = fuzz_take_octet(in), mailbox = how / 4 % MAILBOXES;
	bool is_for_nobody = how & 2;
	struct message message;

	message_init(&message, MESSAGE_GRANT_OPEN, connection);
	message_put_u64(&message, is_for_nobody ? NOBODY : world.instance);
	message_put_string(&message, mailboxes[mailbox]);
	message_put_u8(&message, how & 1);
	if (!is_for_nobody && world.open[connection] < 0) {
		world.granted[connection] = mailbox;
		world.may_read_only[connection] = how & 1;
	}
	auth_grants(&message);
}

static void
grant_append(uint64_t connection, struct bytes *in)
{
	uint8_t how = fuzz_take_octet(in), mailbox = how / 4 % MAILBOXES;
	bool is_for_nobody = how & 2;
	struct message message;

	message_init(&message, MESSAGE_GRANT_APPEND, connection);
	message_put_u64(&message, is_for_nobody ? NOBODY : world.instance);
	message_put_u32(&message, fuzz_take_octet(in));
	message_put_string(&message, mailboxes[mailbox]);
	message_put_u64(&message, 0);
	message_put_u64(&message, how & 1 ? STORED + 1 : 0);
	if (!is_for_nobody)
		world.may_fill[mailbox] = true;
	auth_grants(&message);
}

/* Numbers that mean something most of the time. */
static void
put_numbers(struct message *message, struct bytes *in)
{
	switch (message->type) {
	case MESSAGE_READ:
		message_put_u32(message, fuzz_take_octet(in) % 4);
		message_put_u32(message, fuzz_take_octet(in) % 4);
		break;
	case MESSAGE_READ_PIECE:
		message_put_u32(message, fuzz_take_octet(in) % 4);
		message_put_u64(message, fuzz_take_octet(in) / 16);
		message_put_u32(message, fuzz_take_octet(in));
		break;
	case MESSAGE_DELETE:
	case MESSAGE_RETRIEVED:
		message_put_u32(message, 1);
		message_put_u32(message, fuzz_take_octet(in) % 4);
		break;
	case MESSAGE_APPEND_BEGIN:
		message_put_u32(message, 1);
		message_put_u32(message, fuzz_take_octet(in) % 4);
		message_put_string(message, "Return-Path: <>\r\n");
		break;
	case MESSAGE_APPEND_DATA:
		message_put_string(message, "octets\r\n");
		break;
	default:
		break;
	}
}

static void
say_something(uint64_t connection, struct bytes *in)
{
	uint8_t how = fuzz_take_octet(in);
	struct message message;

	message_init(&message,
		(uint16_t)(MESSAGE_READ +
			   how % (MESSAGE_RELEASE - MESSAGE_READ + 1)),
		connection);
	if (how & 0x80)
		buffer_append_bytes(&message.payload,
			fuzz_take_octets(in, fuzz_take_octet(in)));
	else
		put_numbers(&message, in);
	session_says(&message);
}

/* Of any type, also of those that others say. */
static void
say_anything(uint64_t connection, struct bytes *in)
{
	struct message message;

	message_init(&message, fuzz_take_octet(in), connection);
	buffer_append_bytes(
		&message.payload, fuzz_take_octets(in, fuzz_take_octet(in)));
	session_says(&message);
}

static void
act(struct bytes *in)
{
	uint8_t what = fuzz_take_octet(in);
	uint64_t connection = what / 8 % CONNECTIONS;

	switch (what % 8) {
	case 0:
		grant_open(connection, in);
		break;
	case 1:
		grant_append(connection, in);
		break;
	case 2:
		say_anything(connection, in);
		break;
	case 3:
		session_ends();
		session_begins();
		break;
	default:
		say_something(connection, in);
	}
}

/* ---- the store before and after ---- */

static void
ignore(struct store_call *call)
{
	assert_int_equal(call->outcome, OK);
}

static void
fill(int mailbox)
{
	char text[TEXT_OCTETS];
	struct store_append_call call = {
		.call = {.done = ignore}, .mailbox = mailboxes[mailbox]};

	snprintf(text, sizeof(text), "Mailbox:%d\r\n", mailbox);
	store_role_store->ops->append_begin(store_role_store, &call);
	call.chunk = bytes_of_string(text);
	store_role_store->ops->append_write(store_role_store, &call);
	store_role_store->ops->append_commit(store_role_store, &call);
}

static void
begin(void)
{
	static struct boot boot;
	static struct stats stats;
	struct store_options options = {.kind = "memory",
		.mail_root = -1,
		.state_root = -1,
		.executor = &executor_inline};

	if (!role.boot) {
		log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR, "fuzz");
		server_settings_init(&boot.settings);
		role.boot = &boot;
		store_role_stats = &stats;
		uv_loop_init(&role.loop);
		uv_timer_init(&role.loop, &role.tending);
		lease_init(&role.loop);
	}
	memset(&world, 0, sizeof(world));
	assert_int_equal(store_open(&options, &store_role_store), OK);
	for (int i = 0; i < MAILBOXES * STORED; i++)
		fill(i % MAILBOXES);
	role.auth = &world.auth;
	session_begins();
}

static void
end(void)
{
	session_ends();
	assert_true(world.credits <= world.data);
	for (int i = 0; i < MAILBOXES; i++) {
		struct store_stat_call call = {
			.call = {.done = ignore}, .mailbox = mailboxes[i]};

		store_role_store->ops->stat(store_role_store, &call);
		assert_false(call.is_open);
		assert_true(call.count <= STORED || world.may_fill[i]);
		assert_true(call.count >= STORED || world.may_empty[i]);
	}
	store_role_store->ops->free(&store_role_store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
	struct bytes in = bytes_of(data, octets);

	begin();
	while (in.octets > 0)
		act(&in);
	end();
	return 0;
}
