/* SPDX-License-Identifier: ISC */
#include "server/boot.h"
#include "process/spawn.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

static int parent; /* our end of the role's channel */

static struct {
	unsigned peers;
	enum role role;
	uint64_t instance;
	bool has_descriptor;
} seen;

static bool
on_peer(enum role role, uint64_t instance, int *fd)
{
	seen.peers++;
	seen.role = role;
	seen.instance = instance;
	seen.has_descriptor = fcntl(*fd, F_GETFD) >= 0;
	return true;
}

static const struct boot_handler handler = {.on_peer = on_peer};

static int
open_channel(void **state)
{
	int fds[2];

	if (channel_pair(fds) != OK)
		return -1;
	parent = fcntl(fds[0], F_DUPFD_CLOEXEC, 16);
	if (fds[1] != SPAWN_CHANNEL_FD) {
		dup2(fds[1], SPAWN_CHANNEL_FD);
		close(fds[1]);
	}
	if (fds[0] != SPAWN_CHANNEL_FD)
		close(fds[0]);
	return parent < 0 ? -1 : 0;
}

static void
tell_settings(void)
{
	struct message message;

	message_init(&message, MESSAGE_SETTINGS, 0);
	message_put_u8(&message, true);
	message_put_bytes(&message, BYTES_NONE);
	assert_int_equal(channel_send_blocking(parent, &message), OK);
	message_release(&message);
}

static void
tell_peer(enum role role, uint64_t instance)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 16);
	struct message message;

	message_init(&message, MESSAGE_PEER, 0);
	message_put_u8(&message, (uint8_t)role);
	message_put_u64(&message, instance);
	message_put_descriptor(&message, &fd);
	assert_int_equal(channel_send_blocking(parent, &message), OK);
	message_release(&message);
}

static void
tell_start(void)
{
	struct message message;

	message_init(&message, MESSAGE_START, 0);
	message_put_u32(&message, 3);
	message_put_u64(&message, 77);
	assert_int_equal(channel_send_blocking(parent, &message), OK);
	message_release(&message);
}

static void
expect_ready(void)
{
	struct message message;

	message_init(&message, 0, 0);
	assert_int_equal(channel_receive_blocking(parent, &message), OK);
	assert_int_equal(message.type, MESSAGE_READY);
	message_release(&message);
}

/* What comes in while a role starts is not to be lost, nor to be waited for:
   a session that runs is asked at once. */
static void
peers_before_and_after_the_start(void **state)
{
	static uv_loop_t loop; /* boot has its channel on it to the end */
	struct boot *boot;

	tell_settings();
	tell_peer(ROLE_STORE, 5);
	tell_start();
	boot = boot_receive();
	assert_int_equal(boot->number, 3);
	assert_int_equal(boot->instance, 77);
	assert_int_equal(seen.peers, 0);
	uv_loop_init(&loop);
	boot_finish(boot, &loop, &handler);
	assert_int_equal(seen.peers, 1);
	assert_int_equal(seen.role, ROLE_STORE);
	assert_int_equal(seen.instance, 5);
	assert_true(seen.has_descriptor);
	expect_ready();
	tell_peer(ROLE_AUTH, 6);
	assert_int_equal(seen.peers, 1);
	boot_settle();
	assert_int_equal(seen.peers, 2);
	assert_int_equal(seen.role, ROLE_AUTH);
	assert_int_equal(seen.instance, 6);
	assert_true(seen.has_descriptor);
	boot_free(&boot);
}

/* ---- PEMs in pieces ---- */

struct piece {
	uint8_t part;
	const char *name, *text;
};

static bool
take(struct boot_pems *pems, const struct piece *piece)
{
	struct message message;
	bool is_taken;

	message_init(&message, MESSAGE_CERTIFICATE, 0);
	message_put_u8(&message, piece->part);
	message_put_string(&message, piece->name);
	message_put_bytes(&message, bytes_of_string(piece->text));
	is_taken = boot_pems_take(pems, &message);
	message_release(&message);
	return is_taken;
}

static void
pems_come_in_pieces(void **state)
{
	static const struct piece pieces[] = {
		{PEM_GOES_ON, "", "one, "},
		{PEM_GOES_ON, "", "and "},
		{PEM_ENDS, "", "more"},
		{PEM_ENDS, "", "another"},
		{PEM_IS_LAST, "example.org", "last"},
	};
	struct boot_pems pems = {0};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		assert_false(pems.is_whole);
		assert_true(take(&pems, &pieces[i]));
	}
	assert_true(pems.is_whole);
	assert_int_equal(pems.count, 3);
	assert_true(bytes_equal(buffer_bytes(&pems.pems[0].text),
		bytes_of_string("one, and more")));
	assert_string_equal(pems.pems[1].name, "");
	assert_string_equal(pems.pems[2].name, "example.org");
	boot_pems_wipe(&pems);
	assert_int_equal(pems.count, 0);
	assert_true(take(&pems, &pieces[0]));
	boot_pems_wipe(&pems);
}

static void
odd_pieces_are_malformed(void **state)
{
	static const struct piece wrong[][2] = {
		{{PEM_GOES_ON, "a", "x"}, {PEM_ENDS, "b", "x"}},
		{{PEM_IS_LAST, "a", "x"}, {PEM_ENDS, "a", "x"}},
		{{PEM_ENDS, "a", "x"}, {PEM_IS_LAST + 1, "b", "x"}},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct boot_pems pems = {0};

		assert_true(take(&pems, &wrong[i][0]));
		assert_false(take(&pems, &wrong[i][1]));
		boot_pems_wipe(&pems);
	}
}

static void
pems_have_a_maximum(void **state)
{
	static const struct piece one = {PEM_ENDS, "a", "x"};
	struct boot_pems pems = {0};

	for (int i = 0; i < BOOT_PEMS_MAXIMUM; i++)
		assert_true(take(&pems, &one));
	assert_false(take(&pems, &one));
	boot_pems_wipe(&pems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			peers_before_and_after_the_start, open_channel),
		cmocka_unit_test(pems_come_in_pieces),
		cmocka_unit_test(odd_pieces_are_malformed),
		cmocka_unit_test(pems_have_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
