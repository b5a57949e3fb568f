/* SPDX-License-Identifier: ISC */
#include "server/auth_logins.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/siphash.h"
#include "server/auth_role.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct person {
	struct table_entry entry; /* by the hash of the name */
	struct auth_login *first;
	unsigned granted;
	char name[];
};

struct auth_login {
	struct table_entry entry;	    /* by connection, of the client */
	struct auth_login *older, *newer;   /* of all */
	struct auth_login *previous, *next; /* of the person */
	struct person *person;
	struct auth_client *client;
	uint64_t serial, since_seconds, octets;
	char *tls; /* NULL: none */
	uint32_t messages;
	bool is_granted, is_open;
	const char *device; /* behind the address; NULL: not known */
	char address[];
};

static struct {
	unsigned char key[SIPHASH_KEY_OCTETS];
	struct table people;
	struct auth_login *oldest, *newest;
	uint64_t next_serial;
	uint32_t count;
} logins;

bool
auth_logins_init(void)
{
	return getrandom(logins.key, sizeof(logins.key), 0) ==
	       (ssize_t)sizeof(logins.key);
}

/* ---- people ---- */

static struct person *
find_person(const char *name)
{
	struct table_entry *entry = table_find(
		&logins.people, siphash(logins.key, bytes_of_string(name)));
	struct person *person =
		entry ? table_object(entry, struct person, entry) : NULL;

	return person && strcmp(person->name, name) == 0 ? person : NULL;
}

/* NULL: no memory; or, once in 2^64, somebody else has its number. */
static struct person *
make_person(const char *name)
{
	uint64_t id = siphash(logins.key, bytes_of_string(name));
	size_t octets = strlen(name) + 1;
	struct person *person = calloc(1, sizeof(*person) + octets);

	if (!person || table_find(&logins.people, id) ||
		!table_add(&logins.people, &person->entry, id)) {
		free(person);
		return NULL;
	}
	memcpy(person->name, name, octets);
	return person;
}

static void
free_person_when_unused(struct person *person)
{
	if (person->first)
		return;
	table_remove(&logins.people, &person->entry);
	free(person);
}

/* ---- lists ---- */

static void
link_login(struct auth_login *login, struct person *person)
{
	login->person = person;
	login->next = person->first;
	if (person->first)
		person->first->previous = login;
	person->first = login;
	login->older = logins.newest;
	if (logins.newest)
		logins.newest->newer = login;
	else
		logins.oldest = login;
	logins.newest = login;
	login->serial = ++logins.next_serial;
	logins.count++;
}

static void
unlink_login(struct auth_login *login)
{
	if (login->previous)
		login->previous->next = login->next;
	else
		login->person->first = login->next;
	if (login->next)
		login->next->previous = login->previous;
	if (login->older)
		login->older->newer = login->newer;
	else
		logins.oldest = login->newer;
	if (login->newer)
		login->newer->older = login->older;
	else
		logins.newest = login->older;
	logins.count--;
}

/* ---- coming and going ---- */

static struct auth_login *
find_login(struct auth_client *client, uint64_t connection)
{
	struct table_entry *entry = table_find(&client->logins, connection);

	return entry ? table_object(entry, struct auth_login, entry) : NULL;
}

/* There are as many as sessions: each holds no more than its texts need. */
static struct auth_login *
new_login(const char *address, const char *device)
{
	size_t octets = strlen(address) + 1;
	size_t device_octets = device ? strlen(device) + 1 : 0;
	struct auth_login *login =
		calloc(1, sizeof(*login) + octets + device_octets);

	if (!login)
		return NULL;
	memcpy(login->address, address, octets);
	if (device)
		login->device =
			memcpy(login->address + octets, device, device_octets);
	return login;
}

static struct auth_login *
make_login(struct auth_client *client, uint64_t connection, const char *user,
	const char *address, const char *device)
{
	struct person *person = find_person(user);
	struct auth_login *login = new_login(address, device);

	if (!person)
		person = make_person(user);
	if (!login || !person ||
		!table_add(&client->logins, &login->entry, connection)) {
		if (person)
			free_person_when_unused(person);
		free(login);
		return NULL;
	}
	login->client = client;
	login->since_seconds = clock_wall_seconds();
	link_login(login, person);
	return login;
}

static void
free_login(struct auth_login *login)
{
	table_remove(&login->client->logins, &login->entry);
	unlink_login(login);
	if (login->is_granted)
		login->person->granted--;
	free_person_when_unused(login->person);
	free(login->tls);
	free(login);
}

void
auth_logins_remove(struct auth_client *client, uint64_t connection)
{
	struct auth_login *login = find_login(client, connection);

	if (login)
		free_login(login);
}

void
auth_logins_forget(struct auth_client *client)
{
	struct table_entry *entry;

	while ((entry = table_any(&client->logins)))
		free_login(table_object(entry, struct auth_login, entry));
	table_release(&client->logins);
}

/* ---- the limit ---- */

static bool
is_full(const char *user)
{
	struct policy policy =
		server_settings_policy(&auth.boot->settings, user);
	const struct person *person = find_person(user);

	return policy.connections > 0 && person &&
	       person->granted >= policy.connections;
}

void
auth_logins_ask(void)
{
	struct message message;

	message_init(&message, MESSAGE_TELL_LOGINS, 0);
	for (struct auth_client *c = auth.clients; c; c = c->next)
		if (c->channel)
			channel_send(c->channel, &message);
	message_release(&message);
}

void
auth_logins_tell_full(const struct auth_exchange *x)
{
	char quoted[LOG_QUOTED_OCTETS], id[SESSION_ID_SIZE];

	log_event(LOG_LEVEL_INFO, "login-refused",
		"id=%s addr=%s user=%s why=\"connections of [policy] is "
		"reached\"",
		auth_session_id(x, id), x->address,
		log_quote(quoted, bytes_of_string(x->account.name)));
}

