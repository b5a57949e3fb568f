/* SPDX-License-Identifier: ISC */
/*
 * A restanted whose roles do what an attacker would who runs code of his own in
 * them. To a session process `X-ATTACK CALL [PID]` as a POP3 line makes one
 * system call, and tells what came of it if the process still lives. Any role
 * makes the n-th call, on the parent, at the real-time signal n, and says on
 * standard error what came of it. Linked with --wrap=pop3_session_step and
 * --wrap=confinement_enter; of the server itself not an octet differs.
 */
#include "pop3/session.h"
#include "server/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define COMMAND "X-ATTACK "

enum pop3_next __real_pop3_session_step(
	struct pop3_session *session, struct bytes *in, struct buffer *out);
enum pop3_next __wrap_pop3_session_step(
	struct pop3_session *session, struct bytes *in, struct buffer *out);

void __real_confinement_enter(
	const struct confinement *confinement, uv_loop_t *loop);
void __wrap_confinement_enter(
	const struct confinement *confinement, uv_loop_t *loop);

static long
attack_open(pid_t pid)
{
	return syscall(SYS_open, "/etc/passwd", O_RDONLY);
}

static long
attack_openat(pid_t pid)
{
	return openat(AT_FDCWD, ".", O_RDONLY);
}

static long
attack_socket(pid_t pid)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long
attack_connect(pid_t pid)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = 80};

	/* Whatever descriptor 0 is: the call itself must not be made. */
	return connect(0, (struct sockaddr *)&to, sizeof(to));
}

static long
attack_execve(pid_t pid)
{
	static char name[] = "/proc/self/exe";
	char *const arguments[] = {name, NULL};

	return execve(name, arguments, arguments + 1);
}

static long
attack_ptrace(pid_t pid)
{
	return ptrace(PTRACE_ATTACH, pid, NULL, NULL);
}

static long
attack_kill(pid_t pid)
{
	return kill(pid, SIGKILL);
}

static long
attack_tgkill(pid_t pid)
{
	return syscall(SYS_tgkill, pid, pid, SIGKILL);
}

static long
attack_read_memory(pid_t pid)
{
	char here[16];
	struct iovec local = {here, sizeof(here)},
		     remote = {here, sizeof(here)};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static long
attack_fork(pid_t pid)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child;
}

static long
attack_execute_memory(pid_t pid)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? -1
		       : 0;
}

/* Nonsense to every role that it can reach, but not to the parent. */
static long
attack_malformed(pid_t pid)
{
	long sent = -1;

	for (int fd = 4; fd < 256; fd++) {
		int type = 0;
		socklen_t octets = sizeof(type);

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &octets) == 0 &&
			type == SOCK_SEQPACKET &&
			send(fd, "nonsense", 8, 0) == 8)
			sent = 0;
	}
	return sent;
}

static const struct {
	const char *name;
	long (*run)(pid_t pid);
} attacks[] = {
	{"malformed", attack_malformed},
	{"open", attack_open},
	{"openat", attack_openat},
	{"socket", attack_socket},
	{"connect", attack_connect},
	{"execve", attack_execve},
	{"ptrace", attack_ptrace},
	{"kill", attack_kill},
	{"tgkill", attack_tgkill},
	{"read-memory", attack_read_memory},
	{"fork", attack_fork},
	{"execute-memory", attack_execute_memory},
};

#define ATTACKS (sizeof(attacks) / sizeof(*attacks))

static pid_t parent_pid;

/* It stands in the loop's wait, where nothing is half done.
   NOLINTBEGIN(bugprone-signal-handler, cert-sig30-c) */
static void
on_order(int number)
{
	unsigned i = (unsigned)(number - SIGRTMIN);
	long result = attacks[i].run(parent_pid);

	dprintf(STDERR_FILENO, "attack %s %s\n", attacks[i].name,
		result < 0 ? strerrorname_np(errno) : "SUCCEEDED");
}
/* NOLINTEND(bugprone-signal-handler, cert-sig30-c) */

void
__wrap_confinement_enter(const struct confinement *confinement, uv_loop_t *loop)
{
	parent_pid = getppid();
	for (int i = 0; i < (int)ATTACKS; i++)
		signal(SIGRTMIN + i, on_order);
	__real_confinement_enter(confinement, loop);
}

static void
attack(struct bytes line, struct buffer *out)
{
	struct bytes name = bytes_cut(&line, ' ');
	uint64_t pid = 0;
	long result;

	bytes_to_number(line, INT32_MAX, &pid);
	for (size_t i = 0; i < ATTACKS; i++) {
		if (!bytes_equal(name, bytes_of_string(attacks[i].name)))
			continue;
		result = attacks[i].run((pid_t)pid);
		buffer_printf(out, "+OK %s %s\r\n",
			result < 0 ? "failed" : "SUCCEEDED",
			result < 0 ? strerrorname_np(errno) : "");
		return;
	}
	buffer_append_string(out, "-ERR unknown attack\r\n");
}

enum pop3_next
__wrap_pop3_session_step(
	struct pop3_session *session, struct bytes *in, struct buffer *out)
{
	struct bytes command = bytes_of_string(COMMAND), line = *in;

	if (line.octets > command.octets && bytes_has(line, '\n') &&
		memcmp(line.at, command.at, command.octets) == 0) {
		line = bytes_after(line, command.octets);
		*in = line;
		line = bytes_cut(in, '\n');
		attack(bytes_cut(&line, '\r'), out);
	}
	return __real_pop3_session_step(session, in, out);
}
