/* SPDX-License-Identifier: ISC */
/* What restante doctor finds out of the server. */
#include "base/clock.h"
#include "collect/discovery/probe.h"
#include "collect/trust.h"
#include "programs/restante/doctor.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define FEW_DAYS    14
#define DAY_SECONDS 86400

/* ---- what to do ---- */

static bool
says(const struct probe *probe, const char *word)
{
	return strstr(probe->error, word) != NULL;
}

static void
advise_tls(struct doctor *doctor, const struct probe *probe)
{
	int code = EX_NOPERM;

	if (says(probe, "tls-pin"))
		doctor_advises(doctor, code,
			"compare the key with what your provider publishes "
			"before you write it into tls-pin");
	else if (says(probe, "not for "))
		doctor_advises(doctor, code,
			"set host to a name of the certificate, when your "
			"provider says that it is its server: %.150s",
			probe->certificate.names);
	else if (says(probe, "expired"))
		doctor_advises(doctor, code,
			"the provider has to renew it; if its date is in the "
			"future, the clock here is wrong");
	else if (says(probe, "not yet valid"))
		doctor_advises(doctor, code, "is the clock here right?");
	else if (says(probe, "not trusted"))
		doctor_advises(doctor, code,
			"an authority of one's own, of a company for example, "
			"goes to ca-file");
	else if (says(probe, "STLS"))
		doctor_advises(doctor, code,
			"tls = implicit with port 995 is what most servers "
			"have; the password is not sent without TLS");
	else
		doctor_advises(doctor, code,
			"port 995 wants tls = implicit, port 110 tls = "
			"starttls");
}

static void
advise_name(struct doctor *doctor)
{
	doctor_advises(doctor, EX_NOHOST,
		"is host right in %s:%u? \"restante discover %s\" looks for "
		"the server",
		doctor->account->file, doctor->account->line,
		doctor->account->name);
}

static void
advise_port(struct doctor *doctor)
{
	doctor_advises(doctor, EX_TEMPFAIL,
		"is the port right (995, or 110 with starttls)? is a firewall "
		"in between? does the network work?");
}

/* ---- steps ---- */

static void
tell_certificate(struct doctor *doctor, const struct probe *probe)
{
	const struct tls_peer *certificate = &probe->certificate;
	int64_t days = (certificate->good_until_seconds -
			       (int64_t)clock_wall_seconds()) /
		       DAY_SECONDS;

	if (!probe->has_certificate)
		return;
	doctor_says(doctor, "certificate",
		days < FEW_DAYS ? FINDING_WARNING : FINDING_GOOD,
		"for %s; by %s; good for %lld days; %s", certificate->names,
		certificate->issuer, (long long)days, certificate->pin);
	if (days < FEW_DAYS)
		doctor_advises(doctor, EX_OK,
			"tell the provider; when it is over nothing is "
			"collected");
}

static void
tell_pins(struct doctor *doctor)
{
	struct tls_pins pins = {0};

	tls_pins_parse(doctor->account->tls_pin, &pins);
	if (pins.count != 1)
		return;
	doctor_says(doctor, "tls-pin", FINDING_WARNING, "there is one alone");
	doctor_advises(doctor, EX_OK,
		"add a second, of a spare key: else a new key on the server "
		"ends the collecting");
}

/* Of the steps before the one that failed, in the order they were made in. */
static void
tell_good_steps(struct doctor *doctor, const struct probe *probe)
{
	bool is_late = doctor->account->tls == ACCOUNT_TLS_STARTTLS;

	if (probe->is_done[PROBE_FOUND])
		doctor_says(
			doctor, "name", FINDING_GOOD, "%s", probe->addresses);
	if (probe->is_done[PROBE_CONNECTED])
		doctor_says(doctor, "port", FINDING_GOOD, "%u is open",
			account_port(doctor->account));
	if (is_late && probe->is_done[PROBE_GREETED])
		doctor_says(doctor, "greeting", FINDING_GOOD, "%s",
			probe->greeting);
	if (probe->is_done[PROBE_SECURED]) {
		doctor_says(doctor, "TLS", FINDING_GOOD, "%s, verified",
			probe->tls);
		tell_certificate(doctor, probe);
		tell_pins(doctor);
	}
	if (!is_late && probe->is_done[PROBE_GREETED])
		doctor_says(doctor, "greeting", FINDING_GOOD, "%s",
			probe->greeting);
}

