/* SPDX-License-Identifier: ISC */
#include "server/session_settings.h"
#include "sasl/server.h"

#include <stdlib.h>

uint32_t
session_role_days(uint64_t seconds)
{
	return (uint32_t)(seconds / 86400);
}

/* RFC 2449 sections 6.5 and 6.7: before the login the shortest retention and
   the longest delay that anybody may have. */
static void
add_policy(const struct policy *policy, void *context)
{
	struct pop3_policy *sum = context;
	uint32_t days = session_role_days(policy->retention_seconds);
	uint32_t delay = (uint32_t)policy->login_delay_seconds;

	sum->expire_is_of_user =
		sum->expire_is_of_user || days != sum->expire_days;
	sum->login_delay_is_of_user = sum->login_delay_is_of_user ||
				      delay != sum->login_delay_seconds;
	if (days > 0 && (sum->expire_days == 0 || days < sum->expire_days))
		sum->expire_days = days;
	if (delay > sum->login_delay_seconds)
		sum->login_delay_seconds = delay;
}

static struct pop3_policy
policy_of_all(const struct server_settings *settings)
{
	struct pop3_policy sum = {
		.expire_days =
			session_role_days(settings->policy.retention_seconds),
		.login_delay_seconds =
			(uint32_t)settings->policy.login_delay_seconds,
	};

	server_settings_each_policy(settings, add_policy, &sum);
	return sum;
}

/* They were found good when the settings were read. */
static bool
use_networks(const char *text, char out[NETWORKS_SIZE])
{
	struct bytes wrong;

	return !text || networks_canonical(bytes_of_string(text), out, &wrong);
}

static bool
list_mechanisms(struct session_settings *s)
{
	bool is_good = true;

	for (unsigned has = 0; has < SASL_HAS_COMBINATIONS && is_good; has++) {
		struct buffer names;

		buffer_init(&names, SESSION_MECHANISMS_SIZE - 1);
		is_good = server_settings_offer(&s->all, has, &names) &&
			  bytes_to_string(buffer_bytes(&names),
				  s->mechanisms[has], SESSION_MECHANISMS_SIZE);
		buffer_release(&names);
	}
	return is_good;
}

static void
set_pop3(struct pop3_settings *pop3, const struct session_settings *s,
	bool is_tls, const struct session_given *given)
{
	*pop3 = pop3_settings_default;
	pop3->command_counts = given->command_counts;
	pop3->hostname = s->all.hostname;
	pop3->mechanisms = s->mechanisms[0];
	pop3->policy = policy_of_all(&s->all);
	/* The words of both settings stand in the order of what they mean. */
	pop3->utf8_headers = (enum pop3_utf8_headers)s->all.utf8_headers;
	pop3->replaces_nul = s->all.replaces_nul;
	pop3->language = (unsigned)s->all.language;
	pop3->offers_stls = given->has_certificate && !is_tls;
	pop3->may_plaintext_without_tls = s->all.plaintext != PLAINTEXT_NO;
}

/* Their sections are the ones of the start, in the same order. */
static bool
set_listeners(struct session_settings *s, const struct session_given *given)
{
	const struct boot *boot = given->boot;
	bool is_good = true;

	for (size_t i = 0; i < boot->listener_count && is_good; i++) {
		const struct boot_listener *from = &boot->listeners[i];
		struct session_listener_settings *to = &s->listeners[i];
		ptrdiff_t number =
			from->settings
				? from->settings - boot->settings.listeners
				: -1;

		set_pop3(&to->pop3, s, from->kind == LISTENER_POP3S, given);
		if (number >= 0)
			is_good = use_networks(
				s->all.listeners[number].proxy_networks,
				to->proxy_networks);
	}
	return is_good;
}

static void
set_lmtp(struct session_settings *s)
{
	s->lmtp = lmtp_settings_default;
	s->lmtp.hostname = s->all.hostname;
	s->lmtp.maximum_message_octets = s->all.maximum_message_octets;
	s->lmtp.rejects_bare_newline = s->all.bare_newline != 0;
}

/* Without the code the page is as good as before. */
static void
set_setup(struct session_settings *s)
{
	buffer_init(&s->setup_code, SETUP_QR_OCTETS);
	if (!setup_settings_url(&s->all, s->setup_url))
		return;
	setup_settings_facts(&s->all, s->setup_url, &s->setup);
	if (setup_draw_qr(s->setup_url, &s->setup_code))
		s->setup.qr = buffer_bytes(&s->setup_code);
}

struct session_settings *
session_settings_new(
	const struct session_given *given, struct server_settings *all)
{
	struct session_settings *s = calloc(1, sizeof(*s));

	if (s)
		s->listeners = calloc(
			given->boot->listener_count + 1, sizeof(*s->listeners));
	if (!s || !s->listeners) {
		free(s);
		return NULL;
	}
	s->all = *all;
	s->users = 1;
	s->is_of_start = all == &given->boot->settings;
	set_lmtp(s);
	set_setup(s);
	if (list_mechanisms(s) && set_listeners(s, given) &&
		use_networks(s->all.exempt_networks, s->exempt_networks))
		return s;
	buffer_release(&s->setup_code);
	free(s->listeners);
	free(s);
	return NULL;
}

struct session_settings *
session_settings_hold(struct session_settings *s)
{
	s->users++;
	return s;
}

void
session_settings_drop(struct session_settings **settings)
{
	struct session_settings *s = *settings;

	*settings = NULL;
	if (!s || --s->users > 0)
		return;
	/* Those of the start are boot's. */
	if (!s->is_of_start)
		server_settings_release(&s->all);
	buffer_release(&s->setup_code);
	free(s->listeners);
	free(s);
}
