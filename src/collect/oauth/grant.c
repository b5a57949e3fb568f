/* SPDX-License-Identifier: ISC */
#include "collect/oauth/grant.h"
#include "base/clock.h"
#include "collect/oauth/browser.h"
#include "collect/oauth/post.h"
#include "collect/oauth/provider.h"
#include "collect/oauth/token.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
#define SLOWER	     5 /* seconds, RFC 8628 section 3.5 */

static bool
put(struct buffer *form, const char *name, const char *value)
{
	return oauth_form_put(form, name, bytes_of_string(value));
}

static enum outcome
no_memory(char error[INI_ERROR_SIZE])
{
	snprintf(error, INI_ERROR_SIZE, "no memory");
	return ERR_TRY_LATER;
}

/* ---- a code for another device ---- */

static enum outcome
ask_device(const struct collect_account *account,
	const struct oauth_provider *provider, struct oauth_device *out,
	char error[INI_ERROR_SIZE])
{
	char text[OAUTH_TEXT_SIZE];
	struct buffer form, answer;
	enum outcome outcome;
	long status = 0;

	buffer_init(&form, OAUTH_FORM_MAXIMUM_OCTETS);
	buffer_init(&answer, OAUTH_ANSWER_MAXIMUM_OCTETS);
	outcome = oauth_put_client(account, &form, error);
	if (outcome == OK && !put(&form, "scope", provider->scope))
		outcome = no_memory(error);
	if (outcome == OK)
		outcome = oauth_post(account, provider->device_url, &form,
			&answer, &status, NULL, error);
	if (outcome == OK &&
		(status != 200 ||
			!oauth_read_device(buffer_bytes(&answer), out))) {
		oauth_read_error(buffer_bytes(&answer), text);
		snprintf(error, INI_ERROR_SIZE,
			"the OAuth server gives no code (%ld): %s", status,
			text);
		outcome = ERR_DENIED;
	}
	buffer_wipe(&form);
	buffer_wipe(&answer);
	return outcome;
}

static enum outcome
wait_for_device(const struct collect_account *account,
	struct oauth_device *device, const struct buffer *form,
	struct oauth_tokens *tokens, char error[INI_ERROR_SIZE])
{
	uint64_t until_ms =
		clock_monotonic_ms() + device->expires_in * UINT64_C(1000);
	unsigned interval = device->interval;
	enum oauth_fault fault;
	enum outcome outcome;

	while (clock_monotonic_ms() < until_ms) {
		sleep(interval);
		outcome = oauth_ask_tokens(
			account, form, tokens, &fault, NULL, error);
		if (outcome == ERR_DENIED && fault == OAUTH_SLOW_DOWN)
			interval += SLOWER;
		/* RFC 8628: who cannot be reached is asked less often. */
		else if (outcome == ERR_TRY_LATER)
			interval = interval < OAUTH_INTERVAL_MAXIMUM / 2
					   ? 2 * interval + 1
					   : OAUTH_INTERVAL_MAXIMUM;
		else if (outcome != ERR_DENIED || fault != OAUTH_PENDING)
			return outcome;
	}
	snprintf(error, INI_ERROR_SIZE, "nobody typed the code in time");
	return ERR_DENIED;
}

static enum outcome
by_device(const struct collect_account *account,
	const struct oauth_provider *provider, struct oauth_tokens *tokens,
	oauth_show *show, void *context, char error[INI_ERROR_SIZE])
{
	struct oauth_device device = {.interval = 0};
	enum outcome outcome = ask_device(account, provider, &device, error);
	struct buffer form;

	buffer_init(&form, OAUTH_FORM_MAXIMUM_OCTETS);
	if (outcome == OK)
		outcome = oauth_put_client(account, &form, error);
	if (outcome == OK && (!put(&form, "grant_type", DEVICE_GRANT) ||
				     !oauth_form_put(&form, "device_code",
					     secret_bytes(&device.code))))
		outcome = no_memory(error);
	if (outcome == OK) {
		show(device.url, device.user_code, context);
		outcome =
			wait_for_device(account, &device, &form, tokens, error);
	}
	buffer_wipe(&form);
	secret_release(&device.code);
	return outcome;
}

/* ---- the browser of this machine ---- */