enum outcome
auth_logins_add(const struct auth_exchange *x)
{
	const char *user = x->account.name;
	struct auth_login *login;

	if (is_full(user))
		return ERR_BUSY;
	auth_logins_remove(x->client, x->connection);
	login = make_login(
		x->client, x->connection, user, x->address, x->device);
	if (!login)
		return ERR_TRY_LATER;
	login->is_granted = true;
	login->person->granted++;
	return OK;
}

/* ---- what sessions say ---- */

struct told {
	char user[ACCOUNT_NAME_SIZE], address[AUTH_ADDRESS_SIZE];
	char tls[WHO_TLS_SIZE];
	uint64_t since_seconds, octets;
	uint32_t messages;
};

static bool
read_told(struct message *message, struct told *out)
{
	struct message_reader reader;

	message_reader_init(&reader, message);
	message_get_string(&reader, out->user, sizeof(out->user));
	message_get_string(&reader, out->address, sizeof(out->address));
	message_get_string(&reader, out->tls, sizeof(out->tls));
	out->since_seconds = message_get_u64(&reader);
	out->messages = message_get_u32(&reader);
	out->octets = message_get_u64(&reader);
	return message_reader_finish(&reader);
}

bool
auth_on_logged_in(struct auth_client *client, struct message *message)
{
	struct auth_login *login = find_login(client, message->subject);
	struct told told;

	if (!read_told(message, &told) ||
		(login && strcmp(login->person->name, told.user) != 0))
		return false;
	if (!login && client->logins.count < AUTH_EXCHANGES_MAXIMUM)
		login = make_login(client, message->subject, told.user,
			told.address, NULL);
	if (!login)
		return true;
	free(login->tls);
	login->tls = told.tls[0] ? strdup(told.tls) : NULL;
	login->since_seconds = told.since_seconds;
	login->messages = told.messages;
	login->octets = told.octets;
	login->is_open = true;
	return true;
}

bool
auth_on_logged_out(struct auth_client *client, struct message *message)
{
	struct message_reader reader;
	uint32_t count;

	message_reader_init(&reader, message);
	for (count = message_get_u32(&reader);
		count > 0 && !reader.is_malformed; count--)
		auth_logins_remove(client, message_get_u64(&reader));
	return message_reader_finish(&reader);
}

/* ---- the operator ---- */

static void
put_row(struct message *rows, const struct auth_login *login)
{
	char id[SESSION_ID_SIZE];

	message_put_string(rows,
		session_id_text(login->client->instance, login->entry.id, id));
	message_put_string(rows, login->person->name);
	message_put_string(rows, !login->device	    ? ""
				 : login->device[0] ? login->device
						    : ACCOUNT_MAIN_DEVICE);
	message_put_string(rows, login->address);
	message_put_string(rows, login->tls ? login->tls : "");
	message_put_u64(rows, login->since_seconds);
	message_put_u32(rows, login->messages);
	message_put_u64(rows, login->octets);
}

void
auth_logins_put(struct message *message, uint64_t after)
{
	const struct auth_login *login = logins.oldest;
	struct message rows;
	uint32_t told = 0;

	message_init(&rows, 0, 0);
	for (; login && told < WHO_TOLD_MAXIMUM; login = login->newer)
		if (login->serial > after) {
			after = login->serial;
			if (!login->is_open)
				continue;
			told++;
			put_row(&rows, login);
		}
	message_put_u32(message, logins.count);
	message_put_u64(message, login ? after : 0);
	message_put_u32(message, told);
	if (!buffer_append_bytes(
		    &message->payload, buffer_bytes(&rows.payload)))
		message->is_bad = true;
	message_release(&rows);
}

static unsigned
kick(const struct auth_login *login)
{
	struct message message;

	message_init(&message, MESSAGE_KICK, login->entry.id);
	channel_send(login->client->channel, &message);
	message_release(&message);
	return 1;
}

static unsigned
kick_by_id(struct bytes id)
{
	uint64_t instance, connection;
	struct auth_login *login;

	if (!session_id_parse(id, &instance, &connection))
		return 0;
	for (struct auth_client *c = auth.clients; c; c = c->next)
		if (c->instance == instance &&
			(login = find_login(c, connection)))
			return kick(login);
	return 0;
}

/* What is not known may be it. */
static bool
is_by(const struct auth_login *login, const char *device)
{
	return !login->device || strcmp(login->device, device) == 0;
}

/* As at a login: a name may have a "%" of its own. */
static unsigned
kick_user(struct bytes what)
{
	char user[ACCOUNT_NAME_SIZE], device[ACCOUNT_DEVICE_SIZE];
	const struct person *person = NULL;
	bool has_device = false;
	unsigned count = 0;

	if (accounts_name(&auth.naming, what, user))
		person = find_person(user);
	if (!person && bytes_has(what, '%') &&
		accounts_login_name(&auth.naming, what, user, device)) {
		has_device = true;
		person = find_person(user);
	}
	if (!person)
		return 0;
	for (const struct auth_login *l = person->first; l; l = l->next)
		if (!has_device || is_by(l, device))
			count += kick(l);
	return count;
}

unsigned
auth_logins_kick(const char *what)
{
	struct bytes given = bytes_of_string(what);
	unsigned count = kick_by_id(given);
	char quoted[LOG_QUOTED_OCTETS];

	count += kick_user(given);
	log_event(LOG_LEVEL_INFO, "kicked", "what=%s count=%u",
		log_quote(quoted, given), count);
	return count;
}
