/* SPDX-License-Identifier: ISC */
/*
 * inetd - accepts, forks, executes, as inetd(8) does: for popa3d, whose own
 * daemon has port 110 and a limit of sessions compiled in. Waits for its
 * children, so that what they cost can be read from its own times.
 *
 * usage: inetd ADDRESS:PORT PROGRAM [ARGUMENT...]
 */
#include "net/listener.h"

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static void
on_child(int number)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void
serve(int fd, char **program)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* The program expects to be able to wait for its reads. */
		fcntl(fd, F_SETFL, 0);
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		execv(program[0], program);
		_exit(EX_UNAVAILABLE);
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_handler = on_child, .sa_flags = SA_RESTART};
	struct address peer;
	char error[256];
	int listener, fd;

	if (argc < 3)
		errx(EX_USAGE, "ADDRESS:PORT PROGRAM [ARGUMENT...]");
	if (listener_open(bytes_of_string(argv[1]), false, &listener, error,
		    sizeof(error)) != OK)
		errx(EX_UNAVAILABLE, "%s", error);
	sigaction(SIGCHLD, &action, NULL);
	for (;;) {
		struct pollfd event = {listener, POLLIN, 0};

		poll(&event, 1, -1);
		while ((fd = listener_accept(listener, &peer)) >= 0)
			serve(fd, argv + 2);
	}
}