static enum outcome
make_url(const struct collect_account *account,
	const struct oauth_provider *provider,
	const struct oauth_browser *browser, struct buffer *url,
	char error[INI_ERROR_SIZE])
{
	struct buffer query;
	bool is_good;

	if (!oauth_url_is_safe(account, provider->authorize_url, error))
		return ERR_PEER;
	buffer_init(&query, OAUTH_FORM_MAXIMUM_OCTETS);
	is_good = put(&query, "response_type", "code") &&
		  put(&query, "client_id", account->oauth_client_id) &&
		  put(&query, "redirect_uri", browser->redirect) &&
		  put(&query, "scope", provider->scope) &&
		  put(&query, "state", browser->state) &&
		  put(&query, "code_challenge", browser->challenge) &&
		  put(&query, "code_challenge_method", "S256") &&
		  put(&query, "login_hint", account_user(account)) &&
		  /* Else Google gives no refresh token. */
		  put(&query, "access_type", "offline") &&
		  put(&query, "prompt", "consent") &&
		  buffer_append_string(url, provider->authorize_url) &&
		  buffer_append_string(url,
			  strchr(provider->authorize_url, '?') ? "&" : "?") &&
		  buffer_append_bytes(url, buffer_bytes(&query)) &&
		  buffer_append(url, "", 1);
	buffer_release(&query);
	return is_good ? OK : no_memory(error);
}

static enum outcome
exchange(const struct collect_account *account,
	const struct oauth_browser *browser, const struct secret *code,
	struct oauth_tokens *tokens, char error[INI_ERROR_SIZE])
{
	enum oauth_fault fault;
	enum outcome outcome;
	struct buffer form;

	buffer_init(&form, OAUTH_FORM_MAXIMUM_OCTETS);
	outcome = oauth_put_client(account, &form, error);
	if (outcome == OK &&
		(!put(&form, "grant_type", "authorization_code") ||
			!oauth_form_put(&form, "code", secret_bytes(code)) ||
			!put(&form, "redirect_uri", browser->redirect) ||
			!put(&form, "code_verifier", browser->verifier)))
		outcome = no_memory(error);
	if (outcome == OK)
		outcome = oauth_ask_tokens(
			account, &form, tokens, &fault, NULL, error);
	buffer_wipe(&form);
	return outcome;
}

static enum outcome
by_browser(const struct collect_account *account,
	const struct oauth_provider *provider, struct oauth_tokens *tokens,
	oauth_show *show, void *context, char error[INI_ERROR_SIZE])
{
	struct oauth_browser browser;
	struct secret code = {0};
	enum outcome outcome = oauth_browser_open(&browser, error);
	struct buffer url;

	buffer_init(&url, OAUTH_FORM_MAXIMUM_OCTETS);
	if (outcome == OK)
		outcome = make_url(account, provider, &browser, &url, error);
	if (outcome == OK) {
		show((const char *)buffer_bytes(&url).at, NULL, context);
		outcome = oauth_browser_wait(
			&browser, OAUTH_BROWSER_SECONDS, &code, error);
	}
	if (outcome == OK)
		outcome = exchange(account, &browser, &code, tokens, error);
	secret_release(&code);
	buffer_release(&url);
	oauth_browser_close(&browser);
	return outcome;
}

/* ---- either ---- */

enum outcome
oauth_authorize(const struct collect_account *account, enum oauth_way way,
	oauth_show *show, void *context, char error[INI_ERROR_SIZE])
{
	struct oauth_provider provider = oauth_provider_of(account);
	bool has_device = provider.device_url[0] != 0;
	struct oauth_tokens tokens = {0};
	enum outcome outcome;

	if (way == OAUTH_DEVICE && !has_device) {
		snprintf(error, INI_ERROR_SIZE,
			"%s has no codes for devices: --browser, on a machine "
			"with a browser",
			provider.name);
		return ERR_PEER;
	}
	if (way == OAUTH_DEVICE || (way == OAUTH_ANY && has_device))
		outcome = by_device(
			account, &provider, &tokens, show, context, error);
	else
		outcome = by_browser(
			account, &provider, &tokens, show, context, error);
	if (outcome == OK)
		outcome = oauth_save(account, &tokens, error);
	oauth_tokens_release(&tokens);
	return outcome;
}
