/* SPDX-License-Identifier: ISC */
/* What discovery reads and how it judges; what it does is a system test. */
#include "../check.h"

#include "collect/discovery/detour.h"
#include "collect/discovery/discover.h"

#include <stdlib.h>

/* ---- names ---- */

static void
hosts_become_names(void **state)
{
	static const struct {
		const char *text, *name; /* NULL: it is none */
	} rows[] = {
		{"mail.example.org", "mail.example.org"},
		{"MAIL.Example.ORG.", "mail.example.org"},
		{"b\xc3\xbc"
		 "cher.example",
			"xn--bcher-kva.example"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"192.0.2.1", "192.0.2.1"},
		{"localhost", "localhost"},
		{"", NULL},
		{".", NULL},
		{"..", NULL},
		{"a..b", NULL},
		{".a", NULL},
		{"-a.b", NULL},
		{"a-.b", NULL},
		{"a_b.c", NULL},
		{"a b.c", NULL},
		{"a/b", NULL},
		{"a@b", NULL},
		{"a:1", NULL},
		{"[::1]", NULL},
		{"a\nb", NULL},
		{"a\x1b[2Jb", NULL},
		{"\xff\xfe.example", NULL},
	};
	char out[HOST_SIZE];

	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(out, sizeof(out), "untouched");
		if (host_name_normalize(rows[i].text, out) !=
			(rows[i].name != NULL))
			fail_msg("row %zu: %s", i, rows[i].text);
		assert_string_equal(
			out, rows[i].name ? rows[i].name : "untouched");
	}
}

static void
names_have_their_maximum(void **state)
{
	char name[1100], out[HOST_SIZE];

	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	assert_false(host_name_normalize(name, out));
	name[63] = '\0';
	assert_true(host_name_normalize(name, out));
	memset(name, 'a', sizeof(name));
	for (size_t i = 49; i < sizeof(name); i += 50)
		name[i] = '.';
	name[sizeof(name) - 1] = '\0';
	assert_false(host_name_normalize(name, out));
	name[254] = '\0';
	assert_false(host_name_normalize(name, out));
	name[253] = '\0';
	assert_true(host_name_normalize(name, out));
	assert_int_equal(strlen(out), 253);
}

static void
knows_what_is_within(void **state)
{
	assert_true(host_name_is_within("example.org", "example.org"));
	assert_true(host_name_is_within("pop.example.org", "example.org"));
	assert_false(host_name_is_within("badexample.org", "example.org"));
	assert_false(host_name_is_within("example.org.evil", "example.org"));
	assert_false(host_name_is_within("org", "example.org"));
}

static void
takes_addresses_apart(void **state)
{
	struct mail_address who;
	char error[MAIL_ADDRESS_ERROR_SIZE];

	assert_true(mail_address_parse("Alice+x@EXAMPLE.org", &who, error));
	assert_string_equal(who.address, "Alice+x@example.org");
	assert_string_equal(who.local, "Alice+x");
	assert_string_equal(who.domain, "example.org");
	assert_true(mail_address_parse("\"a@b\"@example.org", &who, error));
	assert_string_equal(who.local, "\"a@b\"");
	assert_false(mail_address_parse("al ice@example.org", &who, error));
	assert_false(mail_address_parse("al\nice@example.org", &who, error));
	assert_false(mail_address_parse("a@b@example.org", &who, error));
	assert_false(mail_address_parse(
		"12345678901234567890123456789012345678901234567890123456789012"
		"345@example.org",
		&who, error));
	assert_string_equal(who.local, "\"a@b\"");
}

/* ---- files ---- */

static const struct mail_address alice = {
	"alice@example.org", "alice", "example.org"};

#define HEAD "<clientConfig version=\"1.1\"><emailProvider id=\"x\">"
#define TAIL "</emailProvider></clientConfig>"
#define POP3(host, port, socket, more)                                         \
	"<incomingServer type=\"pop3\"><hostname>" host                        \
	"</hostname><port>" port "</port><socketType>" socket                  \
	"</socketType>" more "</incomingServer>"
#define USER(user) "<username>" user "</username>"
#define LOGIN(how) "<authentication>" how "</authentication>"

