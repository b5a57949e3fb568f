/* SPDX-License-Identifier: ISC */
/*
 * listener - bound and listening sockets, non-blocking, close-on-exec.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/address.h"

#define LISTENER_BACKLOG 1024

/*
 * Unix sockets: a stale file of that name is replaced (when nobody answers on
 * it), mode 0660; paths over 107 octets work too (bound through a descriptor
 * of the directory, which is made when its parent is there).
 * reuses_port  SO_REUSEPORT, so that each session process has a queue of its
 *              own; ignored for unix sockets
 * error        for people: which address, why, what to do
 */
enum outcome listener_open(struct bytes address, bool reuses_port, int *out_fd,
	char *error, size_t error_size);

/* TCP_NODELAY for all that is accepted there, as listener_open sets it: replies
   are whole when they are written. No matter on a unix socket. */
void listener_set_prompt(int fd);
/* The next connection, or -1 with errno; *out_peer filled. */
int listener_accept(int fd, struct address *out_peer);

#endif
