/* SPDX-License-Identifier: ISC */
/* What restante doctor finds out of the password or token, and of the login. */
#include "collect/oauth/answer.h"
#include "collect/oauth/provider.h"
#include "collect/secret_source.h"
#include "programs/restante/doctor.h"

#include <string.h>
#include <sysexits.h>

/* ---- what providers say ---- */

struct remedy {
	const char *words; /* in what was said, in any case */
	const char *advice;
	bool is_to_authorize; /* and then the permission is asked for again */
};

/* Of a token that cannot be had. */
static const struct remedy token_remedies[] = {
	{"has no token", "nobody has given the permission yet", true},
	{"is damaged", "what is saved is thrown away", true},
	{"cannot be renewed",
		"the provider gave a token and none to renew it with; some "
		"want offline_access in oauth-scope",
		true},
	{"invalid_grant",
		"the provider ended the permission: it was taken back, the "
		"password was changed, it was not used for long, or the "
		"application is in test (with Google seven days)",
		true},
	{"access_denied", "whoever was asked said no", true},
	{"invalid_client",
		"compare oauth-client-id, and what is in "
		"oauth-client-secret-file, with the application as it is "
		"registered with the provider",
		false},
	{"unauthorized_client",
		"the application is not registered for this way or this kind "
		"of account: change that with the provider",
		false},
	{"invalid_scope",
		"the provider gives no such scope: take oauth-scope out, or "
		"set it as the provider's page on POP3 says",
		true},
	{"oauth-client-id is missing",
		"register an application with the provider; the manual, "
		"restante(1), says what goes where",
		false},
	{"no https URL", "set oauth-token-url to the provider's, with https",
		false},
	{"sends no token", "is oauth-token-url the one of the provider?",
		false},
	{"refuses (404)", "is oauth-token-url the one of the provider?", false},
	{"certificate",
		"somebody is in between, or it is an authority of one's own: "
		"that goes to oauth-ca-file",
		false},
	{"answers 429", "it was asked too often: wait an hour", false},
	{"answers 5", "the provider's server is ill: try later", false},
	{"the OAuth server http",
		"does the network work? is oauth-token-url right?", false},
	{NULL, NULL, false},
};

/* Of a login that was refused. */
static const struct remedy login_remedies[] = {
	{"POP access", "switch POP3 on in the settings of the web mail", false},
	{"POP3 is disabled",
		"switch POP3 on in the settings of the web mail, or ask who "
		"administers the mailboxes",
		false},
	{"authenticated but not connected",
		"the token is good, and not for this mailbox: user has to be "
		"its main address, and POP3 to be switched on for it",
		false},
	{"application-specific password",
		"make an app password in the security settings of the web "
		"mail, and have it in place of the usual one",
		false},
	{"app password",
		"make an app password in the security settings of the web "
		"mail, and have it in place of the usual one",
		false},
	{"web login required",
		"log in to the web mail once in a browser and confirm that it "
		"was you",
		false},
	{"basic authentication",
		"the provider takes no passwords any more: set oauth, and take "
		"the password out",
		true},
	{"5.7.139",
		"the provider takes no passwords any more: set oauth, and take "
		"the password out",
		true},
	{"does not offer",
		"the server does not take this kind of login: take login out, "
		"or use the server that the provider names for OAuth2",
		false},
	{NULL, NULL, false},
};

static bool
advise_by(struct doctor *doctor, enum outcome outcome,
	const struct remedy *remedies, const char *said)
{
	const struct remedy *one = remedies;

	while (one->words && !strcasestr(said, one->words))
		one++;
	if (one->words)
		doctor_advises(doctor, code_of_outcome(outcome),
			one->is_to_authorize
				? "%s; then: restante account authorize %.100s"
				: "%s",
			one->advice, doctor->account->name);
	return one->words != NULL;
}

/* ---- the password, or the token ---- */

static bool
has_grant(const struct doctor *doctor)
{
	return doctor->account->oauth != ACCOUNT_OAUTH_NONE;
}

static const char *
source_of(const struct collect_account *account)
{
	if (account->oauth != ACCOUNT_OAUTH_NONE)
		return oauth_provider_of(account).token_url;
	if (account->password_file[0])
		return account->password_file;
	if (account->password_command[0])
		return account->password_command;
	if (account->password_keyring)
		return "the keyring";
	if (account->password_credential[0])
		return account->password_credential;
	return "the terminal";
}

static enum outcome
find_password(struct doctor *doctor)
{
	const struct collect_account *account = doctor->account;
	const char *step = has_grant(doctor) ? "token" : "password";
	char error[INI_ERROR_SIZE] = "";
	enum outcome outcome = secret_source_read_both(account,
		&doctor->password, &doctor->deliver_password, NULL, error);

	if (outcome == OK)
		return OK;
	doctor_says(doctor, step, FINDING_BAD, "%s", error);
	if (!has_grant(doctor) ||
		!advise_by(doctor, outcome, token_remedies, error))
		doctor_advises(doctor, code_of_outcome(outcome),
			"%s:%u says where the %s is", account->file,
			account->line, step);
	return outcome;
}

