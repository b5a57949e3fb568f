/* SPDX-License-Identifier: ISC */
/*
 * The owner of a pop3_session: what auth and store do in the server, here in
 * one process and at once.
 *
 * Messages that may go out raw do so in the modes lines and drip and are fed
 * in the others, in chunks of another size each: the octets are the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "dialog.h"
#include "pop3/languages.h"
#include "pop3/session.h"
#include "sasl/server.h"
#include "store/snapshot.h"

#define CHUNK_MAXIMUM_OCTETS 32768

struct pop3_owner {
	struct pop3_settings settings;
	struct pop3_session *session;
	struct sasl_server *sasl;
	bool is_tls;
	struct store_session *maildrop; /* its lock is ours */
	struct snapshot *snapshot;
};

static const size_t chunk_octets[MODE_COUNT] = {
	[MODE_LINES] = CHUNK_MAXIMUM_OCTETS,
	[MODE_OCTETS] = 1,
	[MODE_PIPELINED] = 4096,
	[MODE_DRIP] = 7,
};

/* What differs for her is said with USER before the login. */
static void
set_policy(struct dialog *d, struct pop3_policy *policy)
{
	policy->expire_days = (uint32_t)dialog_number(d, KEY_EXPIRE_CAPA, 0);
	policy->login_delay_seconds =
		(uint32_t)dialog_number(d, KEY_LOGIN_DELAY, 0);
	policy->expire_is_of_user = dialog_text(d, KEY_USER_EXPIRE);
	policy->login_delay_is_of_user = dialog_text(d, KEY_USER_LOGIN_DELAY);
}

static void
set_policy_of_user(struct dialog *d)
{
	struct pop3_owner *o = d->owner;
	struct pop3_policy policy = {
		.expire_days = (uint32_t)dialog_number(
			d, KEY_USER_EXPIRE, o->settings.policy.expire_days),
		.login_delay_seconds =
			(uint32_t)dialog_number(d, KEY_USER_LOGIN_DELAY,
				o->settings.policy.login_delay_seconds),
		.is_read_only = dialog_is_yes(d, KEY_READ_ONLY, false),
	};

	pop3_session_set_policy(o->session, &policy);
}

static void
set_utf8(struct dialog *d, struct pop3_settings *settings)
{
	const char *headers = dialog_text(d, KEY_UTF8_HEADERS);
	const char *language = dialog_text(d, KEY_LANGUAGE);

	if (headers && strcmp(headers, "refuse") == 0)
		settings->utf8_headers = POP3_UTF8_REFUSE;
	if (headers && strcmp(headers, "as-is") == 0)
		settings->utf8_headers = POP3_UTF8_AS_IS;
	settings->replaces_nul = dialog_is_yes(d, KEY_REPLACE_NUL, false);
	if (language)
		pop3_find_language(
			bytes_of_string(language), &settings->language);
}

static void
use_tls(struct dialog *d)
{
	struct pop3_owner *o = d->owner;
	const char *mechanisms = dialog_text(d, KEY_MECHANISMS_TLS);

	o->is_tls = true;
	if (mechanisms)
		pop3_session_set_mechanisms(o->session, mechanisms);
}

static bool
start(struct dialog *d)
{
	struct pop3_owner *o = calloc(1, sizeof(*o));
	const char *mechanisms = dialog_text(d, KEY_MECHANISMS);

	if (!o)
		return false;
	o->settings = pop3_settings_default;
	o->settings.hostname = "mail.example.org";
	if (mechanisms)
		o->settings.mechanisms = mechanisms;
	o->settings.offers_stls = dialog_is_yes(d, KEY_STLS, false);
	o->settings.offers_apop = dialog_text(d, KEY_BANNER_ID) != NULL;
	/* Most transcripts are of other things than TLS. */
	o->settings.may_plaintext_without_tls =
		dialog_is_yes(d, KEY_PLAINTEXT, true);
	set_policy(d, &o->settings.policy);
	set_utf8(d, &o->settings);
	d->owner = o;
	o->session =
		pop3_session_new(&o->settings, dialog_is_yes(d, KEY_TLS, false),
			dialog_text(d, KEY_BANNER_ID));
	if (o->session && dialog_is_yes(d, KEY_TLS, false))
		use_tls(d);
	return o->session != NULL;
}

