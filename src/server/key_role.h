/* SPDX-License-Identifier: ISC */
/*
 * key_role - the process that alone holds TLS private keys. It signs handshakes
 * for the sessions and does nothing else. Whoever takes over a session may have
 * things signed as long as he is there, but carries no key away.
 */
#ifndef SERVER_KEY_ROLE_H
#define SERVER_KEY_ROLE_H

/* The latest: a session may still use the certificate before a reload. */
#define KEY_ROLE_KEYS_MAXIMUM 16

/* Runs the role; does not return. */
void key_role_run(void);

#endif
