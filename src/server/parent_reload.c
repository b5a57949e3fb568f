/* SPDX-License-Identifier: ISC */
/*
 * A reload: all of the settings are read and tried before any of them changes
 * anything. Those that can change while roles run are told to all of them as
 * one generation; it is over when every role has said that it has it.
 */
#include "base/log.h"
#include "process/service.h"
#include "server/parent_state.h"

#include <stdio.h>

/* A restantectl that waits for the answer; a signal waits for none. */
struct asker {
	uint64_t instance; /* of the web role; 0: nobody */
	uint64_t request;
};

static struct {
	uv_timer_t timer;
	struct parent_names changed, restart;
	struct asker asker, next;
	bool is_waiting; /* for roles */
	bool is_again;	 /* it was asked for meanwhile */
} reload;

/* ---- what changes ---- */

static void
add_change(const char *name, bool is_live, void *context)
{
	struct parent_names *names =
		is_live ? &reload.changed : &reload.restart;

	if (names->count < RELOADED_MAXIMUM)
		snprintf(names->names[names->count], SETTINGS_CHANGE_SIZE, "%s",
			name);
	names->count++;
}

static void
log_changes(const struct parent_names *names, enum log_level level,
	const char *event)
{
	char quoted[LOG_QUOTED_OCTETS];

	for (uint32_t i = 0; i < names->count && i < RELOADED_MAXIMUM; i++)
		log_event(level, event, "what=%s",
			log_quote(quoted, bytes_of_string(names->names[i])));
}

/* Roles get them as text of a limited length. */
static bool
can_be_told(const struct server_settings *settings)
{
	struct buffer text;
	bool is_good;

	buffer_init(&text, BOOT_PEM_MAXIMUM_OCTETS);
	is_good = server_settings_write(settings, false, &text);
	buffer_release(&text);
	return is_good;
}

/* What is new and can change now, beside what needs a restart as it is. */
static enum outcome
merge(struct server_settings *fresh, char error[SETUP_ERROR_SIZE])
{
	char why[INI_ERROR_SIZE] = "";

	if (!server_settings_keep(fresh, parent.settings)) {
		snprintf(error, SETUP_ERROR_SIZE, "no memory");
		return ERR_TRY_LATER;
	}
	if (server_settings_check(fresh, why) != OK) {
		snprintf(error, SETUP_ERROR_SIZE,
			"needs a restart, since other changes do: %.400s", why);
		return ERR_PEER;
	}
	if (can_be_told(fresh))
		return OK;
	snprintf(error, SETUP_ERROR_SIZE, "the settings are too long");
	return ERR_PEER;
}

static enum outcome
read_all(struct server_settings *fresh, struct parent_tls *tls,
	char error[SETUP_ERROR_SIZE])
{
	enum outcome outcome = parent.load(fresh, error);

	if (outcome != OK)
		return outcome;
	server_settings_changes(parent.settings, fresh, add_change, NULL);
	outcome = merge(fresh, error);
	return outcome == OK ? parent_tls_read(fresh, tls, error) : outcome;
}

/* ---- the end ---- */

static void begin(void);

static struct child *
asking_web(void)
{
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].role == ROLE_WEB &&
			parent.children[i].instance == reload.asker.instance)
			return &parent.children[i];
	return NULL;
}

static void
end(const char *error)
{
	struct child *web = asking_web();

	uv_timer_stop(&reload.timer);
	reload.is_waiting = false;
	if (web)
		parent_tell_reloaded(web, reload.asker.request, error,
			&reload.changed, &reload.restart);
	if (parent.is_open)
		service_notify("READY=1");
	reload.asker = reload.next;
	reload.next = (struct asker){0};
	if (reload.is_again && !parent.is_stopping)
		begin();
}

/* The first that has not said that it has this generation, or NULL. */
static const struct child *
unsettled(void)
{
	for (size_t i = 0; i < parent.child_count; i++)
		if (parent.children[i].channel &&
			parent.children[i].settled < parent.generation)
			return &parent.children[i];
	return NULL;
}

void
parent_reload_go_on(void)
{
	if (reload.is_waiting && !unsettled())
		end("");
}

static void
on_late(uv_timer_t *timer)
{
	const struct child *late = unsettled();
	char error[128];

	if (!late)
		return;
	snprintf(error, sizeof(error), "%s %u has not taken the settings",
		parent_role_names[late->role], late->number);
	log_event(LOG_LEVEL_ERROR, "reload-late", "why=\"%s\"", error);
	end(error);
}

/* ---- the beginning ---- */

static void
use(struct server_settings *fresh, struct parent_tls *tls)
{
	server_settings_release(parent.settings);
	*parent.settings = *fresh;
	parent.generation++;
	log_event(LOG_LEVEL_INFO, "reloaded",
		"what=settings generation=%llu changed=%u restart=%u",
		(unsigned long long)parent.generation, reload.changed.count,
		reload.restart.count);
	log_changes(&reload.changed, LOG_LEVEL_DEBUG, "setting-changed");
	log_changes(&reload.restart, LOG_LEVEL_WARNING, "restart-needed");
	log_set_format((enum log_format)fresh->log_format);
	log_set_level((enum log_level)fresh->log_level);
	for (size_t i = 0; i < parent.child_count; i++)
		parent_tell_settings(&parent.children[i]);
	parent_tls_use(tls);
	for (size_t i = 0; i < parent.child_count; i++)
		parent_tell_settle(&parent.children[i]);
	reload.is_waiting = true;
	uv_timer_start(&reload.timer, on_late, PARENT_SETTLE_SECONDS * 1000, 0);
	parent_reload_go_on();
}

static void
refuse(const char *error)
{
	char quoted[LOG_QUOTED_OCTETS];

	log_event(LOG_LEVEL_ERROR, "reload-failed", "why=%s kept=yes",
		log_quote(quoted, bytes_of_string(error)));
	reload.changed.count = reload.restart.count = 0;
	/* A certificate that can be used does not wait for another one. */
	parent_tls_reload();
	end(error);
}

static void
begin(void)
{
	struct server_settings fresh;
	struct parent_tls tls = {0};
	char error[SETUP_ERROR_SIZE] = "";

	reload.is_again = false;
	reload.changed.count = reload.restart.count = 0;
	if (parent.is_open)
		service_notify("RELOADING=1\nMONOTONIC_USEC=%llu",
			(unsigned long long)(uv_hrtime() / 1000));
	server_settings_init(&fresh);
	if (read_all(&fresh, &tls, error) == OK) {
		use(&fresh, &tls);
		return;
	}
	server_settings_release(&fresh);
	parent_tls_release(&tls);
	refuse(error);
}

void
parent_reload_init(void)
{
	uv_timer_init(&parent.loop, &reload.timer);
}

void
parent_reload(const struct child *asker, uint64_t request)
{
	struct asker who = {0};

	if (asker)
		who = (struct asker){asker->instance, request};
	if (!reload.is_waiting) {
		reload.asker = who;
		begin();
		return;
	}
	reload.is_again = true;
	if (asker)
		reload.next = who;
}