static void
end(struct dialog *d)
{
	struct pop3_owner *o = d->owner;

	pop3_session_free(&o->session);
	snapshot_free(&o->snapshot);
	sasl_server_free(&o->sasl);
	d->office->store->ops->release(d->office->store, &o->maildrop);
	free(o);
	d->owner = NULL;
}

static void
handshake(struct dialog *d)
{
	pop3_session_tls_started(((struct pop3_owner *)d->owner)->session);
	use_tls(d);
}

static void
expire(struct dialog *d, const char *why)
{
	pop3_session_expire(
		((struct pop3_owner *)d->owner)->session, why[0] ? why : NULL);
}

/* ---- logging in ---- */

static enum outcome
open_maildrop(struct dialog *d, const char *name)
{
	struct pop3_owner *o = d->owner;
	struct store *store = d->office->store;
	struct store_open_call call = {
		.call.done = post_office_done,
		.mailbox = name,
		.snapshot.descriptor = -1,
	};
	enum outcome fault = dialog_outcome(d, KEY_OPEN_FAILS);

	if (fault != OK)
		return fault;
	store->ops->open(store, &call);
	if (call.call.outcome != OK)
		return call.call.outcome;
	o->maildrop = call.session;
	return snapshot_new(&call.snapshot, &o->snapshot);
}

static void
refuse(struct dialog *d, enum outcome why)
{
	struct pop3_owner *o = d->owner;

	sasl_server_free(&o->sasl);
	pop3_session_refused(o->session, why);
}

/* Whoever it is: NULL is nobody. */
static void
let_in(struct dialog *d, const struct person *person)
{
	struct pop3_owner *o = d->owner;
	enum outcome outcome = dialog_outcome(d, KEY_AUTH_FAILS);

	if (outcome == OK && !person)
		outcome = ERR_DENIED;
	if (outcome == OK)
		outcome = open_maildrop(d, person->name);
	if (outcome != OK) {
		refuse(d, outcome);
		return;
	}
	sasl_server_free(&o->sasl);
	set_policy_of_user(d);
	pop3_session_opened(o->session, snapshot_maildrop(o->snapshot));
}

static void
log_in(struct dialog *d, struct bytes user, struct bytes proof, bool is_apop)
{
	const struct person *person = person_named(user);

	if (person && !bytes_equal(proof,
			      bytes_of_string(is_apop ? person->apop_digest
						      : person->password)))
		person = NULL;
	let_in(d, person);
}

/* ---- SASL ---- */

static bool
may_act_as(const struct sasl_server *sasl)
{
	struct bytes authzid = sasl_server_authzid(sasl);

	return authzid.octets == 0 ||
	       bytes_equal(authzid, sasl_server_authcid(sasl));
}

/* Of nobody: such that no password fits. */
static bool
give_keys(struct dialog *d, struct buffer *challenge)
{
	struct sasl_server *sasl = ((struct pop3_owner *)d->owner)->sasl;
	const struct person *person = person_named(sasl_server_authcid(sasl));
	const char *salt_base64 = dialog_text(d, KEY_SCRAM_SALT);
	struct scram_keys keys;
	struct buffer salt;
	bool is_good;

	buffer_init(&salt, SCRAM_SALT_MAXIMUM_OCTETS);
	is_good =
		base64_decode(
			bytes_of_string(salt_base64 ? salt_base64 : "c2FsdA=="),
			&salt) &&
		scram_keys_derive(sasl_server_digest(sasl),
			bytes_of_string(person ? person->password : ""),
			buffer_bytes(&salt), SCRAM_ITERATIONS_LEAST, &keys) &&
		sasl_server_set_keys(sasl, &keys, challenge) == SASL_CHALLENGE;
	buffer_release(&salt);
	return is_good;
}

/* EXTERNAL: whoever the certificate says. */
static void
check_certificate(struct dialog *d)
{
	struct sasl_server *sasl = ((struct pop3_owner *)d->owner)->sasl;
	const char *name = dialog_text(d, KEY_CERTIFICATE);
	struct bytes authzid = sasl_server_authzid(sasl);

	if (!name || (authzid.octets > 0 &&
			     !bytes_equal(authzid, bytes_of_string(name))))
		refuse(d, ERR_DENIED);
	else
		let_in(d, person_named(bytes_of_string(name)));
}