static struct autoconfig
parsed(const char *xml)
{
	char error[AUTOCONFIG_ERROR_SIZE] = "";
	struct autoconfig found = {.count = 77};

	if (autoconfig_parse(bytes_of_string(xml), &alice, &found, error) != OK)
		fail_msg("%s: %s", error, xml);
	return found;
}

static void
reads_servers(void **state)
{
	static const struct {
		const char *xml, *host;
		unsigned port;
		enum account_tls tls;
		const char *user;
		bool wants_oauth;
	} rows[] = {
		{HEAD POP3("pop.example.org", "995", "SSL",
			 USER("%EMAILADDRESS%")) TAIL,
			"pop.example.org", 995, ACCOUNT_TLS_IMPLICIT,
			"alice@example.org", false},
		/* Laid out by people; a value in pieces. */
		{HEAD POP3("\n  pop.<!-- x -->example.org\t", " 110\n",
			 "\nSTARTTLS ", USER(" %EMAILLOCALPART% ")) TAIL,
			"pop.example.org", 110, ACCOUNT_TLS_STARTTLS, "alice",
			false},
		{HEAD POP3("pop.%EMAILDOMAIN%", "995", "SSL",
			 USER("%EMAILDOMAIN%\\%EMAILLOCALPART%")) TAIL,
			"pop.example.org", 995, ACCOUNT_TLS_IMPLICIT,
			"example.org\\alice", false},
		{HEAD POP3("POP.Example.ORG", "995", "SSL", "") TAIL,
			"pop.example.org", 995, ACCOUNT_TLS_IMPLICIT,
			"alice@example.org", false},
		{HEAD POP3("p.example", "995", "SSL", LOGIN("OAuth2") USER("u"))
				TAIL,
			"p.example", 995, ACCOUNT_TLS_IMPLICIT, "u", true},
		{HEAD POP3("p.example", "995", "SSL",
			 LOGIN("OAuth2") LOGIN("password-cleartext")) TAIL,
			"p.example", 995, ACCOUNT_TLS_IMPLICIT,
			"alice@example.org", false},
		/* The first of a field counts; others do not matter. */
		{HEAD POP3("p.example", "995", "SSL",
			 "<hostname>q.example</hostname><pop3><hostname>r"
			 "</hostname></pop3>") TAIL,
			"p.example", 995, ACCOUNT_TLS_IMPLICIT,
			"alice@example.org", false},
		{"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" HEAD POP3(
			 "b\xfc"
			 "cher.example",
			 "995", "SSL", USER("&#38;x")) TAIL,
			"xn--bcher-kva.example", 995, ACCOUNT_TLS_IMPLICIT,
			"&x", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct autoconfig found = parsed(rows[i].xml);

		if (found.count != 1)
			fail_msg("%zu servers: %s", found.count, rows[i].xml);
		assert_string_equal(found.servers[0].host, rows[i].host);
		assert_int_equal(found.servers[0].port, rows[i].port);
		assert_int_equal(found.servers[0].tls, rows[i].tls);
		assert_string_equal(found.servers[0].user, rows[i].user);
		assert_int_equal(
			found.servers[0].wants_oauth, rows[i].wants_oauth);
	}
}

static void
tls_comes_first(void **state)
{
	struct autoconfig found = parsed(
		HEAD POP3("a.example", "110", "STARTTLS", "") POP3("b.example",
			"110", "plain", "") POP3("c.example", "995", "SSL", "")
			POP3("d.example", "1995", "TLS", "") TAIL);

	assert_int_equal(found.count, 3);
	assert_int_equal(found.without_tls, 1);
	assert_string_equal(found.servers[0].host, "c.example");
	assert_string_equal(found.servers[1].host, "d.example");
	assert_string_equal(found.servers[2].host, "a.example");
}

static void
leaves_out_what_cannot_be_used(void **state)
{
	static const char *const servers[] = {
		POP3("", "995", "SSL", ""),
		POP3("a b", "995", "SSL", ""),
		POP3("p.example&#10;keep", "995", "SSL", ""),
		POP3("p.example", "", "SSL", ""),
		POP3("p.example", "0", "SSL", ""),
		POP3("p.example", "65536", "SSL", ""),
		POP3("p.example", "-1", "SSL", ""),
		POP3("p.example", "995x", "SSL", ""),
		POP3("p.example", "995", "SSL", USER("a&#10;b")),
		POP3("p.example", "995", "SSL", USER("a&#127;b")),
		POP3("p.example", "995", "SSL", USER("a ; b")),
	};
	char xml[1024];

	for (size_t i = 0; i < COUNT(servers); i++) {
		struct autoconfig found;

		snprintf(xml, sizeof(xml), HEAD "%s" TAIL, servers[i]);
		found = parsed(xml);
		if (found.count != 0 || found.unusable != 1)
			fail_msg("taken: %s", servers[i]);
	}
}

/* Of IMAP, of another element, at another depth. */
static void
other_servers_are_not_ours(void **state)
{
	static const char *const files[] = {
		"<clientConfig></clientConfig>",
		HEAD TAIL,
		HEAD "<incomingServer type=\"imap\"><hostname>i</hostname>"
		     "</incomingServer>" TAIL,
		HEAD "<incomingServer><hostname>i</hostname>"
		     "</incomingServer>" TAIL,
		HEAD "<outgoingServer type=\"pop3\"><hostname>i</hostname>"
		     "</outgoingServer>" TAIL,
		"<clientConfig><other>" POP3("p.example", "995", "SSL",
			"") "</other></clientConfig>",
		"<clientConfig>" POP3(
			"p.example", "995", "SSL", "") "</clientConfig>",
	};

	for (size_t i = 0; i < COUNT(files); i++) {
		struct autoconfig found = parsed(files[i]);

		if (found.count + found.unusable + found.without_tls != 0)
			fail_msg("a server: %s", files[i]);
		assert_int_equal(found.has_imap, i == 2);
	}
}

static void
has_its_maxima(void **state)
{
	char xml[8192];
	struct autoconfig found;
	size_t used;

	used = (size_t)snprintf(xml, sizeof(xml), HEAD);
	for (int i = 0; i < AUTOCONFIG_SERVERS_MAXIMUM + 3; i++)
		used += (size_t)snprintf(xml + used, sizeof(xml) - used,
			POP3("p%d.example", "995", "SSL", ""), i);
	snprintf(xml + used, sizeof(xml) - used, TAIL);
	found = parsed(xml);
	assert_int_equal(found.count, AUTOCONFIG_SERVERS_MAXIMUM);
	assert_int_equal(found.unusable, 3);
}

static void
refuses_what_is_no_such_file(void **state)
{
	static const struct {
		const char *xml, *why;
	} rows[] = {
		{"", "line 1: no element found"},
		{"<html/>", "line 1: it is another kind of XML"},
		{"\n<clientConfig>", "line 2: no element found"},
		{"<!DOCTYPE clientConfig [<!ENTITY a \"b\">]><clientConfig/>",
			"line 1: it has a document type, which it needs none "
			"of"},
		{"<!DOCTYPE x SYSTEM \"http://192.0.2.1/\"><x/>",
			"line 1: it has a document type, which it needs none "
			"of"},
		{HEAD "<incomingServer type=\"pop3\"><hostname>&a;</hostname>",
			"line 1: undefined entity"},
		{"<clientConfig><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
		 "<a><a>",
			"line 1: its elements are nested too deeply"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char error[AUTOCONFIG_ERROR_SIZE] = "";
		struct autoconfig found = {.count = 77};

		assert_int_equal(autoconfig_parse(bytes_of_string(rows[i].xml),
					 &alice, &found, error),
			ERR_PEER);
		assert_string_equal(error, rows[i].why);
		assert_int_equal(found.count, 77);
	}
}

static void
values_have_their_maximum(void **state)
{
	char xml[2048], user[AUTOCONFIG_TEXT_OCTETS + 1];
	char error[AUTOCONFIG_ERROR_SIZE];
	struct autoconfig found;

	memset(user, 'u', sizeof(user));
	user[AUTOCONFIG_TEXT_OCTETS] = '\0';
	snprintf(xml, sizeof(xml),
		HEAD POP3("p.example", "995", "SSL", USER("%s")) TAIL, user);
	assert_int_equal(
		autoconfig_parse(bytes_of_string(xml), &alice, &found, error),
		ERR_PEER);
	assert_string_equal(error, "line 1: one of its values is too long");
	user[AUTOCONFIG_TEXT_OCTETS - 1] = '\0';
	snprintf(xml, sizeof(xml),
		HEAD POP3("p.example", "995", "SSL", USER("%s")) TAIL, user);
	found = parsed(xml);
	assert_string_equal(found.servers[0].user, user);
	/* Filled in it may be longer than what stood there. */
	memcpy(user, "%EMAILADDRESS%", 14);
	snprintf(xml, sizeof(xml),
		HEAD POP3("p.example", "995", "SSL", USER("%s")) TAIL, user);
	assert_int_equal(parsed(xml).unusable, 1);
}

/* ---- detours ---- */

static void
detours_lead_elsewhere(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *to_host;
		uint16_t to_port;
	} rows[] = {
		{"a.example", 995, "127.0.0.1", 1995},
		{"a.example", 110, "other", 110},
		{"b.example", 443, "b.example", 8443},
		{"b.example", 995, "b.example", 995},
	};
	struct detours detours;

	assert_true(detours_parse("a.example:995:127.0.0.1:1995, "
				  "A.example::other:, :443::8443",
		&detours));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *host = rows[i].host;
		uint16_t port = rows[i].port;

		detours_apply(&detours, &host, &port);
		assert_string_equal(host, rows[i].to_host);
		assert_int_equal(port, rows[i].to_port);
	}
	assert_true(detours_parse("", &detours));
	assert_int_equal(detours.count, 0);
}

