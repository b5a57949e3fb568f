/* SPDX-License-Identifier: ISC */
#include "setup/autodiscover.h"
#include "setup/escape.h"

#include <expat.h>
#include <string.h>

#define DEPTH_MAXIMUM 16

/* ---- the question ---- */

struct reading {
	XML_Parser parser;
	char text[SETUP_ADDRESS_SIZE];
	size_t octets;
	unsigned depth;
	bool is_address; /* within the element */
	bool has_address, is_refused;
};

static void
refuse(struct reading *r)
{
	r->is_refused = true;
	XML_StopParser(r->parser, XML_FALSE);
}

/* "EMailAddress", in whatever name space. */
static bool
is_address_element(const char *name)
{
	const char *colon = strrchr(name, ':');

	return strcmp(colon ? colon + 1 : name, "EMailAddress") == 0;
}

static void XMLCALL
on_start(void *context, const char *name, const char **attributes)
{
	struct reading *r = context;

	if (++r->depth > DEPTH_MAXIMUM || r->is_address) {
		refuse(r);
		return;
	}
	r->is_address = is_address_element(name);
	if (r->is_address && r->has_address)
		refuse(r);
	r->has_address = r->has_address || r->is_address;
}

static void XMLCALL
on_end(void *context, const char *name)
{
	struct reading *r = context;

	r->depth--;
	r->is_address = false;
}

static void XMLCALL
on_text(void *context, const char *text, int octets)
{
	struct reading *r = context;

	if (!r->is_address)
		return;
	if ((size_t)octets >= sizeof(r->text) - r->octets) {
		refuse(r);
		return;
	}
	memcpy(r->text + r->octets, text, (size_t)octets);
	r->octets += (size_t)octets;
}

/* No entity is ever declared, so none grows. */
static void XMLCALL
on_doctype(void *context, const char *name, const char *system,
	const char *public, int has_subset)
{
	refuse(context);
}

bool
autodiscover_read(struct bytes xml, struct setup_who *out)
{
	struct reading r = {.parser = XML_ParserCreate(NULL)};
	char address[SETUP_ADDRESS_SIZE];
	bool is_good;

	*out = (struct setup_who){{0}, {0}, {0}};
	if (!r.parser)
		return false;
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	is_good = XML_Parse(r.parser, (const char *)xml.at, (int)xml.octets,
			  XML_TRUE) == XML_STATUS_OK &&
		  !r.is_refused && r.has_address;
	XML_ParserFree(r.parser);
	return is_good &&
	       bytes_to_string(bytes_trim(bytes_of(r.text, r.octets)), address,
		       sizeof(address)) &&
	       setup_who_parse(address, out);
}

/* ---- the answer ---- */

static const char head[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	"<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/"
	"autodiscover/responseschema/2006\">\n";

static bool
put_protocol(const struct setup_facts *facts, const struct setup_server *server,
	const char *type, const struct setup_who *who, struct buffer *out)
{
	return buffer_printf(out,
		       "<Protocol>\n<Type>%s</Type>\n<Server>%s</Server>\n"
		       "<Port>%u</Port>\n<DomainRequired>off</DomainRequired>\n"
		       "<LoginName>",
		       type, server->host, server->port) &&
	       setup_escape(setup_login(facts, who), out) &&
	       buffer_printf(out,
		       "</LoginName>\n<SPA>off</SPA>\n<SSL>on</SSL>\n"
		       "<Encryption>%s</Encryption>\n"
		       "<AuthRequired>on</AuthRequired>\n</Protocol>\n",
		       server->is_starttls ? "TLS" : "SSL");
}

bool
autodiscover_write(const struct setup_facts *facts, const struct setup_who *who,
	struct buffer *out)
{
	bool is_good =
		buffer_append_string(out, head) &&
		buffer_append_string(out,
			"<Response xmlns=\"http://schemas.microsoft.com/"
			"exchange/autodiscover/outlook/responseschema/2006a\">"
			"\n<Account>\n<AccountType>email</AccountType>\n"
			"<Action>settings</Action>\n");

	for (size_t i = 0; i < facts->pop3_count; i++)
		is_good = is_good && put_protocol(facts, &facts->pop3[i],
					     "POP3", who, out);
	if (facts->submission.host[0])
		is_good = is_good && put_protocol(facts, &facts->submission,
					     "SMTP", who, out);
	return is_good && buffer_append_string(out,
				  "</Account>\n</Response>\n</Autodiscover>\n");
}

bool
autodiscover_refuse(struct buffer *out)
{
	return buffer_append_string(out, head) &&
	       buffer_append_string(out,
		       "<Response>\n<Error Time=\"00:00:00\" Id=\"0\">\n"
		       "<ErrorCode>600</ErrorCode>\n"
		       "<Message>Invalid Request</Message>\n<DebugData/>\n"
		       "</Error>\n</Response>\n</Autodiscover>\n");
}
