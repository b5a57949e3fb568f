/* SPDX-License-Identifier: ISC */
#include "collect/discovery/autoconfig.h"

#include <expat.h>
#include <stdio.h>
#include <string.h>

/* clientConfig, emailProvider, incomingServer, hostname */
enum { DEPTH_ROOT = 1, DEPTH_PROVIDER, DEPTH_SERVER, DEPTH_FIELD };

enum field {
	FIELD_HOST,
	FIELD_PORT,
	FIELD_SOCKET,
	FIELD_USER,
	FIELDS,
	FIELD_LOGIN, /* may come more than once */
	FIELD_OTHER,
};

struct reading {
	XML_Parser parser;
	const struct mail_address *who;
	struct autoconfig found;
	int depth;
	bool is_provider, is_server; /* we are within one */
	enum field field;
	char text[AUTOCONFIG_TEXT_OCTETS];
	size_t octets;
	char fields[FIELDS][AUTOCONFIG_TEXT_OCTETS];
	unsigned logins, oauth_logins;
	const char *refused; /* why it was stopped; NULL: it was not */
};

static void
refuse(struct reading *r, const char *why)
{
	r->refused = why;
	XML_StopParser(r->parser, XML_FALSE);
}

/* ---- what a server is made of ---- */

/* False: it does not fit. */
static bool
append(char *out, size_t size, size_t *used, struct bytes text)
{
	if (text.octets >= size - *used)
		return false;
	memcpy(out + *used, text.at, text.octets);
	*used += text.octets;
	out[*used] = '\0';
	return true;
}

/* %EMAILADDRESS% and its like become parts of the address. */
static bool
fill_in(const char *text, const struct mail_address *who, char *out,
	size_t size)
{
	const struct {
		const char *name, *value;
	} variables[] = {
		{"%EMAILADDRESS%", who->address},
		{"%EMAILLOCALPART%", who->local},
		{"%EMAILDOMAIN%", who->domain},
	};
	size_t used = 0;

	out[0] = '\0';
	while (*text) {
		struct bytes value = bytes_of(text, 1);
		size_t taken = 1;

		for (size_t i = 0; i < 3; i++) {
			size_t octets = strlen(variables[i].name);

			if (strncmp(text, variables[i].name, octets) != 0)
				continue;
			value = bytes_of_string(variables[i].value);
			taken = octets;
		}
		if (!append(out, size, &used, value))
			return false;
		text += taken;
	}
	return true;
}

/* It becomes a line of settings, and is shown. */
static bool
is_plain(const char *text)
{
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	return ini_can_hold(text) && text[0];
}

static bool
read_user(const struct reading *r, char out[AUTOCONFIG_USER_SIZE])
{
	const char *user = r->fields[FIELD_USER];

	return fill_in(user[0] ? user : "%EMAILADDRESS%", r->who, out,
		       AUTOCONFIG_USER_SIZE) &&
	       is_plain(out);
}

static bool
read_host(const struct reading *r, char out[HOST_SIZE])
{
	char host[AUTOCONFIG_TEXT_OCTETS];

	return fill_in(r->fields[FIELD_HOST], r->who, host, sizeof(host)) &&
	       host_name_normalize(host, out);
}

static void
end_server(struct reading *r)
{
	struct autoconfig *found = &r->found;
	struct named_server server = {.tls = ACCOUNT_TLS_NONE};
	const char *socket = r->fields[FIELD_SOCKET];
	uint64_t port = 0;

	if (strcmp(socket, "SSL") == 0 || strcmp(socket, "TLS") == 0)
		server.tls = ACCOUNT_TLS_IMPLICIT;
	else if (strcmp(socket, "STARTTLS") == 0)
		server.tls = ACCOUNT_TLS_STARTTLS;
	if (server.tls == ACCOUNT_TLS_NONE) {
		found->without_tls++;
		return;
	}
	if (!bytes_to_number(
		    bytes_of_string(r->fields[FIELD_PORT]), 65535, &port) ||
		port == 0 || !read_host(r, server.host) ||
		!read_user(r, server.user) ||
		found->count == AUTOCONFIG_SERVERS_MAXIMUM) {
		found->unusable++;
		return;
	}
	server.port = (uint16_t)port;
	server.wants_oauth = r->logins > 0 && r->oauth_logins == r->logins;
	found->servers[found->count++] = server;
}

/* ---- elements ---- */

