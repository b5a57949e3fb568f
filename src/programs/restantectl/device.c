/* SPDX-License-Identifier: ISC */
/* restantectl device: what an account has besides its main password. */
#include "base/clock.h"
#include "base/networks.h"
#include "config/value.h"
#include "programs/json_text.h"
#include "programs/restantectl/accounts.h"
#include "programs/restantectl/certificate.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define WHAT_SIZE   (ACCOUNT_NAME_SIZE + ACCOUNT_DEVICE_SIZE + 32)
#define DAY_SECONDS 86400

static const char *
device_called(
	const struct account *account, const char *device, char out[WHAT_SIZE])
{
	snprintf(out, WHAT_SIZE, "device %s of user %s",
		device[0] ? device : ACCOUNT_MAIN_DEVICE, account->name);
	return out;
}

/* ---- options ---- */

/* A day counts to its end. */
static bool
parse_day(const char *text, uint64_t *out)
{
	struct tm utc = {0};
	const char *end = strptime(text, "%Y-%m-%d", &utc);
	time_t seconds;

	if (!end || *end)
		return false;
	seconds = timegm(&utc);
	if (seconds < 0)
		return false;
	*out = (uint64_t)seconds + DAY_SECONDS;
	return true;
}

static bool
parse_expiry(const char *text, uint64_t *out)
{
	uint64_t seconds;

	if (strcmp(text, "never") == 0) {
		*out = 0;
		return true;
	}
	if (parse_day(text, out))
		return true;
	if (!value_to_seconds(text, &seconds) || seconds == 0)
		return false;
	*out = clock_wall_seconds() + seconds;
	return true;
}

static int
set_networks(const char *text, struct credential *credential)
{
	struct bytes wrong;

	if (strcmp(text, "any") == 0)
		credential->networks[0] = '\0';
	else if (!networks_canonical(
			 bytes_of_string(text), credential->networks, &wrong))
		return complain(EX_DATAERR,
			"--networks %s: \"%.*s\" is no network; expected at "
			"most %d like 192.0.2.0/24,2001:db8::/32, or any",
			text, (int)wrong.octets, (const char *)wrong.at,
			NETWORKS_MAXIMUM);
	return EX_OK;
}

static int
set_properties(const struct arguments *arguments, struct credential *credential)
{
	if (arguments->is_read_only && arguments->is_read_write)
		return complain(EX_USAGE,
			"--read-only and --read-write exclude each other");
	if (arguments->is_read_only)
		credential->is_read_only = true;
	if (arguments->is_read_write)
		credential->is_read_only = false;
	if (arguments->expires &&
		!parse_expiry(arguments->expires, &credential->expires_seconds))
		return complain(EX_DATAERR,
			"--expires %s: expected a day like 2027-12-31, a time "
			"from now like 90d, or never",
			arguments->expires);
	return arguments->networks
		       ? set_networks(arguments->networks, credential)
		       : EX_OK;
}

/* ---- device add ---- */

/* `made` gets the password when it is one of ours. */
static int
make_secret(const struct arguments *arguments, const struct account *account,
	struct credential *credential, char made[PASSWORD_GENERATED_SIZE])
{
	uint32_t iterations = (uint32_t)arguments->settings.scram_iterations;

	if (arguments->certificate)
		return read_certificate(arguments->certificate, credential);
	if (arguments->reads_stdin)
		return ask_password(arguments, account, credential);
	if (!password_generate(made) ||
		password_set(credential, bytes_of_string(made), account,
			iterations) != OK)
		return complain(EX_OSERR, "there is no randomness to be had");
	return EX_OK;
}

static void
tell_added(const struct arguments *arguments, const struct account *account,
	const struct credential *credential, const char *made)
{
	json_t *data;

	if (!arguments->is_json) {
		printf("%s: device %s added\n", account->name,
			credential->device);
		if (made[0])
			printf("user      %s\n"
			       "password  %s\n"
			       "The password is shown this once. Clients that "
			       "use SCRAM need the user %s%%%s.\n",
				account->name, made, account->name,
				credential->device);
		return;
	}
	data = json_pack("{s:o, s:s}", "user", json_text(account->name),
		"device", credential->device);
	if (made[0])
		json_object_set_new(data, "password", json_string(made));
	print_data(arguments, data, NULL, 0, NULL);
}

static int
add_device(const struct arguments *arguments, struct accounts *accounts,
	const struct account *account, struct credential *credential)
{
	char made[PASSWORD_GENERATED_SIZE] = "", what[WHAT_SIZE];
	int code;

	device_called(account, credential->device, what);
	if (account_credential(account, credential->device))
		return accounts_code(ERR_BUSY, what);
	if (account->credential_count >= ACCOUNT_CREDENTIALS_MAXIMUM)
		return accounts_code(ERR_OVER_QUOTA, what);
	code = set_properties(arguments, credential);
	if (code == EX_OK)
		code = make_secret(arguments, account, credential, made);
	if (code == EX_OK && credential->kind == CREDENTIAL_CERTIFICATE)
		snprintf(what, sizeof(what), "user with this certificate");
	if (code == EX_OK)
		code = accounts_code(
			accounts->ops->changes->add_credential(
				accounts, account->name, credential),
			what);
	if (code == EX_OK)
		tell_added(arguments, account, credential, made);
	explicit_bzero(made, sizeof(made));
	return code;
}