static void
refuses_what_is_no_detour(void **state)
{
	static const char *const wrong[] = {"x", ":::", "a:1", "a:1:b:x",
		"a:0:b:1", "a:1:b:65536", "a b:1:c:1", "a:1:b:1,,",
		"a:1:b:1:2"};
	struct detours detours = {.count = 77};

	for (size_t i = 0; i < COUNT(wrong); i++)
		if (detours_parse(wrong[i], &detours))
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(detours.count, 77);
}

/* ---- trust ---- */

static void
judges_who_vouches(void **state)
{
	static const struct {
		enum discovery_source source;
		const char *host;
		bool is_certified;
		enum discovery_trust trust;
	} rows[] = {
		{SOURCE_AUTOCONFIG, "pop.other.org", false, TRUST_DOMAIN},
		{SOURCE_WELL_KNOWN, "pop.other.org", false, TRUST_DOMAIN},
		{SOURCE_DATABASE, "pop.other.org", false, TRUST_PROVIDER},
		{SOURCE_DATABASE, "pop.other.org", true, TRUST_DOMAIN},
		{SOURCE_EXCHANGE_AUTOCONFIG, "pop.other.org", false,
			TRUST_NONE},
		{SOURCE_EXCHANGE_DATABASE, "pop.other.org", false, TRUST_NONE},
		{SOURCE_EXCHANGE_DATABASE, "pop.example.org", false,
			TRUST_NAME},
		{SOURCE_SRV, "pop.other.org", false, TRUST_NONE},
		{SOURCE_SRV, "pop.badexample.org", false, TRUST_NONE},
		{SOURCE_SRV, "pop.example.org", false, TRUST_NAME},
		{SOURCE_SRV, "pop.other.org", true, TRUST_DOMAIN},
		{SOURCE_GUESS, "pop.example.org", false, TRUST_NAME},
		{SOURCE_GUESS, "example.org", true, TRUST_DOMAIN},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (discovery_judge(rows[i].source, rows[i].host, "example.org",
			    rows[i].is_certified) != rows[i].trust)
			fail_msg("row %zu: %s", i, rows[i].host);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_become_names),
		cmocka_unit_test(names_have_their_maximum),
		cmocka_unit_test(knows_what_is_within),
		cmocka_unit_test(takes_addresses_apart),
		cmocka_unit_test(reads_servers),
		cmocka_unit_test(tls_comes_first),
		cmocka_unit_test(leaves_out_what_cannot_be_used),
		cmocka_unit_test(other_servers_are_not_ours),
		cmocka_unit_test(has_its_maxima),
		cmocka_unit_test(refuses_what_is_no_such_file),
		cmocka_unit_test(values_have_their_maximum),
		cmocka_unit_test(detours_lead_elsewhere),
		cmocka_unit_test(refuses_what_is_no_detour),
		cmocka_unit_test(judges_who_vouches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