static enum field
field_of(const char *name)
{
	static const char *const names[] = {
		[FIELD_HOST] = "hostname",
		[FIELD_PORT] = "port",
		[FIELD_SOCKET] = "socketType",
		[FIELD_USER] = "username",
		[FIELD_LOGIN] = "authentication",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return (enum field)i;
	return FIELD_OTHER;
}

static void
begin_server(struct reading *r, const char **attributes)
{
	for (; attributes[0]; attributes += 2) {
		if (strcmp(attributes[0], "type") != 0)
			continue;
		r->is_server = strcmp(attributes[1], "pop3") == 0;
		r->found.has_imap |= strcmp(attributes[1], "imap") == 0;
	}
	memset(r->fields, 0, sizeof(r->fields));
	r->logins = r->oauth_logins = 0;
}

static void XMLCALL
on_start(void *context, const char *name, const char **attributes)
{
	struct reading *r = context;

	r->depth++;
	r->field = FIELD_OTHER;
	r->octets = 0;
	if (r->depth > AUTOCONFIG_DEPTH_MAXIMUM)
		refuse(r, "its elements are nested too deeply");
	else if (r->depth == DEPTH_ROOT && strcmp(name, "clientConfig") != 0)
		refuse(r, "it is another kind of XML");
	else if (r->depth == DEPTH_PROVIDER)
		r->is_provider = strcmp(name, "emailProvider") == 0;
	else if (r->depth == DEPTH_SERVER && r->is_provider &&
		 strcmp(name, "incomingServer") == 0)
		begin_server(r, attributes);
	else if (r->depth == DEPTH_FIELD && r->is_server)
		r->field = field_of(name);
}

static void XMLCALL
on_text(void *context, const char *text, int octets)
{
	struct reading *r = context;

	if (r->field == FIELD_OTHER || r->depth != DEPTH_FIELD)
		return;
	if ((size_t)octets >= sizeof(r->text) - r->octets) {
		refuse(r, "one of its values is too long");
		return;
	}
	memcpy(r->text + r->octets, text, (size_t)octets);
	r->octets += (size_t)octets;
}

/* White space around a value is how people lay XML out. */
static struct bytes
trim(struct bytes text)
{
	while (text.octets > 0 && strchr(" \t\r\n", text.at[0]))
		text = bytes_after(text, 1);
	while (text.octets > 0 && strchr(" \t\r\n", text.at[text.octets - 1]))
		text.octets--;
	return text;
}

static void
end_field(struct reading *r)
{
	struct bytes text = trim(bytes_of(r->text, r->octets));

	if (r->field == FIELD_LOGIN) {
		r->logins++;
		r->oauth_logins += bytes_equal(text, bytes_of_string("OAuth2"));
	} else if (r->field < FIELDS && r->fields[r->field][0] == '\0') {
		memcpy(r->fields[r->field], text.at, text.octets);
		r->fields[r->field][text.octets] = '\0';
	}
	r->field = FIELD_OTHER;
}

static void XMLCALL
on_end(void *context, const char *name)
{
	struct reading *r = context;

	if (r->depth == DEPTH_FIELD && r->field != FIELD_OTHER)
		end_field(r);
	else if (r->depth == DEPTH_SERVER && r->is_server)
		end_server(r);
	if (r->depth == DEPTH_SERVER)
		r->is_server = false;
	r->depth--;
}

/* With it come entities, and files and servers that they name. */
static void XMLCALL
on_doctype(void *context, const char *name, const char *system,
	const char *public, int has_subset)
{
	refuse(context, "it has a document type, which it needs none of");
}

/* ---- all of it ---- */

static void
say(const struct reading *r, char error[AUTOCONFIG_ERROR_SIZE])
{
	snprintf(error, AUTOCONFIG_ERROR_SIZE, "line %lu: %s",
		(unsigned long)XML_GetCurrentLineNumber(r->parser),
		r->refused ? r->refused
			   : XML_ErrorString(XML_GetErrorCode(r->parser)));
}

/* TLS from the first octet is better than STLS (RFC 8314 section 5.1). */
static void
sort(struct autoconfig *found)
{
	struct named_server sorted[AUTOCONFIG_SERVERS_MAXIMUM] = {0};
	size_t count = 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < found->count; i++)
			if ((found->servers[i].tls == ACCOUNT_TLS_IMPLICIT) ==
				(pass == 0))
				sorted[count++] = found->servers[i];
	memcpy(found->servers, sorted, count * sizeof(sorted[0]));
}

enum outcome
autoconfig_parse(struct bytes xml, const struct mail_address *who,
	struct autoconfig *out, char error[AUTOCONFIG_ERROR_SIZE])
{
	struct reading reading = {.who = who};
	enum outcome outcome = ERR_PEER;

	if (xml.octets > AUTOCONFIG_MAXIMUM_OCTETS) {
		snprintf(error, AUTOCONFIG_ERROR_SIZE, "it is too large");
		return ERR_PEER;
	}
	reading.parser = XML_ParserCreate(NULL);
	if (!reading.parser) {
		snprintf(error, AUTOCONFIG_ERROR_SIZE, "no memory");
		return ERR_TRY_LATER;
	}
	XML_SetUserData(reading.parser, &reading);
	XML_SetElementHandler(reading.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reading.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reading.parser, on_doctype);
	if (XML_Parse(reading.parser, (const char *)xml.at, (int)xml.octets,
		    XML_TRUE) == XML_STATUS_OK) {
		sort(&reading.found);
		*out = reading.found;
		outcome = OK;
	} else {
		say(&reading, error);
	}
	XML_ParserFree(reading.parser);
	return outcome;
}
