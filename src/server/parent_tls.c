/* SPDX-License-Identifier: ISC */
/*
 * The parent's care for TLS: certificates are read when their files change,
 * told of before they end, and the keys of session tickets are made anew.
 */
#include "base/clock.h"
#include "base/log.h"
#include "server/parent_state.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define LOOK_MS 1000
/* Whoever renews writes one file after the other. */
#define TRIES	    3
#define DAY_SECONDS 86400

static struct {
	uv_timer_t look, rotate;
	unsigned tries; /* left until a pair that cannot be used is told of */
	bool is_settling;
	uint64_t told_seconds; /* when the ends were last told of */
} care;

/* ---- telling ---- */

static void
tell_roles(void)
{
	/* Key stands before the sessions: it has the key before they ask. */
	for (size_t i = 0; i < parent.child_count; i++)
		parent_tell_certificates(&parent.children[i]);
}

static const char *
day_of(uint64_t seconds, char out[16])
{
	time_t when = (time_t)seconds;
	struct tm parts;

	if (!gmtime_r(&when, &parts) ||
		strftime(out, 16, "%Y-%m-%d", &parts) == 0)
		snprintf(out, 16, "?");
	return out;
}

static void
tell_of_end(const struct certificate_pair *pair, uint64_t now_seconds)
{
	uint64_t until = pair->info.until_seconds;
	bool is_over = until < now_seconds;
	char day[16];

	if (!is_over &&
		until - now_seconds > parent.settings->expiry_warning_seconds)
		return;
	log_event(is_over ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		is_over ? "certificate-expired" : "certificate-expires",
		"file=%s days=%ld until=%s names=\"%s\" why=\"renew it; what "
		"is put there is taken without a restart\"",
		pair->certificate_file,
		certificate_days_left(&pair->info, now_seconds),
		day_of(until, day), pair->info.names);
}

static void
tell_of_ends(void)
{
	care.told_seconds = clock_wall_seconds();
	for (size_t i = 0; i < parent.certificates.count; i++)
		tell_of_end(&parent.certificates.pairs[i], care.told_seconds);
}

static void
tell_of_key_file(const struct certificate_pair *pair)
{
	if (pair->is_key_exposed)
		log_event(LOG_LEVEL_WARNING, "key-exposed",
			"file=%s why=\"every user of this machine may read or "
			"write it: chmod o= it, and think of a new key\"",
			pair->key_file);
}

/* ---- whose certificates of clients are believed ---- */

static enum outcome
read_client_ca(const struct server_settings *settings, struct buffer *out,
	char error[SETUP_ERROR_SIZE])
{
	buffer_init(out, BOOT_PEM_MAXIMUM_OCTETS);
	if (settings->client_certificate == CLIENT_CERTIFICATE_NO)
		return OK;
	return setup_client_ca(settings, out, error);
}

static void
renew_client_ca(void)
{
	char error[SETUP_ERROR_SIZE];
	struct buffer fresh;

	if (read_client_ca(parent.settings, &fresh, error) != OK) {
		buffer_release(&fresh);
		return;
	}
	buffer_release(&parent.client_ca);
	parent.client_ca = fresh;
}

/* ---- tickets ---- */

static bool
make_ticket_key(unsigned char out[TICKET_KEY_OCTETS])
{
	return getrandom(out, TICKET_KEY_OCTETS, 0) == TICKET_KEY_OCTETS;
}

static void
on_rotate(uv_timer_t *timer)
{
	unsigned char fresh[TICKET_KEY_OCTETS];

	if (!make_ticket_key(fresh)) {
		log_event(LOG_LEVEL_ERROR, "ticket-keys",
			"why=\"no random octets\"");
		return;
	}
	memmove(parent.ticket_keys[1], parent.ticket_keys[0],
		sizeof(parent.ticket_keys) - TICKET_KEY_OCTETS);
	memcpy(parent.ticket_keys[0], fresh, sizeof(fresh));
	explicit_bzero(fresh, sizeof(fresh));
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].role == ROLE_SESSION)
			parent_tell_ticket_keys(&parent.children[i]);
	log_event(LOG_LEVEL_DEBUG, "ticket-keys", "rotated=yes");
}

/* Not anew when nothing changed: who reloads often still gets new keys. */
static void
rotate_every(void)
{
	uint64_t every_ms = parent.settings->ticket_rotation_seconds * 1000;

	if (uv_timer_get_repeat(&care.rotate) != every_ms)
		uv_timer_start(&care.rotate, on_rotate, every_ms, every_ms);
}

/* ---- reading anew ---- */

static bool
read_pair(size_t index, bool is_told)
{
	char error[CERTIFICATE_SET_ERROR_SIZE];

	if (certificate_set_read(&parent.certificates, index, error) != OK) {
		if (is_told)
			log_event(LOG_LEVEL_ERROR, "reload-failed",
				"why=\"%s\" kept=yes", error);
		return false;
	}
	tell_of_key_file(&parent.certificates.pairs[index]);
	tell_of_end(&parent.certificates.pairs[index], clock_wall_seconds());
	return true;
}