static void
go_on_with(struct dialog *d, enum sasl_step step, struct buffer *challenge)
{
	struct pop3_owner *o = d->owner;

	switch (step) {
	case SASL_CHALLENGE:
		pop3_session_challenge(o->session, buffer_bytes(challenge));
		break;
	case SASL_CHECK:
		if (may_act_as(o->sasl))
			log_in(d, sasl_server_authcid(o->sasl),
				sasl_server_password(o->sasl), false);
		else
			refuse(d, ERR_DENIED);
		break;
	case SASL_KEYS:
		if (!may_act_as(o->sasl))
			refuse(d, ERR_DENIED);
		else if (give_keys(d, challenge))
			go_on_with(d, SASL_CHALLENGE, challenge);
		else
			refuse(d, ERR_TRY_LATER);
		break;
	case SASL_PROOF:
		if (sasl_server_prove(o->sasl, challenge) == SASL_CHALLENGE)
			go_on_with(d, SASL_CHALLENGE, challenge);
		else
			refuse(d, ERR_DENIED);
		break;
	case SASL_PROVEN:
		let_in(d, person_named(sasl_server_authcid(o->sasl)));
		break;
	case SASL_EXTERNAL:
		check_certificate(d);
		break;
	case SASL_TOKEN:
	case SASL_FAILED:
	default:
		refuse(d, ERR_PEER);
		break;
	}
}

static void
step_sasl(struct dialog *d, const struct pop3_authentication *a)
{
	struct pop3_owner *o = d->owner;
	struct buffer challenge;

	buffer_init(&challenge, 8192);
	go_on_with(d,
		sasl_server_step(
			o->sasl, a->has_response, a->response, &challenge),
		&challenge);
	buffer_release(&challenge);
}

static struct sasl_server *
begin_sasl(struct dialog *d, struct bytes mechanism)
{
	struct pop3_owner *o = d->owner;
	const char *nonce = dialog_text(d, KEY_SCRAM_NONCE);
	const char *exporter =
		o->is_tls ? dialog_text(d, KEY_TLS_EXPORTER) : NULL;
	const struct sasl_server_setup setup = {
		.nonce = bytes_of_string(nonce ? nonce : "nonce"),
		.tls_exporter =
			exporter ? bytes_of_string(exporter) : BYTES_NONE,
		.offers_binding = exporter != NULL,
	};

	return sasl_server_new(mechanism, &setup);
}

static void
authenticate(struct dialog *d)
{
	struct pop3_owner *o = d->owner;
	const struct pop3_authentication *a =
		pop3_session_authentication(o->session);
	bool is_apop = a->is_first &&
		       bytes_equal(a->mechanism, bytes_of_string("APOP"));

	if (a->is_cancelled) {
		sasl_server_free(&o->sasl);
		return;
	}
	if (is_apop || (a->is_first && bytes_equal(a->mechanism,
					       bytes_of_string("USER")))) {
		log_in(d, a->user, a->response, is_apop);
		return;
	}
	if (a->is_first)
		o->sasl = begin_sasl(d, a->mechanism);
	if (o->sasl)
		step_sasl(d, a);
	else
		pop3_session_refused(o->session, ERR_PEER);
}

/* ---- messages ---- */

static struct bytes
read_chunk(struct dialog *d, uint32_t index, uint64_t offset, size_t most,
	unsigned char *to)
{
	struct pop3_owner *o = d->owner;
	struct store_read_at_call call = {
		.call.done = post_office_done,
		.session = o->maildrop,
		.index = index,
		.offset = offset,
		.to = to,
		.room = most,
	};

	if (most > 0)
		d->office->store->ops->read_at(d->office->store, &call);
	return bytes_of(to, call.octets);
}

/* Where reading stops: at the end, or in the middle when it is to break. */
static uint64_t
readable_octets(const struct dialog *d, const struct pop3_reading *reading)
{
	if (dialog_number(d, KEY_READ_BREAKS, 0) == reading->index + 1u)
		return reading->stored_octets / 2;
	return reading->stored_octets;
}

