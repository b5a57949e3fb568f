/* SPDX-License-Identifier: ISC */
/* The collector's settings file: sections [client], [account NAME], [rule NAME].
 */
#include "collect/account_table.h"
#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting client_keys[] = {
	{"client", "state", SETTING_STRING,
		offsetof(struct collect_settings, state), "", 0, 0, NULL,
		"where the ledger of what was collected is kept; empty is "
		"~/.local/share/restante"},
	{"client", "provider-database", SETTING_STRING,
		offsetof(struct collect_settings, provider_database),
		"https://autoconfig.thunderbird.net/v1.1/", 0, 0, NULL,
		"where discover asks for a domain's server; empty is nowhere"},
};

static const struct settings client_table = {
	client_keys, sizeof(client_keys) / sizeof(client_keys[0])};

struct reading {
	struct collect_settings *settings;
	struct settings_seen client, account;
};

static bool
make_account(struct collect_settings *settings, const struct ini_entry *entry)
{
	struct collect_account *account =
		&settings->accounts[settings->count++];

	if (!account_init(account, entry->name))
		return false;
	account->file = strdup(entry->file);
	account->line = entry->line;
	return account->file != NULL;
}

static bool
begin_account(struct reading *reading, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	struct collect_settings *settings = reading->settings;

	if (!account_is_name(entry->name))
		snprintf(error, INI_ERROR_SIZE,
			"[account %.60s]: a name is made of letters, digits "
			"and @ . _ + -",
			entry->name);
	else if (collect_settings_find(settings, entry->name))
		snprintf(error, INI_ERROR_SIZE, "[account %.200s] stands twice",
			entry->name);
	else if (settings->count == ACCOUNTS_MAXIMUM)
		snprintf(error, INI_ERROR_SIZE, "more than %d accounts",
			ACCOUNTS_MAXIMUM);
	else if (!make_account(settings, entry))
		snprintf(error, INI_ERROR_SIZE, "no memory");
	else {
		reading->account = (struct settings_seen){0};
		return true;
	}
	return false;
}

static bool
begin_section(struct reading *reading, const struct ini_entry *entry,
	char error[INI_ERROR_SIZE])
{
	static const char *const known[] = {"client", "account", "rule", NULL};

	if (strcmp(entry->section, "account") == 0)
		return begin_account(reading, entry, error);
	if (strcmp(entry->section, "rule") == 0)
		return rules_take(&reading->settings->rules, entry, error);
	if (strcmp(entry->section, "client") == 0 && !entry->name[0])
		return true;
	snprintf(error, INI_ERROR_SIZE, "unknown section [%.60s%s%.60s]",
		entry->section, *entry->name ? " " : "", entry->name);
	settings_did_you_mean(error, value_nearest(entry->section, known));
	return false;
}

static bool
take_entry(const struct ini_entry *entry, char error[INI_ERROR_SIZE],
	void *context)
{
	struct reading *reading = context;
	struct collect_settings *settings = reading->settings;

	if (!entry->key)
		return begin_section(reading, entry, error);
	if (strcmp(entry->section, "account") == 0)
		return settings_take(&account_table,
			&settings->accounts[settings->count - 1],
			&reading->account, entry, error);
	if (strcmp(entry->section, "rule") == 0)
		return rules_take(&settings->rules, entry, error);
	return settings_take(
		&client_table, settings, &reading->client, entry, error);
}

bool
collect_settings_init(struct collect_settings *settings, const char *state)
{
	*settings = (struct collect_settings){
		.accounts = calloc(
			ACCOUNTS_MAXIMUM, sizeof(struct collect_account)),
	};
	settings_init(&client_table, settings);
	free(settings->state);
	settings->state = strdup(state);
	return rules_init(&settings->rules) && settings->state &&
	       settings->accounts;
}

void
collect_settings_release(struct collect_settings *settings)
{
	for (size_t i = 0; i < settings->count; i++)
		account_release(&settings->accounts[i]);
	free(settings->accounts);
	settings_release(&client_table, settings);
	rules_release(&settings->rules);
	*settings = (struct collect_settings){0};
}