bool
doctor_has_password(struct doctor *doctor)
{
	fetch_ask_password(doctor->account, &doctor->password);
	if (find_password(doctor) != OK)
		return false;
	doctor_says(doctor, has_grant(doctor) ? "token" : "password",
		FINDING_GOOD, "from %.400s", source_of(doctor->account));
	return true;
}

/* ---- login, STAT, UIDL: a dry run ---- */

struct visit {
	struct engine_event planned;
	bool is_planned;
	bool is_renewed; /* with a token that was made for it */
	enum outcome outcome;
	char text[ENGINE_TEXT_SIZE];
};

static void
on_event(const struct engine_event *event, void *context)
{
	struct visit *visit = context;

	if (event->kind == ENGINE_PLANNED) {
		visit->planned = *event;
		visit->is_planned = true;
	}
	if (event->kind == ENGINE_ENDED)
		snprintf(visit->text, sizeof(visit->text), "%s", event->text);
}

/* The server names the scope that it wants; is it the one that we ask for? */
static bool
advise_scope(struct doctor *doctor, const char *said)
{
	struct oauth_provider provider = oauth_provider_of(doctor->account);
	const char *found = strstr(said, OAUTH_WANTS_SCOPE);
	char scope[OAUTH_TEXT_SIZE];

	if (!found)
		return false;
	found += strlen(OAUTH_WANTS_SCOPE);
	snprintf(scope, sizeof(scope), "%.*s", (int)strcspn(found, " "), found);
	if (!scope[0] || strstr(provider.scope, scope))
		return false;
	doctor_advises(doctor, EX_NOPERM,
		"the permission is for another scope (%.100s): set oauth-scope "
		"to %.100s; then: restante account authorize %.80s",
		provider.scope, scope, doctor->account->name);
	return true;
}

static void
advise_token(struct doctor *doctor, const struct visit *visit)
{
	const char *name = doctor->account->name;

	if (advise_scope(doctor, visit->text))
		return;
	doctor_advises(doctor, EX_NOPERM,
		visit->is_renewed
			? "a token made just now is refused too: is it for "
			  "this mailbox? user is %.100s; give the permission "
			  "as the person it belongs to: restante account "
			  "authorize %.80s"
			: "is the token for this mailbox? user is %.100s; "
			  "restante account authorize %.80s",
		account_user(doctor->account), name);
}

static void
advise_login(struct doctor *doctor, const struct visit *visit)
{
	if (advise_by(doctor, visit->outcome, login_remedies, visit->text))
		return;
	if (visit->outcome == ERR_DENIED && has_grant(doctor))
		advise_token(doctor, visit);
	else if (visit->outcome == ERR_DENIED)
		doctor_advises(doctor, EX_NOPERM,
			"is user right (%.100s)? some providers want an app "
			"password, or POP3 to be switched on in the settings "
			"of their web mail",
			account_user(doctor->account));
	else if (visit->outcome == ERR_BUSY)
		doctor_advises(doctor, EX_TEMPFAIL,
			"wait until it is done, or see whether another device "
			"collects this mailbox all the time");
	else
		doctor_advises(doctor, code_of_outcome(visit->outcome),
			"try later; if it stays, ask the provider");
}

static void
tell_visit(struct doctor *doctor, const struct visit *visit)
{
	char octets[16];

	if (visit->outcome != OK) {
		doctor_says(doctor, visit->is_planned ? "mailbox" : "login",
			FINDING_BAD, "%s", visit->text);
		advise_login(doctor, visit);
		return;
	}
	if (visit->is_renewed)
		doctor_says(doctor, "token", FINDING_WARNING,
			"the one that was saved was refused before its time; "
			"it was renewed");
	doctor_says(doctor, "login", FINDING_GOOD, "as %.200s",
		account_user(doctor->account));
	doctor_says(doctor, "mailbox", FINDING_GOOD,
		"%llu messages, %s; %llu are new",
		(unsigned long long)visit->planned.listed_messages,
		human_octets(visit->planned.listed_octets, octets),
		(unsigned long long)visit->planned.planned_messages);
}

static struct visit
pay_visit(struct doctor *doctor, struct ledger *ledger)
{
	char state[PATH_MAX], error[ENGINE_TEXT_SIZE];
	struct visit visit = {.outcome = ERR_TRY_LATER};
	struct engine_options options = {
		.state = state,
		.is_dry_run = true,
		.is_retry = true,
		.on_event = on_event,
		.context = &visit,
	};
	struct engine_account one = {
		doctor->account, &doctor->password, &visit.outcome};

	account_expand(doctor->arguments->settings.state, state, sizeof(state));
	if (engine_run(&options, ledger, &one, 1, error) != OK)
		snprintf(visit.text, sizeof(visit.text), "%s", error);
	return visit;
}

void
doctor_logs_in(struct doctor *doctor, struct ledger *ledger)
{
	struct visit visit = pay_visit(doctor, ledger);

	/* The run threw a refused token away, unless it was made for it: another
	   one tells whether it was the token. */
	if (visit.outcome == ERR_DENIED && has_grant(doctor) &&
		!doctor->account->password_keyring) {
		if (find_password(doctor) != OK)
			return;
		visit = pay_visit(doctor, ledger);
		visit.is_renewed = true;
	}
	tell_visit(doctor, &visit);
}