static void
send_raw(struct dialog *d, const struct pop3_reading *reading)
{
	struct pop3_owner *o = d->owner;
	unsigned char to[CHUNK_MAXIMUM_OCTETS];
	uint64_t offset = 0, end_offset = readable_octets(d, reading);

	while (!pop3_session_raw_begin(o->session, &d->out))
		dialog_take_output(d);
	while (offset < end_offset) {
		uint64_t most = end_offset - offset;
		struct bytes chunk;

		if (most > chunk_octets[d->mode])
			most = chunk_octets[d->mode];
		chunk = read_chunk(d, reading->index, offset, (size_t)most, to);
		while (!buffer_append_bytes(&d->out, chunk))
			dialog_take_output(d);
		offset += chunk.octets;
	}
	if (end_offset == reading->stored_octets)
		pop3_session_raw_end(o->session);
	else
		pop3_session_read_failed(o->session, ERR_TRY_LATER);
}

/* False when the session says that the sizes do not fit. */
static bool
feed(struct dialog *d, const struct pop3_reading *reading)
{
	struct pop3_owner *o = d->owner;
	unsigned char to[CHUNK_MAXIMUM_OCTETS];
	uint64_t offset = 0, end_offset = readable_octets(d, reading);
	enum pop3_feed result;

	do {
		uint64_t left = end_offset - offset;
		size_t most = chunk_octets[d->mode];
		struct bytes chunk;

		if (left == 0 && end_offset < reading->stored_octets) {
			pop3_session_read_failed(o->session, ERR_TRY_LATER);
			return true;
		}
		if (most > left)
			most = (size_t)left;
		chunk = read_chunk(d, reading->index, offset, most, to);
		most = chunk.octets;
		result = pop3_session_feed(o->session, &chunk,
			offset + most == reading->stored_octets, &d->out);
		offset += most - chunk.octets;
		if (result == POP3_FEED_ROOM)
			dialog_take_output(d);
	} while (result == POP3_FEED_MORE || result == POP3_FEED_ROOM);
	return result == POP3_FEED_DONE;
}

static bool
read_message(struct dialog *d)
{
	struct pop3_owner *o = d->owner;
	const struct pop3_reading *reading = pop3_session_reading(o->session);
	char number[16];
	enum outcome fault;

	snprintf(number, sizeof(number), "%u", reading->index + 1);
	fault = dialog_outcome_for(d, KEY_READ_FAILS, bytes_of_string(number));
	if (fault != OK) {
		pop3_session_read_failed(o->session, fault);
		return true;
	}
	if (reading->may_send_raw &&
		(d->mode == MODE_LINES || d->mode == MODE_DRIP)) {
		send_raw(d, reading);
		return true;
	}
	return feed(d, reading);
}

/* ---- driving ---- */

static void
commit(struct dialog *d)
{
	struct pop3_owner *o = d->owner;
	struct store_commit_call call = {
		.call.done = post_office_done,
		.session = o->maildrop,
		.deleted = pop3_session_deleted(o->session),
	};
	enum outcome outcome = dialog_outcome(d, KEY_COMMIT_FAILS);

	if (outcome == OK) {
		d->office->store->ops->commit(d->office->store, &call);
		outcome = call.call.outcome;
	}
	pop3_session_committed(o->session, outcome);
}

static enum advance
advance(struct dialog *d, struct bytes *in)
{
	struct pop3_owner *o = d->owner;

	switch (pop3_session_step(o->session, in, &d->out)) {
	case POP3_READ:
		return ADVANCE_READ;
	case POP3_WRITE:
		return ADVANCE_WRITE;
	case POP3_AUTHENTICATE:
		authenticate(d);
		return ADVANCE_AGAIN;
	case POP3_READ_MESSAGE:
		return read_message(d) ? ADVANCE_AGAIN : ADVANCE_CLOSE;
	case POP3_COMMIT:
		commit(d);
		return ADVANCE_AGAIN;
	case POP3_START_TLS:
		return ADVANCE_TLS;
	case POP3_CLOSE:
	default:
		return ADVANCE_CLOSE;
	}
}

const struct protocol protocol_pop3 = {
	.start = start,
	.advance = advance,
	.handshake = handshake,
	.expire = expire,
	.end = end,
};
