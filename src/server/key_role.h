/* SPDX-License-Identifier: ISC */
/*
 * key_role - the process that alone holds TLS private keys. It signs handshakes
 * for the sessions and does nothing else. Whoever takes over a session may have
 * things signed as long as he is there, but carries no key away.
 */
#ifndef SERVER_KEY_ROLE_H
#define SERVER_KEY_ROLE_H

/* Those in force, and as many of before. */
#define KEY_ROLE_KEYS_MAXIMUM 4100
/* A session may still use the certificates before a reload or two. */
#define KEY_ROLE_GENERATIONS 3

/* Runs the role; does not return. */
void key_role_run(void);

#endif