int
device_add(struct arguments *arguments)
{
	struct credential credential = {0};
	struct account account = {0};
	struct accounts *accounts;
	int code;

	if (!device_name(arguments->operands.at[1], credential.device))
		return EX_DATAERR;
	if (!credential.device[0])
		return complain(EX_USAGE,
			"%s is the main password: restantectl user passwd %s",
			ACCOUNT_MAIN_DEVICE, arguments->operands.at[0]);
	accounts = load_user(arguments, &account, &code);
	if (!accounts)
		return code;
	code = add_device(arguments, accounts, &account, &credential);
	explicit_bzero(&credential, sizeof(credential));
	account_release(&account);
	accounts->ops->close(&accounts);
	return code;
}

/* ---- device set, device remove ---- */

static int
change_device(struct arguments *arguments,
	int (*change)(struct arguments *arguments, struct accounts *accounts,
		const struct account *account,
		const struct credential *credential))
{
	char device[ACCOUNT_DEVICE_SIZE];
	const struct credential *credential;
	struct account account = {0};
	struct accounts *accounts;
	char what[WHAT_SIZE];
	int code;

	if (!device_name(arguments->operands.at[1], device))
		return EX_DATAERR;
	accounts = load_user(arguments, &account, &code);
	if (!accounts)
		return code;
	credential = account_credential(&account, device);
	code = credential ? change(arguments, accounts, &account, credential)
			  : accounts_code(ERR_DENIED,
				    device_called(&account, device, what));
	account_release(&account);
	accounts->ops->close(&accounts);
	return code;
}

static int
set_device(struct arguments *arguments, struct accounts *accounts,
	const struct account *account, const struct credential *credential)
{
	struct credential changed = *credential;
	char what[WHAT_SIZE];
	int code;

	if (!arguments->is_read_only && !arguments->is_read_write &&
		!arguments->expires && !arguments->networks)
		return complain(EX_USAGE,
			"give --read-only, --read-write, --expires or "
			"--networks");
	code = set_properties(arguments, &changed);
	device_called(account, changed.device, what);
	if (code == EX_OK)
		code = accounts_code(accounts->ops->changes->replace_credential(
					     accounts, account->name, &changed),
			what);
	if (code == EX_OK)
		printf("%s: changed\n", what);
	/* What it may not do any more holds for those that are open. */
	if (code == EX_OK)
		end_sessions(arguments, account->name, changed.device);
	explicit_bzero(&changed, sizeof(changed));
	return code;
}

int
device_set(struct arguments *arguments)
{
	return change_device(arguments, set_device);
}

static int
remove_device(struct arguments *arguments, struct accounts *accounts,
	const struct account *account, const struct credential *credential)
{
	char what[WHAT_SIZE];
	int code;

	device_called(account, credential->device, what);
	code = accounts_code(accounts->ops->changes->remove_credential(accounts,
				     account->name, credential->device),
		what);
	if (code == EX_OK)
		printf("%s: removed\n", what);
	if (code == EX_OK)
		end_sessions(arguments, account->name, credential->device);
	return code;
}

int
device_remove(struct arguments *arguments)
{
	return change_device(arguments, remove_device);
}

/* ---- device list ---- */

static const char *
kind_of(const struct credential *credential)
{
	return credential->kind == CREDENTIAL_CERTIFICATE ? "certificate"
							  : "password";
}

static json_t *
networks_of(const struct credential *credential)
{
	struct bytes rest = bytes_of_string(credential->networks);
	json_t *networks = json_array();

	while (rest.octets > 0) {
		struct bytes word = bytes_cut(&rest, ',');

		json_array_append_new(networks,
			json_stringn((const char *)word.at, word.octets));
	}
	return networks;
}

static json_t *
data_of(const struct credential *c, const char *device)
{
	json_t *data = json_pack("{s:s, s:s, s:I, s:I, s:o, s:b, s:b}",
		"device", device, "kind", kind_of(c), "created_seconds",
		(json_int_t)c->created_seconds, "expires_seconds",
		(json_int_t)c->expires_seconds, "networks", networks_of(c),
		"is_read_only", c->is_read_only, "has_scram",
		c->scram[SCRAM_SHA_256].iterations > 0);

	if (c->kind == CREDENTIAL_CERTIFICATE)
		json_object_set_new(data, "certificate", json_text(c->hash));
	return data;
}

/* The day that it is good to the end of. */
static const char *
expiry_text(const struct credential *credential, char out[32])
{
	uint64_t seconds = credential->expires_seconds;
	char date[16];

	if (seconds == 0)
		return "never";
	snprintf(out, 32, "%s%s", date_text(seconds - 1, date),
		seconds <= clock_wall_seconds() ? " (over)" : "");
	return out;
}

static json_t *
row_of(const struct credential *c, const char *device)
{
	char created[16], expires[32];

	return json_pack("[s, s, s, s, s, s]", device, kind_of(c),
		date_text(c->created_seconds, created), expiry_text(c, expires),
		c->networks[0] ? c->networks : "any",
		c->is_read_only ? "read-only" : "");
}

static void
list_devices(const struct arguments *arguments, const struct account *account)
{
	static const char *const heads[] = {
		"DEVICE", "KIND", "CREATED", "EXPIRES", "NETWORKS", ""};
	json_t *data = json_array(), *rows = json_array();

	for (size_t i = 0; i < account->credential_count; i++) {
		const struct credential *c = &account->credentials[i];
		const char *device =
			c->device[0] ? c->device : ACCOUNT_MAIN_DEVICE;

		json_array_append_new(data, data_of(c, device));
		json_array_append_new(rows, row_of(c, device));
	}
	print_data(arguments, data, heads, 6, rows);
}

int
device_list(struct arguments *arguments)
{
	struct account account = {0};
	struct accounts *accounts;
	int code;

	accounts = load_user(arguments, &account, &code);
	if (!accounts)
		return code;
	list_devices(arguments, &account);
	account_release(&account);
	accounts->ops->close(&accounts);
	return EX_OK;
}