/* Those whose files changed, or all. False: one of them cannot be used; the
   others are in force, and of that one what was before. */
static bool
reload(bool is_all, bool is_told)
{
	bool is_good = true;
	size_t fresh = 0;

	for (size_t i = 0; i < parent.certificates.count; i++) {
		if (!is_all && !parent.certificates.pairs[i].is_stale)
			continue;
		if (read_pair(i, is_told))
			fresh++;
		else
			is_good = false;
	}
	if (fresh == 0)
		return is_good;
	tell_roles();
	log_event(LOG_LEVEL_INFO, "reloaded", "what=certificate count=%zu",
		fresh);
	return is_good;
}

void
parent_tls_reload(void)
{
	renew_client_ca();
	if (reload(true, false))
		care.is_settling = false;
}

/* ---- with settings that may name others ---- */

static bool
is_made_in_use(void)
{
	return parent.certificates.count > 0 &&
	       parent.certificates.pairs[0].is_made;
}

enum outcome
parent_tls_read(const struct server_settings *settings, struct parent_tls *out,
	char error[SETUP_ERROR_SIZE])
{
	enum outcome outcome = OK;

	*out = (struct parent_tls){0};
	if (!certificate_set_list(settings, &out->certificates)) {
		snprintf(error, SETUP_ERROR_SIZE, "no memory");
		return ERR_TRY_LATER;
	}
	/* One that is in use already is made anew before its end alone. */
	if (!is_made_in_use())
		outcome = setup_made_certificate(
			settings, &out->certificates, error);
	if (outcome == OK)
		outcome = read_client_ca(settings, &out->client_ca, error);
	return outcome == OK ? certificate_set_load(&out->certificates, error)
			     : outcome;
}

void
parent_tls_release(struct parent_tls *tls)
{
	certificate_set_release(&tls->certificates);
	buffer_release(&tls->client_ca);
}

static void
take(struct parent_tls *tls)
{
	certificate_set_release(&parent.certificates);
	buffer_release(&parent.client_ca);
	parent.certificates = tls->certificates;
	parent.client_ca = tls->client_ca;
	for (size_t i = 0; i < parent.certificates.count; i++)
		tell_of_key_file(&parent.certificates.pairs[i]);
	tell_of_ends();
}

void
parent_tls_use(struct parent_tls *tls)
{
	take(tls);
	care.is_settling = false;
	tell_roles();
	log_event(LOG_LEVEL_INFO, "reloaded", "what=certificate count=%zu",
		parent.certificates.count);
	rotate_every();
}

/* ---- watching ---- */

/* The one that [tls] does without is made anew before it ends. */
static void
renew_made(void)
{
	struct certificate_info before = parent.certificates.pairs[0].info;
	char error[SETUP_ERROR_SIZE];

	if (setup_made_certificate(
		    parent.settings, &parent.certificates, error) != OK)
		log_event(LOG_LEVEL_ERROR, "certificate-made", "why=\"%s\"",
			error);
	else if (memcmp(before.id, parent.certificates.pairs[0].info.id,
			 sizeof(before.id)) != 0)
		tell_roles();
}

static void
care_daily(void)
{
	uint64_t now_seconds = clock_wall_seconds();

	/* A clock that was set back does not silence it. */
	if (now_seconds >= care.told_seconds &&
		now_seconds - care.told_seconds < DAY_SECONDS)
		return;
	renew_made();
	tell_of_ends();
}

static void
on_look(uv_timer_t *timer)
{
	if (parent.is_stopping)
		return;
	if (certificate_set_look(&parent.certificates)) {
		/* It may not be all that changes: look once more. */
		care.is_settling = true;
		care.tries = TRIES;
	} else if (care.is_settling) {
		care.tries--;
		if (reload(false, care.tries == 0) || care.tries == 0)
			care.is_settling = false;
	}
	care_daily();
}

/* ---- the beginning ---- */

enum outcome
parent_tls_prepare(char error[SETUP_ERROR_SIZE])
{
	struct parent_tls tls;

	for (size_t i = 0; i < TICKET_KEYS; i++)
		if (!make_ticket_key(parent.ticket_keys[i])) {
			snprintf(error, SETUP_ERROR_SIZE,
				"no random octets for ticket keys");
			return ERR_BROKEN;
		}
	if (parent_tls_read(parent.settings, &tls, error) != OK) {
		parent_tls_release(&tls);
		return ERR_BROKEN;
	}
	take(&tls);
	return OK;
}

void
parent_tls_start(void)
{
	uv_timer_init(&parent.loop, &care.look);
	uv_timer_start(&care.look, on_look, LOOK_MS, LOOK_MS);
	uv_timer_init(&parent.loop, &care.rotate);
	rotate_every();
}