static void
tell_bad_step(struct doctor *doctor, const struct probe *probe)
{
	if (!probe->is_done[PROBE_FOUND]) {
		doctor_says(doctor, "name", FINDING_BAD, "%s", probe->error);
		advise_name(doctor);
	} else if (!probe->is_done[PROBE_CONNECTED]) {
		doctor_says(doctor, "port", FINDING_BAD, "%s", probe->error);
		advise_port(doctor);
	} else if (!probe->is_done[PROBE_SECURED] &&
		   probe->outcome == ERR_DENIED) {
		doctor_says(doctor, "TLS", FINDING_BAD, "%s", probe->error);
		advise_tls(doctor, probe);
		tell_certificate(doctor, probe);
	} else {
		doctor_says(doctor, "dialog", FINDING_BAD, "%s", probe->error);
		doctor_advises(doctor, code_of_outcome(probe->outcome),
			"it is the server's doing: try later, or ask the "
			"provider");
	}
}

static void
tell_capabilities(struct doctor *doctor, const struct probe *probe)
{
	if (!probe->capabilities[0]) {
		doctor_says(
			doctor, "CAPA", FINDING_WARNING, "the server has none");
		doctor_advises(
			doctor, EX_OK, "it is old: messages come one by one");
	} else if (!probe->has_uidl) {
		doctor_says(doctor, "CAPA", FINDING_WARNING,
			"%.500s: no UIDL announced", probe->capabilities);
		doctor_advises(
			doctor, EX_OK, "without UIDL nothing can be collected");
	} else {
		doctor_says(doctor, "CAPA", FINDING_GOOD, "%.600s",
			probe->capabilities);
	}
}

/* RFC 2449 section 6.7 */
static void
tell_expiry(struct doctor *doctor, const struct probe *probe)
{
	const char *at = strstr(probe->capabilities, "EXPIRE ");
	char *end;
	unsigned long days;

	if (!at)
		return;
	at += strlen("EXPIRE ");
	days = strtoul(at, &end, 10);
	if (end == at || days > UINT32_MAX ||
		!account_leaves_mail(doctor->account, days * DAY_SECONDS))
		return;
	doctor_says(doctor, "EXPIRE", FINDING_WARNING,
		days == 0 ? "the server lets no mail stay that was collected"
			  : "the server deletes mail after %lu days",
		days);
	doctor_advises(doctor, EX_OK,
		"do not count on finding it there again: what was collected is "
		"here alone");
}

static bool
probe_account(struct doctor *doctor, struct network *network)
{
	const struct collect_account *account = doctor->account;
	struct probe_options options = {
		.network = network,
		.host = account->host,
		.port = account_port(account),
		.tls = (enum account_tls)account->tls,
		.step_seconds = account->timeout_seconds,
	};
	struct probe probe;

	probe_server(&options, &probe);
	tell_good_steps(doctor, &probe);
	if (!probe_is_good(&probe)) {
		tell_bad_step(doctor, &probe);
		return false;
	}
	tell_capabilities(doctor, &probe);
	tell_expiry(doctor, &probe);
	return true;
}

bool
doctor_looks_at_server(struct doctor *doctor)
{
	const struct collect_account *account = doctor->account;
	const struct trust_wants wants = trust_of_account(account);
	struct network network = {.resolver = NULL};
	struct trust *trusts = NULL, *trust = NULL;
	char error[TLS_ERROR_SIZE];
	struct socks5_proxy proxy;
	bool is_good = false;

	if (account->proxy[0] && socks5_parse(account->proxy, &proxy))
		network.proxy = &proxy;
	if (account->tls != ACCOUNT_TLS_NONE &&
		trust_take(&trusts, &wants, &trust, error) != OK) {
		doctor_says(doctor, "TLS", FINDING_BAD, "%s", error);
		doctor_advises(doctor, EX_NOINPUT,
			"ca-file in %s:%u wants a file of PEM certificates",
			account->file, account->line);
	} else {
		if (trust)
			network.tls = trust_context(trust);
		is_good = probe_account(doctor, &network);
	}
	trust_give_back(&trusts, &trust);
	explicit_bzero(&proxy, sizeof(proxy));
	return is_good;
}