static enum outcome
check(const struct collect_settings *settings, enum outcome outcome,
	char error[INI_ERROR_SIZE])
{
	char problem[INI_ERROR_SIZE];
	const char *database = settings->provider_database;

	if (outcome == OK && database[0] &&
		strncmp(database, "https://", 8) != 0) {
		snprintf(error, INI_ERROR_SIZE,
			"[client] provider-database: %.200s is no https URL",
			database);
		outcome = ERR_PEER;
	}
	for (size_t i = 0; i < settings->count && outcome == OK; i++) {
		struct collect_account *account = &settings->accounts[i];

		account->state = settings->state;
		if (account_check(account, problem))
			continue;
		snprintf(error, INI_ERROR_SIZE, "%.200s:%u: %.280s",
			account->file, account->line, problem);
		outcome = ERR_PEER;
	}
	if (outcome == OK && !rules_check(&settings->rules, error))
		outcome = ERR_PEER;
	return outcome;
}

/* As without the key, when it is empty; takes `before`. */
static void
settle_state(struct collect_settings *settings, char *before)
{
	if (settings->state[0] || !before) {
		free(before);
		return;
	}
	free(settings->state);
	settings->state = before;
}

enum outcome
collect_settings_load(struct collect_settings *settings, const char *file,
	char error[INI_ERROR_SIZE])
{
	struct reading reading = {.settings = settings};
	char *state = strdup(settings->state);
	enum outcome outcome = ini_load(file, take_entry, &reading, error);

	settle_state(settings, state);
	return check(settings, outcome, error);
}

enum outcome
collect_settings_parse(struct collect_settings *settings, const char *file,
	struct bytes text, char error[INI_ERROR_SIZE])
{
	struct reading reading = {.settings = settings};
	char *state = strdup(settings->state);
	enum outcome outcome =
		ini_parse(file, text, take_entry, &reading, error);

	settle_state(settings, state);
	return check(settings, outcome, error);
}

struct collect_account *
collect_settings_find(const struct collect_settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->count; i++)
		if (strcmp(settings->accounts[i].name, name) == 0)
			return &settings->accounts[i];
	return NULL;
}

/* ---- writing ---- */

static bool
write_account(const struct collect_account *account, bool only_changed,
	struct buffer *out)
{
	if (!buffer_append_string(out, "\n"))
		return false;
	if (only_changed)
		return account_write(account, out);
	return buffer_printf(out, "[account %s]\n", account->name) &&
	       settings_put_keys(&account_table, account, NULL, out);
}

bool
collect_settings_write(const struct collect_settings *settings,
	const struct collect_settings *initial, struct buffer *out)
{
	bool is_good = buffer_append_string(out, "[client]\n") &&
		       settings_put_keys(&client_table, settings, initial, out);

	for (size_t i = 0; i < settings->count && is_good; i++)
		is_good = write_account(
			&settings->accounts[i], initial != NULL, out);
	return is_good && rules_write(&settings->rules, initial != NULL, out);
}

bool
collect_settings_sample(struct buffer *out)
{
	bool is_good = buffer_append_string(out,
		"; The collector's settings. What stands behind \";\" is the "
		"default.\n"
		"; SIGHUP tells a daemon to read them anew; paths are taken "
		"from the home directory.\n"
		"\n[client]\n");

	for (size_t i = 0; i < client_table.count && is_good; i++)
		is_good = settings_put_sample(&client_keys[i], false, out);
	is_good = is_good &&
		  buffer_append_string(out,
			  "\n; One for each mailbox; its name is the login "
			  "name, where user says no other.\n"
			  ";[account ADDRESS]\n");
	for (size_t i = 0; i < account_table.count && is_good; i++)
		is_good =
			settings_put_sample(&account_table.rows[i], false, out);
	return is_good &&
	       buffer_append_string(out,
		       "\n; Rules, in their order; the first one that holds "
		       "decides.") &&
	       rules_sample(out);
}
